"""What a rehearsed kernel does that Kaggle would not forgive: each gives one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.kernels.rehearsal.acts import MOST_FILES
from tests.kernels.rehearsal.conftest import SUBMISSION, Play


def test_a_kernel_that_answers_every_row_holds(play: Play, mode: str) -> None:
    acted = play(SUBMISSION, mode=mode)
    assert acted.problem == ""
    assert acted.notes == ()
    assert acted.outcome.output_files == 1
    assert 0 < acted.outcome.cpu_seconds < 30


def test_the_session_is_told_what_kaggle_tells(play: Play) -> None:
    code = "import json, os\njson.dump(dict(os.environ), open('said.json', 'w'))\n"
    outcome = play(code + SUBMISSION).outcome
    said = json.loads((outcome.working / "said.json").read_text())
    assert said["KAGGLE_KERNEL_RUN_TYPE"] == "Rehearsal"
    assert "KAGGLE_IS_COMPETITION_RERUN" not in said


@pytest.mark.parametrize(
    "reach",
    [
        "import urllib.request\nurllib.request.urlopen('http://example.org/weights')",
        "import requests\nrequests.get('https://example.org/weights', timeout=5)",
        "import socket\nsocket.gethostbyname('example.org')",
    ],
)
def test_reaching_for_the_network_is_named(play: Play, mode: str, reach: str) -> None:
    problem = play(reach + "\n" + SUBMISSION, mode=mode).problem
    assert problem.startswith("it reached for the network: example.org; there is none for this")
    assert problem.endswith("attach what it needs as a data set)")


def test_a_swallowed_failure_of_the_network_is_named_too(play: Play, mode: str) -> None:
    code = (
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://example.org/')\n"
        "except OSError:\n    pass\n"
    )
    acted = play(code + SUBMISSION, mode=mode)
    assert acted.outcome.exit_code == 0
    assert acted.problem.startswith("it reached for the network: example.org")


def test_a_child_process_whose_output_is_caught_is_noticed_too(play: Play, mode: str) -> None:
    code = (
        "import subprocess, sys\n"
        "child = 'import urllib.request as u; u.urlopen(\"http://example.org/\")'\n"
        "subprocess.run([sys.executable, '-c', child], capture_output=True)\n"
    )
    acted = play(code + SUBMISSION, mode=mode)
    assert acted.outcome.exit_code == 0
    assert acted.problem.startswith("it reached for the network: example.org")


@pytest.mark.parametrize("swallowed", [True, False])
def test_a_kernel_with_internet_is_rehearsed_without_it_too(play: Play, swallowed: bool) -> None:
    code = "import urllib.request\nurllib.request.urlopen('http://example.org/')\n"
    if swallowed:
        code = "try:\n    " + code.replace("\n", "\n    ") + "pass\nexcept OSError:\n    pass\n"
    problem = play(code + SUBMISSION, internet=True).problem
    assert problem.startswith("it reached for the network: example.org; there is none here, so")


def test_this_machine_by_its_own_name_is_no_network(play: Play) -> None:
    code = (
        "import socket\nfor name in ('localhost', socket.gethostname()):\n    try:\n"
        "        socket.getaddrinfo(name, 80)\n    except OSError:\n        pass\n"
    )
    assert play(code + SUBMISSION).notes == ()


@pytest.mark.parametrize(
    "place",
    [
        "/kaggle/x",
        "/data/cache.bin",
        "~/features.npy",
        "BESIDE/cache.bin",
        "INPUT/competitions/digit-recognizer/cache.bin",
    ],
)
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_file_outside_the_working_folder_is_named(
    play: Play, mode: str, place: str, swallowed: bool
) -> None:
    writing = (
        "import os\n"
        f"place = os.path.expanduser({place!r}).replace('BESIDE', os.path.dirname(__file__))\n"
        "place = place.replace('INPUT', os.environ.get('KIT_INPUT', '/kaggle/input'))\n"
    )
    if place.startswith("~"):
        writing += "os.makedirs(os.path.dirname(place), exist_ok=True)\n"
    if swallowed:
        writing += "try:\n    open(place, 'wb').close()\nexcept OSError:\n    pass\n"
    else:
        writing += "open(place, 'wb').close()\n"
    problem = play(SUBMISSION, pipeline=writing, mode=mode).problem
    assert problem.startswith("it wrote outside the working folder: /")
    assert place.rpartition("/")[2] in problem
    assert problem.endswith("(a file is written outside /kaggle/working: write below context.work)")


def test_temporary_files_and_libraries_caches_are_no_fault(play: Play, mode: str) -> None:
    writing = (
        "import os, tempfile\ntempfile.TemporaryFile().close()\n"
        "open(os.devnull, 'w').close()\nopen('cache.bin', 'w').close()\n"
        "os.environ['MPLCONFIGDIR'] = os.path.expanduser('~/.config/drawing')\n"
        "import matplotlib.pyplot\n"
    )
    acted = play(SUBMISSION, pipeline=writing, mode=mode)
    assert acted.problem == ""
    assert acted.notes == ()


def test_a_file_that_this_machine_alone_has_is_named(play: Play, tmp_path: Path) -> None:
    theirs = tmp_path / "weights.bin"
    theirs.write_bytes(b"1")
    reading = f"open({str(theirs)!r}).close()\n"
    problem = play(SUBMISSION, pipeline=reading, mode="weak").problem
    assert problem == (
        f"it read a file that this machine alone has: {theirs} (a hard-coded path: take "
        "context.root or context.work)"
    )


def test_a_path_of_this_machine_is_not_there(play: Play, mode: str) -> None:
    assert play("open('/home/somebody/train.csv')\n", mode=mode).problem == (
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/somebody/train.csv' "
        "(a hard-coded path, which the session does not have: take context.root or context.work)"
    )


@pytest.mark.parametrize(
    "bringing",
    [
        "import hypothesis\n",
        "import importlib\nimportlib.import_module('hypo' + 'thesis')\n",
        "import subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-c', 'import hypothesis'], capture_output=True)\n"
        "sys.exit(done.stderr.decode().splitlines()[-1])\n",
    ],
)
def test_a_package_that_this_machine_has_and_kaggle_lacks_is_missing(
    play: Play, mode: str, bringing: str
) -> None:
    assert play(bringing + SUBMISSION, mode=mode).problem == (
        "ModuleNotFoundError: No module named 'hypothesis' (Kaggle's image lacks it: bring it as "
        "a wheel in a data set, or do without)"
    )


def test_workers_that_are_spawned_lack_it_too(play: Play) -> None:
    code = (
        "import importlib, multiprocessing\ndef bring(name):\n    importlib.import_module(name)\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        pool.map(bring, ['hypothesis'])\n"
    )
    assert "No module named 'hypothesis'" in play(code).problem


def test_output_beyond_the_cap_is_said(play: Play, mode: str) -> None:
    code = (
        "import time\nwith open('features.bin', 'wb') as stream:\n"
        "    for _ in range(40):\n        stream.write(b'1' * 1_000_000)\n        stream.flush()\n"
        "time.sleep(20)\n"
    )
    problem = play(code, mode=mode).problem
    assert "larger --working-gib" in problem
    assert "outgr" in problem


def test_too_many_files_are_counted(play: Play) -> None:
    code = f"for n in range({MOST_FILES}):\n    open(f'{{n}}.txt', 'w').close()\n"
    assert play(SUBMISSION + code).problem.startswith(f"it leaves {MOST_FILES + 1} files; expected")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "it wrote no submission.csv"),
        (
            "open('submission.csv', 'w').write('ImageId,Label\\n1,4\\n2,5\\n')",
            "its submission would be refused: ",
        ),
        (
            "open('submission.csv', 'w').write('ImageId,Label\\n1,4\\n2,5\\n3,nan\\n')",
            "its submission would be refused: ",
        ),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "it was killed, as where"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal 11 ended it without"),
        ("import os\nprint('half way')\nos._exit(3)", "it ended with exit code 3 without an error"),
        ("raise MemoryError", "MemoryError (the session's memory was used up)"),
    ],
)
def test_an_end_without_a_good_submission_is_one_line(play: Play, code: str, expected: str) -> None:
    problem = play(code).problem
    assert problem.startswith(expected)
    assert "\n" not in problem


def test_a_kernel_that_never_ends_is_stopped(play: Play) -> None:
    acted = play("import time\ntime.sleep(60)\n", minutes=0.01)
    assert acted.problem == "it was stopped after 0.01 minutes"


def test_train_must_leave_a_whole_run(play: Play) -> None:
    assert play(SUBMISSION, role="train").problem.startswith("its run folder is not whole: ")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print('first')\n", ""),
        ("raise ValueError('the second cell')\n", "ValueError: the second cell"),
        ("import os\nos._exit(1)\n", "DeadKernelError: the notebook's process died, as where"),
    ],
)
def test_a_notebook_is_executed_cell_by_cell(
    play: Play, mode: str, source: str, expected: str
) -> None:
    sources = [SUBMISSION, source]
    cells: list[object] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for number, text in enumerate(sources)
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4}
    text = json.dumps({**notebook, "nbformat_minor": 5})
    acted = play(text, name="kernel.ipynb", mode=mode)
    assert acted.problem.startswith(expected)
    assert bool(acted.problem) == bool(expected)
