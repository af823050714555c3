"""Checking a submission of a million rows against its sample."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd

from benchmarks.runner import Case, Function
from common.spec import IntegerColumn, SubmissionFormat
from common.submit import ids_of, read_submission

N_ROWS = 1_000_000
FORM = SubmissionFormat(("id",), (IntegerColumn("label", 0, 9),))


def cases(work: Path) -> list[Case]:
    """Reading included on both sides; the rows in the sample's order, and shuffled."""
    sample = _write(work / "sample.csv", shuffled=False, seed=0)
    return [
        _case("check_in_order", sample, _write(work / "ordered.csv", shuffled=False, seed=1)),
        _case("check_shuffled", sample, _write(work / "shuffled.csv", shuffled=True, seed=1)),
    ]


def _case(name: str, sample: Path, submission: Path) -> Case:
    def ours() -> int:
        return len(read_submission(submission, FORM, ids_of(sample, FORM)).keys)

    def merge() -> int:
        asked, given = pd.read_csv(sample), pd.read_csv(submission)
        both = asked.merge(given, on="id", how="outer", indicator=True, validate="1:1")
        assert (both["_merge"] == "both").all()
        assert given["label"].between(0, 9).all()
        return len(both)

    return Case(name, Function(ours), peers={"pandas merge": Function(merge)})


def _write(path: Path, *, shuffled: bool, seed: int) -> Path:
    own = random.Random(seed)
    ids = [f"{number:07x}" for number in range(N_ROWS)]
    if shuffled:
        own.shuffle(ids)
    rows = "".join(f"{name},{own.randrange(10)}\n" for name in ids)
    path.write_text("id,label\n" + rows, encoding="utf-8")
    return path
