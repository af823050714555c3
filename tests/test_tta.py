"""Views: each comes back exactly, and what is averaged is probabilities."""

from __future__ import annotations

import itertools
import weakref
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common import tta
from common.augment import unchanged
from common.collect import Columns
from common.data.images import ImageDataset, ImageLoader, Target, reader
from common.errors import RunError, SettingsError, UsageError
from common.metrics import accuracy
from common.pipeline import Pipeline
from common.predict import predict
from common.settings import Settings
from common.spec import CompetitionSpec, LabelColumn, SubmissionFormat
from common.tta import D4, D4_5, FLIP, FLIPS, HFLIP, IDENTITY, NAMED, NONE, View, averaged

SPEC = CompetitionSpec(
    slug="toy",
    title="Toy",
    kind="pictures",
    metric=accuracy,
    submission=SubmissionFormat(("id",), (LabelColumn("label", ("a", "b")),)),
    files=(),
    classes=("a", "b"),
    flips=("horizontal", "vertical", "turns"),
)
BY_NAME = pytest.mark.parametrize("view", D4, ids=lambda view: view.name)
# rows of a picture of 2 × 3, by hand; a quarter turn to the left brings the last column on top
SEEN = {
    "identity": [[1, 2, 3], [4, 5, 6]],
    "hflip": [[3, 2, 1], [6, 5, 4]],
    "vflip": [[4, 5, 6], [1, 2, 3]],
    "rot180": [[6, 5, 4], [3, 2, 1]],
    "transpose": [[1, 4], [2, 5], [3, 6]],
    "rot90": [[3, 6], [2, 5], [1, 4]],
    "rot270": [[4, 1], [5, 2], [6, 3]],
    "anti_transpose": [[6, 3], [5, 2], [4, 1]],
}
sides = st.integers(1, 9)


def batch(n: int = 2, height: int = 4, width: int = 6, channels: int = 3) -> torch.Tensor:
    own = np.random.default_rng(0).random((n, channels, height, width), dtype=np.float32)
    return torch.from_numpy(own)


# ---- each view ---------------------------------------------------------------------------------


@BY_NAME
def test_a_view_shows_what_its_name_says(view: View) -> None:
    picture = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]], dtype=torch.uint8)
    assert view.do(picture)[0, 0].tolist() == SEEN[view.name]


@BY_NAME
@settings(max_examples=25, deadline=None)
@given(height=sides, width=sides, channels=st.integers(1, 4), last=st.booleans())
def test_masks_come_back_exactly(
    view: View, height: int, width: int, channels: int, last: bool
) -> None:
    given_ = batch(2, height, width, channels)
    if last:
        given_ = given_.contiguous(memory_format=torch.channels_last)
    assert torch.equal(view.undo(view.do(given_)), given_)
    assert torch.equal(view.undo(view.do(given_[:, 0])), given_[:, 0])


@BY_NAME
@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    shares=st.tuples(st.integers(0, 64), st.integers(0, 64)),
)
def test_points_come_back_exactly_wherever_they_lie(
    view: View, size: tuple[int, int], shares: tuple[int, int]
) -> None:
    """Sixty-fourths of a pixel are told exactly in 32 bits, so the way back must lose nothing."""
    x, y = (float(round(side * share) / 64) for side, share in zip(size[::-1], shares, strict=True))
    point = torch.tensor([[[x, y]]])
    assert torch.equal(view.undo_points(_seen_at(view, point, size), size), point)


