"""A kernel as one notebook, for publishing: every module a cell, checked before it runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from common.errors import DataError
from common.kernels.bundle import digest
from common.kernels.config import KernelConfig
from common.kernels.listing import Member
from common.kernels.script_format import WHAT

TITLE = """\
# {title}

This kernel {what}. It was made by `scripts/build_kernel.py` from commit `{commit}`. The cells below
write its modules, unchanged, into a temporary folder; the last one checks them and runs. To change
something, change it in the repository and build again.
"""

FOLDERS = """\
# The folders of the modules, outside the working folder, whose files are the kernel's output.
import os
import tempfile

on_kaggle = os.environ.get("KAGGLE_KERNEL_RUN_TYPE") in ("Batch", "Interactive")
KIT = tempfile.mkdtemp(prefix="kit-", dir=None if on_kaggle else os.environ.get("KIT_TEMP"))
for folder in (
{folders}
):
    os.makedirs(os.path.join(KIT, "code", folder))
for empty in (
{empty}
):
    open(os.path.join(KIT, "code", empty), "w").close()
"""

CONFIG = '''\
# What tells this kernel from others of the same code, and the SHA-256 of every module.
CONFIG = r"""
{config}
"""

SHA256 = {{
{hashes}
}}
'''

RUN = """\
import hashlib
import sys

code = os.path.join(KIT, "code")
for name, expected in SHA256.items():
    with open(os.path.join(code, name), "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != expected:
            raise RuntimeError(f"error: the cell of {{name}} was edited: build and push it again")

before = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = os.pathsep.join([code, before] if before else [code])
os.environ["KIT_HOME"] = os.path.join(KIT, "home")
{offline}sys.path.insert(0, code)

from kernels import start

start.in_notebook(CONFIG)
"""

OFFLINE = """\
for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
    os.environ[name] = "1"  # this kernel has no internet: look into the caches only
"""

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
# the reader meets the competition first, then what runs, then the kit
ORDER = ("competitions/", "kernels/", "common/", "")


def notebook(config: KernelConfig, members: Sequence[Member], title: str) -> str:
    """The notebook's JSON.

    Raises: DataError for a file that a cell cannot hold unchanged.
    """
    members = sorted(members, key=_place)
    written = [member for member in members if member.content]
    cells = [
        _cell(
            "markdown",
            "title",
            TITLE.format(title=title, what=WHAT[config.role], commit=config.commit),
        ),
        _cell("code", "folders", _folders(members)),
        *(_module_cell(member) for member in written),
        _cell("code", "config", _config(config, written)),
        _cell("code", "run", RUN.format(offline="" if config.internet else OFFLINE)),
    ]
    value = {
        "cells": cells,
        "metadata": {"kernelspec": KERNELSPEC, "language_info": LANGUAGE},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def sent_size(text: str) -> int:
    """The bytes that Kaggle's command sends for a notebook: sources joined, other characters than
    ASCII escaped."""
    value = json.loads(text)
    for cell in value["cells"]:
        cell["source"] = "".join(cell["source"])
    return len(json.dumps(value))


def _place(member: Member) -> tuple[int, str]:
    return next(n for n, start in enumerate(ORDER) if member.name.startswith(start)), member.name


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    """A cell whose id depends on its name alone; the last line ends without a line break."""
    cell: dict[str, Any] = {"cell_type": kind, "id": digest(name.encode())[:16], "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": source.removesuffix("\n").splitlines(keepends=True)}


def _module_cell(member: Member) -> dict[str, Any]:
    return _cell("code", member.name, f"%%writefile {{KIT}}/code/{member.name}\n{_text(member)}")


def _text(member: Member) -> str:
    """A file's text, if a cell gives it back byte for byte: the magic ends it with a line break and
    turns no other."""
    try:
        text = member.content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(
            f"{member.name} is no UTF-8 text, which no cell can hold; take --format script"
        ) from None
    if "\0" in text or "\r" in text or not text.endswith("\n"):
        raise DataError(
            f"{member.name} holds characters that a cell changes, or its last line has no end; "
            "write it with plain line breaks, or take --format script"
        )
    if any(sign in member.name for sign in "{}$ '\"%"):
        raise DataError(f"{member.name} has a name that a cell changes; rename it")
    return text


def _folders(members: Sequence[Member]) -> str:
    """The first cell: it makes the folders, and the files that are empty, which no cell writes."""
    parents = {member.name.rpartition("/")[0] for member in members} - {""}
    lowest = [p for p in sorted(parents) if not any(q.startswith(f"{p}/") for q in parents)]
    empty = [member.name for member in members if not member.content]
    return FOLDERS.format(folders=_lines(lowest), empty=_lines(empty))


def _config(config: KernelConfig, written: Sequence[Member]) -> str:
    hashes = "\n".join(
        f"    {json.dumps(member.name)}: {json.dumps(digest(member.content))},"
        for member in written
    )
    return CONFIG.format(config=config.to_json(), hashes=hashes)


def _lines(names: Sequence[str]) -> str:
    return "\n".join(f"    {json.dumps(name)}," for name in names)
