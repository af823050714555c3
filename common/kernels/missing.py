"""Weights that nobody attached: one line in place of a library's traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from common.errors import DataError, KitError
from common.kernels.attached import caches_dir
from common.kernels.config import KernelConfig

# what libraries raise when they may not, or cannot, fetch a file
FETCHING = {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "URLError"}


@contextlib.contextmanager
def missing_named(config: KernelConfig) -> Iterator[None]:
    """Turns a failed download, in a kernel without internet, into the line that says which file is
    missing, where it was looked for and what to attach.

    Raises: DataError for such a failure; everything else passes through.
    """
    try:
        yield
    except KitError:
        raise
    except Exception as error:
        line = "" if config.internet else _line(error, config)
        if not line:
            raise
        raise DataError(line) from error


def _line(error: BaseException, config: KernelConfig) -> str:
    chain = list(_chain(error))
    if not any(cls.__name__ in FETCHING for one in chain for cls in type(one).__mro__):
        return ""
    asked = next((name for one in chain if (name := _asked_for(one))), "a file from the internet")
    attached = ", ".join(config.datasets) or "none"
    looked = caches_dir() if config.datasets else "the image's own caches"
    return (
        f"{asked} is missing: this kernel has no internet; looked in {looked} (data sets attached: "
        f"{attached}). Pack it with python scripts/pack_dataset.py {config.competition} --weights "
        "LIBRARY/MODEL, upload the data set, name it in KernelSpec.datasets, and build and push "
        "again"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that led to it."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _asked_for(error: BaseException) -> str:
    """The file that was asked for; the errors themselves do not name it, so it is taken from the
    functions that they passed through."""
    trace = error.__traceback__
    while trace is not None:
        values = trace.tb_frame.f_locals
        repo, name, url = values.get("repo_id"), values.get("filename"), values.get("url")
        if isinstance(repo, str) and isinstance(name, str):
            return f"{name} of {repo}"
        if isinstance(url, str):
            return url
        trace = trace.tb_next
    return ""
