"""Checking a submission of a million rows against its sample, and writing one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.runner import Case, Function
from common.keys import Keys
from common.rle import RunLength
from common.spec import Column, IntegerColumn, NumberColumn, SubmissionFormat, TextColumn
from common.submit import ids_of, read_submission
from common.writing import write_columns

N_ROWS = 1_000_000
N_MASKS, N_RUNS = 18_000, 870  # 124 MB of text
SIZE = (1024, 1024)
MASKS = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
FORM = SubmissionFormat(("id",), (IntegerColumn("label", 0, 9),))


def cases(work: Path) -> list[Case]:
    """Checking: reading included on both sides; the rows in the sample's order, and shuffled.
    Writing: columns in memory on both sides; only ours checks the cells and reads them back."""
    sample = _write(work / "sample.csv", shuffled=False, seed=0)
    return [
        _case("check_in_order", sample, _write(work / "ordered.csv", shuffled=False, seed=1)),
        _case("check_shuffled", sample, _write(work / "shuffled.csv", shuffled=True, seed=1)),
        *_writing(work),
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


def _writing(work: Path) -> list[Case]:
    own = np.random.default_rng(2)
    ids = [f"{number:07x}" for number in range(N_ROWS)]
    labels = own.integers(0, 10, N_ROWS)
    floats = {name: own.random(N_ROWS) for name in "xyz"}
    images = [f"ID_{number:09x}" for number in range(N_MASKS)]
    runs = own.integers(100, 1000, (N_MASKS, 2 * N_RUNS)).astype(str)
    texts = [" ".join(row) for row in runs.tolist()]
    any_text = TextColumn("runs", lambda _: "", "any text")
    checked = TextColumn(
        "runs",
        fault=partial(MASKS.fault, shape=SIZE),
        form="run lengths",
        faulty=partial(MASKS.faulty, shape=SIZE),
    )
    numbers = [NumberColumn(name, 0, 1) for name in "xyz"]
    label = FORM.targets[0]
    return [
        _write_case("write_id_label", work, [label], {"id": ids, "label": labels}),
        _write_case("write_floats", work, numbers, {"id": ids, **floats}),
        _write_case("write_run_lengths", work, [any_text], {"id": images, "runs": texts}),
        _write_case("write_checked_runs", work, [checked], {"id": images, "runs": texts}),
    ]


def _write_case(
    name: str, work: Path, targets: Sequence[Column], columns: dict[str, Sequence[str] | np.ndarray]
) -> Case:
    form = SubmissionFormat(("id",), tuple(targets))
    asked = Keys([pa.array(columns["id"])])  # as a sample of this size is read
    ours, theirs = work / f"{name}.csv", work / f"{name}_pandas.csv"

    def write() -> Path:
        return write_columns(ours, form, columns, asked)

    def to_csv() -> Path:
        pd.DataFrame(columns).to_csv(theirs, index=False)
        return theirs

    def same_bytes(one: Path, other: Path) -> bool:
        return one.read_bytes() == other.read_bytes()

    return Case(name, Function(write), {"pandas": Function(to_csv)}, same_bytes)
