"""Keys of equal rows, and the facts by which rows are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from common.traits import picture_traits, row_keys, table_traits, tells_rows_apart, text_traits


def test_keys_are_equal_where_all_columns_are_and_nowhere_else() -> None:
    table = pd.DataFrame(
        {
            "number": [1.0, 1.0, np.nan, np.nan, 1.0],
            "text": ["a", "a", None, None, "b"],
            "picture": [
                np.zeros((2, 3)),
                np.zeros((2, 3)),
                np.ones(2),
                np.ones(2),
                np.zeros((3, 2)),
            ],
            "tokens": [[1, 2], [1, 2], [], [], [1, 2]],
        }
    )
    keys = row_keys(table)
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    for name in ("text", "picture"):
        other = row_keys(table[[name]])
        assert other[0] != other[4], name
    assert len(set(keys.tolist())) == 3


def test_rows_are_told_apart_by_one_fine_column_or_by_many_coarse_ones() -> None:
    rng = np.random.default_rng(0)
    coarse = pd.DataFrame(rng.integers(0, 2, (1000, 30)))
    fine = coarse[[0]].assign(weight=rng.normal(size=1000))
    assert not tells_rows_apart(coarse[[0, 1, 2]])
    assert tells_rows_apart(coarse)  # 2^30 kinds of rows, half a million pairs
    assert tells_rows_apart(fine)
    assert not tells_rows_apart(coarse[[]])


def test_tables_are_compared_by_numbers_categories_statistics_and_lengths() -> None:
    table = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "kind": ["a", "b", "a"],
            "picture": [np.array([0, 2]), np.array([4]), np.array([])],
            "tokens": [(1, 2), (3,), ()],
            "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
        }
    )
    traits = table_traits(table)
    assert traits["whole"].tolist()[::2] == [1.0, 3.0]
    assert np.isnan(traits["whole"][1])
    assert isinstance(traits["kind"].dtype, pd.CategoricalDtype)
    assert traits["mean of picture"].tolist()[:2] == [1.0, 4.0]
    assert np.isnan(traits["max of picture"][2])
    assert traits["length of tokens"].tolist() == [2.0, 1.0, 0.0]
    assert not [name for name in traits if "day" in name]


def test_a_column_of_names_says_nothing() -> None:
    assert table_traits(pd.DataFrame({"path": [f"{row}.png" for row in range(60)]})).empty


def test_texts_are_compared_by_lengths_signs_and_common_words() -> None:
    traits = text_traits(["Ab, 12!", "", "été ab"])
    assert traits["characters"].tolist() == [7.0, 0.0, 6.0]
    assert traits["words"].tolist() == [2.0, 0.0, 2.0]
    assert traits["share of digits"].tolist() == [pytest.approx(2 / 7), 0.0, 0.0]
    assert traits["share beyond ASCII"].tolist() == [0.0, 0.0, pytest.approx(2 / 6)]
    assert traits["the word 'ab'"].tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("parts", [1, 2])
def test_pictures_are_compared_by_size_file_and_colour(tmp_path: Path, parts: int) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB" if parts == 1 else "L", (30, 20), (200, 10, 0) if parts == 1 else 50).save(path)
    source = path if parts == 1 else (path, path)
    traits = picture_traits([source], channels=3 if parts == 1 else 2)
    row = traits.iloc[0]
    assert (row["width"], row["height"], row["format"]) == (30.0, 20.0, "png")
    assert row["bytes"] == parts * path.stat().st_size
    assert row["contrast"] == row["fineness"] == 0.0
    expected = {"mean red": 200.0, "mean green": 10.0, "mean blue": 0.0}
    if parts == 2:
        expected = {"mean channel 1": 50.0, "mean channel 2": 50.0}
    assert {name: row[name] for name in expected} == expected
