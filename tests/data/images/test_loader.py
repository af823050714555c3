"""Loaders of pictures: the same batches whatever threads and cache, in fastai's protocol."""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fastai.vision.all  # noqa: F401 - fastai's ways to show results come with it
import matplotlib as mpl
import numpy as np
import pytest
import torch
from fastai.data.core import DataLoaders
from fastai.interpret import Interpretation
from fastai.learner import Learner
from fastai.vision.core import TensorMask
from torch import nn

from common.augment import Policy, photographs, unchanged
from common.data.images import ImageDataset, ImageLoader, Target, read_image
from common.data.images.ring import MOST_KEPT, Crew
from common.data.images.targets import Boxes, Classes, Marks, Masks, Numbers, Points, Targets
from common.data.sampling import with_share
from common.errors import DataError, UsageError
from common.train.feeding import Feed

mpl.use("Agg")
N = 22
TARGET = Target(24, 32)
MIRROR = Policy("mirror", flips="horizontal")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    own = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(N)]
    for path in paths:
        coarse = own.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (64, 48)))
    return paths


@pytest.fixture(scope="module")
def mask_files(files: list[Path]) -> list[Path]:
    """The left half of each is 1, the rest 0."""
    mask = np.zeros((48, 64), dtype=np.uint8)
    mask[:, :32] = 1
    paths = [path.with_name(f"mask {path.name}") for path in files]
    for path in paths:
        cv2.imwrite(str(path), mask)
    return paths


def dataset(files: list[Path], targets: Any = None, **options: Any) -> ImageDataset:
    return ImageDataset(files, targets, **{"target": TARGET, **options})


def loader(files: list[Path], policy: Policy | None = None, **options: Any) -> ImageLoader:
    return ImageLoader(dataset(files), policy=policy, **{"bs": 8, **options})


def pictures(loader: ImageLoader) -> torch.Tensor:
    return torch.cat([images.as_subclass(torch.Tensor).clone() for images, *_ in loader])


# ---- what a batch holds ------------------------------------------------------------------------


def test_batches_hold_the_pictures_as_the_reader_gives_them(files: list[Path]) -> None:
    served = pictures(loader(files))
    expected = np.stack([read_image(path, TARGET) for path in files])
    assert served.dtype == torch.uint8
    assert np.array_equal(served.permute(0, 2, 3, 1).numpy(), expected)


def test_a_policy_gives_floats_of_the_targets_size(files: list[Path]) -> None:
    wide = dataset(files, target=Target(24, 32, margin=1.5))
    served = pictures(ImageLoader(wide, policy=unchanged(), bs=8))
    assert served.shape == (N, 3, 24, 32)
    assert served.dtype == torch.float32
    assert 0 <= served.min() < served.max() <= 1


def test_threads_and_batch_size_do_not_change_a_picture(files: list[Path]) -> None:
    first = pictures(loader(files, photographs(), bs=8, threads=1))
    assert torch.equal(first, pictures(loader(files, photographs(), bs=5, threads=3)))


def test_an_epoch_can_be_served_again_and_the_next_one_differs(files: list[Path]) -> None:
    own = loader(files, photographs(), shuffle=True)
    first, second = pictures(own), pictures(own)
    assert not torch.equal(first, second)
    own.set_epoch(0)
    assert torch.equal(first, pictures(own))


def test_a_sample_is_drawn_alike_among_other_rows(files: list[Path]) -> None:
    whole = dataset(files)
    all_rows = pictures(ImageLoader(whole, policy=photographs(), bs=8))
    some = pictures(ImageLoader(whole.rows([3, 20]), policy=photographs(), bs=8))
    assert torch.equal(some, all_rows[[3, 20]])


@pytest.mark.parametrize("policy", [None, photographs()])
def test_a_batch_that_is_held_is_not_overwritten(files: list[Path], policy: Policy | None) -> None:
    own = loader(files, policy, bs=2)
    held = [images for (images,) in own]
    own.set_epoch(0)
    assert torch.equal(torch.cat(held), pictures(own))


