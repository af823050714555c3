"""From a log to one line, with the right advice and no wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.kernels.rehearsal.reasons import LONGEST, marks, reason, shortened

MOUNTED = ("competitions/digit-recognizer",)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/data/train.csv'",
            "a hard-coded path, which the session does not have: take context.root or context.work",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: "
            "'/kaggle/input/digit-recognizer/train.csv'",
            "a hard-coded path: Kaggle mounts inputs in two layouts, so take context.root",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: "
            "'/kaggle/input/competitions/digit-recognizer/extra.csv'",
            "the host's data have no such file here",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'train.csv'",
            "a path relative to the working folder: take context.root or context.work",
        ),
        (
            "OSError: [Errno 30] Read-only file system: '/kaggle/x'",
            "a file is written outside /kaggle/working: write below context.work",
        ),
        (
            "ModuleNotFoundError: No module named 'nothing_of_the_kind'",
            "Kaggle's image lacks it: bring it as a wheel in a data set, or do without",
        ),
        (
            "urllib.error.URLError: <urlopen error Temporary failure in name resolution>",
            "a pipeline must not reach for the network: attach what it needs as a data set",
        ),
    ],
)
def test_what_python_raises_gets_advice(log: Path, line: str, advice: str) -> None:
    log.write_text(f"Traceback (most recent call last):\n  File 'x'\n{line}\n")
    assert reason(log, 1, MOUNTED) == f"{line} ({advice})"


def test_data_that_are_looked_for_in_the_wrong_place_need_no_download(log: Path) -> None:
    said = "does not exist; download the data or write the fixture"
    for place, advice in (
        ("data/digits/train.csv", "a path relative to the working folder: take context.root or"),
        ("/kaggle/working/data/train.csv", "the host's files are not there: they lie below"),
        ("/work/train.csv", "a hard-coded path, which the session does not have: take"),
    ):
        log.write_text(f"error: {place} {said}\n")
        found = reason(log, 2, MOUNTED)
        assert found.startswith(f"{place} does not exist ({advice}")
        assert "download" not in found


def test_rows_that_are_left_out_are_the_pipelines_fault(log: Path) -> None:
    lacking = "row 7 asks for id 7, which the test data do not hold"
    log.write_text(f"error: {lacking}; get both files again\n")
    assert reason(log, 2, MOUNTED) == f"{lacking} (the pipeline leaves rows of the test set out)"


@pytest.mark.parametrize(
    "line",
    [
        "/kaggle/input/competitions/digit-recognizer/train.csv does not exist; get it again",
        "a run has no module of this name: No module named x; build again",
    ],
)
def test_an_error_that_says_itself_what_to_do_gets_no_other_advice(log: Path, line: str) -> None:
    log.write_text(f"error: {line}\n")
    assert reason(log, 2, MOUNTED) == line


def test_a_notebooks_expected_error_reads_like_a_scripts(log: Path) -> None:
    log.write_text("Traceback\nKernelStopped: error: train.csv is cut; get it again\n")
    assert reason(log) == "train.csv is cut; get it again"


def test_the_sessions_full_disk_is_not_the_persons(log: Path) -> None:
    log.write_text(
        "error: /kaggle/working/run/x: No space left on device; free some room and run the same "
        "command again\n"
    )
    assert reason(log) == (
        "/kaggle/working/run/x: No space left on device (the output or the temporary files outgrow "
        "the session: write less, or rehearse with a larger --working-gib)"
    )


def test_the_last_of_several_errors_counts(log: Path) -> None:
    log.write_text("KeyError: 'first'\nDuring handling, another\nValueError: second\nbye\n")
    assert reason(log) == "ValueError: second"


@pytest.mark.parametrize(
    ("exit_code", "expected"),
    [
        (3, "it ended with exit code 3 without an error line; the log's last line is: half way"),
        (137, "it was killed, as where memory is used up, without an error line; the log's last"),
        (139, "signal 11 ended it without an error line"),
    ],
)
def test_an_end_without_an_error_line(log: Path, exit_code: int, expected: str) -> None:
    log.write_text("half way\n\n")
    assert reason(log, exit_code).startswith(expected)


def test_an_empty_log_is_said(log: Path) -> None:
    log.write_bytes(b"")
    assert reason(log, 1).endswith("without an error line; the log is empty")


def test_a_very_long_reason_keeps_its_beginning_and_its_end(log: Path) -> None:
    log.write_text(f"ValueError: {'x' * 5_000} the end\n")
    line = reason(log)
    assert line.startswith("ValueError: xxx")
    assert line.endswith("the end")
    assert len(line) <= LONGEST


def test_a_line_of_the_longest_length_is_whole() -> None:
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert len(shortened("x" * (LONGEST + 1))) == LONGEST


def test_notes_count_once_and_colours_do_not(log: Path) -> None:
    log.write_text(
        "[rehearsal] reached for the network: a\n\x1b[31m[rehearsal] wrote outside: b\x1b[0m\n"
        "[rehearsal] reached for the network: a\nnot a [rehearsal] note\n"
    )
    assert marks(log) == ["reached for the network: a", "wrote outside: b"]
