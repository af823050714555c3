"""What the tests of kernels share: a small repository to build from, and a way to run things."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from common.kernels.config import KernelConfig
from common.kernels.listing import Member
from tests.conftest import REPOSITORY

PARTS = ("common", "kernels", "scripts", "requirements", "competitions/digit_recognizer")
IGNORED = "__pycache__/\n/kernels/*/\n/data/\n/runs/\n"


def copy_repository(target: Path, *, git: bool = True) -> Path:
    """The repository with one competition, clean and committed."""
    for part in PARTS:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", part],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(REPOSITORY / name, target / name)
    shutil.copyfile(REPOSITORY / "competitions/__init__.py", target / "competitions/__init__.py")
    (target / ".gitignore").write_text(IGNORED)
    if git:
        run_git(target, "init", "--quiet")
        commit(target)
    return target


def commit(repository: Path) -> None:
    """Commits all that lies in the repository."""
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "--quiet", "--message", "state")


def run_git(repository: Path, *words: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *who, *words], cwd=repository, check=True, capture_output=True)


def run(
    *command: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in an environment of its own."""
    basic = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HOME": str(cwd)}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**basic, **(environment or {})},
        capture_output=True,
        text=True,
    )


def build(
    repository: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """scripts/build_kernel.py of a repository, for the digits."""
    return run(
        *(sys.executable, repository / "scripts/build_kernel.py", "digit-recognizer", *arguments),
        cwd=cwd or repository,
        environment={"PYTHONPATH": str(repository), **(environment or {})},
    )


def run_notebook(
    text: str, folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A notebook's cells, one after the other as a notebook server has them, in an interpreter of
    their own and an empty working folder."""
    (folder / "kernel.ipynb").write_text(text, encoding="utf-8")
    (folder / "runner.py").write_text(RUNNER, encoding="utf-8")
    (folder / "working").mkdir()
    return run(
        *(sys.executable, folder / "runner.py", folder / "kernel.ipynb"),
        cwd=folder / "working",
        environment={"KIT_TEMP": str(folder), **(environment or {})},
    )


RUNNER = """\
import json, sys

def run(text, names):
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        if source.startswith("%%writefile "):
            line, _, body = source.partition("\\n")
            path = line.removeprefix("%%writefile ").replace("{KIT}", names["KIT"])
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(body + "\\n")
        else:
            exec(compile(source, "cell", "exec"), names)

run(open(sys.argv[1], encoding="utf-8").read(), {"__name__": "__main__"})
"""


def a_config(**changes: object) -> KernelConfig:
    """A config of a train kernel."""
    values = {
        "competition": "digit_recognizer",
        "slug": "digit-recognizer",
        "role": "train",
        "kernel": "digits-train",
        "code": "0" * 64,
        **changes,
    }
    return KernelConfig(**values)  # type: ignore[arg-type]


START = Member(
    "kernels/start.py",
    b"""import json
import os
import sys
from kernels import helper


def main(text):
    print(json.dumps({"kernel": json.loads(text)["kernel"], "file": __file__,
                      "home": os.environ["KIT_HOME"], "first": sys.path[0]}))
    return helper.code()


def in_notebook(text):
    main(text)
""",
)
TINY = (
    Member("kernels/__init__.py", b""),
    START,
    Member("kernels/helper.py", b"def code():\n    return 0\n"),
)