@pytest.mark.parametrize(
    "part",
    [lambda batch: batch[0, 0], lambda batch: batch.numpy()[:1]],
    ids=["slice", "array"],
)
def test_a_part_of_a_batch_of_floats_is_not_overwritten(
    files: list[Path], part: Callable[[Any], Any]
) -> None:
    own = loader(files, photographs(), bs=2)
    held = [part(images.as_subclass(torch.Tensor)) for (images,) in own]
    copies = [np.asarray(one).copy() for one in held]
    pictures(own)
    assert all(np.array_equal(one, copy) for one, copy in zip(held, copies, strict=True))


@pytest.mark.parametrize("policy", [None, photographs()])
def test_memory_comes_back_when_nobody_holds_a_batch(
    files: list[Path], policy: Policy | None
) -> None:
    own = loader(files * 5, policy, bs=2)
    for _ in range(3):
        pictures(own)
    for ring in own._rings.values():
        assert len(ring.slots) <= 5
        assert all(slot.is_free() for slot in ring.slots)


def test_the_memory_of_many_batches_that_are_held_at_once_is_not_kept(files: list[Path]) -> None:
    own = loader(files, photographs(), bs=1)
    assert len({images.data_ptr() for (images,) in list(own)}) == N
    assert all(len(ring.slots) <= MOST_KEPT < N for ring in own._rings.values())


def test_the_last_batch_may_be_short_or_left_out(files: list[Path]) -> None:
    assert [len(images) for (images,) in loader(files)] == [8, 8, 6]
    assert [len(images) for (images,) in loader(files, drop_last=True)] == [8, 8]


def test_one_file_per_channel_and_sixteen_bits(tmp_path: Path) -> None:
    planes = tuple(tmp_path / f"{channel}.png" for channel in range(4))
    for channel, path in enumerate(planes):
        cv2.imwrite(str(path), np.full((10, 12), 1000 * channel, dtype=np.uint16))
    deep = dataset([planes], channels=4, dtype=np.uint16, target=Target(10, 12))
    (served,) = next(iter(ImageLoader(deep, policy=None)))
    assert served[0, :, 5, 5].tolist() == [0, 1000, 2000, 3000]
    floats = pictures(ImageLoader(deep, policy=unchanged()))
    assert torch.allclose(floats[0, 3], torch.tensor(3000 / 65535), atol=1e-4)


def test_a_plain_loop_over_classes(files: list[Path]) -> None:
    own = dataset(files, np.arange(N) % 3, vocab=["a", "b", "c"])
    labels = [int(label) for _, batch in ImageLoader(own, policy=None, bs=8) for label in batch]
    assert labels == [row % 3 for row in range(N)]


# ---- the cache ---------------------------------------------------------------------------------


