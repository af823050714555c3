"""Boosted trees as arrays: what scikit-learn answers, without scikit-learn."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from common.boosting import BoostedFold, BoostingSettings, fit_trees
from common.errors import DataError, RunError, SettingsError
from common.trees import LINKS, Trees
from tests.conftest import REPOSITORY

SETTINGS = BoostingSettings(trees=20, leaves=8, learning_rate=0.3, smallest_leaf=3)
SAME = {"max_iter": 20, "max_leaf_nodes": 8, "learning_rate": 0.3, "min_samples_leaf": 3}


def drawn(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five columns, a tenth of the cells missing, and a target that two of them decide."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, 5))
    target = np.abs(3 * features[:, 0] - features[:, 3] ** 2) + 0.1
    features[generator.random(features.shape) < 0.1] = np.nan
    return features, target


def one_split(**changes: Any) -> Trees:
    """A tree of one split: column 1 at most 2.5 gives 10, above it 20; the baseline is 1."""
    arrays: dict[str, Any] = {
        "roots": np.array([0]),
        "feature": np.array([1, 0, 0]),
        "threshold": np.array([2.5, 0, 0]),
        "missing_left": np.array([False, False, False]),
        "left": np.array([1, -1, -1]),
        "right": np.array([2, -1, -1]),
        "value": np.array([0.0, 10.0, 20.0]),
        "chosen": np.array([-1, -1, -1]),
        "sets": np.zeros((0, 8), np.uint32),
        "baseline": np.array([1.0]),
        "categories": np.empty(0),
        "category_ends": np.array([0, 0]),
        "categorical": np.array([False, False]),
        "link": np.array(0),
    }
    return Trees(**(arrays | changes))


def test_one_split_by_hand() -> None:
    rows = np.array([[9, 2.5], [9, 2.6], [9, -np.inf], [9, np.inf], [9, np.nan]])
    assert one_split().predict(rows)[:, 0].tolist() == [11, 21, 11, 21, 21]
    left = one_split(missing_left=np.array([True, False, False]))
    assert left.predict(rows)[:, 0].tolist() == [11, 21, 11, 21, 11]


def test_a_set_of_categories_by_hand() -> None:
    # codes 0 and 33 go left: bit 0 of word 0, bit 1 of word 1; the values are 100, 101, … 139
    sets = np.zeros((1, 8), np.uint32)
    sets[0, :2] = 1, 2
    trees = one_split(
        chosen=np.array([0, -1, -1]),
        sets=sets,
        categories=np.arange(100.0, 140.0),
        category_ends=np.array([0, 40]),
        categorical=np.array([False, True]),
    )
    rows = np.array([[0, 100], [0, 133], [0, 101], [0, 132], [0, 99], [0, 100.5], [0, np.nan]])
    assert trees.predict(rows)[:, 0].tolist() == [11, 11, 21, 21, 21, 21, 21]


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson", "gamma"])
def test_numbers_equal_scikit_learns_to_the_bit(loss: str) -> None:
    features, target = drawn(600)
    asked, _ = drawn(300, seed=1)
    ours = fit_trees(features, target, replace(SETTINGS, loss=loss), seed=0)
    theirs = HistGradientBoostingRegressor(loss=loss, early_stopping=False, random_state=0, **SAME)
    theirs.fit(features, target)
    assert np.array_equal(ours.predict(asked)[:, 0], theirs.predict(asked))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_equal_scikit_learns(n_classes: int) -> None:
    features, target = drawn(600)
    classes = np.digitize(target, np.quantile(target, np.arange(1, n_classes) / n_classes))
    asked, _ = drawn(300, seed=1)
    ours = fit_trees(features, classes, replace(SETTINGS, loss="log_loss"), seed=0)
    theirs = HistGradientBoostingClassifier(early_stopping=False, random_state=0, **SAME)
    theirs.fit(features, classes)
    assert ours.predict(asked) == pytest.approx(theirs.predict_proba(asked), abs=1e-12)


def test_categories_in_the_middle_equal_scikit_learns() -> None:
    features, target = drawn(900)
    generator = np.random.default_rng(2)
    group = generator.integers(0, 60, size=900)
    target = target + np.where(group % 7 == 3, 5.0, 0.0)
    features[:, 2] = np.where(generator.random(900) < 0.1, np.nan, group * 1000 - 7)
    which = np.array([False, False, True, False, False])
    ours = fit_trees(features, target, SETTINGS, seed=0, categorical=which)
    theirs = HistGradientBoostingRegressor(
        categorical_features=which, early_stopping=False, random_state=0, **SAME
    ).fit(features, target)
    asked = features.copy()
    asked[:20, 2] = 17  # a category that nothing was trained on
    assert (ours.chosen >= 0).any()
    assert np.array_equal(ours.predict(asked)[:, 0], theirs.predict(asked))


def test_blocks_of_rows_answer_as_all_rows_do(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target = drawn(200)
    trees = fit_trees(features, target, SETTINGS, seed=0)
    whole = trees.predict(features)
    monkeypatch.setattr("common.trees.ROWS_AT_ONCE", 7)
    assert np.array_equal(trees.predict(features), whole)
    assert trees.predict(features[:0]).shape == (0, 1)


def test_one_seed_gives_the_same_trees_and_another_draws_other_columns() -> None:
    features, target = drawn(300)
    settings = replace(SETTINGS, feature_share=0.4)
    first, second, other = (fit_trees(features, target, settings, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.feature, second.feature)
    assert not np.array_equal(first.predict(features), other.predict(features))


def test_weights_move_the_baseline() -> None:
    features, target = np.zeros((4, 1)), np.array([0.0, 0.0, 8.0, 8.0])
    trees = fit_trees(features, target, SETTINGS, 0, weights=np.array([1.0, 1.0, 3.0, 3.0]))
    # one constant column: no tree splits, and the weighted mean 48 / 8 remains
    assert trees.predict(features)[:, 0] == pytest.approx([6.0] * 4)


def test_a_fold_predicts_from_disk_without_scikit_learn(tmp_path: Path) -> None:
    features, target = drawn(200)
    items = pd.DataFrame(features, columns=[*"abcde"]).assign(sample=[f"s{k}" for k in range(200)])
    fold = BoostedFold.fit(items, ("e", "a", "d"), target, ("p_y",), SETTINGS, 0)
    fold.save(tmp_path)
    loaded = BoostedFold.load(tmp_path, ("e", "a", "d"), ("p_y",))
    predicted = loaded.predict(items)
    assert predicted.samples.tolist() == items["sample"].tolist()
    assert np.array_equal(predicted.values, fold.predict(items).values)
    assert len(loaded.predict(items.iloc[:0]).samples) == 0
    code = (
        "import sys; from common.trees import Trees; from pathlib import Path; "
        f"Trees.load(Path({str(tmp_path)!r}) / 'trees.npz'); sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0


def test_bad_input_is_named() -> None:
    features, target = drawn(50)
    trees = fit_trees(features, target, SETTINGS, 0)
    with pytest.raises(DataError, match=r"shape \(50, 4\); the trees were trained on 5 columns"):
        trees.predict(features[:, :4])
    with pytest.raises(DataError, match="0 rows train the trees"):
        fit_trees(features[:0], target[:0], SETTINGS, 0)
    with pytest.raises(DataError, match="1 of them without a finite target"):
        fit_trees(features, np.where(np.arange(50) == 3, np.nan, target), SETTINGS, 0)
    many = np.arange(300.0)[:, None]
    with pytest.raises(DataError, match="column 0 of the features holds 300 categories"):
        fit_trees(many, many[:, 0], SETTINGS, 0, categorical=np.array([True]))
    with pytest.raises(SettingsError, match="loss is 'mae'; expected squared_error or"):
        BoostingSettings(loss="mae")
    items = pd.DataFrame({"sample": ["a"], "x": [1.0]})
    with pytest.raises(DataError, match="the items have no column 'y'"):
        BoostedFold(trees, ("x", "y"), ("p",)).predict(items)


def test_a_file_of_other_arrays_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "trees.npz", a=np.zeros(1))
    with pytest.raises(RunError, match=r"trees\.npz holds a; expected trees"):
        Trees.load(tmp_path / "trees.npz")
    with pytest.raises(RunError, match=r"trees\.npz"):
        Trees.load(tmp_path / "none" / "trees.npz")


def test_every_loss_has_a_link() -> None:
    from common.boosting import LINK_OF

    assert set(LINK_OF.values()) | {"logit"} == set(LINKS)
