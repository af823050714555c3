"""A built kernel's whole way: pushed, waited for, fetched. Every step can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common import paths
from common.errors import KaggleError
from common.kaggle import fetching, journal, kernels
from common.kaggle.built import Built, open_built
from common.kaggle.cli import Kaggle, Say
from common.kaggle.faults import Kind
from common.kaggle.journal import ENDED, FETCHED, Journal
from common.kaggle.kernels import Status
from common.kaggle.locks import claimed
from common.kaggle.patience import Patience
from common.kaggle.pushing import Pusher
from common.kaggle.sources import check_sources
from common.kaggle.waiting import Watch

_HOUR = 3600.0


@dataclass(frozen=True)
class PushRequest:
    """What `push` was asked for.

    Args:
        role: of the kernel under kernels/<competition>; it is also its folder's name.
        folder: a built kernel elsewhere, such as one fold group's; None takes the role's.
        run: name under runs/<competition>/, or a path with a slash; "" for kernel and version.
        wait: until it has ended, and fetch what it wrote.
        again: push even what Kaggle already holds.
        hours: how long to wait, for a free session and for the end.
    """

    competition: str
    role: str = "train"
    folder: Path | None = None
    run: str = ""
    wait: bool = True
    again: bool = False
    hours: float = 13.0


def push(request: PushRequest, say: Say = print, patience: Patience | None = None) -> Path | None:
    """Pushes a built kernel and brings its output home; gives the folder, None where nobody was
    to wait.

    A second call goes on where the first one stopped. Nothing is pushed that Kaggle holds already.

    Raises: UsageError or DataError where the build is not right; KaggleError where Kaggle refuses
    it, drops a source, or where the run does not end well; RunError where the output is not that
    of this build.
    """
    built = open_built(request.competition, request.role, request.folder)
    kaggle = Kaggle(say, patience)
    until = kaggle.patience.clock() + request.hours * _HOUR
    with claimed(kaggle, built.folder, f"a push of {paths.shown(built.folder)}"):
        done = journal.read(built.folder)
        if _is_fetched(done, built) and not request.again:
            assert done is not None
            say(f"{done.called} is pushed and fetched; --again pushes this build once more")
            return Path(done.run)
        if request.run:
            fetching.check_free(_run_path(built, request.run))
        _check_sources(kaggle, built, done, request.again)
        known = Pusher(kaggle, built, until).ensure_pushed(again=request.again)
        if not request.wait:
            page = kernels.page_of(built.ref)
            say(f"{known.called} runs at {page}; the same command without --no-wait fetches it")
            return None
        known = _ended(kaggle, built, known, until)
        name = request.run or f"{built.slug}{f'-v{known.version}' if known.version else ''}"
        found = fetching.fetch(kaggle, built, _run_path(built, name))
        known.at(FETCHED, run=str(found)).write(built.folder)
    say(f"{known.called}: {paths.shown(found)}")
    return found


def _check_sources(kaggle: Kaggle, built: Built, known: Journal | None, again: bool) -> None:
    """Looks at the sources before a push, and not where one is under way already."""
    taken = known is not None and known.content == built.content
    under_way = (journal.SENDING, journal.WAITING, ENDED)
    if again or known is None or not taken or known.state not in under_way:
        check_sources(kaggle, built)


def _is_fetched(known: Journal | None, built: Built) -> bool:
    return (
        known is not None
        and known.content == built.content
        and known.state == FETCHED
        and Path(known.run).is_dir()
    )


def _ended(kaggle: Kaggle, built: Built, known: Journal, until: float) -> Journal:
    """The journal of a run that ended well.

    Raises: KaggleError where it did not.
    """
    end = Status(known.end) if known.state == ENDED else None
    end = end or Watch(kaggle, known, until).until_ended()
    known = known.at(ENDED, end=end.word).write(built.folder)
    if end.word == "COMPLETE":
        return known
    log = fetching.fetch_log(kaggle, built)
    for line in fetching.last_lines(log) if log else ():
        kaggle.say(f"  | {line}")
    where = f"; its log is in {paths.shown(log)}" if log else "; it left no log"
    said = f": {end.failure}" if end.failure else ""
    raise KaggleError(
        f"{known.called} ended as {end.word}{said}{where}. What it wrote is kept at "
        f"{kernels.page_of(built.ref)}; mend it and build again, or push this build once more "
        "with --again",
        Kind.ENDED,
    )


def _run_path(built: Built, name: str) -> Path:
    """As scripts/train.py has it: a name under runs/, or a path with a slash in it."""
    return Path(name) if "/" in name else paths.runs_dir(built.competition) / name
