"""What is to be submitted: a file or a kernel's version, checked before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import files, paths
from common.errors import KaggleError, UsageError
from common.judging import check_files
from common.kaggle import kernels
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Kind
from common.kaggle.fetching import RECORD, SUBMISSION
from common.runfolder import MANIFEST, SETTINGS, RunFolder
from common.score import FIXTURE_FILE


@dataclass(frozen=True)
class Candidate:
    """A checked submission.

    Args:
        path: the file; None where the kernel's version is submitted.
        called: how the ledger names it.
        kernel: "owner/slug"; "" for a file.
    """

    path: Path | None
    called: str
    sha256: str
    commit: str = ""
    run: str = ""
    cv: str = ""
    kernel: str = ""
    version: int = 0


def of_run(folder: str, run: Path, sample: Path | None) -> Candidate:
    """The submission of a run, or what an infer kernel wrote.

    Raises: RunError where the run is not whole; UsageError where it is synthetic or of another
    competition; SubmissionError where the competition would not accept it.
    """
    path = run / SUBMISSION
    commit, cv = "", ""
    if (run / SETTINGS).is_file():
        facts = RunFolder(run).open_finished()
        if facts["competition"] != folder:
            raise UsageError(
                f"{paths.shown(run)} is a run of {facts['competition']}; expected one of {folder}"
            )
        commit = str(_json(run / "environment.json").get("commit", ""))
        cv = _cv(run)
    record = _json(run / RECORD)
    if record:
        if record.get("rehearsal") is not None:
            raise UsageError(f"{paths.shown(run)} was made by a rehearsal; nothing was submitted")
        commit = commit or str(record.get("commit", ""))
        cv = cv or _cv_of_attached(folder, record)
    checked = of_file(folder, path, sample)
    return Candidate(path, checked.called, checked.sha256, commit, run.resolve().name, cv)


def of_file(folder: str, path: Path, sample: Path | None) -> Candidate:
    """A file that the competition would accept; says how many rows it has.

    Raises: UsageError where it is synthetic; SubmissionError where it would not be accepted.
    """
    if not path.is_file():
        raise UsageError(f"{paths.shown(path)} does not exist; name a run or a file to submit")
    for place in (path, sample):
        if place is not None and (place.resolve().parent / FIXTURE_FILE).is_file():
            raise UsageError(
                f"{paths.shown(place)} belongs to a fixture, not to the host's data; nothing was "
                "submitted: train and predict on the host's files (scripts/download.py)"
            )
    check_files(folder, path, sample, as_json=False)
    return Candidate(path, paths.shown(path), files.sha256(path))


def of_kernel(
    kaggle: Kaggle, folder: str, ref: str, version: int, run: Path | None, sample: Path | None
) -> Candidate:
    """A kernel's version whose output the competition would accept.

    Args:
        run: where its output was fetched to; None fetches submission.csv of the last run.

    Raises: KaggleError where it has not ended well; otherwise as above.
    """
    status = kaggle.patiently(lambda: kernels.status(kaggle, ref))
    if status.word != "COMPLETE":
        raise KaggleError(
            f"the last run of {ref} is {status.word}; expected COMPLETE: nothing was submitted",
            Kind.REFUSED,
        )
    if run is not None:
        checked = of_run(folder, run, sample)
    else:
        with TemporaryDirectory() as scratch:
            pattern = rf"^({SUBMISSION}|{RECORD})$".replace(".", r"\.")
            kaggle.patiently(
                lambda: kernels.fetch_output(kaggle, ref, Path(scratch), pattern=pattern)
            )
            if not (Path(scratch) / SUBMISSION).is_file():
                raise KaggleError(
                    f"the last run of {ref} wrote no {SUBMISSION}; nothing was submitted",
                    Kind.REFUSED,
                )
            checked = of_run(folder, Path(scratch), sample)
    return Candidate(
        path=None,
        called=f"{ref} version {version}",
        sha256=checked.sha256,
        commit=checked.commit,
        run=checked.run if run is not None else "",
        cv=checked.cv,
        kernel=ref,
        version=version,
    )


def _cv(run: Path) -> str:
    score = _json(run / "scores.json").get("pooled")
    return repr(score) if isinstance(score, float) else ""


def _cv_of_attached(folder: str, record: dict[str, Any]) -> str:
    """The score of the run that an infer kernel read, where that run lies here."""
    wanted = {entry.get("run") for entry in (record.get("config") or {}).get("runs", ())}
    for manifest in sorted(paths.runs_dir(folder).glob(f"*/{MANIFEST}")):
        if files.sha256(manifest) in wanted:
            return _cv(manifest.parent)
    return ""


def _json(path: Path) -> dict[str, Any]:
    content = files.read_json(path) if path.is_file() else {}
    return content if isinstance(content, dict) else {}
