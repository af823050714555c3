"""What goes wrong between a push and its output: told in a line, and never pushed twice."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.kaggle import patience
from scripts.push_kernel import main
from tests.fake_kaggle import FakeKaggle, KaggleCli
from tests.kaggle.desk import (
    SECRETS,
    SLUG,
    Clock,
    infer_output,
    left_over,
    pushed,
    run_output,
    write_built,
)

ErrorLine = Callable[[], str]
TRAIN = "ada/digits-train"
PAGE = "https://www.kaggle.com/code/ada/digits-train"


@pytest.fixture
def built(tmp_path: Path, fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock) -> Path:
    """A built kernel that Kaggle would take."""
    return write_built(tmp_path / "kernels" / "train", competition_sources=[])


@pytest.fixture
def with_data(built: Path, fake: FakeKaggle) -> Path:
    """The same with a competition's data."""
    fake.world.add_competition(SLUG, {})
    return write_built(built)


def push(folder: Path, *options: str) -> int:
    return main([SLUG, "--folder", str(folder), *options])


def versions(fake: FakeKaggle) -> int:
    """How many versions of the train kernel Kaggle holds."""
    found = fake.world.kernels.get(TRAIN)
    return len(found.versions) if found else 0


# ---- the push -----------------------------------------------------------------------------------

PASSING: dict[str, tuple[dict[str, Any], str]] = {
    "429": ({"status": 429, "message": "Too Many Requests"}, "(429)"),
    "429 with Retry-After": (
        {"status": 429, "message": "Too Many Requests", "retry_after": 7},
        "(429)",
    ),
}


@pytest.mark.parametrize(("fault", "words"), PASSING.values(), ids=PASSING)
def test_a_push_that_did_not_arrive_is_tried_again(
    fake: FakeKaggle,
    built: Path,
    clock: Clock,
    fault: dict[str, Any],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.fault("SaveKernel", **fault)
    assert push(built, "--no-wait") == 0
    assert words in capsys.readouterr().out
    assert versions(fake) == 1
    assert len(clock.slept) == 1
    assert 4 <= clock.slept[0] <= 5


ARRIVED: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": b"bad"},
    "a page under 200": {"html": True},
    "cut answer": {"cut": 10, "without_length": True},
}


