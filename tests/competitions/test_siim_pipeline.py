"""SIIM-ACR: what the sweep over all folders does not ask of the pipeline and its fixture."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import torch

from common.collect import MapStack
from common.data.images import read_header, read_image
from common.duplicates import find_duplicates
from common.errors import DataError, SettingsError
from common.files import read_json
from common.fixtures import write_fixture
from common.kernels.rehearsal.testsets import swapped
from common.opening import test_rows as rows_of_test
from common.pipeline import Context
from common.rle import count_pixels
from common.session import Session
from common.tta import check_allowed, views
from competitions.siim_acr_pneumothorax_segmentation import fixture
from competitions.siim_acr_pneumothorax_segmentation.labels import read_labels
from competitions.siim_acr_pneumothorax_segmentation.pipeline import START, Pneumothorax
from competitions.siim_acr_pneumothorax_segmentation.rows import area_bins
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE, SPEC

SMOKE = Pneumothorax.presets["smoke"]
TABLE, SAMPLE = "stage_2_train.csv", "stage_2_sample_submission.csv"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture(tmp_path_factory.mktemp("siim") / "data", fixture.write, seed=0)


@pytest.fixture
def data(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fixture that a test may damage: its pictures are links."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    for path in host.rglob("*"):
        target = tmp_path / "data" / path.relative_to(host)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path.suffix in (".dcm", ".png"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return tmp_path / "data"


def context(root: Path, said: list[str] | None = None) -> Context:
    lines: list[str] = [] if said is None else said
    return Context(root=root, session=Session(say=lines.append))


def rows(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="") as stream:
        _, *found = csv.reader(stream)
    return [(name, code) for name, code in found]


def dicoms(root: Path) -> dict[str, Path]:
    return {path.stem: path for path in root.rglob("*.dcm")}


def replaced(path: Path, content: bytes) -> None:
    path.unlink()  # a link to the fixture that all tests share
    path.write_bytes(content)


# ---- the fixture -------------------------------------------------------------------------------


def test_fixture_holds_every_edge_case_of_the_labels(host: Path) -> None:
    labels = rows(host / TABLE)
    instances = Counter(name for name, code in labels if code != "-1")
    assert sorted(Counter(instances.values())) == [1, 2, 3]
    merged = read_labels(host / TABLE, lambda line: None)
    masks = [MASKS.decode(code, SIZE) for code in merged.values()]
    assert sum(mask[0, 0] for mask in masks) == 1
    assert sum(mask[-1, -1] for mask in masks) == 1
    assert sum(mask.sum() == 1 for mask in masks) == 1
    assert any(16 < mask.sum() < 100 and not mask[8::16, 8::16].any() for mask in masks)
    share = np.mean([mask.any() for mask in masks])
    assert 0.25 <= share <= 0.35
    assert sum(len(set(code.split())) > 1 for _, code in rows(host / "solution.csv")) >= 9


def test_fixture_has_both_tables_and_pictures_in_every_tree(host: Path) -> None:
    assert (host / "train-rle.csv").read_text().startswith("ImageId, EncodedPixels\n1.2.276.0.")
    older = {name.strip() for name, _ in rows(host / "train-rle.csv")}
    newer = {name for name, _ in rows(host / TABLE)}
    assert older < newer
    nested = dicoms(host / "dicom-images-train")
    assert all(len(path.relative_to(host).parts) == 4 for path in nested.values())
    assert set(nested) - older == set(dicoms(host)) - newer - set(dicoms(host / "stage_2_images"))
    assert len(set(nested) - older) == 1  # the one without a label
    assert set(dicoms(host / "dicom-images-test")) == newer - older
    assert {path.stem for path in (host / "train").iterdir()} >= newer
    test = [name for name, _ in rows(host / SAMPLE)]
    assert set(dicoms(host / "stage_2_images")) == set(test)
    assert any(name[3:].isdecimal() for name in test)


def test_fixture_has_dicoms_of_the_hosts_kind(host: Path) -> None:
    syntaxes = set()
    for path in dicoms(host / "stage_2_images").values():
        header = read_header(path)
        assert (header.height, header.width, header.channels, header.bits) == (*SIZE, 1, 8)
        known = pydicom.dcmread(path, stop_before_pixels=True)
        assert known.PhotometricInterpretation == "MONOCHROME2"
        assert {"PatientAge", "PatientSex", "ViewPosition"} <= set(known.dir())
        syntaxes.add(known.file_meta.TransferSyntaxUID.name)
    assert syntaxes == {"JPEG Baseline (Process 1)", "Explicit VR Little Endian"}
    name, path = next(iter(dicoms(host / "dicom-images-train").items()))
    small = read_image(host / "train" / f"{name}.png", None, channels=1).astype(float)
    whole = read_image(path, None, channels=1).astype(float)
    assert np.abs(small - whole.reshape(256, 4, 256, 4, 1).mean(axis=(1, 3))).mean() < 2


def test_fixture_has_one_pair_of_equal_pixels_in_files_that_differ(host: Path) -> None:
    names = list(dict.fromkeys(name for name, _ in rows(host / TABLE)))
    files = [dicoms(host)[name] for name in names]
    found = find_duplicates([*files, *dicoms(host / "stage_2_images").values()])
    assert found.exact == ()
    ((one, other),) = found.near
    assert max(one, other) < len(names)
    assert np.array_equal(*(read_image(files[k], None, channels=1) for k in (one, other)))


def test_fixtures_of_one_seed_are_equal(host: Path, tmp_path: Path) -> None:
    again = write_fixture(tmp_path / "again", fixture.write, seed=0)
    files = [path.relative_to(host) for path in host.rglob("*") if path.is_file()]
    assert all((host / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_the_constant_scores_the_share_of_empty_pictures(host: Path) -> None:
    constant, trivial = read_json(host / "FIXTURE.json")["rungs"]
    merged = read_labels(host / "solution.csv", lambda line: None)
    assert constant["score"] == np.mean([code == "-1" for code in merged.values()])
    assert abs(trivial["score"] - constant["score"]) < 0.1


@pytest.mark.parametrize("n_rows", [1, 70])
def test_a_larger_test_set_has_its_pictures(data: Path, tmp_path: Path, n_rows: int) -> None:
    out = swapped("siim_acr_pneumothorax_segmentation", data, tmp_path / "swapped", n_rows)
    test = rows_of_test(Pneumothorax(SMOKE), context(out))
    assert len(test.items) == n_rows
    assert [Path(path).stem for path in test.items["path"]] == test.items["id"].tolist()
    assert not set(test.items["id"]) & {name for name, _ in rows(data / SAMPLE)}


# ---- items -------------------------------------------------------------------------------------


def test_items_are_one_row_per_picture_with_its_instances_united(data: Path) -> None:
    said: list[str] = []
    items = Pneumothorax(SMOKE).items("train", context(data, said))
    by_hand: dict[str, np.ndarray] = {}
    for name, code in rows(data / TABLE):
        by_hand[name] = by_hand.get(name, False) | MASKS.decode(code, SIZE)
    assert items["id"].tolist() == list(by_hand)
    assert items["area"].tolist() == [mask.sum() for mask in by_hand.values()]
    for code, mask in zip(items["EncodedPixels"], by_hand.values(), strict=True):
        assert np.array_equal(MASKS.decode(code, SIZE), mask)
    assert said[0].startswith(
        f"1 picture has no row in {TABLE}, and training goes without: 1.2.276"
    )
    assert "1 nearly equal pair" in said[1]
    assert all(Path(path).suffix == ".dcm" for path in items["path"])


def test_the_older_table_with_blanks_serves_where_the_newer_is_missing(data: Path) -> None:
    newer = Pneumothorax(SMOKE).items("train", context(data)).set_index("id")
    (data / TABLE).unlink()
    (data / "siim").mkdir()
    (data / "train-rle.csv").rename(data / "siim" / "train-rle.csv")  # as one copy has it
    older = Pneumothorax(SMOKE).items("train", context(data))
    assert len(older) == fixture.TRAIN
    assert older["EncodedPixels"].tolist() == newer.loc[older["id"], "EncodedPixels"].tolist()


def test_tables_that_only_their_zips_hold_are_read(data: Path) -> None:
    plain = Pneumothorax(SMOKE).items("train", context(data))
    for name in (TABLE, SAMPLE):
        with zipfile.ZipFile(data / f"{name}.zip", "w") as packed:
            packed.write(data / name, name)
        (data / name).unlink()
    zipped = Pneumothorax(SMOKE).items("train", context(data))
    assert zipped.equals(plain)
    assert len(Pneumothorax(SMOKE).items("test", context(data))) == fixture.TEST


def test_png_copies_serve_where_there_are_no_dicoms(data: Path) -> None:
    for folder in ("dicom-images-train", "dicom-images-test", "stage_2_images"):
        shutil.rmtree(data / folder)
    (data / "masks").mkdir()
    for path in (data / "train").iterdir():  # a mask has its picture's name
        (data / "masks" / path.name).symlink_to(path.resolve())
    pipeline = Pneumothorax(SMOKE)
    for split, folder in (("train", "train"), ("test", "test")):
        items = pipeline.items(split, context(data))
        assert {Path(path).parent.name for path in items["path"]} == {folder}
    assert pipeline.dataset(items, labelled=False)[0][0].shape == (1, 64, 64)


def test_a_download_without_train_pictures_says_where_they_are(data: Path) -> None:
    for folder in ("dicom-images-train", "dicom-images-test", "train"):
        shutil.rmtree(data / folder)
    with pytest.raises(DataError, match=r"Kaggle's own download.*datasets download.*dicom-images"):
        Pneumothorax(SMOKE).items("train", context(data))


def test_labels_without_a_picture_are_counted_or_left_out(data: Path) -> None:
    shutil.rmtree(data / "dicom-images-test")
    names = [name for name, _ in rows(data / TABLE)]
    for name in set(names[-12:]):
        (data / "train" / f"{name}.png").unlink()
    with pytest.raises(DataError, match=rf"12 of 84 labelled train .*{names[-12]}.*no such pict"):
        Pneumothorax(SMOKE).items("train", context(data))
    said: list[str] = []
    skipping = Pneumothorax(replace(SMOKE, skip_unreadable=True))
    assert len(skipping.items("train", context(data, said))) == 72
    assert sum("left out" in line for line in said) == 12


def test_damaged_dicoms_are_a_line_each_before_training(data: Path) -> None:
    some = [*dicoms(data / "dicom-images-train").values()][5:9]
    contents = [path.read_bytes() for path in some]
    pixels_at = contents[0].index(b"\xe0\x7f\x10\x00")
    replaced(some[0], contents[0][:pixels_at])
    replaced(some[1], contents[1][:-500])
    replaced(some[2], b"")
    replaced(some[3], b"<html>not found</html>")
    said: list[str] = []
    with pytest.raises(DataError, match=r"4 of 84 train pictures cannot be read"):
        Pneumothorax(SMOKE).items("train", context(data, said))
    skipping = Pneumothorax(replace(SMOKE, skip_unreadable=True))
    assert len(skipping.items("train", context(data, said))) == 80
    told = "\n".join(said)
    for words in ("without pixels", "pixels end early", "has 0 bytes", "html>"):
        assert words in told, words


def test_a_test_picture_that_is_missing_is_named(data: Path) -> None:
    name = rows(data / SAMPLE)[3][0]
    (data / "stage_2_images" / f"{name}.dcm").unlink()
    (data / "test" / f"{name}.png").unlink()
    with pytest.raises(DataError, match=rf"1 of 32 test .*stage_2_images/{name}\.dcm: is missing"):
        Pneumothorax(SMOKE).items("test", context(data))
    skipping = Pneumothorax(replace(SMOKE, skip_unreadable=True))
    items = skipping.items("test", context(data))
    assert items["path"].tolist().count("") == 1
    assert not skipping.dataset(items, labelled=False)[3][0].any()


@pytest.mark.parametrize(
    ("found", "put", "message"),
    [
        ("EncodedPixels", "Pixels", "has no column 'EncodedPixels'"),
        (",-1\n", ",\n", r"row \d+ \(line \d+\).*holds '': the text is empty"),
        (",-1\n", ",5 3 1\n", "3 numbers; expected pairs"),
        (",-1\n", ",1048570 9\n", "the last run ends behind pixel"),
        ("\n1.2.276", "\n,-1\n1.2.276", "names no picture"),
        (",-1\n", "\n", "has 1 of 2 cells"),
    ],
)
def test_a_table_that_is_damaged_is_told_with_its_row(
    data: Path, found: str, put: str, message: str
) -> None:
    text = (data / TABLE).read_text()
    (data / TABLE).write_text(text.replace(found, put, 1))
    with pytest.raises(DataError, match=message):
        Pneumothorax(SMOKE).items("train", context(data))


def test_a_byte_order_mark_and_text_ids_are_read(data: Path) -> None:
    path = data / TABLE
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    labels = read_labels(path, lambda line: None)
    assert len(labels) == 84
    path.write_text("ImageId,EncodedPixels\n12e4,-1\n0017,5 3\n1.50,-1\n")
    assert [*read_labels(path, lambda line: None)] == ["12e4", "0017", "1.50"]


def test_a_picture_that_is_said_to_have_both_a_mask_and_none_is_told(tmp_path: Path) -> None:
    path, said = tmp_path / "train-rle.csv", list[str]()
    path.write_text("ImageId, EncodedPixels\na, -1\na, 5 3\nb, -1\nb, -1\n")
    assert read_labels(path, said.append) == {"a": "5 3", "b": "-1"}
    assert len(said) == 1
    assert "both -1 and a mask of 1 pictures, the first is a" in said[0]


@pytest.mark.parametrize(("kept", "message"), [(0, "none of 84 train"), (1, "1 of 84 train")])
def test_too_few_masks_for_the_folds_are_told(data: Path, kept: int, message: str) -> None:
    labels = read_labels(data / TABLE, lambda line: None)
    masks = [name for name, code in labels.items() if code != "-1"]
    codes = {name: "-1" for name in masks[kept:]}
    lines = [f"{name},{codes.get(name, code)}" for name, code in labels.items()]
    (data / TABLE).write_text("\n".join(["ImageId,EncodedPixels", *lines]) + "\n")
    with pytest.raises(DataError, match=message):
        Pneumothorax(SMOKE).items("train", context(data))


# ---- folds and order ---------------------------------------------------------------------------


def test_folds_spread_areas_and_keep_equal_pictures_together(data: Path) -> None:
    pipeline = Pneumothorax(SMOKE)
    items = pipeline.items("train", context(data))
    items["fold"] = pipeline.folds(items, seed=0)
    (pair,) = (own for _, own in items.groupby("group") if len(own) > 1)
    assert pair["fold"].nunique() == 1
    for own in (items["area"] == 0, items["area"] > 0, items["area"] > items["area"].max() / 2):
        first, second = np.bincount(items["fold"][own], minlength=2)
        assert abs(first - second) <= 3


def test_area_bins_hold_at_least_a_mask_for_every_fold() -> None:
    areas = np.array([0] * 20 + [5, 900, 30, 7, 400, 1, 60, 8, 100, 2, 3, 4])
    bins = area_bins(areas, n_folds=3)
    assert np.bincount(bins).tolist() == [20, 6, 6]
    assert sorted(areas[bins == 1]) == [1, 2, 3, 4, 5, 7]
    assert area_bins(np.array([0, 5, 6, 7]), n_folds=2).tolist() == [1, 1, 1, 1]


def test_the_share_of_masks_falls_over_the_epochs() -> None:
    settings = replace(SMOKE, epochs=7, positive_shares="0.8,0.6,0.4")
    shares = [settings.positive_share_in(epoch) for epoch in range(7)]
    assert shares == [0.8, 0.8, 0.8, 0.6, 0.6, 0.4, 0.4]
    items = pd.DataFrame({"area": [9] * 10 + [0] * 30})
    order = Pneumothorax(settings).order(items)
    assert order is not None
    drawn = [(order(0, epoch) % 40 < 10).mean() for epoch in (0, 4, 6)]
    assert drawn == [0.8, 0.6, 0.4]
    assert Pneumothorax(replace(SMOKE, positive_shares="")).order(items) is None


def test_masks_move_with_their_pictures(data: Path) -> None:
    pipeline = Pneumothorax(replace(SMOKE, batch_size=32, positive_shares=""))
    items = pipeline.items("train", context(data))
    items["fold"] = 0
    pictures, masks = next(iter(pipeline.loaders(items, None, context(data)).train))
    assert pictures.shape == (32, 1, 64, 64)
    assert masks.shape == (32, 64, 64)
    inside = masks.bool().as_subclass(torch.Tensor)
    assert inside.any()
    shown = pictures[:, 0].as_subclass(torch.Tensor)
    has_mask = inside.flatten(1).sum(dim=1) > 100  # the crescents, not the edge cases
    darker = [float(one[own].mean() - one.mean()) for one, own in zip(shown, inside, strict=True)]
    assert all(value < -0.5 for value, own in zip(darker, has_mask, strict=True) if own)


# ---- the net and the answer --------------------------------------------------------------------


def test_both_presets_average_the_two_views_that_the_spec_allows() -> None:
    for settings in Pneumothorax.presets.values():
        assert [view.name for view in check_allowed(views(settings.views), SPEC)] == [
            "identity",
            "hflip",
        ]


def test_the_mirrored_view_comes_back_to_its_place() -> None:
    class Itself(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures

    pictures = torch.randn(2, 1, 4, 6)
    predicted = Pneumothorax(SMOKE).predict_step(Itself(), [pictures])
    assert torch.allclose(predicted, pictures.sigmoid())


def stack() -> tuple[pd.DataFrame, MapStack]:
    maps = np.zeros((3, 1, 64, 64), np.uint8)
    maps[0, 0, 10:30, 10:20] = 250
    maps[2, 0, 40, 40] = 250  # 16 × 16 pixels and what is smoothed around them: too few
    names = np.array(["a", "b", "12e4"])
    return pd.DataFrame({"sample": names[::-1], "id": names[::-1]}), MapStack(names, maps)


def test_answers_are_masks_of_the_full_size_or_minus_one() -> None:
    items, maps = stack()
    answered = dict(Pneumothorax(SMOKE).submission(items, maps, {}))
    assert list(answered) == ["12e4", "b", "a"]
    assert answered["12e4"] == answered["b"] == "-1"
    mask = MASKS.decode(str(answered["a"]), SIZE)
    assert mask[170:470, 170:310].all()
    assert mask.sum() == pytest.approx(320 * 160, rel=0.1)
    lenient = {"top": 0.5, "min_area": 1, "bottom": 0.5}
    again = dict(Pneumothorax(SMOKE).submission(items, maps, lenient))
    assert count_pixels(MASKS.runs(str(again["12e4"]))) > 0


def test_the_decision_is_made_of_counts_at_the_size_that_is_scored() -> None:
    items, maps = stack()
    mask = np.zeros(SIZE, bool)
    mask[160:480, 160:320] = True
    truth = pd.DataFrame({"ImageId": items["id"], "EncodedPixels": ["-1", "-1", ""]})
    truth.loc[2, "EncodedPixels"] = MASKS.encode(mask)
    pipeline = Pneumothorax(SMOKE)
    counts = pipeline.condensed(maps, truth)
    assert counts.values.shape == (3, 512)
    assert counts.values[0, 256:].sum() == mask.sum()
    decision = pipeline.decide(counts, truth.iloc[::-1])
    assert decision.keys() == {"top", "min_area", "bottom"}
    answered = dict(pipeline.submission(items, maps, decision))
    assert [answered[name] == "-1" for name in ("a", "b", "12e4")] == [False, True, True]
    assert START.min_area > 1


@pytest.mark.parametrize(
    "change",
    [
        "image_size=100",
        "attention=cbam",
        "bce=-1",
        "decoder=64,32",
        "positive_shares=0.8,1.4",
        "positive_shares=much",
    ],
)
def test_settings_refuse_what_does_not_exist(change: str) -> None:
    with pytest.raises(SettingsError, match=change.split("=")[0]):
        SMOKE.override([change])


def test_a_loss_without_terms_is_refused() -> None:
    with pytest.raises(SettingsError, match="above 0"):
        SMOKE.override(["bce=0", "dice=0", "focal=0"])
