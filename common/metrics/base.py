"""A metric: its name, its direction and its function, as one value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from common.errors import MetricError


@dataclass(frozen=True)
class Metric:
    """A competition's metric.

    `score(y_true=..., y_pred=...)` takes arrays aligned row by row and gives a finite float;
    an undefined case raises MetricError, it never gives nan. `best` and `worst` are the
    values that no prediction can pass, where there are such.
    """

    name: str
    higher_is_better: bool
    score: Callable[..., float]
    best: float | None = None
    worst: float | None = None

    def as_kaggle(self) -> Callable[..., float]:
        """This metric as hosts write theirs: `score(solution, submission, row_id_column_name)` on
        two DataFrames."""
        from common.metrics.kaggle_form import as_kaggle

        return as_kaggle(self)

    def is_better(self, new: float, best: float | None) -> bool:
        """True where `new` is a better score than `best`. nan is never better; any other
        number beats None."""
        if math.isnan(new):
            return False
        if best is None or math.isnan(best):
            return True
        return new > best if self.higher_is_better else new < best


def check_rows(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Raises MetricError unless both arrays hold the same number of rows, at least one."""
    if len(y_true) != len(y_pred):
        raise MetricError(
            f"y_true has {len(y_true)} rows and y_pred {len(y_pred)}; expected as many in both"
        )
    if len(y_true) == 0:
        raise MetricError("there are no rows to score; expected at least one")


def check_vectors(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Raises MetricError unless both arrays are (n_samples,), with at least one row.

    A column (n, 1) against a row (n,) would be compared all with all, without a word.
    """
    check_rows(y_true, y_pred)
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        if np.ndim(values) != 1:
            raise MetricError(
                f"{name} has the shape {np.shape(values)}; expected one value per row, "
                f"({len(values)},): flatten it"
            )