def _seen_at(view: View, point: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Where a view shows a point, by the formulas on paper."""
    (x, y), (height, width) = point[0, 0].tolist(), size
    places = {
        "identity": (x, y),
        "hflip": (width - x, y),
        "vflip": (x, height - y),
        "rot180": (width - x, height - y),
        "transpose": (y, x),
        "rot90": (y, width - x),
        "rot270": (height - y, x),
        "anti_transpose": (height - y, width - x),
    }
    return torch.tensor([[places[view.name]]])


@BY_NAME
@settings(max_examples=25, deadline=None)
@given(height=sides, width=sides, data=st.data())
def test_points_follow_the_pixel_that_they_lie_in(
    view: View, height: int, width: int, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    picture = torch.zeros(1, 1, height, width)
    picture[0, 0, row, column] = 1
    seen_row, seen_column = view.do(picture)[0, 0].nonzero()[0].tolist()
    centre = torch.tensor([[[seen_column + 0.5, seen_row + 0.5]]])
    assert view.undo_points(centre, (height, width)).tolist() == [[[column + 0.5, row + 0.5]]]


@BY_NAME
def test_a_view_keeps_type_and_memory_format(view: View) -> None:
    own = (255 * batch()).to(torch.uint8)
    seen = view.do(own)
    assert seen.dtype == torch.uint8
    assert seen.is_contiguous()
    seen = view.do(own.contiguous(memory_format=torch.channels_last))
    assert seen.is_contiguous(memory_format=torch.channels_last)


def test_the_eight_views_are_eight_different_pictures() -> None:
    picture = batch(1, 5, 5)
    assert len({view.do(picture).numpy().tobytes() for view in D4}) == 8


# ---- selections --------------------------------------------------------------------------------


def test_selections_begin_with_the_picture_itself() -> None:
    assert {name: len(chosen) for name, chosen in NAMED.items()} == {
        "none": 1,
        "flip": 2,
        "flips": 4,
        "d4_5": 5,
        "d4": 8,
    }
    assert all(chosen[0] is IDENTITY for chosen in NAMED.values())


def test_flips_keep_the_shape_of_a_picture() -> None:
    assert all(view.do(batch()).shape == batch().shape for view in FLIPS)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert tta.views("d4") == D4
    with pytest.raises(SettingsError, match="named 'flpi'; did you mean 'flip'"):
        tta.views("flpi")


# what each set of symmetries allows, by hand: two flips make half a turn, a turn and a flip all
ALLOWED = {
    (): {"identity"},
    ("horizontal",): {"identity", "hflip"},
    ("vertical",): {"identity", "vflip"},
    ("horizontal", "vertical"): {"identity", "hflip", "vflip", "rot180"},
    ("turns",): {"identity", "rot90", "rot180", "rot270"},
    ("horizontal", "turns"): set(SEEN),
    ("vertical", "turns"): set(SEEN),
    ("horizontal", "vertical", "turns"): set(SEEN),
}


@pytest.mark.parametrize("flips", ALLOWED, ids=lambda flips: "+".join(flips) or "none")
def test_a_view_is_refused_where_the_spec_does_not_allow_it(flips: tuple[str, ...]) -> None:
    spec = replace(SPEC, flips=flips)
    for view in D4:
        if view.name in ALLOWED[flips]:
            assert tta.check_allowed((view,), spec) == (view,)
        else:
            with pytest.raises(SettingsError, match=f"view '{view.name}' needs the symmetry"):
                tta.check_allowed((view,), spec)


def test_a_refusal_says_what_is_allowed_and_what_to_choose() -> None:
    with pytest.raises(SettingsError) as refused:
        tta.check_allowed(D4, replace(SPEC, flips=("horizontal",)))
    assert str(refused.value) == (
        "view 'vflip' needs the symmetry vertical or horizontal with turns; toy allows "
        "horizontal; choose views from none, flip"
    )


def test_nothing_is_refused_where_the_symmetries_are_not_known() -> None:
    assert tta.check_allowed(D4, replace(SPEC, flips=None)) == D4


def test_a_view_of_ones_own_that_needs_no_symmetry_is_always_allowed() -> None:
    darker = View("darker", do=lambda x: x * 0.9, undo=lambda y: y)
    assert tta.check_allowed((darker,), replace(SPEC, flips=())) == (darker,)


# ---- averages ----------------------------------------------------------------------------------


def left_share(pictures: torch.Tensor) -> torch.Tensor:
    """A net that reads the left pixel of a picture of 1 × 2 as a logit; probabilities (N, 2)."""
    logits = torch.stack([pictures[:, 0, 0, 0], torch.zeros(len(pictures))], dim=1)
    return logits.softmax(dim=1)


def test_the_mean_is_of_probabilities_and_not_of_logits() -> None:
    # logits 0 and log 3: probabilities 1/2 and 3/4, whose mean is 5/8; the mean logit, log 3 / 2,
    # would give √3 / (1 + √3) = 0.634
    picture = torch.tensor([[[[0.0, np.log(3.0)]]]])
    assert averaged(left_share, FLIP, [picture], "classes").tolist() == [
        pytest.approx([0.625, 0.375])
    ]


def test_masks_are_averaged_where_they_lie() -> None:
    """The net marks the first column of what it sees: the left one, and mirrored the right one."""

    def first_column(pictures: torch.Tensor) -> torch.Tensor:
        marks = torch.zeros(len(pictures), 1, *pictures.shape[-2:])
        marks[..., 0] = 1
        return marks

    mean = averaged(first_column, FLIP, [batch(1, 2, 3)], "masks")
    assert mean.tolist() == [[[[0.5, 0, 0.5], [0.5, 0, 0.5]]]]
    # upside down it marks the same two columns, on its side the first and the last row
    mean = averaged(first_column, D4, [batch(1, 3, 3)], "masks")
    assert mean.tolist() == [[[[0.5, 0.25, 0.5], [0.25, 0, 0.25], [0.5, 0.25, 0.5]]]]


def test_points_are_averaged_where_they_lie() -> None:
    """The net says (1, 1) of whatever it sees of a picture 10 wide and 4 high."""

    def corner(pictures: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(pictures), 1, 2)

    own = batch(1, 4, 10)
    assert averaged(corner, (HFLIP,), [own], "points").tolist() == [[[9, 1]]]
    assert averaged(corner, (tta.ROT90,), [own], "points").tolist() == [[[9, 1]]]
    assert averaged(corner, D4, [own], "points").tolist() == [[[5, 2]]]  # the middle


def test_points_change_their_names_in_a_mirror() -> None:
    def eyes(pictures: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[[2.0, 1.0], [7.0, 3.0]]])

    # mirrored the left eye is at 10 - 7 = 3 and the right one at 10 - 2 = 8; upside up both
    own = batch(1, 4, 10)
    mean = averaged(eyes, FLIP, [own], "points", swaps=[(0, 1)])
    assert mean.tolist() == [[[2.5, 2.0], [7.5, 2.0]]]
    turned = averaged(eyes, (tta.ROT180,), [own], "points", swaps=[(0, 1)])
    assert turned.tolist() == [[[8, 3], [3, 1]]]  # half a turn is no mirror


def conv_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    return net.eval()


def probabilities(net: nn.Module) -> Any:
    return lambda *seen: net(*seen).softmax(dim=1)


def test_the_order_of_the_views_makes_no_difference_to_the_last_bit() -> None:
    step, own = probabilities(conv_net()), batch(3, 7, 9)
    first = averaged(step, D4_5, [own], "classes")
    for order in itertools.permutations(D4_5):
        assert torch.equal(averaged(step, order, [own], "classes"), first)


def test_the_identity_view_is_the_plain_prediction_to_the_last_bit() -> None:
    step, own = probabilities(conv_net()), batch(3, 7, 9)
    assert torch.equal(averaged(step, NONE, [own], "classes"), step(own))


def test_a_net_that_answers_alike_for_all_views_keeps_its_answer() -> None:
    def symmetric(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.amax(dim=(2, 3)).softmax(dim=1)

    own = batch(3, 5, 8)
    assert torch.allclose(averaged(symmetric, D4, [own], "classes"), symmetric(own))


def test_all_pictures_of_a_batch_are_seen_alike_and_numbers_go_as_they_are() -> None:
    seen: list[Any] = []

    def watching(one: torch.Tensor, numbers: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        seen.append((one.clone(), numbers.clone(), other.clone()))
        return torch.zeros(len(one), 1)

    one, numbers, stack = batch(), torch.arange(6.0).reshape(2, 3), batch(2, 5, 4)[:, :, None]
    averaged(watching, (HFLIP,), [one, numbers, stack], "classes")
    assert torch.equal(seen[0][0], torch.from_numpy(one.numpy()[..., ::-1].copy()))
    assert torch.equal(seen[0][1], numbers)
    assert torch.equal(seen[0][2], torch.from_numpy(stack.numpy()[..., ::-1].copy()))


def test_a_net_that_works_in_place_spoils_no_other_view() -> None:
    def in_place(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mul_(2)[:, :, :1, :1].clone()

    own = torch.tensor([[[[1.0, 2.0]]]])
    # 2 where the left pixel is read and 4 where the right one is
    assert averaged(in_place, FLIP, [own], "masks").tolist() == [[[[3.0]]]]


def test_memory_holds_one_view_at_a_time() -> None:
    seen: list[weakref.ref[torch.Tensor]] = []

    def watching(pictures: torch.Tensor) -> torch.Tensor:
        assert not any(earlier() is not None for earlier in seen)
        seen.append(weakref.ref(pictures))
        return pictures.mean(dim=(2, 3))

    averaged(watching, D4, [batch()], "classes")
    assert len(seen) == 8


def test_half_precision_is_summed_in_float32() -> None:
    half = lambda pictures: torch.full((1, 1), 0.1, dtype=torch.float16)  # noqa: E731
    mean = averaged(half, D4_5, [batch(1)], "classes")
    assert mean.dtype == torch.float32
    assert mean.item() == pytest.approx(float(np.float16(0.1)), rel=1e-6)


# ---- refusals ----------------------------------------------------------------------------------


def test_a_shape_that_does_not_come_back_is_an_error() -> None:
    always = lambda pictures: torch.zeros(len(pictures), 1, 4, 6)  # noqa: E731
    with pytest.raises(
        RunError, match=r"'hflip' come back as \(2, 1, 4, 6\), those.*\(2, 1, 6, 4\)"
    ):
        averaged(always, D4, [batch()], "masks")
    averaged(always, FLIPS, [batch()], "masks")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("classes", (2, 3, 2)), ("masks", (2, 2)), ("masks", (2, 3, 2)), ("points", (2, 6))],
)
def test_predictions_of_another_kind_are_refused(kind: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=f"predictions of {kind} are .*; expected"):
        averaged(lambda pictures: torch.zeros(shape), FLIP, [batch()], kind)


def test_whole_numbers_and_lists_have_no_mean() -> None:
    for answer in (torch.tensor([1, 0]), [{"boxes": torch.zeros(1, 4)}]):
        with pytest.raises(UsageError, match="has no mean over views"):
            averaged(lambda pictures, own=answer: own, FLIP, [batch()], "classes")


def test_inputs_without_a_picture_and_no_views_are_refused() -> None:
    with pytest.raises(UsageError, match="none of the inputs is a batch of pictures"):
        averaged(lambda numbers: numbers, FLIP, [torch.zeros(2, 3)], "classes")
    with pytest.raises(UsageError, match="no view to predict from"):
        averaged(left_share, (), [batch()], "classes")
    with pytest.raises(UsageError, match="did you mean 'masks'"):
        averaged(left_share, FLIP, [batch()], "mask")


def test_a_view_without_a_way_back_for_points_is_refused() -> None:
    darker = View("darker", do=lambda x: x * 0.9, undo=lambda y: y)
    with pytest.raises(UsageError, match="no way back for points"):
        averaged(lambda x: torch.zeros(2, 1, 2), (darker,), [batch()], "points")


# ---- in a pipeline -----------------------------------------------------------------------------


@dataclass(frozen=True)
class WithViews(Settings):
    views: str = "none"


class Toy(Pipeline):
    spec = SPEC
    presets: ClassVar = {"baseline": WithViews()}


class ToyMasks(Toy):
    spec = replace(SPEC, classes=())

    def activation(self, raw: Any) -> Any:
        return raw.sigmoid()


def test_a_pipeline_averages_over_the_views_of_its_settings() -> None:
    net, own = conv_net(), batch(3, 6, 6)
    plain = Toy().predict_step(net, [own])
    assert torch.equal(plain, net(own).softmax(dim=1))
    turned = [net(torch.rot90(own, k, (2, 3))).softmax(dim=1) for k in range(4)]
    mirrored = [net(torch.rot90(own.flip(3), k, (2, 3))).softmax(dim=1) for k in range(4)]
    expected = torch.stack(turned + mirrored).mean(dim=0)
    found = Toy(WithViews(views="d4")).predict_step(net, [own])
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found, plain, atol=1e-5)


def test_a_pipeline_without_the_setting_predicts_plainly() -> None:
    net, own = conv_net(), batch(3)
    assert torch.equal(
        Toy(Settings()).predict_step(net, [own]), Toy(WithViews()).predict_step(net, [own])
    )


def test_masks_without_classes_are_brought_back() -> None:
    torch.manual_seed(0)
    net, own = nn.Conv2d(3, 1, 3, padding=1), batch(2, 5, 8)
    both = net(own).sigmoid(), net(own.flip(3)).sigmoid().flip(3)
    found = ToyMasks(WithViews(views="flip")).predict_step(net, [own])
    assert torch.allclose(found, (both[0] + both[1]) / 2, atol=1e-6)


def test_numbers_that_may_be_places_are_refused_by_default() -> None:
    with pytest.raises(UsageError, match="answer predict_step"):
        ToyMasks(WithViews(views="flip")).predict_step(conv_net(), [batch()])


def test_a_pipeline_refuses_views_that_its_spec_does_not_allow() -> None:
    class Upright(Toy):
        spec = replace(SPEC, flips=("horizontal",))

    with pytest.raises(SettingsError, match="view 'vflip' needs the symmetry"):
        Upright(WithViews(views="d4_5")).predict_step(conv_net(), [batch()])
    Upright(WithViews(views="flip")).predict_step(conv_net(), [batch()])


# ---- over a loader of files --------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    own = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.jpg" for number in range(7)]
    for path in paths:
        cv2.imwrite(str(path), own.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    return paths


def loader_of(files: list[Path], **options: Any) -> ImageLoader:
    dataset = ImageDataset(files, np.zeros(len(files), np.int64), target=Target(8, 8), vocab=["a"])
    return ImageLoader(dataset, policy=unchanged(), **{"bs": 3, "threads": 2, **options})


class Inputs:
    """The batches of a loader without their targets, as a test loader serves them."""

    def __init__(self, loader: ImageLoader) -> None:
        self.loader = loader

    def __iter__(self) -> Any:
        return (batch[:1] for batch in self.loader)


def test_with_five_views_every_picture_is_decoded_once(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: Counter[str] = Counter()
    original = reader.decode

    def counting(content: bytes, header: Any, channels: int, **options: Any) -> np.ndarray:
        decoded[options["name"]] += 1
        return original(content, header, channels, **options)

    monkeypatch.setattr(reader, "decode", counting)
    n_seen: list[int] = []
    net = conv_net()
    net.register_forward_hook(lambda module, given, out: n_seen.append(len(out)))
    pipeline = Toy(WithViews(views="d4_5"))
    samples = np.array([path.stem for path in files])
    collector = Columns(("p_a", "p_b"))
    predict(net, Inputs(loader_of(files)), samples, collector, pipeline.predict_step, "cpu")
    assert decoded == Counter({str(path): 1 for path in files})
    assert n_seen == [3] * 5 + [3] * 5 + [1] * 5  # batches of 3, 3 and 1, each in five views


def test_the_identity_view_gives_what_get_preds_gives(files: list[Path]) -> None:
    loader = loader_of(files)
    learner = Learner(DataLoaders(loader, loader), conv_net(), loss_func=CrossEntropyLossFlat())
    expected = learner.get_preds(dl=loader)[0]
    samples = np.array([path.stem for path in files])
    one_view = lambda net, inputs: averaged(probabilities(net), NONE, inputs, "classes")  # noqa: E731
    for step in (Toy().predict_step, one_view):
        collector = Columns(("p_a", "p_b"))
        found = predict(learner.model, Inputs(loader), samples, collector, step, "cpu")
        assert np.array_equal(found.values, expected.numpy())
