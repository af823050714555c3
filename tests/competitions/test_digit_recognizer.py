"""The digits: what the sweep over all folders does not ask."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from common.errors import DataError
from common.pipeline import Context
from competitions.digit_recognizer.pipeline import PIPELINES, DigitNet, DigitSvc
from competitions.digit_recognizer.spec import SPEC
from competitions.digit_recognizer.svc import SvcFold

Edit = Callable[[list[list[str]]], None]


@pytest.fixture
def edited(digits: Path, tmp_path: Path) -> Callable[[str, Edit], Context]:
    """Copies the fixture and edits one of its files, cell by cell."""

    def edit(name: str, change: Edit, end: str = "\n") -> Context:
        folder = tmp_path / "data"
        shutil.copytree(digits, folder)
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        change(rows)
        text = "".join(",".join(row) + end for row in rows)
        (folder / name).write_bytes(text.encode())
        return Context(root=folder)

    return edit


def test_fixture_holds_each_bundled_digit_once(digits: Path) -> None:
    train = pd.read_csv(digits / "train.csv")
    test = pd.read_csv(digits / "test.csv")
    solution = pd.read_csv(digits / "solution.csv")
    assert (len(train), len(test)) == (1297, 500)
    labels = np.concatenate([train["label"], solution["Label"]])
    assert np.bincount(labels).tolist() == np.bincount(load_digits().target).tolist()
    # stratified: the test set has each class in its share, to within one picture
    shares = np.bincount(load_digits().target) * 500 / 1797
    assert np.abs(np.bincount(solution["Label"]) - shares).max() < 1
    assert solution["ImageId"].tolist() == list(range(1, 501))


def test_fixture_pictures_are_the_bundled_ones_enlarged(digits: Path) -> None:
    train = pd.read_csv(digits / "train.csv")
    images = train.drop(columns="label").to_numpy().reshape(-1, 28, 28)
    assert images.min() == 0
    assert images.max() == 255
    # the mean over blocks of 3.5 pixels is close to one of the bundled pictures, and to its label
    small = np.stack([_shrunk(image) for image in images[:50]])
    originals = load_digits().images * 255 / 16
    distances = ((small[:, None] - originals[None]) ** 2).mean(axis=(2, 3))
    nearest = distances.argmin(axis=1)
    assert (load_digits().target[nearest] == train["label"][:50]).all()
    assert np.sqrt(distances.min(axis=1)).max() < 25  # of 255


def _shrunk(image: np.ndarray) -> np.ndarray:
    """28×28 to 8×8 by the mean over blocks; each pixel doubled first, so that blocks are whole."""
    doubled = np.kron(image, np.ones((2, 2)))
    return doubled.reshape(8, 7, 8, 7).mean(axis=(1, 3))


def test_items_find_the_label_in_any_column(edited: Callable[..., Context], digits: Path) -> None:
    def second_place(rows: list[list[str]]) -> None:
        for row in rows:
            row[0], row[1] = row[1], row[0]

    expected = DigitNet().items("train", Context(root=digits))
    found = DigitNet().items("train", edited("train.csv", second_place))
    assert found["Label"].tolist() == expected["Label"].tolist()
    assert all(map(np.array_equal, found["image"], expected["image"]))


def test_items_read_crlf_and_whole_floats_as_labels(
    edited: Callable[..., Context], digits: Path
) -> None:
    def as_floats(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[0] += ".0"

    context = edited("train.csv", as_floats, end="\r\n")
    expected = DigitNet().items("train", Context(root=digits))
    assert DigitNet().items("train", context)["Label"].tolist() == expected["Label"].tolist()


def _set(row: int, column: int, cell: str) -> Edit:
    def change(rows: list[list[str]]) -> None:
        rows[row][column] = cell

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(7, 0, "10"), r"row 7 \(line 8\), column 'label' holds '10'; expected one of 10"),
        (_set(7, 0, "3.5"), r"row 7 .* holds '3.5'"),
        (_set(9, 1, "256"), r"row 9 \(line 10\), column 'pixel0' holds 256; expected a whole"),
        (_set(9, 1, "-1"), r"column 'pixel0' holds -1; expected a whole number from 0 to 255"),
        (_set(9, 784, "x"), r"row 9 .*column 'pixel783' holds 'x'; expected a finite number"),
        (_set(9, 3, ""), r"row 9 .*column 'pixel2' holds ''"),
        (_set(0, 5, "pixel_four"), "no column 'pixel4'"),
        (lambda rows: rows[-1].__delitem__(slice(300, None)), r"row 1297 .* has 300 of 785 cells"),
        (lambda rows: rows.__delitem__(slice(1, None)), "a header and no rows"),
        (lambda rows: rows.clear(), "is empty"),
    ],
)
def test_items_refuse_a_train_file_with_one_line(
    edited: Callable[..., Context], change: Edit, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        DigitNet().items("train", edited("train.csv", change))
    assert "\n" not in str(caught.value)


def test_blank_and_full_pictures_are_predicted_like_any_other(
    edited: Callable[..., Context], smoke_run: Path
) -> None:
    def blank_and_full(rows: list[list[str]]) -> None:
        rows[1:] = [["0"] * 784, ["255"] * 784]

    context = edited("test.csv", blank_and_full)
    pipeline = PIPELINES["net"].configured(DigitNet.presets["smoke"])
    model = pipeline.load_fold(smoke_run / "fold0", context)
    predicted = model.predict(pipeline.items("test", context))
    assert predicted.values.shape == (2, 10)
    assert np.isfinite(predicted.values).all()
    assert predicted.values.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_equal_probabilities_give_the_lowest_class() -> None:
    from common.collect import Dense

    items = pd.DataFrame({"sample": ["1"], "id": ["1"]})
    even = Dense(np.array(["1"]), np.full((1, 10), 0.1, np.float32), tuple("0123456789"))
    assert list(DigitNet().submission(items, even, {})) == [("1", 0)]


@pytest.mark.parametrize("classes", [range(10), (3, 8)], ids=["ten", "two"])
def test_svc_as_arrays_answers_as_scikit_learn_does(
    digits: Path, tmp_path: Path, classes: list[int]
) -> None:
    context = Context(root=digits)
    pipeline = DigitSvc()
    items = pipeline.items("train", context)
    items = items[items["Label"].isin(list(classes))].reset_index(drop=True)
    train, held_out = items.iloc[:700], items.iloc[-300:]
    names = pipeline.prediction_names()
    model = SvcFold.fit(train["image"], train["Label"], names, pipeline.settings)
    model.save(tmp_path)
    predicted = SvcFold.load(tmp_path, names).predict(held_out)

    def flat(rows: pd.DataFrame) -> np.ndarray:
        return np.stack([image.ravel() / 255 for image in rows["image"]])

    theirs = SVC(C=10.0).fit(flat(train), train["Label"]).predict(flat(held_out))
    assert predicted.values.argmax(axis=1).tolist() == theirs.tolist()


def test_kaggles_row_numbers_begin_at_one(digits: Path) -> None:
    items = DigitNet().items("test", Context(root=digits))
    assert items["id"].iloc[0] == "1"
    assert items["id"].iloc[-1] == "500"
    assert SPEC.file("test").key is None
