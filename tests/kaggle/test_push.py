"""scripts/push_kernel.py: a built kernel on its way to Kaggle and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from common import files
from common.runfolder import RunFolder
from scripts.push_kernel import main
from tests.fake_kaggle import FakeKaggle, KaggleCli, Run
from tests.kaggle.desk import (
    SLUG,
    Clock,
    ends_well,
    infer_output,
    left_over,
    pushed,
    run_output,
    write_built,
)

ErrorLine = Callable[[], str]
TRAIN = "ada/digits-train"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return write_built(tmp_path / "kernels" / "train")


def push(folder: Path, *options: str) -> int:
    return main([SLUG, "--folder", str(folder), *options])


def test_a_train_kernel_comes_back_as_a_run_folder_with_its_log(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    clock: Clock,
    built: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends_well(fake, "train", run_output(tmp_path))
    assert push(built, "--no-wait") == 0
    told = "ada/digits-train version 1 runs at https://www.kaggle.com/code/ada/digits-train; the"
    assert told in capsys.readouterr().out
    assert push(built) == 0
    run = RunFolder(home / "runs/digit_recognizer/digits-train-v1")
    assert run.open_finished()["pipeline"] == "cnn"
    assert (run / "kernel.log").read_text() == "one\ntwo\n"
    assert left_over(home) == []
    assert len(fake.bodies("SaveKernel")) == 1
    lines = capsys.readouterr().out.splitlines()
    told = [line.split()[-1] for line in lines if "UTC" in line]
    assert told == ["QUEUED", "RUNNING", "COMPLETE"]
    assert clock.slept == sorted(clock.slept)  # looks come at growing intervals

    capsys.readouterr()
    calls = len(fake.calls())
    assert push(built) == 0
    assert "pushed and fetched" in capsys.readouterr().out
    assert len(fake.calls()) == calls


def test_an_infer_kernel_comes_back_as_a_submission(
    fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock, tmp_path: Path
) -> None:
    built = pushed(fake, write_built(tmp_path / "infer", "infer"), "infer", output=infer_output())
    assert push(built, "--run", "first") == 0
    found = home / "runs/digit_recognizer/first"
    assert sorted(path.name for path in found.iterdir()) == [
        "kernel.json",
        "kernel.log",
        "submission.csv",
    ]
    assert (found / "submission.csv").read_bytes() == infer_output()["submission.csv"]


def test_what_kaggle_holds_is_not_pushed_even_where_nothing_is_written_down(
    fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock, tmp_path: Path
) -> None:
    built = write_built(tmp_path / "train", competition_sources=[])
    assert cli.run("kernels", "push", "-p", built).code == 0
    assert push(built, "--no-wait") == 0
    assert len(fake.bodies("SaveKernel")) == 1
    assert files.read_json(built / "push.json")["version"] == 1


def test_another_build_is_another_version_and_the_same_only_with_again(
    fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock, tmp_path: Path
) -> None:
    built = pushed(fake, write_built(tmp_path / "train", competition_sources=[]))
    write_built(built, competition_sources=[], enable_internet=True)
    assert push(built, "--no-wait") == 0
    assert push(built, "--no-wait") == 0
    assert push(built, "--no-wait", "--again") == 0
    assert [body["enableInternet"] for body in fake.bodies("SaveKernel")] == [True, True]
    assert files.read_json(built / "push.json")["version"] == 3


# ---- refused before anything is sent ------------------------------------------------------------


def test_an_edited_build_is_not_pushed(
    fake: FakeKaggle, cli: KaggleCli, home: Path, built: Path, error_line: ErrorLine
) -> None:
    (built / "digits-train.py").write_text("print('edited')\n")
    assert push(built) == 2
    assert "is not what was built: edited, or cut; build it with" in error_line()
    assert fake.calls() == []


def test_a_misspelt_switch_is_not_pushed(
    fake: FakeKaggle, cli: KaggleCli, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    assert push(write_built(tmp_path / "built", enable_internt=True)) == 2
    assert "'enable_internt'; did you mean 'enable_internet'?" in error_line()
    assert fake.calls() == []


def test_what_was_never_built_says_how_to_build_it(
    cli: KaggleCli, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    assert push(tmp_path / "nothing") == 2
    assert "scripts/build_kernel.py digit" in error_line()


def test_rules_that_are_not_accepted_keep_a_kernel_at_home(
    fake: FakeKaggle, cli: KaggleCli, home: Path, built: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, {}, entered=False)
    assert push(built) == 2
    assert "https://www.kaggle.com/competitions/digit-recognizer/rules" in error_line()
    assert fake.bodies("SaveKernel") == []


def test_infer_is_not_pushed_before_train_has_ended(
    fake: FakeKaggle, cli: KaggleCli, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    built = write_built(tmp_path / "infer", "infer", kernel_sources=[TRAIN])
    fake.world.add_competition(SLUG, {})
    fake.world.add_kernel(TRAIN, Run(statuses=("RUNNING",)))
    assert push(built) == 2
    assert "output of ada/digits-train, which is RUNNING; expected COMPLETE" in error_line()
    assert fake.bodies("SaveKernel") == []


# ---- credentials --------------------------------------------------------------------------------


def test_without_credentials_the_line_says_where_they_go(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    assert push(built) == 2
    line = error_line()
    assert "no Kaggle credentials were found; expected a token in ~/.kaggle/access_token" in line
    assert "https://www.kaggle.com/settings/api" in line


def test_wrong_credentials_are_named_by_their_place(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "f" * 32)
    assert push(built) == 2
    line = error_line()
    assert "rejected the credentials in $KAGGLE_USERNAME and $KAGGLE_KEY (401)" in line
    assert "f" * 32 not in line


@pytest.mark.parametrize("told", ["inactive", "401"])
def test_a_stale_token_beside_a_good_key_is_the_one_to_remove(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    built: Path,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    folder = cli.folder / "home/.kaggle"
    key = {"username": fake.world.user, "key": fake.world.key}
    files.write_json(folder / "kaggle.json", key).chmod(0o600)
    (folder / "access_token").write_text("KGAT_of_last_year\n")
    if told == "401":
        fake.fault("IntrospectToken", status=401, message="Unauthenticated", times=None)
    assert push(built) == 2
    line = error_line()
    assert "rejected the credentials in ~/.kaggle/access_token (401), which hide those in" in line
    assert "~/.kaggle/kaggle.json; remove ~/.kaggle/access_token" in line
    assert "KGAT" not in line
