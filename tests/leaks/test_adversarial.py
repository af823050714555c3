"""Adversarial validation: shifts that were planted are named, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from common.leaks import WARNING, area
from tests.leaks.toy import N_TEST, N_TRAIN, alarms, one_alarm, report_of, tables


@pytest.mark.parametrize("n_test", [60, 8, 3, 1, 0])
@pytest.mark.parametrize("seed", [0, 1])
def test_clean_tables_raise_no_alarm(seed: int, n_test: int) -> None:
    report = report_of(*tables(seed, n_test))
    assert alarms(report) == []
    assert report.verdict == "clean: no leak and no warning"


@pytest.mark.parametrize("n_test", [60, 8])
def test_a_shifted_column_is_found_and_named(n_test: int) -> None:
    train, test = tables(n_test=n_test)
    found = one_alarm(train, test.assign(weight=test["weight"] + 60))
    assert (found.level, found.check) == (WARNING, "train against test")
    assert "most in weight (train 98" in found.text


def test_a_category_that_train_hardly_has_is_named() -> None:
    train, test = tables()
    found = one_alarm(train, test.assign(colour=["blue", "blue", "red"] * 20))
    assert "most in colour (blue: train 0%, test 67%)" in found.text


def test_what_also_tells_the_folds_apart_is_lawful_and_hides_no_other_shift() -> None:
    train, test = tables()
    train["drift"] = np.arange(N_TRAIN) / 10
    train["fold"] = np.arange(N_TRAIN) // 50
    test["drift"] = 20 + np.arange(N_TEST) / 10
    report = report_of(train, test)
    assert alarms(report) == []
    assert report.findings[-1].facts["traits_that_differ_between_folds"] == ["drift"]
    found = one_alarm(train, test.assign(weight=test["weight"] + 60))
    assert "most in weight" in found.text
    assert "drift" not in found.text


def test_rows_of_one_kind_cannot_be_told_apart_and_the_area_has_its_error() -> None:
    rng = np.random.default_rng(3)
    traits, second = pd.DataFrame({"x": rng.normal(size=300)}), np.arange(300) < 100
    equal = area(traits, second, 0)
    # of 100 and 200 rows: the root of 301 / (12 × 100 × 200) is 0.0354
    assert equal.error == pytest.approx(0.0354, abs=1e-4)
    assert abs(equal.auc - 0.5) < 3 * equal.error
    apart = area(traits.assign(x=traits["x"] + 9 * second), second, 0)
    assert apart.auc > 0.99
