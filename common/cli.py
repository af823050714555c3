"""What every script shares: one line and exit code 2 for expected errors."""

from __future__ import annotations

import errno
import functools
import sys
import warnings
from collections.abc import Callable

from common.errors import KitError

Main = Callable[..., int]

# What the machine, not the program, refuses: no room, no right, no such place.
_PLACE_ERRORS = {
    errno.ENOSPC: "free some room and run the same command again",
    errno.EDQUOT: "the quota is used up; free some room and run the same command again",
    errno.EFBIG: "the file is larger than this place allows; choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "the place is read-only; choose a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file; choose another folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.EEXIST: "a file of that name stands where a folder is needed; choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def expected_errors(main: Main) -> Main:
    """Wraps a script's `main(argv)`: expected errors become one line on stderr and 2.

    Ctrl-C becomes one line and 130, as shells have it. Everything else is ours and keeps its
    traceback.
    """

    @functools.wraps(main)
    def wrapped(argv: list[str] | None = None) -> int:
        # fastai decorates functions with it as it loads; there is nothing for a user to do
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
        try:
            return main(argv)
        except KitError as error:
            return _say(f"error: {error}", 2)
        except OSError as error:
            if error.errno not in _PLACE_ERRORS:
                raise
            place = error.filename2 or error.filename or "the output"
            return _say(f"error: {place}: {error.strerror}; {_PLACE_ERRORS[error.errno]}", 2)
        except KeyboardInterrupt:
            return _say("interrupted; nothing that was finished is lost", 130)

    return wrapped


def _say(line: str, code: int) -> int:
    print(" ".join(line.split()), file=sys.stderr)
    return code
