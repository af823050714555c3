"""The built notebook: cells that give the modules back byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from common.errors import DataError
from common.kernels.listing import Member
from common.kernels.notebook_format import notebook, sent_size
from tests.kernels.desk import TINY, a_config, run_notebook

MAGIC = "%%writefile {KIT}/code/"
TEXT = Member(
    "competitions/x/odd.py",
    'a = "{KIT} $HOME"\n\n\nb = """%%writefile x\n"""\n\t# ä → \N{ROCKET} \u2028 \x0c\n\n'.encode(),
)


def cells_of(*more: Member) -> list[dict[str, Any]]:
    value = json.loads(notebook(a_config(), (*TINY, *more), "Digits"))
    cells: list[dict[str, Any]] = value["cells"]
    return cells


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_every_cell_gives_its_module_back_byte_for_byte(tmp_path: Path) -> None:
    done = run_notebook(notebook(a_config(), (*TINY, TEXT), "Digits"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kernel"] == "digits-train"
    (code,) = tmp_path.glob("kit-*/code")
    for member in (*TINY, TEXT):
        assert (code / member.name).read_bytes() == member.content
    assert not list((tmp_path / "working").iterdir())


def test_the_notebook_is_valid_and_names_its_kernel() -> None:
    value = nbformat.reads(notebook(a_config(), TINY, "Digits"), as_version=4)
    nbformat.validate(value)
    assert (value.nbformat, value.nbformat_minor) == (4, 5)
    assert value.metadata.kernelspec.name == "python3"


def test_ids_are_the_same_every_time_and_differ() -> None:
    ids = [cell["id"] for cell in cells_of(TEXT)]
    assert ids == [cell["id"] for cell in cells_of(TEXT)]
    assert len(set(ids)) == len(ids)


def test_the_reader_meets_the_competition_before_the_kit() -> None:
    shared = Member("common/errors.py", b"x = 1\n")
    named = [source(cell).partition("\n")[0] for cell in cells_of(shared, TEXT)]
    modules = [line.removeprefix(MAGIC) for line in named if line.startswith(MAGIC)]
    assert modules == [TEXT.name, "kernels/helper.py", "kernels/start.py", shared.name]
    assert named[0] == "# Digits"


def test_an_edited_cell_stops_the_run(tmp_path: Path) -> None:
    text = notebook(a_config(), TINY, "Digits")
    done = run_notebook(text.replace("return 0", "return 1"), tmp_path)
    assert done.returncode == 1
    expected = "RuntimeError: error: the cell of kernels/helper.py was edited"
    assert done.stderr.splitlines()[-1].startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe", "no UTF-8 text"),
        (b"a = 1\r\n", "characters that a cell changes"),
        (b"a = 1", "its last line has no end"),
        (b"\0\n", "characters that a cell changes"),
    ],
)
def test_what_a_cell_cannot_hold_is_refused(content: bytes, expected: str) -> None:
    with pytest.raises(DataError, match=rf"^competitions/x/data\.bin .*{expected}"):
        cells_of(Member("competitions/x/data.bin", content))


def test_a_name_that_a_cell_would_change_is_refused() -> None:
    with pytest.raises(DataError, match=r"a\$b\.py has a name that a cell changes"):
        cells_of(Member("competitions/x/a$b.py", b"1\n"))


def test_the_size_is_that_of_what_kaggle_s_command_sends() -> None:
    text = notebook(a_config(), (*TINY, TEXT), "Digits")
    body = json.loads(text)  # as kernels_push does it
    for cell in body["cells"]:
        if "outputs" in cell and cell["cell_type"] == "code":
            cell["outputs"] = []
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])
    assert sent_size(text) == len(json.dumps(body).encode())
