"""What every script shares: one line and exit code 2 for expected errors."""

from __future__ import annotations

import argparse
import errno
import functools
import io
import math
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from common import paths
from common.errors import Interrupted, KitError, UsageError

Main = Callable[..., int]

# What the machine, not the program, refuses: no room, no right, no such place.
_PLACE_ERRORS = {
    errno.ENOSPC: "free some room and run the same command again",
    errno.EDQUOT: "the quota is used up; free some room and run the same command again",
    errno.EFBIG: "the file is larger than this place allows; choose another folder",
    errno.EACCES: "choose a place that you may read and write",
    errno.EPERM: "choose a place that you may read and write",
    errno.EROFS: "the place is read-only; choose a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file; choose another folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.EEXIST: "a file of that name stands where a folder is needed; choose another folder",
    errno.ELOOP: "the link leads to itself; name the file that it stands for",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, and which takes no half options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def seed(text: str) -> int:
    """A seed from the command line: what every library's generator takes."""
    if not (text.isascii() and text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; expected 0 to {2**32 - 1}")
    return int(text)


def hours(text: str) -> float:
    """A number of hours above 0 from the command line."""
    return _positive(text, "hours, such as 8.5")


def seconds(text: str) -> float:
    """A number of seconds, 0 or more, from the command line."""
    return 0.0 if text.strip() == "0" else _positive(text, "seconds, such as 60")


def _positive(text: str, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0; expected {expected}")
    return number


def expected_errors(main: Main) -> Main:
    """Wraps a script's `main(argv)`: expected errors become one line on stderr and 2.

    Ctrl-C becomes one line and 130, SIGTERM one and 143, as shells have it. Everything else is
    ours and keeps its traceback.
    """

    @functools.wraps(main)
    def wrapped(argv: list[str] | None = None) -> int:
        keep_quiet()
        _write_any_character()
        try:
            with _terminated_like_ctrl_c():
                code = main(argv)
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            # the reader, such as `head`, has seen enough; nothing may be flushed to it at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KitError as error:
            return _say(f"error: {error}", 2)
        except OSError as error:
            if error.errno not in _PLACE_ERRORS:
                raise
            place = error.filename2 or error.filename or "the output"
            return _say(f"error: {place}: {error.strerror}; {_PLACE_ERRORS[error.errno]}", 2)
        except KeyboardInterrupt as error:
            code = error.exit_code if isinstance(error, Interrupted) else 130
            return _say("interrupted; nothing that was finished is lost", code)

    return wrapped


def keep_quiet() -> None:
    """Keeps warnings of libraries back about which a user can do nothing."""
    # fastai decorates functions with it as it loads
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")


@contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    """SIGTERM raises Interrupted for the length of the block, so that locks and files beside are
    cleared away. Where somebody else answers to it, or in a thread, nothing is changed."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise_interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise_interrupted(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


def _write_any_character() -> None:
    """Makes a terminal that knows ASCII only show other characters as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(line: str, code: int) -> int:
    place = paths.launched()  # of processes that train together each may say something else
    who = f"process {place.rank + 1} of {place.world}: " if place and place.world > 1 else ""
    print(" ".join((who + line).split()), file=sys.stderr)
    return code
