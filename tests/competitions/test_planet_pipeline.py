"""Planet: what the sweep over all folders does not ask of the pipeline and its fixture."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from common.collect import Dense
from common.data.images import read_header, read_image
from common.errors import DataError, SettingsError
from common.files import read_json, write_json
from common.fixtures import write_fixture
from common.metrics import mean_f2
from common.opening import test_rows as rows_of_test
from common.pipeline import Context
from common.runfolder import RunFolder
from common.session import Session
from common.tta import check_allowed, views
from competitions.planet_understanding_the_amazon_from_space import fixture
from competitions.planet_understanding_the_amazon_from_space.chips import find_chips
from competitions.planet_understanding_the_amazon_from_space.pipeline import Tags
from competitions.planet_understanding_the_amazon_from_space.spec import SPEC, TAGS
from competitions.planet_understanding_the_amazon_from_space.tags import cells_of, marks_of

SMOKE = Tags.presets["smoke"]
TRAIN, SAMPLE, MAPPING = "train_v2.csv", "sample_submission_v2.csv", "test_v2_file_mapping.csv"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture(tmp_path_factory.mktemp("planet") / "data", fixture.write, seed=0)


@pytest.fixture
def data(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fixture that a test may damage."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(host, tmp_path / "data"))


def context(root: Path, said: list[str] | None = None) -> Context:
    lines: list[str] = [] if said is None else said
    return Context(root=root, session=Session(say=lines.append))


def items_of(root: Path, split: str, said: list[str] | None = None, **changes: Any) -> pd.DataFrame:
    return Tags(replace(SMOKE, **changes)).items(split, context(root, said))


def table(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        return {row["image_name"]: row["tags"] for row in csv.DictReader(stream)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# ---- the fixture -------------------------------------------------------------------------------


def test_fixture_has_the_odd_rows_of_the_host(host: Path) -> None:
    train = table(host / TRAIN)
    assert [*train] == [f"train_{k}" for k in range(150)]
    cells = [cell.split() for cell in train.values()]
    weather = [len({"clear", "partly_cloudy", "cloudy", "haze"} & set(tags)) for tags in cells]
    assert sorted(weather)[:2] == [0, 1]
    assert max(weather) == 1
    assert {tuple(tags) for tags in cells if "cloudy" in tags} == {("cloudy",)}
    assert sum(len(set(tags)) < len(tags) for tags in cells) == 1
    assert sum(sorted(tags) != tags for tags in cells) == 1
    assert max(len(set(tags)) for tags in cells) == 9
    counts = dict(zip(TAGS, marks_of([*train.values()]).sum(axis=0).tolist(), strict=True))
    rare = ("artisinal_mine", "bare_ground", "blooming", "blow_down", "conventional_mine")
    assert all(2 <= counts[tag] <= 4 for tag in (*rare, "selective_logging", "slash_burn"))


def test_fixture_asks_for_both_sets_in_the_hosts_order(host: Path) -> None:
    asked = [*table(host / SAMPLE)]
    assert asked[:40] == [f"test_{k}" for k in range(40)]
    assert asked[40:44] == ["file_0", "file_1", "file_10", "file_11"]
    assert [*table(host / "solution.csv")] == asked
    assert len({*table(host / SAMPLE).values()}) == 1


def test_fixture_has_chips_of_every_form(host: Path) -> None:
    headers = [read_header(path) for path in sorted((host / "train-jpg").iterdir())]
    assert {header.shown_size for header in headers} == {(64, 64)}
    assert sorted({header.mode for header in headers}) == ["cmyk", "rgb", "rgb+alpha"]
    tif = read_header(host / "train-tif-v2" / "train_0.tif")
    assert (tif.channels, tif.bits, tif.mode) == (4, 16, "channels")


def test_the_trivial_model_is_better_than_the_constant_and_far_from_good(host: Path) -> None:
    constant, ridge = read_json(host / "FIXTURE.json")["rungs"]
    truth, sample = table(host / "solution.csv"), table(host / SAMPLE)
    given = [np.array([*cells.values()], dtype=object) for cells in (truth, sample)]
    assert constant["score"] == mean_f2.score(y_true=given[0], y_pred=given[1])
    assert constant["score"] < ridge["score"] < 0.8


# ---- items -------------------------------------------------------------------------------------


def test_tags_are_sets_in_one_order(data: Path) -> None:
    items = items_of(data, "train")
    assert items["tags"].tolist()[:4] == [
        "clear agriculture cultivation primary",  # cultivation stood twice
        "clear primary road",  # primary stood first
        "clear agriculture artisinal_mine bare_ground cultivation habitation primary road water",
        "water",
    ]
    marks = marks_of(items["tags"].tolist())
    assert marks.sum(axis=1)[:4].tolist() == [4, 3, 9, 1]
    assert cells_of(marks) == items["tags"].tolist()
    test = items_of(data, "test")
    assert test["id"].tolist() == [*table(data / SAMPLE)]
    assert "tags" not in test


@pytest.mark.parametrize(
    ("cell", "words"),
    [("primary clear raod", "holds the tag 'raod'; expected some of clear,"), ("", "holds no tag")],
)
def test_an_unknown_tag_and_a_row_without_any_are_named(data: Path, cell: str, words: str) -> None:
    edit(data / TRAIN, "train_1,primary clear road\n", f"train_1,{cell}\n")
    with pytest.raises(DataError, match=rf"{TRAIN}: row 2 \(line 3\) {words}"):
        items_of(data, "train")


def test_zipped_tables_with_a_byte_order_mark_and_nested_and_merged_folders_are_read(
    data: Path,
) -> None:
    usual = {split: items_of(data, split) for split in ("train", "test")}
    for name in (TRAIN, SAMPLE):
        with zipfile.ZipFile(data / f"{name}.zip", "w") as archive:
            archive.writestr(name, b"\xef\xbb\xbf" + (data / name).read_bytes())
        (data / name).unlink()
    (data / "train-jpg").rename(data / "inner")
    (data / "train-jpg").mkdir()
    (data / "inner").rename(data / "train-jpg" / "train-jpg")
    (data / "test-jpg-additional").rename(data / "test-jpg-v2")
    for path in (data / "test-jpg").iterdir():
        path.rename(data / "test-jpg-v2" / path.name)
    for split, known in usual.items():
        found = items_of(data, split)
        assert found.drop(columns="path").equals(known.drop(columns="path"))
        assert [Path(path).stem for path in found["path"]] == known["id"].tolist()
        assert all(Path(path).is_file() for path in found["path"])
    assert len(rows_of_test(Tags(SMOKE), context(data)).asked) == 60


def test_the_later_release_of_a_chip_is_taken(tmp_path: Path) -> None:
    for folder in ("test-jpg", "test-jpg-v2", "other", "train-jpg"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file_1.jpg").write_bytes(b"x")
    chips = find_chips(tmp_path, "jpg", "test")
    assert chips.files == {"file_1": str(tmp_path / "test-jpg-v2" / "file_1.jpg")}


def test_an_archive_that_was_not_unpacked_is_one_line(data: Path) -> None:
    shutil.rmtree(data / "test-jpg-additional")
    (data / "test-jpg-additional.tar.7z").write_bytes(b"7z")
    with pytest.raises(DataError, match=r"20 of 60 test chips are missing.*7z x .*tar xf"):
        items_of(data, "test")
    said: list[str] = []
    items = items_of(data, "test", said, skip_unreadable=True)
    assert (items["path"] == "").sum() == 20
    assert len(said) == 20


def test_a_folder_that_is_missing_is_one_line(data: Path) -> None:
    shutil.rmtree(data / "train-jpg")
    with pytest.raises(DataError, match=r"holds no \.jpg of train; expected a folder such as"):
        items_of(data, "train")


def test_bad_chips_are_a_line_each_and_may_be_skipped(data: Path) -> None:
    missing, empty, cut, text = (data / "train-jpg" / f"train_{k}.jpg" for k in range(20, 24))
    missing.unlink()
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-30])
    text.write_bytes(b"<html>not found</html>")
    (data / "train-jpg" / "train_999.jpg").write_bytes(b"anything")
    with pytest.raises(DataError, match=r"4 of 150 train pictures cannot be read.*is missing"):
        items_of(data, "train")
    said: list[str] = []
    assert len(items_of(data, "train", said, skip_unreadable=True)) == 146
    assert sum("left out" in line for line in said) == 4
    assert said[0].endswith("are not used: train_999")


def test_chips_of_all_forms_are_read_as_colours(data: Path) -> None:
    original = Image.open(data / "train-jpg" / "train_1.jpg").convert("RGB")
    grey = np.asarray(original.convert("L"))
    forms: dict[str, Any] = {
        "train_10": (original.quantize(), {"format": "PNG"}),
        "train_11": (Image.fromarray(grey), {"format": "JPEG"}),
        "train_12": (Image.fromarray(grey.astype(np.uint16) * 257), {"format": "PNG"}),
    }
    for name, (picture, options) in forms.items():
        picture.save(data / "train-jpg" / f"{name}.jpg", **options)
    items = items_of(data, "train", group_duplicates=False)
    pictures = Tags(SMOKE).dataset(items, labelled=True)
    for row in (1, 8, 9, 10, 11, 12):  # 8 is CMYK, 9 has alpha
        image, marks = pictures[row]
        assert image.shape == (3, 64, 64)
        assert marks.shape == (17,)
    seen = [pictures[row][0].float().mean() for row in (1, 10)]
    assert abs(seen[0] - seen[1]) < 3


@pytest.mark.parametrize("n_rows", [1, 3])
def test_a_test_set_of_a_few_rows_is_answered(data: Path, n_rows: int, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    fixture.with_test_rows(data, tmp_path / "out", n_rows)
    shutil.copytree(tmp_path / "out", data, dirs_exist_ok=True)
    items = items_of(data, "test")
    assert len(items) == n_rows
    assert not set(items["id"]) & set(table(data / "solution.csv"))
    values = np.full((n_rows, 17), 0.01, np.float32)
    dense = Dense(items["sample"].to_numpy(), values, Tags(SMOKE).prediction_names())
    assert [row[1] for row in Tags(SMOKE).submission(items, dense, {})] == ["clear"] * n_rows


def test_a_test_set_without_rows_is_one_line(data: Path) -> None:
    (data / SAMPLE).write_text("image_name,tags\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        items_of(data, "test")


# ---- TIFFs -------------------------------------------------------------------------------------


def test_bands_come_as_they_are_stored_and_wrong_names_are_put_right(data: Path) -> None:
    test = items_of(data, "test", source="tif").set_index("id")
    for name in ("test_3", "file_0", "file_19"):
        folder = "test-jpg" if name.startswith("test") else "test-jpg-additional"
        colours = read_image(data / folder / f"{name}.jpg", None).astype(float)
        bands = read_image(test.loc[name, "path"], None, channels=4, dtype=np.uint16)
        red = (bands[:, :, 2] - 3_600.0) / 20  # as the fixture makes it of the picture's red
        assert np.abs(red - colours[:, :, 0]).mean() < 12
    assert Path(test.loc["file_0", "path"]).stem != "file_0"
    pipeline = Tags(replace(SMOKE, source="tif"))
    image, _ = pipeline.dataset(items_of(data, "train", source="tif"), labelled=True)[0]
    assert (image.shape, image.dtype) == (torch.Size([4, 64, 64]), torch.uint16)
    net = pipeline.net("none").eval()
    assert net(torch.zeros(1, 4, 64, 64)).shape == (1, 17)


def test_corrected_tiffs_of_another_release_keep_their_names(data: Path) -> None:
    (data / "test-tif-v2").rename(data / "test-tif-v3")
    (data / MAPPING).unlink()
    items = items_of(data, "test", source="tif")
    assert [Path(path).stem for path in items["path"]] == items["id"].tolist()


def test_a_missing_or_repeating_list_of_right_names_is_one_line(data: Path) -> None:
    edit(data / MAPPING, "file_1.tif,file_0.tif", "file_1.tif,file_1.tif")
    with pytest.raises(DataError, match=f"{MAPPING} holds a name twice in its column 'new'"):
        items_of(data, "test", source="tif")
    (data / MAPPING).unlink()
    with pytest.raises(DataError, match=f"{MAPPING} does not exist"):
        items_of(data, "test", source="tif")


def test_a_tiff_of_three_bands_is_found_before_training_and_predicted_as_black(data: Path) -> None:
    path = Path(items_of(data, "test", source="tif")["path"][5])
    content = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(content, "TIFF")
    path.write_bytes(content.getvalue())
    with pytest.raises(DataError, match=r"1 of 60 test pictures.*3 channels; expected 4"):
        items_of(data, "test", source="tif")
    changes = {"source": "tif", "skip_unreadable": True}
    items = items_of(data, "test", **changes)
    assert items["path"][5] == ""
    pictures = Tags(replace(SMOKE, **changes)).dataset(items, labelled=False)
    assert pictures[5][0].float().abs().max() == 0


def test_both_inputs_have_the_same_folds(data: Path) -> None:
    folds = []
    for source in ("jpg", "tif"):
        pipeline = Tags(replace(SMOKE, source=source))
        folds.append(pipeline.folds(pipeline.items("train", context(data)), seed=0).tolist())
    assert folds[0] == folds[1]
    shutil.rmtree(data / "train-jpg")  # then equal TIFFs are found, which are the same pairs
    pipeline = Tags(replace(SMOKE, source="tif"))
    assert pipeline.folds(pipeline.items("train", context(data)), seed=0).tolist() == folds[0]


def test_the_picture_of_a_tiff_is_shown_in_colours(data: Path) -> None:
    pipeline = Tags(replace(SMOKE, source="tif"))
    items = pipeline.items("train", context(data))
    shown = pipeline.picture(next(items.iloc[3:].itertuples()))  # a river, blue on green and brown
    assert shown is not None
    assert (shown.shape, shown.dtype) == ((64, 64, 3), np.uint8)
    assert np.ptp(shown) > 200


# ---- folds -------------------------------------------------------------------------------------


def test_duplicates_share_a_fold_which_leaves_one_fold_without_a_tag(data: Path) -> None:
    said: list[str] = []
    pipeline = Tags(SMOKE)
    items = pipeline.items("train", context(data, said))
    assert said[0].startswith("duplicates: 2 equal files, 0 nearly equal pairs")
    assert said[1].endswith("train_6 is clear primary, train_7 is clear primary water")
    assert len(said) == 2
    folds = pipeline.folds(items, seed=0)
    marks = marks_of(items["tags"].tolist())
    counts = np.array([np.bincount(folds[own], minlength=2) for own in marks.T])
    assert counts[TAGS.index("blow_down")].min() == 0
    others = np.delete(counts, TAGS.index("blow_down"), axis=0)
    assert np.abs(others[:, 0] - others[:, 1]).max() <= 2
    assert others.min() >= 1


def test_tags_with_fewer_chips_than_folds_are_in_as_many_folds_as_they_can(data: Path) -> None:
    pipeline = Tags(replace(SMOKE, folds=5, group_duplicates=False))
    items = pipeline.items("train", context(data))
    folds = pipeline.folds(items, seed=1)
    assert np.ptp(np.bincount(folds, minlength=5)) <= 2
    for own in marks_of(items["tags"].tolist()).T:
        if own.sum() < 5:
            assert len(set(folds[own].tolist())) == own.sum()


# ---- the net and the answer --------------------------------------------------------------------


def test_the_net_begins_at_the_mean_share_of_a_tag_and_gives_one_probability_each() -> None:
    pipeline = Tags(SMOKE)
    with torch.no_grad():
        raw = pipeline.net("none").eval()(torch.zeros(2, 3, 64, 64))
    probabilities = pipeline.activation(raw)
    assert probabilities.shape == (2, 17)
    assert probabilities.numpy() == pytest.approx(2.87 / 17, abs=0.05)
    assert pipeline.prediction_names()[0] == "p_clear"


def test_both_presets_predict_from_the_eight_views_that_the_spec_allows() -> None:
    for settings in Tags.presets.values():
        assert len(check_allowed(views(settings.views), SPEC)) == 8
        assert settings.policy == "overhead"


def predicted(rows: list[dict[str, float]]) -> tuple[pd.DataFrame, Dense]:
    names = np.array([f"test_{k}" for k in range(len(rows))])
    values = np.array([[row.get(tag, 0.01) for tag in TAGS] for row in rows], np.float32)
    columns = Tags(SMOKE).prediction_names()
    return pd.DataFrame({"sample": names, "id": names}), Dense(names, values, columns)


def cells(decoder: str, rows: list[dict[str, float]], decision: dict[str, Any]) -> list[Any]:
    items, dense = predicted(rows)
    answers = Tags(replace(SMOKE, decoder=decoder)).submission(items, dense, decision)
    return [row[1] for row in answers]


ROWS = [
    {"clear": 0.9, "primary": 0.95, "road": 0.25},
    {"haze": 0.15, "primary": 0.19},
    {},
]


def test_answers_hold_a_weather_and_what_is_above_its_threshold() -> None:
    assert cells("thresholds", ROWS, {}) == ["clear primary road", "haze", "clear"]
    decision = {"thresholds": {"primary": 0.1, "road": 0.3}}  # the others stay at 0.2
    assert cells("thresholds", ROWS, decision) == ["clear primary", "haze primary", "clear"]


def test_the_other_decoder_answers_the_set_with_the_highest_expected_f2() -> None:
    # a certain weather and tag beside one of 0.3: 0.7 · 10/11 + 0.3 > 0.7 + 0.3 · 10/14
    rows = [{"clear": 1.0, "primary": 1.0, "road": 0.3}, {"clear": 1.0, "primary": 1.0}, {}]
    answered = cells("expected_f2", rows, {})
    assert answered[:2] == ["clear primary road", "clear primary"]
    assert answered[2].split()[0] == "clear"


def test_thresholds_are_decided_per_tag_and_stay_where_a_fold_has_none_of_a_tag() -> None:
    rows = [{"clear": 0.9, "primary": p, "road": 0.5} for p in (0.4, 0.45, 0.8, 0.9)]
    items, dense = predicted(rows)
    truth = ["clear", "clear", "clear primary", "primary clear"]
    solution = pd.DataFrame({"image_name": items["id"], "tags": truth})
    thresholds = Tags(SMOKE).decide(dense, solution)["thresholds"]
    assert 0.45 < thresholds["primary"] < 0.8
    assert thresholds["blow_down"] == 0.2
    assert list(thresholds) == list(TAGS)
    assert Tags(replace(SMOKE, decoder="expected_f2")).decide(dense, solution) == {}


# ---- the report --------------------------------------------------------------------------------


def test_charts_count_out_of_fold_answers_and_compare_the_decoders(tmp_path: Path) -> None:
    rows = [{"clear": 0.9, "primary": 0.9, "road": p} for p in (0.1, 0.3, 0.3, 0.6, 0.7)]
    items, dense = predicted(rows * 2)
    truth = ["clear primary"] * 3 + ["clear primary road"] * 2
    oof = items.assign(fold=[0] * 5 + [1] * 5, tags=truth * 2)
    oof[list(dense.names)] = dense.values
    write_json(tmp_path / "decision.json", {"thresholds": {"road": 0.45}})
    drawn = Tags(SMOKE).figures(oof, oof, RunFolder(tmp_path))
    by_name = {figure.anchor: figure for figure in drawn}
    assert [*by_name] == ["tag-scores", "tag-confusion", "decoders"]
    assert "road 1.00" in by_name["tag-scores"].caption
    # at 0.2 everywhere the roads of 0.3 are wrong: 10/11 in two of five rows
    told = f"0.2 everywhere {(3 + 2 * 10 / 11) / 5:.5f}, thresholds 1.00000"
    assert told in by_name["decoders"].caption
    axes = {}
    for figure in drawn:
        axes[figure.anchor] = MatplotlibFigure().subplots()
        figure.paint(axes[figure.anchor])
    road = TAGS.index("road")
    assert axes["tag-confusion"].texts[road].get_text() == "4 / 0 / 0"
    places = [line.get_xdata()[road] for line in axes["tag-scores"].lines]
    assert places == [1.0, 1.0, 1.0, 0.45]
    assert Tags(SMOKE).figures(items, None, RunFolder(tmp_path)) == ()


@pytest.mark.parametrize("change", ["source=png", "decoder=best", "pool=max", "dropout=1"])
def test_settings_refuse_what_does_not_exist(change: str) -> None:
    with pytest.raises(SettingsError, match=change.split("=")[0]):
        SMOKE.override([change])