@pytest.mark.parametrize("fault", ARRIVED.values(), ids=ARRIVED)
def test_a_push_that_arrived_is_not_sent_again(
    fake: FakeKaggle,
    built: Path,
    clock: Clock,
    fault: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.fault("SaveKernel", acts=True, **fault)
    assert push(built, "--no-wait") == 0
    assert "Kaggle holds it" in capsys.readouterr().out
    assert len(fake.bodies("SaveKernel")) == 1
    assert files.read_json(built / "push.json")["version"] == 1


def test_a_server_that_never_answers_is_given_up_and_asked_what_it_holds(
    fake: FakeKaggle,
    built: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", clock.patience(write=3.0, tries=1))
    fake.fault("SaveKernel", hang=True, times=None)
    assert push(built) == 2
    assert "Kaggle did not answer about kernel ada/digits-train in time" in error_line()
    assert len(fake.bodies("SaveKernel")) == 1
    assert any(pause > 60 for pause in clock.slept)  # it may still arrive, so it is waited for


def test_a_fault_that_stays_is_told_after_some_tries(
    fake: FakeKaggle,
    built: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", clock.patience(tries=2))
    fake.fault("SaveKernel", status=429, message="Too Many Requests", times=None)
    assert push(built) == 2
    assert "Kaggle takes no more requests for now" in error_line()
    assert len(fake.bodies("SaveKernel")) == 2
    assert len(clock.slept) == 1


def test_a_refusal_under_exit_code_0_is_a_refusal(
    fake: FakeKaggle, built: Path, error_line: ErrorLine
) -> None:
    fake.fault("SaveKernel", answer={"error": "Notebook not found"})
    assert push(built) == 2
    assert "Kaggle refused ada/digits-train: Notebook not found; expected a title" in error_line()
    assert files.read_json(built / "push.json")["state"] == "refused"


def test_a_dropped_source_is_no_success(
    fake: FakeKaggle, with_data: Path, error_line: ErrorLine
) -> None:
    rows = {"competitions": [{"ref": SLUG, "userHasEntered": True}]}
    fake.world.competitions[SLUG].entered = False
    fake.fault("ListCompetitions", answer=rows)  # the rules were withdrawn in between
    assert push(with_data) == 2
    line = error_line()
    assert "Kaggle took ada/digits-train without competition digit-recognizer: it runs now" in line
    assert f"cannot cancel it: do so at {PAGE}; then accept the rules at https://www" in line

    fake.world.competitions[SLUG].entered = True
    assert push(with_data, "--no-wait") == 0
    assert versions(fake) == 2


def test_a_dropped_source_is_found_where_the_answer_was_lost(
    fake: FakeKaggle, with_data: Path, error_line: ErrorLine
) -> None:
    rows = {"competitions": [{"ref": SLUG, "userHasEntered": True}]}
    fake.world.competitions[SLUG].entered = False
    fake.fault("ListCompetitions", answer=rows)
    fake.fault("SaveKernel", acts=True, drop=True)
    assert push(with_data) == 2
    assert "without competition digit-recognizer" in error_line()
    assert versions(fake) == 1


def test_taken_sessions_are_waited_for(
    fake: FakeKaggle, built: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.fault(
        "SaveKernel", answer={"error": "Maximum batch CPU session count of 5 reached."}, times=2
    )
    assert push(built, "--no-wait") == 0
    out = capsys.readouterr().out
    assert out.count("Kaggle has no free session for ada/digits-train: Maximum batch CPU") == 2
    assert clock.slept == [120, 120]
    assert versions(fake) == 1


def test_sessions_that_stay_taken_end_the_wait(
    fake: FakeKaggle, built: Path, error_line: ErrorLine
) -> None:
    fake.fault(
        "SaveKernel", answer={"error": "Maximum batch CPU session count of 5 reached."}, times=None
    )
    assert push(built, "--timeout", "0.05") == 2  # room for one pause of two minutes
    assert "no free session" in error_line()
    assert len(fake.bodies("SaveKernel")) == 2


def test_a_used_up_quota_stops_at_once(
    fake: FakeKaggle, built: Path, clock: Clock, error_line: ErrorLine
) -> None:
    fake.fault("SaveKernel", answer={"error": "Maximum weekly GPU quota of 30.00 hours reached."})
    assert push(built) == 2
    assert "GPU quota of 30.00 hours reached. `kaggle quota` shows what is left" in error_line()
    assert clock.slept == []


# ---- the run ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["ERROR", "CANCEL_ACKNOWLEDGED"])
def test_a_run_that_fails_shows_the_end_of_its_log(
    fake: FakeKaggle,
    built: Path,
    home: Path,
    end: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = f"training\nerror: no train.csv under https://a.example/x?sig={SECRETS[0]}\n"
    pushed(fake, built, statuses=(end,), log=log, failure="Your notebook failed")
    assert push(built) == 2
    captured = capsys.readouterr()
    assert f"version 1 ended as {end}: Your notebook failed; its log is in" in captured.err
    assert "  | error: no train.csv under https://a.example/x?(hidden)" in captured.out
    assert SECRETS[0] not in (built / "kernel.log").read_text()
    assert not (home / "runs").exists()

    assert push(built) == 2  # nothing new is pushed for asking again
    assert versions(fake) == 1


def test_a_run_that_never_ends_is_left_running(
    fake: FakeKaggle, built: Path, tmp_path: Path, clock: Clock, error_line: ErrorLine
) -> None:
    pushed(fake, built, statuses=("QUEUED", "RUNNING"))
    assert push(built, "--timeout", "0.01") == 2
    line = error_line()
    assert f"version 1 is still RUNNING, and the time to wait is over; it goes on at {PAGE}" in line
    assert clock.now <= 36
    assert versions(fake) == 1


def test_looks_that_fail_do_not_end_the_wait(
    fake: FakeKaggle, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed(fake, built, output=run_output(tmp_path))
    fake.fault("GetKernelSessionStatus", status=500, message="Internal Server Error")
    fake.fault("GetKernelSessionStatus", html=True)
    assert push(built) == 0
    out = capsys.readouterr().out
    assert "a fault on their side); the run goes on, looking again" in out
    assert "Kaggle answers again" in out


def test_an_earlier_versions_end_is_not_this_runs_end(
    fake: FakeKaggle, built: Path, tmp_path: Path, home: Path
) -> None:
    pushed(fake, built, output=run_output(tmp_path))
    facts = files.read_json(built / "push.json")
    files.write_json(built / "push.json", {**facts, "before": 1, "version": 2})
    fake.fault("GetKernelSessionStatus", answer={"status": "ERROR"})  # of version 1
    assert push(built) == 0
    assert (home / "runs/digit_recognizer/digits-train-v2").is_dir()


# ---- the output ---------------------------------------------------------------------------------

HOSTILE = ("../evil.txt", "/tmp/evil-from-kaggle.txt")


@pytest.mark.parametrize("name", HOSTILE)
def test_an_output_name_that_leaves_its_folder_is_refused(
    fake: FakeKaggle, built: Path, home: Path, name: str, tmp_path: Path, error_line: ErrorLine
) -> None:
    pushed(fake, built, output={name: b"gotcha"})
    assert push(built) == 2
    assert f"a file called {name!r}, which would be written outside its folder" in error_line()
    assert fake.calls("blob/*") == []
    assert not list(tmp_path.rglob("evil*"))
    assert left_over(home) == []


def test_a_hostile_name_that_the_listing_hides_is_not_written(
    fake: FakeKaggle, built: Path, home: Path, tmp_path: Path
) -> None:
    output = run_output(tmp_path / "again")
    pushed(fake, built, output={"../evil.txt": b"x", **output})
    listed = [{"name": name, "size": len(data)} for name, data in output.items()]
    fake.fault("ListKernelFiles", answer={"files": listed})
    assert push(built) == 0
    assert not list(tmp_path.rglob("evil*"))


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "404 page": ("blob/run/scores.json", {"status": 404, "html": True}, "a page that says why"),
    "cut": ("blob/run/fold0/weights.safetensors", {"cut": 99}, "connection"),
    "cut without length": (
        "blob/run/fold0/weights.safetensors",
        {"cut": 99, "without_length": True},
        "came with 99 bytes; expected 2,048",
    ),
}


@pytest.mark.parametrize(("call", "fault", "words"), BROKEN.values(), ids=BROKEN)
def test_output_that_does_not_come_whole_is_refused(
    fake: FakeKaggle,
    built: Path,
    home: Path,
    call: str,
    fault: dict[str, Any],
    words: str,
    error_line: ErrorLine,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", clock.patience(tries=1))
    pushed(fake, built, output=run_output(tmp_path))
    fake.fault(call, **fault)
    assert push(built) == 2
    assert words in error_line()
    assert list((home / "runs/digit_recognizer").iterdir()) == []


def test_output_that_does_not_come_whole_is_fetched_again(
    fake: FakeKaggle, built: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed(fake, built, output=run_output(tmp_path))
    fake.fault("blob/run/scores.json", status=404, html=True)
    assert push(built) == 0
    assert "Kaggle's answer was cut or no JSON; trying again in" in capsys.readouterr().out
    scores = home / "runs/digit_recognizer/digits-train-v1/scores.json"
    assert files.read_json(scores) == {"pooled": 0.98765}


def test_a_page_in_place_of_a_submission_is_found_out_without_sizes(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", clock.patience(tries=1))
    built = pushed(fake, write_built(tmp_path / "infer", "infer"), "infer", output=infer_output())
    fake.fault("ListKernelFiles", answer={"files": []})
    fake.fault("blob/submission.csv", status=404, html=True, times=None)
    assert push(built) == 2
    assert "submission.csv is an error page of Kaggle and not the file" in error_line()
    assert list((home / "runs/digit_recognizer").iterdir()) == []


def test_a_run_that_is_not_whole_is_refused(
    fake: FakeKaggle, built: Path, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    output = run_output(tmp_path / "again")
    changed = {**output, "run/scores.json": b'{"pooled": 1.0}'}
    pushed(fake, built, output=changed)
    assert push(built) == 2
    line = error_line()
    assert "the run in the output of ada/digits-train does not belong together: scores.json" in line
    assert list((home / "runs/digit_recognizer").iterdir()) == []


def test_the_output_of_another_build_is_refused(
    fake: FakeKaggle, built: Path, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    output = run_output(tmp_path / "again", code="0ther" * 10, commit="fff")
    pushed(fake, built, output=output)
    assert push(built) == 2
    assert "was written by another build (commit fff, code 0ther0ther0t; expected" in error_line()


def test_a_full_disk_leaves_nothing_behind(
    fake: FakeKaggle, built: Path, home: Path, tmp_path: Path, error_line: ErrorLine
) -> None:
    weights = {**run_output(tmp_path / "again"), "run/big.bin": bytes(300_000)}
    pushed(fake, built, output=weights)
    with files_at_most(200_000):  # a limit on files is what a test can have for a full disk
        assert push(built) == 2
    assert "the disk does not take what Kaggle sends of the output of ada/digits" in error_line()
    assert list((home / "runs/digit_recognizer").iterdir()) == []


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    fake: FakeKaggle, built: Path, home: Path, error_line: ErrorLine
) -> None:
    pushed(fake, built)
    fake.fault("ListKernelFiles", answer={"files": [{"name": "run/big.bin", "size": 10**18}]})
    assert push(built) == 2
    assert "has 1000000000.0 GB, and" in error_line()
    assert fake.calls("blob/*") == []


def test_a_target_that_is_there_is_told_before_the_push(
    fake: FakeKaggle, built: Path, home: Path, error_line: ErrorLine
) -> None:
    (home / "runs/digit_recognizer/mine").mkdir(parents=True)
    assert push(built, "--run", "mine") == 2
    assert "mine is there already; name another folder with --run" in error_line()
    assert fake.bodies("SaveKernel") == []


def test_no_secret_is_written_anywhere(fake: FakeKaggle, built: Path, tmp_path: Path) -> None:
    key = fake.world.key
    log = f"url https://storage.example/x?{SECRETS[2]}={SECRETS[0]}\nKAGGLE_KEY={key}\n"
    output = run_output(tmp_path / "again")
    pushed(fake, built, output=output, log=log)
    assert push(built) == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 5
    for path in written:
        content = path.read_bytes().decode("latin-1")
        assert not [word for word in (*SECRETS, key) if word in content], path


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """No file may grow past this size, here and in children."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
