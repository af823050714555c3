"""scripts/submit.py: checked, asked for, sent once, and its score kept."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.kaggle import patience
from common.kaggle.ledger import Ledger, Row
from common.runfolder import RunFolder
from scripts.submit import main
from tests.fake_kaggle import Competition, FakeKaggle, KaggleCli, Outcome, Run
from tests.kaggle.desk import SLUG, Clock, infer_output, run_output

ErrorLine = Callable[[], str]
SAMPLE = "ImageId,Label\n1,0\n2,0\n3,0\n"
GOOD = "ImageId,Label\n1,7\n2,0\n3,9\n"


@pytest.fixture
def host(fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock) -> Competition:
    """The competition, with its sample where a download puts it."""
    files.write_text(home / "data/digit_recognizer/sample_submission.csv", SAMPLE)
    outcomes = [Outcome(public="0.97", private="0.96")]
    return fake.world.add_competition(SLUG, {}, outcomes=outcomes)


@pytest.fixture
def run(home: Path, host: Competition, tmp_path: Path) -> Path:
    """A finished run with an answer, a score and a commit."""
    run_output(tmp_path / "made")
    folder = home / "runs/digit_recognizer/best"
    folder.parent.mkdir(parents=True)
    (tmp_path / "made/run").rename(folder)
    files.write_text(folder / "submission.csv", GOOD)
    files.write_json(folder / "environment.json", {"commit": "0f3e2a"})
    RunFolder(folder).record([folder / "submission.csv"])
    return folder


def ledger(home: Path) -> list[dict[str, str]]:
    with (home / "runs/digit_recognizer/submissions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def kept(home: Path, run: Path, **values: str) -> Row:
    """A row of the ledger for the run's answer, of an earlier call."""
    sha256 = files.sha256(run / "submission.csv")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row = Row(now, "1a2b3c4d", "[1a2b3c4d] best", "best/submission.csv", sha256, **values)
    return Ledger.of("digit_recognizer").put(row)


def submit(*options: str) -> int:
    return main([SLUG, *options])


# ---- the good way -------------------------------------------------------------------------------


