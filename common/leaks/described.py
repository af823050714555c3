"""What a pipeline says of its items' likeness and traits; where it says nothing, what the columns
say that train and test both have."""

from __future__ import annotations

import pandas as pd

from common.duplicates import Duplicates, equal_keys
from common.pipeline import NAMES, Pipeline
from common.traits.tables import row_keys, table_traits, tells_rows_apart


def duplicates_of(pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame) -> Duplicates:
    """Which items are equal, or nearly so; positions go through train, then through test."""
    found = pipeline.duplicates(train, test)
    if found is not None:
        return found
    names = _described_by(pipeline, train, test)
    rows = pd.concat([train[names], test[names]], ignore_index=True)
    if not tells_rows_apart(rows):
        return Duplicates(len(rows), compared=False)
    return Duplicates(len(rows), tuple(equal_keys(row_keys(rows))))


def traits_of(pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Numbers and categories, a row per item of train, then of test."""
    traits = pipeline.traits(train, test)
    if traits is not None:
        return traits
    names = [n for n in _described_by(pipeline, train, test) if n != pipeline.time_column]
    return table_traits(pd.concat([train[names], test[names]], ignore_index=True))


def _described_by(pipeline: Pipeline, train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    names = {*NAMES, *pipeline.spec.submission.target_columns}
    return [str(name) for name in train if name in test and name not in names]
