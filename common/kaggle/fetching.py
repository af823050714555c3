"""Brings a finished kernel's output home: checked in a folder beside, then put into place."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import files, paths
from common.errors import DataError, KaggleError, KitError, RunError
from common.kaggle import kernels
from common.kaggle.built import Built
from common.kaggle.cli import Kaggle, size_shown
from common.kaggle.faults import Kind
from common.kaggle.kernels import SAFE_NAME
from common.kaggle.redaction import redacted
from common.runfolder import MANIFEST, RunFolder

RUN = "run"  # the folder that a train kernel writes
RECORD = "kernel.json"
SUBMISSION = "submission.csv"
LOG = "kernel.log"
_NOTHING = r"(?!)"  # matches no file: the log alone is fetched
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|\?xml)", re.IGNORECASE)
_ERROR_BODY = re.compile(rb'\s*\{\s*"(code|error|message)"')
_LOG_LINES = 12  # of a failed run's log, in a message's neighbourhood


def fetch(kaggle: Kaggle, built: Built, target: Path) -> Path:
    """Fetches the output of the kernel's last run and gives the folder that it stands in.

    A train kernel's run folder becomes `target`; of an infer kernel, submission.csv and
    kernel.json. kernel.log is the run's log. Until all of it is checked it stands in a hidden
    folder beside `target`, and nothing is left of that where something is wrong.

    Raises: RunError where `target` is there already, or where the output is not that of this
    build; KaggleError or DataError where it does not arrive whole.
    """
    check_free(target)
    listed = kernels.output_files(kaggle, built.ref)
    _check_names(listed, built.ref)
    with _beside(target) as staging:
        _check_room(listed, staging, built.ref)
        kaggle.patiently(lambda: _fetch_whole(kaggle, built, listed, staging))
        found = _run_of(built, staging) if built.role == "train" else _answer_of(built, staging)
        files.write_text(found / LOG, read_log(staging / f"{built.slug}.log"))
        found.replace(target)
    return target


def fetch_log(kaggle: Kaggle, built: Built) -> Path | None:
    """Fetches the last run's log beside the built kernel; None where there is none."""
    with _beside(built.folder / LOG) as staging:
        kaggle.patiently(lambda: kernels.fetch_output(kaggle, built.ref, staging, pattern=_NOTHING))
        text = read_log(staging / f"{built.slug}.log")
    return files.write_text(built.folder / LOG, text) if text else None


def read_log(path: Path) -> str:
    """A kernel's log as plain text, without secrets; "" where there is none.

    Kaggle keeps a JSON array of events; what is not one is taken as it is.
    """
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        events = json.loads(text)
        text = "".join(str(event["data"]) for event in events)
    except (json.JSONDecodeError, TypeError, KeyError):
        pass  # an older or a cut log
    return redacted(text)


def last_lines(log: Path, count: int = _LOG_LINES) -> list[str]:
    """The last lines with something on them."""
    lines = [line.rstrip() for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line][-count:]


def check_free(target: Path) -> None:
    """Raises RunError where something stands where the output is to go."""
    if target.exists():
        raise RunError(
            f"{paths.shown(target)} is there already; name another folder with --run, or move it "
            "away"
        )


# ---- checks -------------------------------------------------------------------------------------


def _check_names(listed: dict[str, int], ref: str) -> None:
    """Raises KaggleError for a name that would leave its folder."""
    for name in listed:
        if not re.search(SAFE_NAME, name):
            raise KaggleError(
                f"the output of {ref} has a file called {name!r}, which would be written outside "
                "its folder; nothing was fetched: let the kernel write below /kaggle/working only",
                Kind.REFUSED,
            )


def _check_room(listed: dict[str, int], staging: Path, ref: str) -> None:
    needed, free = sum(listed.values()), shutil.disk_usage(staging).free
    if needed > free:
        raise DataError(
            f"the output of {ref} has {size_shown(needed)}, and {paths.shown(staging.parent)} "
            f"has room for {size_shown(free)}; free some, or name another folder with --run"
        )