def test_folds_share_one_cache_that_replaces_the_files(files: list[Path], tmp_path: Path) -> None:
    copies = [tmp_path / path.name for path in files]
    for path, copy in zip(files, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    whole = dataset(copies, cache=tmp_path / "cache")
    assert whole.cache is not None
    pictures(ImageLoader(whole.rows(range(10)), policy=None))
    assert whole.cache.n_stored == 10
    pictures(ImageLoader(whole.rows(range(10, N)), policy=None))
    for copy in copies:
        copy.unlink()
    turned = whole.rows(reversed(range(N)))
    assert torch.equal(pictures(ImageLoader(turned, policy=None)), pictures(loader(files)).flip(0))


def test_the_first_epoch_and_later_ones_serve_the_same(files: list[Path], tmp_path: Path) -> None:
    own = ImageLoader(dataset(files, cache=tmp_path), policy=MIRROR, bs=8)
    first = pictures(own)
    own.set_epoch(0)
    assert torch.equal(first, pictures(own))
    assert torch.equal(first, pictures(loader(files, MIRROR)))


def test_a_dataset_of_some_rows_shares_the_caches_of_all(
    files: list[Path], mask_files: list[Path], tmp_path: Path
) -> None:
    masks = Masks(mask_files, ["right", "left"])
    whole = dataset(files, masks, cache=tmp_path)
    pictures(ImageLoader(whole, policy=None))
    some = dataset(files[9:3:-1], masks.rows(np.arange(9, 3, -1)), cache=tmp_path)
    assert some.slots.tolist() == some.mask_slots.tolist() == [9, 8, 7, 6, 5, 4]
    assert len([*tmp_path.glob("*.raw")]) == 2  # pictures and masks
    assert torch.equal(pictures(ImageLoader(some, policy=None)), pictures(loader(files[9:3:-1])))
    assert some.rows([2]).slots.tolist() == [7]


def test_another_target_takes_another_cache(files: list[Path], tmp_path: Path) -> None:
    pictures(ImageLoader(dataset(files, cache=tmp_path), policy=None))
    other = dataset(files, cache=tmp_path, target=Target(24, 32, method="crop"))
    assert other.cache is not None
    assert other.cache.n_stored == 0


# ---- targets that move -------------------------------------------------------------------------


def mirrored(images: torch.Tensor, plain: torch.Tensor) -> list[bool]:
    """Which pictures of a batch came out mirrored."""
    return [
        bool((own - old.flip(-1)).abs().max() < 0.05)
        for own, old in zip(images, plain, strict=True)
    ]


def test_masks_move_with_their_pictures(files: list[Path], mask_files: list[Path]) -> None:
    own = dataset(files, Masks(mask_files, ["right", "left"]))
    images, masks = next(iter(ImageLoader(own, policy=MIRROR, bs=N)))
    turned = mirrored(images, pictures(loader(files, unchanged())))
    assert isinstance(masks, TensorMask)
    assert masks.shape == (N, 24, 32)
    assert masks[:, 0, 0].tolist() == [int(not each) for each in turned]
    assert {True, False} == set(turned)


def test_masks_are_cached_as_well(
    files: list[Path], mask_files: list[Path], tmp_path: Path
) -> None:
    own = dataset(files, Masks(mask_files, ["right", "left"]), cache=tmp_path)
    for _ in range(2):
        masks = torch.cat([batch[1] for batch in ImageLoader(own, policy=None, bs=8)])
        assert masks.sum(dim=(1, 2)).tolist() == [24 * 16] * N
    assert own.mask_cache is not None
    assert own.mask_cache.is_complete


def test_boxes_and_points_are_in_pixels_of_what_the_model_sees(files: list[Path]) -> None:
    # the files have 64×48 pixels, the model sees 32×24: everything is halved, then mirrored
    boxes = [np.array([[4.0, 8.0, 20.0, 40.0]]), np.zeros((0, 4))] * (N // 2)
    labels = [np.array([1]), np.zeros(0, np.int64)] * (N // 2)
    points = np.tile([10.0, 20.0], (N, 1, 1))
    plain = pictures(loader(files, unchanged()))
    images, found = next(
        iter(ImageLoader(dataset(files, Boxes(boxes, labels, ["x", "y"])), policy=MIRROR, bs=N))
    )
    for row, turned in enumerate(mirrored(images, plain)):
        if row % 2:
            assert found[row]["boxes"].shape == (0, 4)
            continue
        expected = [22.0, 4.0, 30.0, 20.0] if turned else [2.0, 4.0, 10.0, 20.0]
        assert found[row]["boxes"][0].tolist() == pytest.approx(expected, abs=1e-4)
        assert found[row]["labels"].tolist() == [1]
    images, found = next(iter(ImageLoader(dataset(files, Points(points)), policy=MIRROR, bs=N)))
    for row, turned in enumerate(mirrored(images, plain)):
        assert found[row, 0].tolist() == pytest.approx([27.0 if turned else 5.0, 10.0], abs=1e-4)


def test_points_follow_a_picture_whose_middle_is_cut_out(files: list[Path]) -> None:
    # of 64×48 pixels the middle 48×48 go to 24×24: x loses 8 and is halved
    own = dataset(files, Points(np.tile([10.0, 20.0], (N, 1, 1))), target=Target(24, 24, "crop"))
    _, points = next(iter(ImageLoader(own, policy=None, bs=2)))
    assert points[0, 0].tolist() == [1.0, 10.0]


# ---- what goes wrong ---------------------------------------------------------------------------


def test_a_broken_file_is_named_and_the_loader_goes_on_afterwards(
    files: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:200])
    before = threading.active_count()
    own = loader([*files[:10], broken])
    with pytest.raises(DataError, match=r"broken\.png"):
        list(own)
    assert threading.active_count() == before
    broken.write_bytes(files[0].read_bytes())
    assert len(pictures(own)) == 11


def test_a_fault_in_a_thread_carries_the_files_name(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("common.data.images.dataset.read_image", fail)
    with pytest.raises(RuntimeError, match="a fault") as raised:
        list(loader(files[:1]))
    assert any(files[0].name in note for note in raised.value.__notes__)


def test_breaking_off_ends_the_threads(files: list[Path]) -> None:
    before = threading.active_count()
    own = loader(files, photographs(), threads=3)
    batches = iter(own)
    next(batches)
    assert threading.active_count() == before + 3
    del batches
    assert threading.active_count() == before
    own.one_batch()
    assert threading.active_count() == before


def test_the_callers_threads_of_torch_and_opencv_stay(files: list[Path]) -> None:
    torch.set_num_threads(2)
    cv2.setNumThreads(3)
    try:
        one, other = iter(loader(files)), iter(loader(files))
        next(one), next(other)
        assert torch.get_num_threads() == 2
        del one
        assert cv2.getNumThreads() == 1
        del other
        assert cv2.getNumThreads() == 3
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_the_crews_own_threads_use_one_each() -> None:
    found: list[int] = []
    with Crew(2) as crew:
        for part in crew.start(lambda _: found.append(torch.get_num_threads()), range(6)):
            part.result()
    assert found == [1] * 6


def test_other_numbers_of_rows_are_refused(files: list[Path]) -> None:
    with pytest.raises(UsageError, match="21 targets for 22 pictures"):
        dataset(files, np.zeros(21), vocab=["a"])


# ---- fastai ------------------------------------------------------------------------------------

own = np.random.default_rng(1)
KINDS: dict[str, Callable[[list[Path]], Targets]] = {
    "classes": lambda _: Classes(np.arange(N) % 3, ["a", "b", "c"]),
    "marks": lambda _: Marks(own.integers(0, 2, (N, 3)), ["a", "b", "c"]),
    "numbers": lambda _: Numbers(own.random((N, 2))),
    "masks": lambda masks: Masks(masks, ["right", "left"]),
    "points": lambda _: Points(own.random((N, 2, 2)) * (64, 48)),
}


@pytest.fixture(params=KINDS)
def learner(
    request: pytest.FixtureRequest, files: list[Path], mask_files: list[Path], tmp_path: Path
) -> Learner:
    whole = dataset(files, KINDS[request.param](mask_files))
    policy = photographs()
    train = ImageLoader(whole.rows(range(12)), policy=policy, bs=4, shuffle=True, drop_last=True)
    valid = ImageLoader(whole.rows(range(12, N)), policy=policy.only(), tta=policy, bs=4)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, whole.c)]
    net = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), *head)
    if request.param == "masks":
        net = nn.Sequential(nn.Conv2d(3, whole.c, 1))
    loaders = DataLoaders(train, valid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner = Learner(loaders, net, path=tmp_path)
        yield learner.remove_cbs(
            [callback for callback in learner.cbs if hasattr(callback, "mbar")]
        )


def test_fastai_can_do_with_it_what_it_does_with_its_own(
    learner: Learner, files: list[Path]
) -> None:
    learner.dls.show_batch(max_n=2)
    learner.dls.show_batch(max_n=2, unique=True)
    learner.fit_one_cycle(1)
    learner.lr_find(num_it=3, show_plot=False)
    raw, targets = learner.get_preds()
    assert len(raw) == len(targets) == 10
    assert len(learner.tta(n=2)[0]) == 10
    learner.show_results(max_n=2)
    losses, rows = Interpretation.from_learner(learner).top_losses(2)
    assert losses.shape == rows.shape == (2,)
    raw, targets = learner.get_preds(dl=learner.dls.test_dl(files[:3]))
    assert len(raw) == 3
    assert targets is None
    learner.export("learner.pkl")


def test_the_augmentation_of_test_time_is_that_of_training(files: list[Path]) -> None:
    plain = loader(files, unchanged(), tta=MIRROR)
    with plain.dataset.set_split_idx(0):
        turned = mirrored(pictures(plain), pictures(loader(files, unchanged())))
    assert {True, False} == set(turned)


def test_pictures_are_shown_as_they_were(files: list[Path]) -> None:
    own = ImageLoader(dataset(files, np.zeros(N, int), vocab=["a"]), policy=photographs().only())
    images, _ = own.decode(own.one_batch())
    assert torch.allclose(
        images.as_subclass(torch.Tensor), pictures(loader(files)) / 255, atol=1e-5
    )


def test_boxes_are_shown_with_their_names(files: list[Path]) -> None:
    own = dataset(files, Boxes([np.array([[4.0, 8.0, 20.0, 40.0]])] * N, [np.array([1])] * N, "xy"))
    samples = ImageLoader(own, policy=unchanged(), bs=4).show_batch(max_n=3, show=False)[2]
    assert len(samples) == 3
    box, names = samples[0][1]
    assert box[0].tolist() == pytest.approx([2, 4, 10, 20])
    assert names == ["y"]


def test_an_endless_stream_of_rows_is_taken_as_far_as_it_is_asked_for(files: list[Path]) -> None:
    own = loader(files)
    batches = own.create_batches(itertools.repeat(2))
    assert len(list(itertools.islice(batches, 5))) == 5


# ---- trimming ----------------------------------------------------------------------------------


def lower_half(picture: np.ndarray) -> np.ndarray:
    return picture[picture.shape[0] // 2 :]


def test_trimmed_pictures_have_a_cache_of_their_own(files: list[Path], tmp_path: Path) -> None:
    whole = dataset(files, cache=tmp_path)
    trimmed = dataset(files, cache=tmp_path, trim=lower_half)
    expected = read_image(files[0], TARGET, trim=lower_half)
    for _ in range(2):  # the second time out of the cache
        (picture,), (part,) = whole[0], trimmed[0]
        assert np.array_equal(part.permute(1, 2, 0), expected)
        assert not torch.equal(picture, part)


def test_masks_are_not_left_behind_by_a_trim(files: list[Path], mask_files: list[Path]) -> None:
    with pytest.raises(UsageError, match="away from their targets"):
        dataset(files, Masks(mask_files, ["no", "yes"]), trim=lower_half)


# ---- an order of the caller's own --------------------------------------------------------------


def test_an_own_order_says_which_rows_come_and_copies_draw_for_themselves(
    files: list[Path],
) -> None:
    seen: list[tuple[int, int]] = []

    def order(seed: int, epoch: int) -> np.ndarray:
        seen.append((seed, epoch))
        return np.array([5, 5 + N, 5 + 2 * N, *range(3, N)])  # row 5 four times, three of them anew

    turned = Policy("turned", rotate=30.0)
    data = loader(files, turned, seed=4, shuffle=True, order=order)
    served = pictures(data)
    assert seen[-1] == (4, 0)
    first, second, third, again = served[[0, 1, 2, 5]]
    assert torch.equal(first, again)  # the same position draws the same
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    plain = pictures(loader(files, unchanged(), shuffle=True, order=order))
    assert torch.equal(plain[0], plain[1])
    assert torch.equal(plain[0], plain[5])
    data.set_epoch(0)
    assert torch.equal(pictures(data), served)


def test_an_own_order_goes_on_in_the_middle_of_an_epoch(files: list[Path]) -> None:
    marked = np.arange(N) < 4

    def order(seed: int, epoch: int) -> np.ndarray:
        return with_share(marked, 0.8, seed, epoch)

    data = loader(files, Policy("turned", rotate=30.0), shuffle=True, order=order)
    whole = Feed(data, seed=0, epoch=3)
    batches = [images.clone() for images, *_ in whole]
    rest = Feed(data, seed=0, epoch=3, first=1)
    assert all(torch.equal(*pair) for pair in zip(rest_of(rest), batches[1:], strict=True))
    assert rest.rows_of(1) == whole.rows_of(1)
    assert set(whole.rows_of(0)) <= set(range(N))  # rows, whichever copy


def rest_of(feed: Feed) -> list[torch.Tensor]:
    return [images.clone() for images, *_ in feed]


def test_an_order_of_another_length_is_refused(files: list[Path]) -> None:
    short = loader(files, shuffle=True, order=lambda seed, epoch: np.arange(3))
    with pytest.raises(UsageError, match=r"drew 3 positions; expected 22"):
        next(iter(short))


def test_an_order_stays_with_its_rows(files: list[Path]) -> None:
    def order(seed: int, epoch: int) -> np.ndarray:
        return np.zeros(N, np.int64)

    data = loader(files, shuffle=True, order=order)
    assert data.new().order is order
    assert data.new(files[:3]).order is None
