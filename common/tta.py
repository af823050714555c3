"""Test-time augmentation: a net sees each picture in several views, and their predictions, brought
back to the picture, are averaged.

    total += view.undo(activation(net(view.do(pictures))))        # for each view
    total / n_views                                               # probabilities, never logits

The views of a batch are made on the device where it lies, one after another: the picture is
decoded once, and memory holds one view at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from common.errors import RunError, SettingsError, UsageError, unknown_name
from common.spec import CompetitionSpec

Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True)
class View:
    """A way to look at pictures, and the way back.

    Args:
        do: the pictures as they are seen, (N, …, H, W) → (N, …, h, w).
        undo: predictions per pixel of what was seen, at any scale, as those of the picture:
            (N, …, h, w) → (N, …, H, W).
        undo_points: the same for points in pixels, (N, K, 2) as x and y, given the picture's
            height and width; None for a view that points cannot follow. They are counted as
            `common.augment.targets` counts them: a flip makes x to width - x.
        mirrors: whether left and right change their names.
        needs: sets of "horizontal", "vertical" and "turns", one of which the data must allow;
            none for a view that any data allow.
    """

    name: str
    do: Callable[[torch.Tensor], torch.Tensor]
    undo: Callable[[torch.Tensor], torch.Tensor]
    undo_points: Callable[[torch.Tensor, Size], torch.Tensor] | None = None
    mirrors: bool = False
    needs: tuple[frozenset[str], ...] = ()

    def suits(self, allowed: Collection[str]) -> bool:
        """Whether data with these symmetries allow it."""
        return not self.needs or any(need.issubset(allowed) for need in self.needs)


# ---- the eight ways to lay down a square ---------------------------------------------------------


def _symmetry(
    name: str,
    *needs: set[str],
    transposes: bool = False,
    up_down: bool = False,
    left_right: bool = False,
) -> View:
    """Rows become columns, or not; then what came out is flipped."""
    axes = [axis for axis, flips in ((-2, up_down), (-1, left_right)) if flips]

    def do(pictures: torch.Tensor) -> torch.Tensor:
        if not transposes:
            return pictures.flip(axes) if axes else pictures
        turned = pictures.transpose(-2, -1)
        return _laid_out(turned.flip(axes) if axes else turned, pictures)

    def undo(seen: torch.Tensor) -> torch.Tensor:
        upright = seen.flip(axes) if axes else seen
        return upright.transpose(-2, -1) if transposes else upright

    def undo_points(seen: torch.Tensor, size: Size) -> torch.Tensor:
        width, height = size if transposes else size[::-1]  # of what was seen
        x, y = seen.unbind(-1)
        x = width - x if left_right else x
        y = height - y if up_down else y
        return torch.stack((y, x) if transposes else (x, y), dim=-1)

    mirrors = (transposes + up_down + left_right) % 2 == 1
    return View(name, do, undo, undo_points, mirrors, tuple(frozenset(need) for need in needs))


def _laid_out(turned: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """In the memory format of the pictures given: convolutions are slow on any other."""
    if given.ndim == 4 and given.is_contiguous(memory_format=torch.channels_last):
        return turned.contiguous(memory_format=torch.channels_last)
    return turned.contiguous()


ACROSS, DOWN, TURNS = "horizontal", "vertical", "turns"

IDENTITY = _symmetry("identity")
HFLIP = _symmetry("hflip", {ACROSS}, {DOWN, TURNS}, left_right=True)
VFLIP = _symmetry("vflip", {DOWN}, {ACROSS, TURNS}, up_down=True)
ROT180 = _symmetry("rot180", {TURNS}, {ACROSS, DOWN}, up_down=True, left_right=True)
TRANSPOSE = _symmetry("transpose", {TURNS, ACROSS}, {TURNS, DOWN}, transposes=True)
# a quarter turn to the left, as torch.rot90 makes it, and one to the right
ROT90 = _symmetry("rot90", {TURNS}, transposes=True, up_down=True)
ROT270 = _symmetry("rot270", {TURNS}, transposes=True, left_right=True)
ANTI_TRANSPOSE = _symmetry(
    "anti_transpose",
    {TURNS, ACROSS},
    {TURNS, DOWN},
    transposes=True,
    up_down=True,
    left_right=True,
)

# ---- selections, by the name that a setting has --------------------------------------------------

Views = tuple[View, ...]

NONE: Views = (IDENTITY,)
FLIP: Views = (IDENTITY, HFLIP)
FLIPS: Views = (IDENTITY, HFLIP, VFLIP, ROT180)  # all that keep the shape of any picture
D4: Views = (*FLIPS, TRANSPOSE, ROT90, ROT270, ANTI_TRANSPOSE)
D4_5: Views = D4[:5]  # as many as fastai's tta has by default

NAMED: dict[str, Views] = {"none": NONE, "flip": FLIP, "flips": FLIPS, "d4": D4, "d4_5": D4_5}


def views(name: str) -> Views:
    """The views of a name: "none", "flip", "flips", "d4_5" or "d4".

    Raises: SettingsError for a name that does not exist; the nearest is offered.
    """
    if name not in NAMED:
        raise SettingsError(unknown_name("selection of views", name, NAMED))
    return NAMED[name]


def check_allowed(chosen: Sequence[View], spec: CompetitionSpec) -> Views:
    """The views, if the competition's data have the symmetries that they need.

    Where the spec does not say which there are (`flips=None`), nothing is refused.

    Raises: SettingsError where a view needs one that the spec does not allow.
    """
    allowed = spec.flips
    for view in chosen:
        if allowed is not None and not view.suits(allowed):
            needs = " or ".join(" with ".join(sorted(need)) for need in view.needs)
            others = [name for name, own in NAMED.items() if all(v.suits(allowed) for v in own)]
            raise SettingsError(
                f"view {view.name!r} needs the symmetry {needs}; {spec.slug} allows "
                f"{', '.join(sorted(allowed)) or 'none'}; choose views from {', '.join(others)}"
            )
    return tuple(chosen)


# ---- averaging -----------------------------------------------------------------------------------

KINDS = {
    "classes": "(N,) or (N, n_classes), or (N, n_classes, h, w)",
    "masks": "(N, …, h, w) of four axes or more",
    "points": "(N, K, 2)",
}


def averaged(
    predict: Callable[..., torch.Tensor],
    chosen: Sequence[View],
    inputs: Sequence[Any],
    kind: str,
    swaps: Sequence[tuple[int, int]] = (),
) -> torch.Tensor:
    """The mean prediction over the views of a batch, brought back to its pictures: float32, or
    float64 where the net gives it. The order of the views makes no difference, to the last bit.

    Args:
        predict: gives for inputs what is averaged: probabilities, or other answers; no logits.
        inputs: of a batch. What has four axes or more, (N, …, H, W), is seen in each view;
            anything else, such as numbers beside the picture, goes as it is.
        kind: how predictions follow the picture. "classes": those of a whole picture, (N,) or
            (N, n_classes), stay, those of its pixels, (N, n_classes, h, w), are brought back.
            "masks": (N, …, h, w), at any scale, are brought back. "points": x and y in pixels,
            (N, K, 2), are brought back.
        swaps: pairs of points that change their names in a mirror, such as (left eye, right eye).

    Raises: UsageError for predictions of another kind; RunError where a shape does not come back.
    """
    if kind not in KINDS:
        raise UsageError(unknown_name("kind of prediction", kind, KINDS))
    if not chosen:
        raise UsageError("no view to predict from; expected at least one, such as IDENTITY")
    size = _picture_size(inputs)
    # those that copy come first, so that a net that works in place cannot spoil the others' input
    first, *others = sorted(chosen, key=lambda view: (view == IDENTITY, view.name))
    total = _prediction(predict, first, inputs, kind, size, swaps).clone()
    for view in others:
        prediction = _prediction(predict, view, inputs, kind, size, swaps)
        if prediction.shape != total.shape:
            raise RunError(
                f"predictions of view {view.name!r} come back as {tuple(prediction.shape)}, those "
                f"of {first.name!r} as {tuple(total.shape)}; expected one shape: for pictures "
                f"that are not square choose flips alone, or square ones"
            )
        total += prediction
    return total / len(chosen)


def _prediction(
    predict: Callable[..., torch.Tensor],
    view: View,
    inputs: Sequence[Any],
    kind: str,
    size: Size,
    swaps: Sequence[tuple[int, int]],
) -> torch.Tensor:
    """What a net says to one view, brought back."""
    seen = [view.do(given) if _is_picture(given) else given for given in inputs]
    prediction = predict(*seen)
    _check_kind(prediction, kind)
    prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
    if kind == "points":
        return _undone_points(prediction, view, size, swaps)
    return view.undo(prediction) if prediction.ndim >= 4 else prediction


def _undone_points(
    seen: torch.Tensor, view: View, size: Size, swaps: Sequence[tuple[int, int]]
) -> torch.Tensor:
    if view.undo_points is None:
        raise UsageError(
            f"view {view.name!r} has no way back for points; expected undo_points, or other views"
        )
    order = list(range(seen.shape[1]))
    for one, other in swaps if view.mirrors else ():
        order[one], order[other] = order[other], order[one]
    return view.undo_points(seen, size)[:, order]


def _is_picture(given: Any) -> bool:
    return isinstance(given, torch.Tensor) and given.ndim >= 4


def _picture_size(inputs: Sequence[Any]) -> Size:
    for given in inputs:
        if _is_picture(given):
            return (given.shape[-2], given.shape[-1])
    raise UsageError(
        "none of the inputs is a batch of pictures, (N, …, H, W); expected one, or views=none"
    )


def _check_kind(prediction: Any, kind: str) -> None:
    """Raises UsageError for what does not look like predictions of a kind."""
    if not isinstance(prediction, torch.Tensor) or not prediction.is_floating_point():
        found = getattr(prediction, "dtype", type(prediction).__name__)
        raise UsageError(
            f"the net predicts {found}, which has no mean over views; expected a tensor of "
            "probabilities; take views=none, or answer predict_step()"
        )
    n_axes = prediction.ndim
    fits = {
        "classes": n_axes in (1, 2, 4),
        "masks": n_axes >= 4,
        "points": n_axes == 3 and prediction.shape[-1] == 2,
    }
    if not fits[kind]:
        raise UsageError(
            f"predictions of {kind} are {tuple(prediction.shape)}; expected {KINDS[kind]}; for "
            "others answer predict_step() with common.tta.averaged(…, kind=…), where kind is "
            f"one of {', '.join(KINDS)}"
        )
