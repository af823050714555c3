"""Whole rehearsals of a copied repository: what passes, and what fails with one clear line.

Most plant one fault into the digits' pipeline, which here is the support vector machine alone: it
trains in a second.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kernels.desk import copy_repository, run

pytestmark = pytest.mark.slow

PIPELINE = "competitions/digit_recognizer/pipeline.py"
READS = "        features = read_features(path, file, SPEC.value_range)\n"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that no test changes."""
    repository = copy_repository(tmp_path_factory.mktemp("clean") / "repository", git=False)
    path = repository / PIPELINE
    with path.open("a", encoding="utf-8") as stream:
        stream.write('PIPELINES = {"svc": _BOTH["svc"]}\n')
    return repository


@pytest.fixture
def repository(clean: Path, tmp_path: Path) -> Path:
    """One of its own."""
    return Path(shutil.copytree(clean, tmp_path / "repository"))


def plant(repository: Path, text: str, *, before: str = READS) -> None:
    """Writes lines into a pipeline, before a line of it."""
    path = repository / PIPELINE
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1
    path.write_text(source.replace(before, text + before), encoding="utf-8")


def command(repository: Path, *arguments: str) -> tuple[str, ...]:
    script = str(repository / "scripts/rehearse.py")
    return (sys.executable, script, "digit-recognizer", *arguments)


def environment(repository: Path, temporary: Path) -> dict[str, str]:
    temporary.mkdir(exist_ok=True)
    return {"PYTHONPATH": str(repository), "TMPDIR": str(temporary)}


