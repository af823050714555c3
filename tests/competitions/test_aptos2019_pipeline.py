"""APTOS 2019: what the sweep over all folders does not ask of the pipeline and its fixture."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from common.collect import Dense
from common.data.images import read_header, read_image
from common.data.images.borders import without_dark_border
from common.duplicates import find_duplicates
from common.errors import DataError, SettingsError
from common.files import read_json
from common.fixtures import write_fixture
from common.pipeline import Context
from common.session import Session
from common.tta import check_allowed, views
from competitions.aptos2019_blindness_detection import fixture
from competitions.aptos2019_blindness_detection.charts import numbers_by_grade
from competitions.aptos2019_blindness_detection.pipeline import Grades
from competitions.aptos2019_blindness_detection.spec import SPEC

SMOKE = Grades.presets["smoke"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture(tmp_path_factory.mktemp("aptos") / "data", fixture.write, seed=0)


@pytest.fixture
def data(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fixture that a test may damage."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(host, tmp_path / "data"))


def context(root: Path, said: list[str] | None = None) -> Context:
    lines: list[str] = [] if said is None else said
    return Context(root=root, session=Session(say=lines.append))


def table(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        return {row["id_code"]: row["diagnosis"] for row in csv.DictReader(stream)}


# ---- the fixture -------------------------------------------------------------------------------


def test_fixture_has_the_hosts_shares_and_enough_of_the_rare_grade(host: Path) -> None:
    grades = np.array([*table(host / "train.csv").values()], int)
    counts = np.bincount(grades)
    shares = np.array([0.493, 0.101, 0.273, 0.053, 0.081])
    assert np.abs(counts / counts.sum() - shares).max() < 0.07
    assert counts.argmin() == 3
    assert counts[3] >= 5 * SMOKE.folds


def test_fixture_has_ids_that_look_like_numbers_and_sizes_of_all_kinds(host: Path) -> None:
    train, test = table(host / "train.csv"), table(host / "solution.csv")
    for ids in (train, test):
        assert any(name.isdecimal() for name in ids)
        assert any(name.replace("e", "", 1).isdecimal() and "e" in name for name in ids)
    assert "12e456789012" in train
    headers = [read_header(path) for path in sorted((host / "train_images").iterdir())]
    assert len({header.shown_size for header in headers}) > 50
    assert {"rgb", "rgb+alpha", "palette"} <= {header.mode for header in headers}
    pictures = [read_image(path, None) for path in sorted((host / "train_images").iterdir())]
    grey = [(one[:, :, 0] == one[:, :, 1]).all() and one.max() > 50 for one in pictures]
    assert sum(grey) == 1
    assert all(one[0].max() == 0 or one[:, 0].max() == 0 for one in pictures)  # a black border


def test_fixture_has_three_pairs_and_no_others(host: Path) -> None:
    train, test = table(host / "train.csv"), table(host / "solution.csv")
    names = [*train, *test]
    files = [host / "train_images" / f"{name}.png" for name in train]
    files += [host / "test_images" / f"{name}.png" for name in test]
    found = find_duplicates(files, trim=without_dark_border)
    within, across = sorted(found.exact, key=lambda pair: pair[1])
    assert within[1] < len(train) <= across[1]
    assert train[names[within[0]]] != train[names[within[1]]]
    assert train[names[across[0]]] == test[names[across[1]]]
    ((one, other),) = found.near
    assert train[names[one]] == train[names[other]] == "0"
    assert read_header(files[one]).shown_size != read_header(files[other]).shown_size


def test_fixtures_of_one_seed_are_equal(host: Path, tmp_path: Path) -> None:
    again = write_fixture(tmp_path / "again", fixture.write, seed=0)
    files = [path.relative_to(host) for path in host.rglob("*") if path.is_file()]
    assert all((host / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_the_trivial_model_is_better_than_the_constant_and_far_from_good(host: Path) -> None:
    constant, ridge = read_json(host / "FIXTURE.json")["rungs"]
    assert constant["score"] == 0.0
    assert ridge["name"] == "ridge on mean colour"
    assert 0 < ridge["score"] < 0.6


# ---- items and folds ---------------------------------------------------------------------------


def test_items_keep_ids_as_text_and_grades_by_value(data: Path) -> None:
    items = Grades(SMOKE).items("train", context(data))
    assert items["id"].tolist()[:2] == ["123456789012", "12e456789012"]
    assert dict(zip(items["id"], items["diagnosis"].astype(str), strict=True)) == table(
        data / "train.csv"
    )
    test = Grades(SMOKE).items("test", context(data))
    assert test["id"].tolist() == [*table(data / "solution.csv")]
    assert "diagnosis" not in test


def test_duplicates_share_a_fold_and_conflicts_are_told(data: Path) -> None:
    said: list[str] = []
    pipeline = Grades(SMOKE)
    items = pipeline.items("train", context(data, said))
    assert said[0].startswith("duplicates: 1 equal file, 1 nearly equal pair")
    assert "different labels" in said[1]
    assert len(said) == 2
    folds = pipeline.folds(items, seed=0)
    pairs = items.assign(fold=folds)[items["group"].duplicated(keep=False)]
    assert pairs.groupby("group")["fold"].nunique().tolist() == [1, 1]
    for grade in range(5):  # both halves hold about as many of each grade
        first, second = np.bincount(folds[items["diagnosis"] == grade], minlength=2)
        assert abs(first - second) <= 3


def test_conflicts_may_be_left_out(data: Path) -> None:
    items = Grades(replace(SMOKE, drop_conflicts=True)).items("train", context(data))
    assert len(items) == 118
    assert items["group"].duplicated().sum() == 1  # the nearly equal pair agrees


def test_a_table_with_a_byte_order_mark_is_read(data: Path) -> None:
    path = data / "train.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(Grades(SMOKE).items("train", context(data))) == 120


def test_bad_pictures_are_a_line_each_and_may_be_skipped(data: Path) -> None:
    ids = [*table(data / "train.csv")]
    missing, empty, cut, text = (data / "train_images" / f"{name}.png" for name in ids[-4:])
    missing.unlink()
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-30])
    text.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=r"4 of 120 train pictures cannot be read.*is missing"):
        Grades(SMOKE).items("train", context(data))
    said: list[str] = []
    items = Grades(replace(SMOKE, skip_unreadable=True)).items("train", context(data, said))
    assert len(items) == 116
    assert sum("left out" in line for line in said) == 4


def test_pictures_that_no_row_names_are_told(data: Path) -> None:
    (data / "train_images" / "ffffffffffff.png").write_bytes(b"anything")
    said: list[str] = []
    Grades(SMOKE).items("train", context(data, said))
    assert "1 pictures in" in said[0]
    assert said[0].endswith("ffffffffffff.png")


def test_folders_that_lie_in_one_of_their_name_are_found(data: Path) -> None:
    for split in ("train", "test"):
        own = (data / f"{split}_images").rename(data / "kept")
        (data / f"{split}_images").mkdir()
        own.rename(data / f"{split}_images" / f"{split}_images")
        assert len(Grades(SMOKE).items(split, context(data))) == {"train": 120, "test": 30}[split]


def test_a_missing_folder_is_named(data: Path) -> None:
    shutil.rmtree(data / "train_images")
    with pytest.raises(DataError, match=r"train_images does not exist"):
        Grades(SMOKE).items("train", context(data))


def test_a_grade_that_does_not_exist_is_named_with_its_row(data: Path) -> None:
    lines = (data / "train.csv").read_text().splitlines()
    lines[3] = lines[3].split(",")[0] + ",5"
    (data / "train.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"row 3 \(line 4\).*holds '5'"):
        Grades(SMOKE).items("train", context(data))


def test_pictures_of_other_forms_than_their_names_say_are_read(data: Path) -> None:
    path = data / "test_images" / f"{next(iter(table(data / 'solution.csv')))}.png"
    with Image.open(path) as picture:
        picture.convert("CMYK").save(path, format="JPEG")
    items = Grades(SMOKE).items("test", context(data))
    shown = Grades(SMOKE).picture(items.iloc[0])
    assert shown is not None
    assert shown.shape[2] == 3


# ---- the net and the answer --------------------------------------------------------------------


def test_the_border_is_cut_before_the_picture_is_squished(data: Path) -> None:
    pipeline = Grades(SMOKE)
    items = pipeline.items("test", context(data))
    image = pipeline.dataset(items, labelled=False)[0][0]
    assert image.shape == (3, 64, 64)
    lit = (image.float().amax(dim=0) > 12).numpy()
    for edge in (lit[0], lit[-1], lit[:, 0], lit[:, -1]):  # the disc touches all four
        assert edge.any()


def test_the_net_gives_one_number_near_the_mean_grade() -> None:
    net = Grades(SMOKE).net("none").eval()
    with torch.no_grad():
        raw = net(torch.zeros(2, 3, 64, 64))
    assert raw.shape == (2, 1)
    assert raw == pytest.approx(torch.ones(2, 1), abs=0.5)
    assert any(type(layer).__name__ == "GeM" for layer in net.modules())


def test_both_presets_predict_from_the_eight_views_that_the_spec_allows() -> None:
    for settings in Grades.presets.values():
        chosen = check_allowed(views(settings.views), SPEC)
        assert len(chosen) == 8


def test_views_average_numbers_and_not_grades() -> None:
    class Corner(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, 0, 0, :1]

    images = torch.zeros(1, 3, 4, 4)
    images[:, :, 0, 0] = 4.0  # the corner is seen first in two of the eight views
    predicted = Grades(SMOKE).predict_step(Corner(), [images])
    assert predicted.tolist() == [[1.0]]


def numbers(values: list[float]) -> tuple[pd.DataFrame, Dense]:
    names = np.array(["a", "b", "c", "12e456789012"])[: len(values)]
    column = np.array(values, np.float32)[:, None]
    return pd.DataFrame({"sample": names, "id": names}), Dense(names, column, ("p_diagnosis",))


def test_answers_are_whole_grades_cut_at_the_decided_points() -> None:
    items, predictions = numbers([-0.3, 0.6, 2.6, 9.0])
    rounded = list(Grades(SMOKE).submission(items, predictions, {}))
    assert rounded == [("a", 0), ("b", 1), ("c", 3), ("12e456789012", 4)]
    decision = {"cut_points": [0.7, 1.5, 2.8, 3.5]}
    assert [row[1] for row in Grades(SMOKE).submission(items, predictions, decision)] == [
        0,
        0,
        2,
        4,
    ]


def test_decided_points_tell_apart_what_rounding_does_not() -> None:
    items, predictions = numbers([0.6, 0.65, 1.2, 3.7])
    solution = pd.DataFrame({"id_code": items["id"], "diagnosis": [0, 0, 1, 4]})
    decision = Grades(SMOKE).decide(predictions, solution)
    assert 0.65 < decision["cut_points"][0] <= 0.9
    answered = Grades(SMOKE).submission(items, predictions, decision)
    assert [row[1] for row in answered] == [0, 0, 1, 4]


def test_the_chart_stacks_all_pictures_and_shows_the_cut_points() -> None:
    oof = pd.DataFrame({"diagnosis": [0, 0, 1, 4], "p_diagnosis": [-9.0, 0.2, 1.1, 3.9]})
    drawn = numbers_by_grade(oof, "diagnosis", [0.6, 1.5, 2.5, 3.4])
    assert "0.60, 1.50, 2.50, 3.40" in drawn.caption
    axes = MatplotlibFigure().subplots()
    drawn.paint(axes)
    # stacked, so the tops of the last grade's bars count every picture, also those outside
    assert sum(bar.get_height() for bar in axes.patches) == 4
    assert [line.get_xdata()[0] for line in axes.lines] == [0.6, 1.5, 2.5, 3.4]


@pytest.mark.parametrize("change", ["loss=absolute", "pool=max", "rotate=200", "zoom=1"])
def test_settings_refuse_what_does_not_exist(change: str) -> None:
    with pytest.raises(SettingsError, match=change.split("=")[0]):
        SMOKE.override([change])
