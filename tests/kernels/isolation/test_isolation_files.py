"""What a session may read and write, and what comes back of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from common import paths
from common.kernels.isolation import interpreter_paths, run
from tests.kernels.isolation.conftest import Execute, refusal, session


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A competition's files."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "train.csv").write_text("id\n1\n")
    (folder / "images/1.txt").write_text("one")
    return folder


def test_inputs_are_read_under_their_names(mode: str, data: Path, execute: Execute) -> None:
    names = {"competitions/toy-set": data, "datasets/me/more": data / "images"}
    ran = execute(
        mode,
        "print(json.dumps(sorted(os.path.relpath(os.path.join(place, name), INPUT)\n"
        "    for place, _, names in os.walk(INPUT) for name in names)))",
        inputs=names,
    )
    assert ran.said == [
        "competitions/toy-set/images/1.txt",
        "competitions/toy-set/train.csv",
        "datasets/me/more/1.txt",
    ]


def test_inputs_cannot_be_changed(mode: str, data: Path, execute: Execute) -> None:
    ran = execute(
        mode,
        """
toy = INPUT + "/competitions/toy-set"
print(json.dumps([
    open(toy + "/train.csv").read(),
    writing(toy + "/train.csv"),
    writing(toy + "/new"),
    writing(INPUT + "/new"),
    error_of(lambda: os.remove(toy + "/images/1.txt")),
    error_of(lambda: os.rename(toy + "/images", toy + "/other")),
]))""",
        inputs={"competitions/toy-set": data},
    )
    assert ran.said == ["id\n1\n", *[refusal(mode)] * 5]
    assert (data / "train.csv").read_text() == "id\n1\n"
    assert sorted(os.listdir(data)) == ["images", "train.csv"]


def test_a_folder_mounted_inside_an_input_is_read_only_too(
    strong_mode: str, execute: Execute
) -> None:
    ran = execute(
        strong_mode,
        'print(json.dumps(writing(INPUT + "/dev/shm/kit-isolation-test")))',
        inputs={"dev": Path("/dev")},
    )
    assert ran.said == "EROFS"


def test_nothing_outside_the_writable_folders_is_written(
    strong_mode: str, execute: Execute
) -> None:
    places = [
        *("/x", "/usr/x", "/etc/passwd", "/etc/x", "/dev/x", "/sys/x", "/root/x", "/kaggle/x"),
        *("/kaggle/src/script.py", "/kaggle/src/x", "/kaggle/input/x", "/proc/self/comm"),
        str(interpreter_paths()[0] / "x"),
    ]
    ran = execute(strong_mode, f"print(json.dumps([writing(place) for place in {places}]))")
    assert dict(zip(places, ran.said, strict=True)) == dict.fromkeys(places, "EROFS")


def test_the_machine_s_settings_cannot_be_changed(strong_mode: str, execute: Execute) -> None:
    ran = execute(strong_mode, 'print(json.dumps(writing("/proc/sys/vm/swappiness")))')
    assert ran.said in ("EROFS", "EACCES")  # the second for a caller who is not root


def test_the_weak_mode_keeps_this_machine_s_files(execute: Execute, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("old")
    ran = execute(
        "weak",
        f"""
kept = {str(kept)!r}
print(json.dumps([
    writing(kept),
    error_of(lambda: os.truncate(kept, 0)),
    error_of(lambda: os.remove(kept)),
    error_of(lambda: os.link(kept, WORKING + "/linked")),
    writing(kept + "2"),
    writing("/dev/null"),
]))""",
    )
    assert ran.said[:3] == ["EACCES"] * 3
    assert ran.said[3] in ("EACCES", "EXDEV")
    assert ran.said[4:] == ["EACCES", None]
    assert kept.read_text() == "old"


def test_working_and_temporary_folders_are_written(mode: str, execute: Execute) -> None:
    ran = execute(
        mode,
        """
import tempfile
places = [WORKING, TEMP, tempfile.gettempdir()]
print(json.dumps([os.getcwd() == WORKING, *(writing(place + "/x") for place in places)]))""",
    )
    assert ran.said == [True, None, None, None]
    assert os.listdir(ran.outcome.working) == ["x"]


FILL = """
def fill(path):
    "Writes 8 MB in pieces; gives the bytes that fitted and the error."
    with open(path, "wb", buffering=0) as stream:
        error = error_of(lambda: [stream.write(b"x" * 100_000) for _ in range(80)])
    size = os.path.getsize(path)
    os.remove(path)
    return size, error
"""


def test_a_full_folder_is_an_ordinary_error_that_can_be_mended(
    strong_mode: str, execute: Execute
) -> None:
    ran = execute(
        strong_mode,
        FILL + 'print(json.dumps([*map(fill, ["a", "/tmp/a", "/kaggle/temp/a"]), writing("b")]))',
    )
    *filled, after = ran.said
    for (size, error), most in zip(filled, (4_000_000, 2_000_000, 2_000_000), strict=True):
        assert error == "ENOSPC"
        assert most - 100_000 < size <= most + 4096  # a cap is rounded up to whole pages
    assert after is None


def test_the_weak_mode_refuses_a_file_that_is_too_large(execute: Execute) -> None:
    ran = execute("weak", FILL + 'print(json.dumps(fill("a")))')
    assert ran.said == [4_000_000, "EFBIG"]


@pytest.mark.parametrize("place", ["WORKING", "TEMP"])
def test_the_weak_mode_stops_what_outgrows_its_folder(execute: Execute, place: str) -> None:
    ran = execute(
        "weak",
        f"""