def rehearse(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    temporary = repository.parent / "temporary"
    done = run(
        *command(repository, *arguments),
        cwd=repository,
        environment=environment(repository, temporary),
    )
    left = [path.name for path in temporary.iterdir() if not path.name.startswith("kit-locks-")]
    assert left == []
    return done


def refusal(repository: Path, *arguments: str) -> str:
    """The one line of a rehearsal that fails. Nothing may say that it passed."""
    done = rehearse(repository, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert len(line) < 700
    assert not list((repository / "kernels").glob("*/*/rehearsal.json"))
    return line


def test_fold_groups_of_the_hosts_own_files_pass(repository: Path, digits: Path) -> None:
    data = Path(shutil.copytree(digits, repository.parent / "host"))
    for name in ("FIXTURE.json", "solution.csv"):
        (data / name).unlink()
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    built = run(
        *(sys.executable, repository / "scripts/build_kernel.py", "digit-recognizer"),
        *("--user", "ada", "--set", "cost=7"),
        cwd=repository,
        environment={"PYTHONPATH": str(repository)},
    )
    assert built.returncode == 0, built.stderr
    folds = ("--folds", "0", "--folds", "1,2", "--set", "cost=5")  # smoke has two folds by itself
    done = rehearse(repository, "--data", str(data), *folds)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    kernels = repository / "kernels/digit-recognizer"
    for part in ("train-folds-0", "train-folds-1-2", "infer"):
        kept = json.loads((kernels / part / "rehearsal.json").read_text())
        assert [(act["called"], act["mounts"], act["rows"]) for act in kept["acts"]] == [
            ("train-folds-0", "newer", 500),
            ("train-folds-1-2", "newer", 500),
            ("infer", "older", 500),
            ("infer, larger test set", "newer", 1500),
            ("infer, scored rerun", "older", 1),
        ]
        assert [act["notes"] for act in kept["acts"]] == [[]] * 5
    logs = sorted(path.name for path in (kernels / "rehearsal").iterdir())
    assert logs == [
        "1-train-folds-0.log",
        "2-train-folds-1-2.log",
        "3-infer.log",
        "4-infer-larger-test-set.log",
        "5-infer-scored-rerun.log",
    ]
    head = (kernels / "rehearsal/5-infer-scored-rerun.log").read_text()
    assert "run type: Rehearsal, the scored rerun" in head
    head = (kernels / "rehearsal/1-train-folds-0.log").read_text()
    assert '"preset": "smoke", "changes": ["folds=3", "cost=5"]' in head
    check_what_was_said(done.stdout.splitlines())
    check_that_it_is_not_pushed(repository, kernels / "infer")


def check_what_was_said(lines: list[str]) -> None:
    assert max(map(len, lines)) <= 100
    assert "data: the host's; 500 rows to predict" in lines
    assert "  was built with changes ['cost=7'], and is now with []: the same" in lines
    assert any(line.startswith("isolation: ") for line in lines)
    assert any(line.startswith("growth: ") for line in lines)
    assert any(line.startswith("hours on NvidiaTeslaT4: not measured") for line in lines)
    assert lines[-1] == "no Kaggle user is known yet: rehearse again with --user before pushing"


def check_that_it_is_not_pushed(repository: Path, folder: Path) -> None:
    pushed = run(
        *(sys.executable, repository / "scripts/push_kernel.py", "digit-recognizer"),
        *("--folder", folder),
        cwd=repository,
        environment={"PYTHONPATH": str(repository)},
    )
    assert pushed.returncode == 2
    assert "infer was built for no Kaggle user; build it with" in pushed.stderr


NETWORK = "        import urllib.request\n        urllib.request.urlopen('http://example.org/w')\n"
SWALLOWED = (
    "        import urllib.request\n"
    "        if split == 'test':\n"
    "            try:\n"
    "                urllib.request.urlopen('http://example.org/weights')\n"
    "            except OSError:\n"
    "                pass\n"
)


def test_a_pipeline_that_reaches_for_the_network_fails(repository: Path) -> None:
    plant(repository, NETWORK)
    line = refusal(repository)
    assert line.startswith(
        "error: train (newer mounts, 500 rows) would fail on Kaggle: it reached for the "
        "network: example.org; there is none here, so what follows is not proved (a pipeline must"
    )
    assert line.endswith("see kernels/digit-recognizer/rehearsal/1-train.log")


def test_a_pipeline_that_reaches_for_the_network_and_goes_on_fails_too(repository: Path) -> None:
    plant(repository, SWALLOWED)
    assert refusal(repository).startswith(
        "error: train (newer mounts, 500 rows) would fail on Kaggle: it reached for the network: "
        "example.org; there is none here"
    )


def test_a_hard_coded_path_fails_at_the_build(repository: Path) -> None:
    plant(repository, "        path = '/kaggle/input/digit-recognizer/train.csv'\n")
    assert "has the hard-coded path '/kaggle/input/digit-r" in refusal(repository)


def test_a_path_made_of_parts_fails_when_it_is_opened(repository: Path) -> None:
    plant(
        repository,
        "        open('/'.join(['', 'kaggle', 'input', 'digit-recognizer', file.name]))\n",
    )
    line = refusal(repository)
    assert "No such file or directory: '/kaggle/input/digit-recognizer/train.csv'" in line
    assert "a hard-coded path: Kaggle mounts inputs in two layouts, so take context.root" in line


def test_a_file_outside_the_working_folder_fails(repository: Path) -> None:
    plant(repository, "        (Path('/') / 'kaggle' / 'cache.bin').write_bytes(b'1')\n")
    line = refusal(repository)
    assert "it wrote outside the working folder: /kaggle/cache.bin" in line
    assert "write below context.work" in line


def test_a_skipped_row_of_the_test_set_fails(repository: Path) -> None:
    plant(
        repository,
        "        if split == 'test':\n            items = items.iloc[1:]\n",
        before="        return items\n\n    def picture",
    )
    assert refusal(repository).startswith(
        "error: train (newer mounts, 500 rows) would fail on Kaggle: the sample submission asks in "
        "row 1 for id ('1',), which the test data do not hold (1 of 500 are missing)"
    )


def test_a_package_under_a_name_that_is_put_together_fails(repository: Path) -> None:
    plant(
        repository,
        "        import importlib\n        importlib.import_module('hypo' + 'thesis')\n",
    )
    line = refusal(repository)
    assert "No module named 'hypothesis' (Kaggle's image lacks it: bring it as a wheel" in line


def test_output_beyond_the_cap_fails(repository: Path) -> None:
    plant(repository, "        Path('features.bin').write_bytes(bytes(60_000_000))\n")
    line = refusal(repository, "--working-gib", "0.05")
    assert "outgrow the session: write less, or rehearse with a larger --working-gib" in line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--data", "nowhere"), "nowhere is no folder; expected the host's files"),
        (("--working-gib", "0"), "--working-gib is 0; expected more than 0"),
        (("--run", "nowhere"), "nowhere holds 0 runs; expected the folder of one"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_line(
    repository: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = run(
        *command(repository, *arguments),
        cwd=repository,
        environment=environment(repository, repository.parent / "temporary"),
    )
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert expected in line


def test_a_second_rehearsal_says_so_and_ctrl_c_leaves_nothing(repository: Path) -> None:
    plant(repository, "        import time\n        time.sleep(300)\n")
    temporary = repository.parent / "temporary"
    first = subprocess.Popen(
        command(repository),
        cwd=repository,
        env={**os.environ, **environment(repository, temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for(temporary, "kit-rehearsal-*/acts/train/log.txt", first)
        second = run(
            *command(repository),
            cwd=repository,
            environment=environment(repository, temporary),
        )
        assert second.returncode == 2
        assert second.stderr == (
            "error: another rehearsal writes into kernels/digit-recognizer; wait for it to end, or "
            "name another folder with --out\n"
        )
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
    finally:
        first.kill()
        first.wait()
    assert first.returncode == 130
    assert said == "interrupted; nothing that was finished is lost\n"
    assert [path.name for path in temporary.iterdir() if "locks" not in path.name] == []


def _wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.stderr
        time.sleep(0.05)
