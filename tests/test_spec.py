"""The facts of a competition as values, and the ladder's words."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest

from common.errors import DataError
from common.metrics import Metric, accuracy, mean_absolute_error
from common.spec import (
    Column,
    CompetitionSource,
    CompetitionSpec,
    HostFile,
    IntegerColumn,
    LabelColumn,
    Ladder,
    NumberColumn,
    Rung,
    SubmissionFormat,
    numbered,
    parse_column,
)

DIGIT = IntegerColumn("Label", low=0, high=9)
SECONDS = NumberColumn("time_to_failure")
SHARE = NumberColumn("share", low=0.0, high=1.0)
SPECIES = LabelColumn("species", ("oak", "elm", "10"))


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (DIGIT, "0", 0),
        (DIGIT, "9", 9),
        (DIGIT, "+3", 3),
        (DIGIT, "-0", 0),
        (DIGIT, "007", 7),
        (IntegerColumn("n", -5, 5), "-5", -5),
        (SECONDS, "1", 1.0),
        (SECONDS, "-1.5e3", -1500.0),
        (SECONDS, "0.1", 0.1),
        (SHARE, "0", 0.0),
        (SHARE, "1.0", 1.0),
        (SPECIES, "elm", "elm"),
        (SPECIES, "10", "10"),
    ],
)
def test_a_cell_that_is_allowed_has_its_value(column: Column, text: str, value: Any) -> None:
    parsed = column.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "3.0",
        "3.5",
        "1e0",
        "10",
        "-1",
        "x",
        "nan",
        "inf",
        "1_0",
        " 3",
        "3 ",
        "3\n",
        "٣",
        "0x1",
    ],
)
def test_an_integer_column_refuses(text: str) -> None:
    assert DIGIT.parse(text) is None


def test_an_integer_of_a_thousand_digits_is_refused_and_not_computed() -> None:
    assert IntegerColumn("n", 0, 10**18).parse("9" * 5000) is None


@pytest.mark.parametrize(
    "text", ["", " ", "nan", "NaN", "inf", "-Infinity", "1e999", "1_0", "x", "٣", "0x1", "\u00a01"]
)
def test_a_number_column_refuses(text: str) -> None:
    assert SECONDS.parse(text) is None


@pytest.mark.parametrize("text", ["-0.001", "1.0001", "2", "-1e-300"])
def test_a_number_column_with_limits_refuses_what_lies_outside(text: str) -> None:
    assert SHARE.parse(text) is None


def test_a_label_column_refuses_an_empty_cell_alone() -> None:
    assert SPECIES.parse("") is None
    assert SPECIES.parse("Oak") == "Oak"  # counts as wrong, as the hosts have it


def test_a_label_that_is_no_class_is_a_doubt_and_named() -> None:
    assert SPECIES.doubts(np.array(["oak", "elm"])) == ""
    found = SPECIES.doubts(np.array(["oak", "Oak", "oak ", "Oak"]))
    assert found.startswith("3 values of ")
    assert "none of the 3 classes" in found
    assert "the first is 'Oak'" in found


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (DIGIT, "a whole number from 0 to 9"),
        (SECONDS, "a finite number"),
        (SHARE, "a number from 0 to 1"),
        (NumberColumn("n", low=0.0), "a number from 0 to inf"),
        (SPECIES, "one of 3 classes (oak, elm, 10)"),
        (LabelColumn("c", tuple("abcdefg")), "one of 7 classes (a, b, c, d, e, …)"),
    ],
)
def test_a_column_says_in_words_what_it_expects(column: Column, words: str) -> None:
    assert column.expected() == words


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (DIGIT, ["3", "x", "3", "9", "10", "x"]),
        (SECONDS, ["0.5", "nan", "2", "2", "nan"]),
        (SPECIES, ["elm", "ash", "oak", "elm", ""]),
    ],
)
def test_parsing_a_column_agrees_with_parsing_cell_by_cell(
    column: Column, cells: list[str]
) -> None:
    values, bad = parse_column(column, cells)
    assert bad == [row for row, cell in enumerate(cells) if column.parse(cell) is None]
    assert len(values) == len(cells)
    for row, cell in enumerate(cells):
        if row not in bad:
            assert values[row] == column.parse(cell)


def test_a_parsed_column_has_one_type() -> None:
    assert parse_column(DIGIT, ["1", "2"])[0].dtype.kind == "i"
    assert parse_column(SECONDS, ["1", "2"])[0].dtype.kind == "f"
    assert parse_column(SPECIES, ["oak", "10"])[0].dtype.kind == "U"


def test_a_column_of_faults_alone_still_has_its_length() -> None:
    values, bad = parse_column(SPECIES, ["", ""])
    assert (len(values), bad) == (2, [0, 1])


def test_the_header_has_the_keys_first() -> None:
    form = SubmissionFormat(("image", "class"), (DIGIT, SHARE))
    assert form.header == ("image", "class", "Label", "share")
    assert form.target_columns == ("Label", "share")


def test_the_columns_of_a_file_are_key_target_features() -> None:
    features = numbered("pixel", 2)
    assert HostFile("train", "t.csv", key="id", target="y", features=features).columns == (
        "id",
        "y",
        "pixel0",
        "pixel1",
    )
    assert HostFile("test", "t.csv", features=features).columns == features
    assert HostFile("sample", "t.csv").columns == ()


def test_numbered_columns_begin_with_zero() -> None:
    names = numbered("pixel", 784)
    assert (names[0], names[-1], len(names)) == ("pixel0", "pixel783", 784)
    assert numbered("x", 0) == ()


def spec(**changes: Any) -> CompetitionSpec:
    facts: dict[str, Any] = {
        "slug": "leaf",
        "title": "Leaf",
        "kind": "tabular",
        "metric": accuracy,
        "submission": SubmissionFormat(("id",), (DIGIT,)),
        "files": (HostFile("train", "a.csv"), HostFile("test", "b.csv")),
    }
    return CompetitionSpec(**{**facts, **changes})


def test_a_file_is_found_by_its_role() -> None:
    assert spec().file("test").name == "b.csv"


def test_a_role_without_a_file_is_a_data_error_that_lists_the_roles() -> None:
    with pytest.raises(DataError, match="leaf has no file for 'labels'; the spec names train, te"):
        spec().file("labels")


@pytest.mark.parametrize("value", [spec(), DIGIT, Rung("a", 1.0), spec().submission, Ladder()])
def test_a_fact_cannot_be_changed(value: Any) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_equal_facts_are_equal() -> None:
    assert spec() == spec()
    assert spec() != spec(slug="tree")


def test_how_to_get_the_data_names_the_rules_the_command_and_the_folder() -> None:
    words = CompetitionSource("leaf").how_to_get("data/leaf")
    assert "https://www.kaggle.com/competitions/leaf/rules" in words
    assert "kaggle competitions download leaf -p data/leaf" in words


HIGHER = (Rung("constant", 0.1), Rung("half way", 0.5), Rung("strong", 0.9))
LOWER = (Rung("constant", 9.0), Rung("half way", 5.0), Rung("strong", 1.0))


@pytest.mark.parametrize(
    ("score", "metric", "rungs", "words"),
    [
        (0.95, accuracy, HIGHER, "0.95 is better than the highest rung, strong (0.9)"),
        (0.9, accuracy, HIGHER, "0.9 equals the highest rung, strong (0.9)"),
        (0.7, accuracy, HIGHER, "0.7 lies between half way (0.5) and strong (0.9)"),
        (0.5, accuracy, HIGHER, "0.5 lies between half way (0.5) and strong (0.9)"),
        (0.49999, accuracy, HIGHER, "0.49999 lies between constant (0.1) and half way (0.5)"),
        (0.1, accuracy, HIGHER, "0.1 lies between constant (0.1) and half way (0.5)"),
        (0.05, accuracy, HIGHER, "0.05 is below the lowest rung, constant (0.1)"),
        (0.5, mean_absolute_error, LOWER, "0.5 is better than the highest rung, strong (1)"),
        (1.0, mean_absolute_error, LOWER, "1 equals the highest rung, strong (1)"),
        (3.0, mean_absolute_error, LOWER, "3 lies between half way (5) and strong (1)"),
        (5.0, mean_absolute_error, LOWER, "5 lies between half way (5) and strong (1)"),
        (7.0, mean_absolute_error, LOWER, "7 lies between constant (9) and half way (5)"),
        (10.0, mean_absolute_error, LOWER, "10 is below the lowest rung, constant (9)"),
    ],
)
def test_the_place_on_the_ladder(
    score: float, metric: Metric, rungs: tuple[Rung, ...], words: str
) -> None:
    for order in itertools.permutations(rungs):
        assert Ladder(order).place(score, metric) == words


@pytest.mark.parametrize("metric", [accuracy, mean_absolute_error])
def test_a_ladder_of_one_rung_has_a_word_for_either_side(metric: Metric) -> None:
    ladder = Ladder((Rung("only", 0.5),))
    better, worse = (0.6, 0.4) if metric.higher_is_better else (0.4, 0.6)
    assert "better than the highest rung, only" in ladder.place(better, metric)
    assert "equals the highest rung, only" in ladder.place(0.5, metric)
    assert "below the lowest rung, only" in ladder.place(worse, metric)


@pytest.mark.parametrize("score", [0.0, 0.5, math.inf])
def test_no_rungs_have_no_place(score: float) -> None:
    assert Ladder().place(score, accuracy) == ""


def test_a_place_is_one_line_with_the_score_in_five_digits() -> None:
    words = Ladder(HIGHER).place(2 / 3, accuracy)
    assert words.startswith("0.66667 ")
    assert "\n" not in words


@pytest.mark.parametrize("seed", range(3))
def test_the_rungs_named_are_the_nearest_on_either_side(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.permutation(40)[:12].tolist()
    ladder = Ladder(tuple(Rung(f"<{score}>", score) for score in scores))
    for score in np.arange(0.5, 40):
        words = ladder.place(float(score), accuracy)
        below = [rung for rung in scores if rung < score]
        above = [rung for rung in scores if rung > score]
        named = ([max(below)] if below else []) + ([min(above)] if above else [])
        assert [rung for rung in sorted(scores) if f"<{rung}>" in words] == named
