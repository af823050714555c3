"""Run folders of a toy competition, written by hand: eight rows, two folds, one number to predict.

The truth of row k is 10·k; even rows are in fold 0, odd ones in fold 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from common import files
from common.collect import Dense, Predictions
from common.metrics import mean_absolute_error
from common.pipeline import Context, Pipeline
from common.runfolder import RunFolder
from common.settings import Settings
from common.spec import CompetitionSpec, HostFile, NumberColumn, SubmissionFormat

SPEC = CompetitionSpec(
    slug="toy",
    title="Toy",
    kind="toy",
    metric=mean_absolute_error,
    submission=SubmissionFormat(("id",), (NumberColumn("value"),)),
    files=(HostFile("sample_submission", "sample_submission.csv"),),
)
SAMPLES = [f"s{k}" for k in range(8)]
TRUTH = np.array([10.0 * k for k in range(8)])
FOLDS = np.array([k % 2 for k in range(8)])
TESTS = ["t0", "t1", "t2"]
BY_FOLD = np.argsort(FOLDS, kind="stable")  # the order in which a run stores its rows
Rows = Callable[[pd.DataFrame], pd.DataFrame]


class Toy(Pipeline):
    """All answers by default; the data are the constants above."""

    spec = SPEC
    presets: ClassVar = {"baseline": Settings(folds=2)}

    def items(self, split: str, context: Context) -> pd.DataFrame:
        if split == "test":
            return pd.DataFrame({"sample": TESTS, "id": TESTS})
        return pd.DataFrame({"sample": SAMPLES, "id": SAMPLES, "value": TRUTH})

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        return FOLDS


def table() -> pd.DataFrame:
    """What `folds.parquet` holds."""
    return pd.DataFrame({"sample": SAMPLES, "id": SAMPLES, "fold": FOLDS, "value": TRUTH})


def dense(samples: Sequence[str], *columns: Any, names: tuple[str, ...] = ("p_value",)) -> Dense:
    """Predictions, a column each."""
    values = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
    return Dense(np.array(samples), values, names)


def write_run(
    place: Path,
    errors: Any = 0.0,
    *,
    oof: Predictions | None = None,
    test: Predictions | None = None,
    rows: Rows = lambda rows: rows,
    test_rows: Rows = lambda rows: rows,
    pooled: float = 1.0,
    higher_is_better: bool = False,
    without: tuple[str, ...] = (),
    **facts: Any,
) -> Path:
    """A finished run.

    Args:
        errors: what its out-of-fold predictions have above the truth, per row; those of the test
            set are the first three of them.
        oof, test: predictions in their place.
        rows, test_rows: change what is stored of the rows.
        without: files to leave out.
    """
    run = RunFolder(place)
    above = np.broadcast_to(np.asarray(errors, dtype=np.float64), (8,))
    settings = {"competition": "toy", "slug": "toy", "pipeline": "toy", "preset": "baseline"}
    settings |= {"settings": {"folds": 2}, "seed": 0, "data": {}, "folds": [0, 1]}
    files.write_json(run / "settings.json", settings | facts)
    table().to_parquet(run / "folds.parquet", index=False)
    stored = rows(table().iloc[BY_FOLD].reset_index(drop=True))
    given = oof or dense(SAMPLES, TRUTH + above)
    kept = given.save(place, "oof", stored)
    asked = test_rows(pd.DataFrame({"sample": TESTS, "id": TESTS}))
    kept += (test or dense(TESTS, above[:3])).save(place, "test", asked)
    lines = "".join(f"{name},0.0\n" for name in TESTS)
    (place / "submission.csv").write_text(f"id,value\n{lines}")
    between = {"low": pooled - 0.1, "high": pooled + 0.1, "n_test": 3}
    scores = {"metric": "mae", "higher_is_better": higher_is_better, "pooled": pooled}
    files.write_json(
        run / "scores.json", {**scores, "interval": between, "epoch": "fixed in advance"}
    )
    files.write_json(run / "environment.json", {"commit": "0123456789ab", "seconds": 90.0})
    for name in without:
        (place / name).unlink()
    kept += [run / name for name in ("settings.json", "folds.parquet", "scores.json")]
    run.record([path for path in kept if path.name not in without])
    return place