def _fetch_whole(kaggle: Kaggle, built: Built, listed: dict[str, int], staging: Path) -> None:
    """One try, into an empty folder."""
    shutil.rmtree(staging)
    staging.mkdir()
    kernels.fetch_output(kaggle, built.ref, staging)
    for name, size in listed.items():
        path = staging / name
        # beside what our kernels write, Kaggle lists files that it does not hand out
        ours = name.startswith(f"{RUN}/") or name in (SUBMISSION, RECORD)
        if size and path.is_file() and path.stat().st_size != size:  # 0 is no size told
            came = f"came with {path.stat().st_size:,} bytes"
        elif ours and not path.is_file():
            came = "did not come"
        else:
            continue
        page = ", a page that says why it is not there" if _is_page(path) else ""
        raise KaggleError(
            f"of the output of {built.ref}, {name} {came}{page}; expected {size:,} bytes: run "
            "the same command again",
            Kind.GARBLED,
        )
    for path in sorted(staging.rglob("*")):
        if path.is_file() and _is_page(path):
            raise KaggleError(
                f"of the output of {built.ref}, {path.relative_to(staging)} is an error page of "
                "Kaggle and not the file; run the same command again",
                Kind.GARBLED,
            )


def _is_page(path: Path) -> bool:
    """Whether a file is an error's text that was saved under the file's name."""
    if not path.is_file() or path.suffix in (".html", ".xml", ".svg", ".log"):
        return False
    with path.open("rb") as stream:
        head = stream.read(200)
    is_json = path.suffix in (".json", ".ipynb")
    return bool(_PAGE.match(head)) or (not is_json and bool(_ERROR_BODY.match(head)))


def _run_of(built: Built, staging: Path) -> Path:
    """The run folder among the output, after checking that it belongs together."""
    run = RunFolder(staging / RUN)
    if not (run / MANIFEST).is_file():
        raise RunError(
            f"the output of {built.ref} holds no run (no {RUN}/{MANIFEST}); look at its log at "
            f"{kernels.page_of(built.ref)}"
        )
    try:
        run.open_finished()
    except KitError as error:
        reason = str(error).replace(f"{run.shown} ", "").partition("; ")[0]
        raise RunError(
            f"the run in the output of {built.ref} {reason}; look at it at "
            f"{kernels.page_of(built.ref)}, or push this build again, with --again"
        ) from None
    _check_record(built, run / RECORD)
    return run.path


def _answer_of(built: Built, staging: Path) -> Path:
    """A folder with the submission among the output."""
    folder = staging.with_name(f"{staging.name}.answer")
    if not (staging / SUBMISSION).is_file():
        raise RunError(
            f"the output of {built.ref} holds no {SUBMISSION}; look at its log at "
            f"{kernels.page_of(built.ref)}"
        )
    _check_record(built, staging / RECORD)
    folder.mkdir()
    for name in (SUBMISSION, RECORD):
        (staging / name).replace(folder / name)
    return folder


def _check_record(built: Built, path: Path) -> None:
    """Raises RunError where the output was written by another build, or by a rehearsal."""
    if not path.is_file():
        raise RunError(f"the output of {built.ref} holds no {path.name}; build the kernel again")
    record: dict[str, Any] = files.read_json(path)
    ours = built.facts["config"]
    if record.get("code") != ours["code"] or record.get("config") != ours:
        raise RunError(
            f"the output of {built.ref} was written by another build (commit "
            f"{record.get('commit')}, code {str(record.get('code'))[:12]}; expected "
            f"{ours['code'][:12]}): Kaggle gives the last run's; push this build again, with "
            "--again"
        )
    if record.get("rehearsal") is not None:
        raise RunError(f"the output of {built.ref} was written by a rehearsal; push it again")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target`, empty, and gone at the end with all that is like it.

    What a killed process left there is removed as well: a lock keeps others away.
    """
    files.make_folder(target.parent)
    staging = target.with_name(f".{target.name}.{os.getpid()}.part")
    _remove_leftovers(target)
    staging.mkdir()
    try:
        yield staging
    finally:
        _remove_leftovers(target)


def _remove_leftovers(target: Path) -> None:
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part*"):
        shutil.rmtree(left)
