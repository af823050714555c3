"""A kernel as one script: a readable head, the config, and the packed code at the end."""

from __future__ import annotations

import base64

from common.kernels.bundle import digest
from common.kernels.config import KernelConfig

COLUMNS = 100

HEAD = '''\
# {title}: {what}
#
# Made by scripts/build_kernel.py from commit {commit}.
# Change the repository, not this file, and build it again.
# What runs is {where} (tar in xz{encoded}: common/,
# competitions/{folder}/, kernels/); CONFIG tells this kernel from others of the same code.

import base64
import binascii
import hashlib
import io
import os
import sys
import tarfile
import tempfile

CODE = "{code}"  # SHA-256 of the archive

CONFIG = r"""
{config}
"""


def unpack(folder):
    """Writes the archive's files into a folder, if the archive is the one that was built."""
{read}    if hashlib.sha256(archive).hexdigest() != CODE:
        print("error: {broken}", file=sys.stderr)
        sys.exit(2)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:xz") as files:
        files.extractall(folder, filter="data")


def prepare_environment(folder):
    """Tells this process and its children where the code is, before any of it is imported.

    The only place besides common/paths.py that reads the environment: that file is still packed.
    """
    code = os.path.join(folder, "code")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([code, before] if before else [code])
    os.environ["KIT_HOME"] = os.path.join(folder, "home")
{offline}    sys.path.insert(0, code)
    return code


def main():
    """Unpacks the code outside the working folder, whose files are the kernel's output."""
    on_kaggle = os.environ.get("KAGGLE_KERNEL_RUN_TYPE") in ("Batch", "Interactive")
    place = None if on_kaggle else os.environ.get("KIT_TEMP")
    with tempfile.TemporaryDirectory(prefix="kit-", dir=place) as folder:
        unpack(prepare_environment(folder))
        from kernels import start

        return start.main(CONFIG)

'''

BEFORE_ARCHIVE, AFTER_ARCHIVE = '\n\nARCHIVE = """\n', '\n"""\n'

TAIL = """\

if __name__ == "__main__":  # not in the workers that import this file again
    code = main()
    if code:
        sys.exit(code)
"""

READ_HERE = """\
    try:
        archive = base64.b64decode("".join(ARCHIVE.split()), validate=True)
    except binascii.Error:
        archive = b""
"""

# not on Kaggle another folder may stand for its inputs
READ_ATTACHED = """\
    on_kaggle = os.environ.get("KAGGLE_KERNEL_RUN_TYPE") in ("Batch", "Interactive")
    place = (None if on_kaggle else os.environ.get("KIT_INPUT")) or "/kaggle/input"
    name, archive = "code-" + CODE[:16] + ".bin", b""
    for where, folders, names in os.walk(place):
        if where.count(os.sep) - place.count(os.sep) >= 3:
            folders.clear()  # a data set lies at most three folders deep
        if name in names:
            with open(os.path.join(where, name), "rb") as stream:
                archive = stream.read()
            break
    else:
        print("error: " + name + " is in no data set below " + place + ": pack the code again"
              " (scripts/pack_dataset.py --code), upload the data set and push", file=sys.stderr)
        sys.exit(2)
"""

OFFLINE = """\
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"  # this kernel has no internet: look into the caches only
"""


def script(config: KernelConfig, archive: bytes, title: str, *, attached: bool = False) -> str:
    """The text of the script.

    Args:
        archive: what `bundle.pack` gave.
        attached: the archive comes in a data set, under `attached_name`, and not in the script.
    """
    head = HEAD.format(
        title=title,
        what=WHAT[config.role],
        commit=config.commit,
        folder=config.competition,
        code=digest(archive),
        config=config.to_json(),
        offline="" if config.internet else OFFLINE,
        where="in an attached data set" if attached else "the archive at the end",
        encoded="" if attached else " as base64",
        read=READ_ATTACHED if attached else READ_HERE,
        broken=BROKEN_ATTACHED if attached else BROKEN_HERE,
    )
    if attached:
        return head.replace("import base64\nimport binascii\n", "") + "\n" + TAIL
    text = base64.b64encode(archive).decode("ascii")
    lines = [text[start : start + COLUMNS] for start in range(0, len(text), COLUMNS)]
    return head + BEFORE_ARCHIVE + "\n".join(lines) + AFTER_ARCHIVE + TAIL


def attached_name(code: str) -> str:
    """What the file with the packed code is called in a data set; no archive's ending, so Kaggle
    leaves it whole."""
    return f"code-{code[:16]}.bin"


BROKEN_HERE = "this file was cut or edited: build it and push it again"
BROKEN_ATTACHED = "the attached code was cut or edited: upload its data set again"
WHAT = {
    "train": "trains, and leaves a run folder as its output",
    "infer": "predicts with a trained run and writes submission.csv",
}
