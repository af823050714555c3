"""Pipelines of pictures: loaders, weights and unreadable files, on twelve small pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from common import run
from common.errors import DataError, SettingsError
from common.image_pipeline import ImagePipeline, ImageSettings
from common.models import classifier, normalisation
from common.pipeline import Context
from common.runfolder import RunFolder
from common.session import Session
from competitions.dogs_vs_cats_redux_kernels_edition.spec import SPEC

N = 12
SMALL = ImageSettings(
    folds=2,
    epochs=1,
    batch_size=4,
    backbone="timm/test_resnet",
    weights="none",
    image_size=32,
    policy="photographs",
    cache=False,
)


class Brightness(ImagePipeline):
    """Tells bright pictures from dark ones."""

    spec = SPEC
    presets: ClassVar = {"baseline": SMALL}

    def targets(self, items: pd.DataFrame) -> Any:
        return items["label"].to_numpy()

    def vocab(self) -> list[Any]:
        return ["dark", "bright"]

    def net(self, weights: str) -> nn.Module:
        return classifier(self.settings.backbone, 2, weights=weights)

    def submission(self, items: pd.DataFrame, predictions: Any, decision: Any) -> Any:
        return zip(items["id"], predictions.values[:, 1], strict=True)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    return Context(root=tmp_path)


@pytest.fixture
def items(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(N):
        bright = number % 2
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), rng.integers(0, 100, (40, 60, 3), np.uint8) + 150 * bright)
        rows.append((str(number), str(number), str(path), bright, number % 3))
    return pd.DataFrame(rows, columns=["sample", "id", "path", "label", "fold"])


def batches(loader: Any) -> torch.Tensor:
    return torch.cat([batch[0].as_subclass(torch.Tensor).clone() for batch in loader])


# ---- loaders -----------------------------------------------------------------------------------


def test_the_valid_loader_serves_the_fold_in_order_and_normalised(
    items: pd.DataFrame, context: Context
) -> None:
    loaders = Brightness().loaders(items, 0, context)
    images, labels = next(iter(loaders.valid))
    assert images.shape == (4, 3, 32, 32)
    assert labels.tolist() == items["label"][items["fold"] == 0].tolist()
    # bright pictures have values from 150 to 249, 200 in the middle
    bright = images[labels == 1].mean(dim=(0, 2, 3)).numpy()
    mean, std = (np.array(values) for values in normalisation(SMALL.backbone))
    assert bright == pytest.approx((199.5 / 255 - mean) / std, abs=0.05)


def test_training_serves_the_other_folds_in_another_order_each_epoch(
    items: pd.DataFrame, context: Context
) -> None:
    train = Brightness().loaders(items, 0, context).train
    first, second = ([batch[1].tolist() for batch in train] for _ in range(2))
    assert [len(labels) for labels in first] == [4, 4]
    assert sum(map(sum, first)) == items["label"][items["fold"] != 0].sum()
    assert first != second


def test_the_test_loader_serves_inputs_alone(items: pd.DataFrame, context: Context) -> None:
    pipeline = Brightness()
    test = pipeline.test_loader(items.drop(columns=["label", "fold"]), context)
    (images,) = next(iter(test))
    assert images.shape == (4, 3, 32, 32)
    assert batches(test).shape[0] == N


def test_out_of_fold_pictures_come_out_of_the_cache_that_training_filled(
    items: pd.DataFrame, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Brightness(replace(SMALL, cache=True))
    served = batches(pipeline.loaders(items, 0, context).valid)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a picture was decoded again")

    monkeypatch.setattr("common.data.images.dataset.read_image", refuse)
    valid = items[items["fold"] == 0]
    assert torch.equal(batches(pipeline.test_loader(valid, context)), served)


def test_a_policy_that_the_data_do_not_allow_is_refused(
    items: pd.DataFrame, context: Context
) -> None:
    pipeline = Brightness(replace(SMALL, policy="overhead"))
    assert SPEC.flips is not None
    assert "turns" not in SPEC.flips
    with pytest.raises(SettingsError, match="the data allow"):
        pipeline.loaders(items, 0, context)


class FourChannels(Brightness):
    """Reads four channels, from one file or from four."""

    @property
    def channels(self) -> int:
        return 4


def test_four_channels_are_not_made_of_three_and_a_missing_picture_is_black(
    items: pd.DataFrame, context: Context, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.png"
    cv2.imwrite(str(whole), np.full((40, 60, 4), 9, np.uint8))
    test = items.assign(path=[str(whole), *items["path"][1:]])
    with pytest.raises(DataError, match=r"11 of 12 test pictures.*3 channels; expected 4"):
        FourChannels().readable(test, "test", context)
    left = FourChannels(replace(SMALL, skip_unreadable=True)).readable(test, "test", context)
    images = batches(FourChannels().test_loader(left, context))
    assert images.shape == (N, 4, 32, 32)
    assert images[0].min() > images[1].max()


def test_four_files_of_one_channel_each_make_four_channels(
    items: pd.DataFrame, context: Context
) -> None:
    test = items.assign(path=[(path,) * 4 for path in items["path"]])
    assert len(FourChannels().readable(test, "test", context)) == N
    assert batches(FourChannels().test_loader(test, context)).shape == (N, 4, 32, 32)


def test_settings_refuse_what_does_not_exist() -> None:
    for change in ("weights=imagenet", "policy=photograph", "image_size=4"):
        with pytest.raises(SettingsError):
            SMALL.override([change])


# ---- weights -----------------------------------------------------------------------------------


def test_a_fold_predicts_again_without_the_pretrained_file(
    items: pd.DataFrame, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def net(self: Brightness, weights: str) -> nn.Module:
        asked.append(weights)
        return classifier(self.settings.backbone, 2, weights="none")

    monkeypatch.setattr(Brightness, "net", net)
    pipeline = Brightness(replace(SMALL, weights="pretrained"))
    trained = pipeline.fit_fold(items, None, context)
    assert asked == ["pretrained"]
    (tmp_path / "fold").mkdir()
    trained.save(tmp_path / "fold")
    again = pipeline.load_fold(tmp_path / "fold", context)
    assert asked == ["pretrained", "none"]
    first, second = (one.predict(items).values for one in (trained, again))  # type: ignore[attr-defined]
    assert first.shape == (N, 2)
    assert np.array_equal(first, second)


def test_a_net_from_disk_lies_in_memory_as_it_was_trained(
    items: pd.DataFrame, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "fold").mkdir()
    for layout, is_last in (("channels_last", True), ("contiguous", False)):
        pipeline = Brightness(replace(SMALL, memory_format=layout))
        trained = pipeline.fit_fold(items, None, context)
        trained.save(tmp_path / "fold")
        for model in (trained, pipeline.load_fold(tmp_path / "fold", context)):
            weights = next(w for w in model.net.parameters() if w.ndim == 4 and w.shape[1] > 1)  # type: ignore[attr-defined]
            assert weights.is_contiguous(memory_format=torch.channels_last) is is_last


def test_a_fold_with_frozen_epochs_trains_the_head_first(
    items: pd.DataFrame, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brightness, "net", lambda self, weights: random_net())
    settings = replace(SMALL, weights="pretrained", frozen_epochs=1, rate_spread=10.0)
    model = Brightness(settings).fit_fold(items, 0, context)
    assert model.history is not None  # type: ignore[attr-defined]
    assert len(model.history.epochs) == 2  # type: ignore[attr-defined]
    assert len(model.predict(items[items["fold"] == 0]).values) == 4  # type: ignore[attr-defined]


def random_net() -> nn.Module:
    return classifier(SMALL.backbone, 2, weights="none")


def test_a_body_of_random_weights_is_neither_frozen_nor_slowed_down() -> None:
    options = {"epochs": 4, "frozen_epochs": 2, "learning_rate": 1e-3, "rate_spread": 3.0}
    head, whole = replace(SMALL, weights="pretrained", **options).phases()
    assert (head.epochs, head.trained_groups) == (2, 1)
    assert (whole.epochs, whole.trained_groups, whole.rate_spread) == (4, 0, 3.0)
    (only,) = replace(SMALL, weights="none", **options).phases()
    assert (only.epochs, only.learning_rate) == (4, 1e-3)
    assert (only.trained_groups, only.rate_spread) == (0, 1.0)


# ---- unreadable files --------------------------------------------------------------------------


def damage(items: pd.DataFrame) -> tuple[Path, Path, Path]:
    missing, empty, cut = (Path(items["path"][number]) for number in (1, 4, 7))
    missing.unlink()
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-20])
    return missing, empty, cut


def test_unreadable_pictures_are_told_line_by_line_before_training(
    items: pd.DataFrame, context: Context
) -> None:
    missing, empty, cut = damage(items)
    said: list[str] = []
    context = replace(context, session=Session(say=said.append))
    with pytest.raises(DataError) as caught:
        Brightness().readable(items, "train", context)
    message = str(caught.value)
    assert message.startswith(f"3 of {N} train pictures cannot be read: {missing}: is missing")
    assert "--skip-unreadable" in message
    assert [str(empty) in said[0], str(cut) in said[1], len(said)] == [True, True, 2]


def test_skipping_leaves_train_pictures_out_and_lists_them(
    items: pd.DataFrame, context: Context
) -> None:
    places = damage(items)
    said: list[str] = []
    context = replace(context, session=Session(say=said.append))
    kept = Brightness(replace(SMALL, skip_unreadable=True)).readable(items, "train", context)
    assert kept["sample"].tolist() == [str(k) for k in range(N) if k not in (1, 4, 7)]
    assert [str(path) in line for path, line in zip(places, said, strict=True)] == [True] * 3
    assert all("left out" in line for line in said)


def test_skipping_answers_unreadable_test_pictures_as_black_ones(
    items: pd.DataFrame, context: Context
) -> None:
    damage(items)
    said: list[str] = []
    context = replace(context, session=Session(say=said.append))
    pipeline = Brightness(replace(SMALL, skip_unreadable=True, cache=True))
    test = pipeline.readable(items, "test", context)
    assert len(test) == N
    assert all("black picture" in line for line in said)
    images = batches(pipeline.test_loader(test, context))
    mean, std = map(torch.tensor, normalisation(SMALL.backbone))
    black = (-mean / std)[:, None, None].expand(3, 32, 32)
    for k in range(N):
        is_black = torch.allclose(images[k], black, atol=1e-4)
        assert is_black == (k in (1, 4, 7))
    assert pipeline.picture(test.iloc[1]).shape == (1, 1, 3)  # type: ignore[union-attr]


def test_in_the_scored_rerun_a_bad_test_picture_costs_no_submission(
    items: pd.DataFrame, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(items)
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert len(Brightness().readable(items, "test", context)) == N
    with pytest.raises(DataError):
        Brightness().readable(items, "train", context)


def test_damage_in_the_middle_is_found_by_decoding(items: pd.DataFrame, context: Context) -> None:
    path = Path(items["path"][2])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert len(Brightness().readable(items, "train", context)) == N
    with pytest.raises(DataError, match=f"1 of {N} train pictures cannot be read"):
        Brightness(replace(SMALL, decode_all=True)).readable(items, "train", context)
    skipping = Brightness(replace(SMALL, skip_unreadable=True))
    assert items["sample"][2] not in set(skipping.readable(items, "train", context)["sample"])
    # a test picture is read last, when all is trained
    with pytest.raises(DataError, match=f"1 of {N} test pictures cannot be read"):
        Brightness().readable(items, "test", context)


def test_predicting_skips_what_it_is_asked_to_whatever_the_run_did(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(pipeline: Brightness, context: Context) -> None:
        raise DataError(f"skips: {pipeline.settings.skip_unreadable}")

    opened = (Brightness(SMALL), RunFolder(tmp_path), context, {})
    monkeypatch.setattr(run, "open_run", lambda *asked: opened)
    monkeypatch.setattr(run, "test_rows", look)
    for asked in (False, True):
        with pytest.raises(DataError, match=f"skips: {asked}"):
            run.predict("brightness", "first", None, None, skip_unreadable=asked)


def test_no_test_pictures_are_no_fault(items: pd.DataFrame, context: Context) -> None:
    assert Brightness().readable(items.iloc[:0], "test", context).empty


def test_a_set_without_one_readable_picture_is_refused(
    items: pd.DataFrame, context: Context
) -> None:
    for path in items["path"]:
        Path(path).unlink()
    with pytest.raises(DataError, match=f"none of {N} train pictures can be read"):
        Brightness(replace(SMALL, skip_unreadable=True)).readable(items, "train", context)


# ---- pictures ----------------------------------------------------------------------------------


def test_a_picture_is_shown_in_its_own_shape_at_most_384_pixels_long(
    items: pd.DataFrame, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    cv2.imwrite(str(large), np.zeros((300, 768, 3), np.uint8))
    pipeline = Brightness()
    small = pipeline.picture(items.iloc[0])
    assert small is not None
    assert small.shape == (40, 60, 3)
    shrunk = pipeline.picture(pd.Series({"path": str(large)}))
    assert shrunk is not None
    assert shrunk.shape == (150, 384, 3)