def test_a_run_is_checked_sent_and_its_score_kept(
    fake: FakeKaggle,
    host: Competition,
    run: Path,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.world.api_version = "99.0.0"  # of which the command would tell on stdout
    assert submit("--run", "best", "--message", "first try", "--yes") == 0
    out = capsys.readouterr().out
    assert "valid: 3 rows" in out
    question = "(CV 0.98765, commit 0f3e2a) to digit-recognizer: 5 of 5 slots left today"
    assert question in out
    assert "public 0.97, private 0.96, CV 0.98765" in out
    (sent,) = host.submissions
    assert sent.data == GOOD.encode()
    (row,) = ledger(home)
    assert sent.description == f"[{row['id']}] best 0f3e2a first try"
    expected = {
        "run": "best",
        "commit": "0f3e2a",
        "cv": "0.98765",
        "public": "0.97",
        "private": "0.96",
        "status": "complete",
        "sha256": files.sha256(run / "submission.csv"),
    }
    assert {name: row[name] for name in expected} == expected
    assert row["time_utc"].endswith("+00:00")


def test_a_kernels_version_is_submitted_by_its_number(
    fake: FakeKaggle, host: Competition, home: Path
) -> None:
    host.code_only = True
    fake.world.add_kernel("ada/digits-infer", Run(statuses=("COMPLETE",), output=infer_output()))
    options = ("--kernel", "ada/digits-infer", "--version", "1", "--yes", "--no-wait")
    assert submit(*options) == 0
    (body,) = fake.bodies("CreateCodeSubmission")
    assert (body["kernelSlug"], body["kernelVersion"]) == ("digits-infer", 1)
    (row,) = ledger(home)
    assert (row["file"], row["commit"]) == ("ada/digits-infer version 1", "abc123")


def test_a_score_that_takes_long_is_read_later(
    host: Competition, run: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.outcomes = [Outcome(("PENDING",) * 9 + ("COMPLETE",), public="0.9")]
    assert submit("--run", "best", "--yes", "--no-wait") == 0
    assert ledger(home)[0]["status"] == "pending"
    host.submissions[0].progress.finish()
    assert submit("--refresh") == 0
    (row,) = ledger(home)
    assert (row["status"], row["public"]) == ("complete", "0.9")


# ---- asked first --------------------------------------------------------------------------------


class Terminal:
    """A terminal at which somebody types one line."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return f"{self.line}\n"


@pytest.mark.parametrize(("answer", "sent"), [("n", 0), ("y", 1)])
def test_a_slot_is_spent_only_on_a_yes(
    host: Competition,
    run: Path,
    answer: str,
    sent: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert submit("--run", "best", "--no-wait") == 0
    assert len(host.submissions) == sent
    captured = capsys.readouterr().out
    assert "5 of 5 slots left today (it ends in" in captured
    assert ("nothing was submitted" in captured) is (sent == 0)


def test_without_a_terminal_nothing_is_sent(
    host: Competition, run: Path, error_line: ErrorLine
) -> None:
    assert submit("--run", "best") == 2
    assert "there is no terminal to ask at: --yes submits it" in error_line()
    assert host.submissions == []


def test_no_slot_left_is_told_before_anything_is_sent(
    fake: FakeKaggle, host: Competition, run: Path, error_line: ErrorLine
) -> None:
    fake.fault("GetSubmissionLimits", answer={"numToday": 5, "numTotal": 9, "numAllowedNow": 0})
    assert submit("--run", "best", "--yes") == 2
    assert "all 5 submissions of today are used; the day ends at 00:00 UTC, in" in error_line()
    assert fake.calls("StartSubmissionUpload") == []


def test_where_kaggle_tells_no_limit_the_submissions_of_today_are_counted(
    fake: FakeKaggle, host: Competition, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.fault("GetSubmissionLimits", answer={})
    assert submit("--run", "best", "--yes", "--no-wait") == 0
    assert "0 submissions today, the limit is not told" in capsys.readouterr().out


# ---- refused at home ----------------------------------------------------------------------------


def test_a_file_that_would_be_refused_is_not_sent(
    fake: FakeKaggle, host: Competition, tmp_path: Path, error_line: ErrorLine
) -> None:
    bad = files.write_text(tmp_path / "bad.csv", "ImageId,Label\n1,7\n")
    assert submit("--file", str(bad), "--yes") == 2
    assert "2 of 3 ids are missing" in error_line()
    assert fake.calls() == []


def test_a_synthetic_run_is_not_sent(
    fake: FakeKaggle, host: Competition, run: Path, error_line: ErrorLine
) -> None:
    files.write_json(run / "FIXTURE.json", {"called": "synthetic"})
    assert submit("--run", "best", "--yes") == 2
    assert "belongs to a fixture, not to the host's data; nothing was submitted" in error_line()
    assert fake.calls() == []


def test_a_rehearsed_run_is_not_sent(
    fake: FakeKaggle, host: Competition, run: Path, error_line: ErrorLine
) -> None:
    record = files.read_json(run / "kernel.json")
    files.write_json(run / "kernel.json", {**record, "rehearsal": {"name": "test"}})
    RunFolder(run).record([run / "kernel.json"])
    assert submit("--run", "best", "--yes") == 2
    assert "was made by a rehearsal; nothing was submitted" in error_line()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "expected one of --run, --file and --kernel"),
        (("--run", "a", "--file", "b"), "expected one of --run, --file and --kernel"),
        (("--kernel", "ada/x"), "--kernel and --version go together"),
        (("--run", "nothing"), "does not exist; name a run with --run"),
    ],
)
def test_a_request_that_says_not_one_thing_is_an_error(
    host: Competition, options: tuple[str, ...], words: str, error_line: ErrorLine
) -> None:
    assert submit(*options) == 2
    assert words in error_line()


def test_what_is_no_competition_takes_no_submission(error_line: ErrorLine) -> None:
    assert main(["camvid", "--file", "x"]) == 2
    assert "camvid is no competition on Kaggle" in error_line()


# ---- faults -------------------------------------------------------------------------------------

LOST: dict[str, dict[str, Any]] = {
    "a page under 200": {"html": True},
    "lost connection": {"drop": True},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_submission_whose_answer_was_lost_is_found_by_its_id(
    fake: FakeKaggle, host: Competition, run: Path, home: Path, fault: dict[str, Any]
) -> None:
    fake.fault("CreateSubmission", acts=True, **fault)
    assert submit("--run", "best", "--yes", "--no-wait") == 0
    assert len(host.submissions) == 1
    assert ledger(home)[0]["status"] == "pending"


def test_a_submission_that_was_killed_is_found_before_another_slot_is_spent(
    cli: KaggleCli, host: Competition, run: Path, home: Path
) -> None:
    row = kept(home, run, status="sending")  # as a kill leaves it
    cli.run("competitions", "submit", SLUG, "-f", run / "submission.csv", "-m", row.message)
    assert submit("--run", "best", "--yes") == 0
    assert len(host.submissions) == 1
    assert ledger(home)[0]["public"] == "0.97"


def test_a_submission_that_did_not_arrive_is_waited_for_and_then_sent_anew(
    fake: FakeKaggle, host: Competition, run: Path, home: Path, clock: Clock, error_line: ErrorLine
) -> None:
    fake.fault("CreateSubmission", drop=True)
    assert submit("--run", "best", "--yes") == 2
    assert "there is no connection to Kaggle, or it was cut" in error_line()
    assert max(clock.slept) > 60  # it might still have come
    assert submit("--run", "best", "--yes", "--no-wait") == 0
    assert [row["status"] for row in ledger(home)] == ["lost", "pending"]
    assert len(host.submissions) == 1


def test_too_many_requests_are_tried_again(
    fake: FakeKaggle, host: Competition, run: Path, home: Path
) -> None:
    fake.fault("CreateSubmission", status=429, message="Too Many Requests", retry_after=1)
    assert submit("--run", "best", "--yes", "--no-wait") == 0
    assert len(host.submissions) == 1
    assert len(ledger(home)) == 1


def test_an_upload_that_fails_under_exit_code_0_is_a_failure(
    fake: FakeKaggle, host: Competition, run: Path, home: Path, error_line: ErrorLine
) -> None:
    fake.fault("upload/*", status=403)
    assert submit("--run", "best", "--yes") == 2
    assert "Kaggle did not take the upload of submission.csv" in error_line()
    assert host.submissions == []
    assert ledger(home)[0]["status"] == "refused"


def test_the_same_file_is_not_submitted_twice_by_mistake(
    host: Competition, home: Path, run: Path, error_line: ErrorLine
) -> None:
    kept(home, run, status="complete", public="0.97")
    assert submit("--run", "best", "--yes") == 2
    assert "complete, public 0.97; --again spends another slot on it" in error_line()
    assert submit("--run", "best", "--yes", "--again", "--no-wait") == 0
    assert len(host.submissions) == 1


def test_a_submission_that_cannot_be_scored_is_told(
    host: Competition, run: Path, home: Path, error_line: ErrorLine
) -> None:
    host.outcomes = [Outcome(("PENDING", "ERROR"), error="wrong header")]
    assert submit("--run", "best", "--yes") == 2
    line = error_line()
    assert "could not score submission" in line
    assert "https://www.kaggle.com/competitions/digit-recognizer/submissions" in line
    assert ledger(home)[0]["status"] == "error"


def test_rules_that_are_not_accepted_are_told_with_the_link(
    fake: FakeKaggle, host: Competition, run: Path, error_line: ErrorLine
) -> None:
    fake.fault("ListSubmissions", status=403, message="Forbidden")
    assert submit("--run", "best", "--yes") == 2
    assert "https://www.kaggle.com/competitions/digit-recognizer/rules" in error_line()


def test_a_kernel_that_has_not_ended_is_not_submitted(
    fake: FakeKaggle, host: Competition, error_line: ErrorLine
) -> None:
    fake.world.add_kernel("ada/digits-infer", Run(statuses=("RUNNING",)))
    assert submit("--kernel", "ada/digits-infer", "--version", "1", "--yes") == 2
    assert "the last run of ada/digits-infer is RUNNING; expected COMPLETE" in error_line()
    assert host.submissions == []


def test_a_server_that_never_answers_is_given_up(
    fake: FakeKaggle,
    host: Competition,
    run: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error_line: ErrorLine,
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", clock.patience(read=3.0, tries=1))
    fake.fault("ListSubmissions", hang=True, times=None)
    assert submit("--run", "best", "--yes") == 2
    assert "Kaggle did not answer about competition digit-recognizer in time" in error_line()
    assert host.submissions == []
