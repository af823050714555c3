"""The built script: it runs where nothing of the repository is, and only as it was built."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.kernels.bundle import pack
from common.kernels.listing import Member
from common.kernels.script_format import script
from tests.kernels.desk import TINY, a_config, run


def write_script(folder: Path, *more: Member) -> Path:
    """A script of the tiny code, some of its files replaced."""
    files = {member.name: member for member in (*TINY, *more)}
    text = script(a_config(), pack(list(files.values())), "Digits")
    path = folder / "digits-train.py"
    path.write_text(text)
    return path


def run_script(
    path: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script with an empty folder to work in, and without the user's packages."""
    working = path.parent / "working"
    working.mkdir(exist_ok=True)
    return run(sys.executable, "-s", path, cwd=working, environment=environment)


def test_it_runs_from_an_empty_folder_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "temp").mkdir()
    path = write_script(tmp_path)
    done = run_script(path, {"KIT_TEMP": str(tmp_path / "temp")})
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["kernel"] == "digits-train"
    for place in (said["file"], said["home"], said["first"]):
        assert Path(place).is_relative_to(tmp_path / "temp")
    assert not list((tmp_path / "working").iterdir())
    assert not list((tmp_path / "temp").iterdir())


def test_on_kaggle_the_temporary_folder_is_the_system_s(tmp_path: Path) -> None:
    environment = {
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        "KIT_TEMP": str(tmp_path / "absent"),
        "TMPDIR": str(tmp_path),
    }
    done = run_script(write_script(tmp_path), environment)
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["home"]).parents[1] == tmp_path


def test_the_exit_code_of_the_kernel_is_the_script_s(tmp_path: Path) -> None:
    failing = Member("kernels/helper.py", b"def code():\n    return 2\n")
    assert run_script(write_script(tmp_path, failing)).returncode == 2


@pytest.mark.parametrize("where", [0, 3, -3])
def test_a_changed_character_is_found_before_anything_is_unpacked(
    tmp_path: Path, where: int
) -> None:
    path = write_script(tmp_path)
    text = path.read_text()
    begin, end = text.index('ARCHIVE = """\n') + 14, text.index('"""\n\nif __name__')
    packed = text[begin:end]
    place = where if where >= 0 else len(packed.rstrip("=\n")) + where
    other = "B" if packed[place] == "A" else "A"
    path.write_text(text[:begin] + packed[:place] + other + packed[place + 1 :] + text[end:])
    done = run_script(path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: this file was cut or edited: build it and push it again\n"


def test_a_line_that_is_gone_is_found(tmp_path: Path) -> None:
    path = write_script(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    first = lines.index('ARCHIVE = """\n') + 1
    path.write_text("".join(lines[:first] + lines[first + 1 :]))
    done = run_script(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: this file was cut or edited")


def test_children_and_spawned_workers_find_the_code(tmp_path: Path) -> None:
    helper = b"""\
import multiprocessing
import subprocess
import sys


def work(number):
    return number * number


def code():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(work, [2, 3]) == [4, 9]
    child = "import kernels.helper as h; print(h.work(5))"
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout == "25\\n"
    return 0
"""
    done = run_script(write_script(tmp_path, Member("kernels/helper.py", helper)))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1  # the workers did not begin the kernel again


def test_importing_the_script_does_nothing(tmp_path: Path) -> None:
    path = write_script(tmp_path)
    done = run(sys.executable, "-c", f"import runpy; runpy.run_path({str(path)!r})", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_inherited_path_is_kept_behind_the_code(tmp_path: Path) -> None:
    helper = b"import os\n\n\ndef code():\n    print(os.environ['PYTHONPATH'])\n    return 0\n"
    path = write_script(tmp_path, Member("kernels/helper.py", helper))
    done = run_script(path, {"PYTHONPATH": str(tmp_path)})
    code, _, before = done.stdout.splitlines()[-1].partition(":")
    assert (Path(code).name, before) == ("code", str(tmp_path))


@pytest.mark.parametrize(("internet", "expected"), [(False, "1"), (True, None)])
def test_without_internet_the_hub_is_told_to_stay_offline(
    tmp_path: Path, internet: bool, expected: str | None
) -> None:
    helper = (
        b"import os\n\n\ndef code():\n    print(os.environ.get('HF_HUB_OFFLINE'))\n    return 0\n"
    )
    files = {m.name: m for m in (*TINY, Member("kernels/helper.py", helper))}
    path = tmp_path / "digits-train.py"
    path.write_text(script(a_config(internet=internet), pack(list(files.values())), "Digits"))
    assert run_script(path).stdout.splitlines()[-1] == str(expected)


def test_the_text_is_plain_ascii_of_readable_lines() -> None:
    text = script(a_config(changes=('name="ä"',)), pack(TINY), "Digits")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
    compile(text, "digits-train.py", "exec")
