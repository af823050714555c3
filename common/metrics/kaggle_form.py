"""Both ways between our metrics and those that hosts write as notebooks on Kaggle.

A host's metric is a function `score(solution, submission, row_id_column_name)` on two DataFrames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from common.errors import SubmissionError
from common.metrics.base import Metric

KaggleScore = Callable[..., float]  # score(solution, submission, row_id_column_name)
NOT_TARGETS = ("Usage",)
ROW_ID = "row_id"


def as_kaggle(metric: Metric) -> KaggleScore:
    """The metric as a host writes it: `score(solution, submission, row_id_column_name)`.

    It joins the two DataFrames on the id, whatever their order, and leaves both as they are.
    """

    def score(solution: Any, submission: Any, row_id_column_name: str) -> float:
        targets = [
            name for name in solution.columns if name not in (row_id_column_name, *NOT_TARGETS)
        ]
        _check_columns(submission, [row_id_column_name, *targets])
        truth = solution.set_index(row_id_column_name)[targets]
        given = submission.set_index(row_id_column_name)[targets]
        _check_ids(truth.index, given.index)
        return metric.score(
            y_true=_values(truth, targets), y_pred=_values(given.loc[truth.index], targets)
        )

    return score


def metric_from_kaggle(
    score: KaggleScore,
    *,
    higher_is_better: bool,
    name: str = "",
    columns: Sequence[str] = ("target",),
    best: float | None = None,
) -> Metric:
    """A Metric of a host's function; pandas is loaded when it is called, not before.

    Args:
        score: as the host wrote it; it gets fresh DataFrames each time and may change them.
        name: what the metric is called (default: the function's module or name).
        columns: the target columns that the function looks for, in the order of the arrays'.
        best: the value that no prediction can pass, where there is one.
    """

    def aligned(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        solution, submission = _frame(y_true, columns), _frame(y_pred, columns)
        return float(score(solution, submission, ROW_ID))

    return Metric(name or score.__name__, higher_is_better, aligned, best)


def _frame(values: np.ndarray, columns: Sequence[str]) -> Any:
    """Rows with a running id and the target columns, as a DataFrame of its own memory."""
    import pandas as pd

    table = np.array(values).reshape(len(values), -1)
    frame = pd.DataFrame(table, columns=list(columns)).infer_objects()
    frame.insert(0, ROW_ID, np.arange(len(values)))
    return frame


def _values(frame: Any, targets: Sequence[str]) -> np.ndarray:
    if len(targets) == 1:
        column: np.ndarray = frame[targets[0]].to_numpy()
        return column
    table: np.ndarray = frame.to_numpy()
    return table


def _check_columns(submission: Any, expected: Sequence[str]) -> None:
    missing = [name for name in expected if name not in submission.columns]
    if missing:
        raise SubmissionError(
            f"the submission has no column {missing[0]!r} (found: "
            f"{', '.join(map(str, submission.columns))}); expected {', '.join(expected)}"
        )


def _check_ids(asked: Any, given: Any) -> None:
    for index, what in ((asked, "solution"), (given, "submission")):
        if not index.is_unique:
            twice = index[index.duplicated()][0]
            raise SubmissionError(f"the {what} holds id {twice!r} twice; expected every id once")
    missing, extra = asked.difference(given), given.difference(asked)
    if len(missing) or len(extra):
        what, first = ("lacks", missing) if len(missing) else ("was not asked for", extra)
        raise SubmissionError(
            f"the submission {what} id {first[0]!r} ({len(missing)} missing, {len(extra)} too "
            "many); expected the solution's ids and no other"
        )