for number in range(4):
    open(f"{{{place}}}/{{number}}", "wb").write(b"x" * 3_000_000)
time.sleep(60)""",
    )
    assert ran.outcome.over_size
    assert not ran.outcome.timed_out
    assert ran.outcome.exit_code == 137


def test_results_come_back_without_following_links(
    mode: str, execute: Execute, tmp_path: Path
) -> None:
    ran = execute(
        mode,
        """
os.makedirs("a/b")
open("a/b/deep.txt", "w").write("deep")
open("run.sh", "w").write("#!/bin/sh")
os.chmod("run.sh", 0o755)
open("empty", "w")
os.symlink("/etc/passwd", "password")
os.symlink("/usr", "a/system")
os.symlink("a/b/deep.txt", "here")
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("socket")
sys.exit(1)
""",
    )
    outcome = ran.outcome
    found = {
        path.relative_to(outcome.working).as_posix(): path.read_text()
        for path in outcome.working.rglob("*")
        if not path.is_dir()
    }
    assert outcome.exit_code == 1
    assert found == {"a/b/deep.txt": "deep", "run.sh": "#!/bin/sh", "empty": ""}
    assert sorted(outcome.left_out) == ["a/system", "here", "password", "pipe", "socket"]
    assert (outcome.output_files, outcome.output_bytes) == (3, 4 + 9)
    assert os.access(outcome.working / "run.sh", os.X_OK)
    assert not os.access(outcome.working / "empty", os.X_OK)


def test_what_took_its_own_rights_away_comes_back(mode: str, execute: Execute) -> None:
    ran = execute(
        mode,
        """
os.mkdir("locked")
open("locked/file", "w").write("text")
os.chmod("locked/file", 0)
os.chmod("locked", 0)""",
    )
    assert (ran.outcome.working / "locked/file").read_text() == "text"


def test_holes_come_back_as_holes(strong_mode: str, execute: Execute) -> None:
    ran = execute(
        strong_mode,
        """
with open("map", "wb") as stream:
    stream.truncate(10**10)
    stream.seek(10**9)
    stream.write(b"abc")""",
    )
    copied = ran.outcome.working / "map"
    with copied.open("rb") as stream:
        stream.seek(10**9 - 1)
        assert stream.read(5) == b"\0abc\0"
    assert copied.stat().st_size == ran.outcome.output_bytes == 10**10
    assert copied.stat().st_blocks * 512 < 10**6


def test_neither_repository_nor_home_is_visible(strong_mode: str, execute: Execute) -> None:
    places = [str(paths.repository() / "pyproject.toml"), __file__]
    needed = [str(path) for path in interpreter_paths()]
    ran = execute(
        strong_mode,
        f"""
seen = []
for root in ({str(Path.home())!r}, {str(paths.repository())!r}, "/tmp"):
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if os.path.join(place, name) not in {needed}]
        seen += [os.path.join(place, name) for name in names]
print(json.dumps([seen, *map(os.path.exists, {places}), sorted(os.listdir("/kaggle"))]))""",
    )
    assert ran.said == [[], False, False, ["input", "src", "temp", "working"]]


def test_the_kit_is_not_importable_from_where_it_is_installed(
    strong_mode: str, execute: Execute
) -> None:
    ran = execute(strong_mode, "import common", command=(sys.executable, "/kaggle/src/script.py"))
    assert "No module named 'common'" in ran.text


def test_of_an_environment_in_the_repository_only_itself_is_visible(
    strong_mode: str, execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = tmp_path / "around"  # a folder that is shown, with the repository in it
    repository = around / "repository"
    (repository / ".venv/lib").mkdir(parents=True)
    (repository / ".venv/lib/module.py").write_text("found = 1")
    (repository / "secret.py").write_text("found = 2")
    monkeypatch.setattr(paths, "repository", lambda: repository)
    for shown in ((repository / ".venv",), (around, repository / ".venv")):
        outcome = run(
            session(
                command=("find", str(repository), "-type", "f"),
                python_paths=(*interpreter_paths(), *shown),
            ),
            tmp_path / f"results{len(shown)}",
            strong_mode,
        )
        assert outcome.log.read_text() == f"{repository}/.venv/lib/module.py\n"


def test_an_interpreter_behind_a_link_is_visible_under_both_names(
    strong_mode: str, tmp_path: Path
) -> None:
    (tmp_path / "python-3.1").mkdir()
    (tmp_path / "python-3.1/marker").write_text("here\n")
    (tmp_path / "python-3").symlink_to("python-3.1")
    files = (f"{tmp_path}/python-3/marker", f"{tmp_path}/python-3.1/marker")
    outcome = run(
        session(
            command=("cat", *files), python_paths=(*interpreter_paths(), tmp_path / "python-3")
        ),
        tmp_path / "results",
        strong_mode,
    )
    assert outcome.log.read_text() == "here\nhere\n"
