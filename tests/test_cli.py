"""Expected errors are one line on stderr and exit code 2; the others keep their traceback."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import warnings

import pytest

from common import errors
from common.cli import expected_errors


def run(error: BaseException) -> int:
    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        raise error

    return main([])


def stderr_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n")
    lines = captured.err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_main_that_ends_well_gives_its_own_code() -> None:
    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        return len(argv or [])

    assert main([]) == 0
    assert main(["a", "b", "c"]) == 3
    assert main() == 0


KIT_ERRORS = [
    errors.KitError,
    errors.UsageError,
    errors.SettingsError,
    errors.DataError,
    errors.SubmissionError,
    errors.RunError,
    errors.KaggleError,
    errors.MetricError,
]


@pytest.mark.parametrize("kind", KIT_ERRORS)
def test_every_expected_error_is_one_line_and_two(
    kind: type[errors.KitError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(kind("found x, expected y, do z")) == 2
    assert stderr_line(capsys) == "error: found x, expected y, do z"


def test_the_table_of_errors_is_complete_and_they_share_one_root() -> None:
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and value.__module__ == errors.__name__
    } - {errors.Interrupted}  # which is no error
    assert found == set(KIT_ERRORS)
    assert all(issubclass(kind, errors.KitError) for kind in found)
    assert issubclass(errors.SettingsError, errors.UsageError)


def test_a_message_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(errors.DataError("cell 'a\r\nb'\n  is bad\u2028end")) == 2
    assert stderr_line(capsys) == "error: cell 'a b' is bad end"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some room"),
        (errno.EDQUOT, "free some room"),
        (errno.EFBIG, "another folder"),
        (errno.EACCES, "read and write"),
        (errno.EPERM, "read and write"),
        (errno.EROFS, "read-only"),
        (errno.ENOTDIR, "part of the path is a file"),
        (errno.EISDIR, "this is a folder"),
        (errno.EEXIST, "stands where a folder is needed"),
        (errno.ELOOP, "leads to itself"),
        (errno.ENAMETOOLONG, "shorter name"),
    ],
)
def test_what_the_machine_refuses_is_one_line_with_the_place_and_advice(
    code: int, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(OSError(code, os.strerror(code), "some/place.csv")) == 2
    line = stderr_line(capsys)
    assert "some/place.csv" in line
    assert os.strerror(code) in line
    assert advice in line


def test_a_rename_that_fails_names_the_place_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = OSError(errno.EISDIR, os.strerror(errno.EISDIR), ".run.part", None, "runs/a")
    assert run(error) == 2
    line = stderr_line(capsys)
    assert "runs/a" in line
    assert ".part" not in line


def test_a_full_disk_without_a_name_still_gives_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == 2
    assert "the output: No space" in stderr_line(capsys)


def test_an_interruption_is_one_line_and_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(KeyboardInterrupt()) == 130
    assert "interrupted" in stderr_line(capsys)


@pytest.mark.parametrize(
    "error", [ValueError("ours"), KeyError("ours"), OSError(errno.EIO, "ours"), AssertionError()]
)
def test_a_fault_of_ours_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        run(error)
    assert caught.value is error


def test_an_option_that_argparse_refuses_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        argparse.ArgumentParser().parse_args(argv)
        return 0

    with pytest.raises(SystemExit) as stopped:
        main(["--nonsense"])
    assert stopped.value.code == 2
    assert "--nonsense" in capsys.readouterr().err


def test_only_the_named_warning_of_a_library_is_silenced() -> None:
    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        warnings.warn("`torch.jit.script` is deprecated. Use another", FutureWarning, stacklevel=1)
        warnings.warn("something else", FutureWarning, stacklevel=1)
        return 0

    with pytest.warns(FutureWarning) as seen:
        assert main([]) == 0
    assert [str(warning.message) for warning in seen] == ["something else"]


def test_the_wrapped_main_keeps_its_name() -> None:
    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        """What it does."""
        return 0

    assert (main.__name__, main.__doc__) == ("main", "What it does.")


def test_an_unknown_name_offers_the_nearest_and_lists_all_that_exist() -> None:
    line = errors.unknown_name("preset", "basline", ["smoke", "baseline"])
    assert line == (
        "no preset named 'basline'; did you mean 'baseline'? There are: baseline, smoke"
    )


def test_an_unknown_name_like_no_other_offers_none() -> None:
    line = errors.unknown_name("preset", "xyz", ["smoke", "baseline"])
    assert "did you mean" not in line
    assert line.endswith("There are: baseline, smoke")


def test_an_unknown_name_among_none_says_so() -> None:
    assert errors.unknown_name("preset", "x", []).endswith("There are: none")


def test_a_submission_error_without_a_list_has_its_message_as_its_only_fault() -> None:
    assert errors.SubmissionError("a").faults == ("a",)
    assert errors.SubmissionError("a", ("b", "c")).faults == ("b", "c")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_script_with_one_line_and_its_own_code(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    @expected_errors
    def main(argv: list[str] | None = None) -> int:
        signal.raise_signal(number)
        return 0

    assert main([]) == code
    assert stderr_line(capsys) == "interrupted; nothing that was finished is lost"
    assert signal.getsignal(signal.SIGTERM) is before
