"""Augmentation policies by name, train and eval side by side. A policy is a value.

What a policy draws is a function of (seed, epoch, sample), so neither batch size, order nor
threads change a picture. Only mixing looks at the rest of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from common.augment import warp_gpu
from common.augment.draws import Draw, draw_batch
from common.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Which symmetries of the picture each kind of flips uses.
FLIPS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "horizontal": frozenset({"horizontal"}),
    "vertical": frozenset({"vertical"}),
    "both": frozenset({"horizontal", "vertical"}),
    "dihedral": frozenset({"horizontal", "vertical", "turns"}),
}
PADDINGS = ("black", "edge", "mirror")
KEPT = ("name", "padding", "mean", "std")  # not a change of the picture: `only` keeps them


@dataclass(frozen=True)
class Policy:
    """How far a picture may be changed; all zero leaves it as it is.

    Args:
        rotate: largest turn to either side, in degrees.
        zoom: largest change of scale, as a share: 0.1 is 0.9 to 1.1.
        shift: largest shift along each axis, as a share of the side.
        flips: "none"; "horizontal" (left and right), "vertical" (up and down) or "both", each
            in half of the pictures; "dihedral", all eight flips and quarter turns of a square.
            A picture that is not square has no quarter turns: of the eight it keeps four.
        warp: largest perspective: 0.2 makes one side up to 1.2 times as long, the other 0.8.
        brightness, contrast: largest change as fastai counts it, in the logit of the value:
            brightness moves a middle grey of 0.5 by up to half of it, contrast multiplies the
            logit by 1 - contrast up to its inverse.
        saturation: largest change of colour against grey: 1 - saturation up to its inverse;
            three channels only.
        cutout: largest side of the hole, as a share of the picture's; the hole has the mean.
        mixup, cutmix: the parameter a of the Beta(a, a) that weights two pictures of a batch;
            0 is off. Where both are on, each is drawn for half of the pictures.
        padding: what comes in from outside: "black", "edge" (its nearest pixel) or "mirror".
        mean, std: of the channels, of values in [0, 1]; what the model sees is (value - mean) /
            std. Empty: values in [0, 1].

    Raises: SettingsError for a value out of its range.
    """

    name: str
    rotate: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    flips: str = "none"
    warp: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    padding: str = "black"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.flips not in FLIPS:
            raise SettingsError(unknown_name("kind of flips", self.flips, FLIPS))
        if self.padding not in PADDINGS:
            raise SettingsError(unknown_name("padding", self.padding, PADDINGS))
        for name in ("warp", "brightness", "contrast", "saturation"):
            self._require(0 <= getattr(self, name) < 1, name, "a share from 0 to below 1")
        self._require(0 <= self.cutout <= 1, "cutout", "a share from 0 to 1")
        for name in ("mixup", "cutmix"):
            self._require(getattr(self, name) >= 0, name, "0 or more")
        self._require(len(self.mean) == len(self.std), "std", f"{len(self.mean)} numbers, as mean")
        self._require(all(value > 0 for value in self.std), "std", "numbers above 0")

    def _require(self, holds: bool, name: str, expected: str) -> None:
        if not holds:
            raise SettingsError(
                f"policy {self.name!r} has {name}={getattr(self, name)!r}; expected {expected}"
            )

    @property
    def moves(self) -> bool:
        """True where pixels change their places."""
        return bool(self.rotate or self.zoom or self.shift or self.warp or self.symmetries)

    @property
    def lights(self) -> bool:
        """True where values change without moving, each by itself."""
        return bool(self.brightness or self.contrast)

    @property
    def mixes(self) -> bool:
        """True where pictures of a batch are mixed, so that targets become shares."""
        return bool(self.mixup or self.cutmix)

    @property
    def symmetries(self) -> frozenset[str]:
        """Which of "horizontal", "vertical" and "turns" it takes for symmetries of the data."""
        return FLIPS[self.flips]

    def check(self, allowed: Collection[str] | None) -> Policy:
        """This policy, if the data have the symmetries that it uses.

        Args:
            allowed: which of "horizontal", "vertical" and "turns" leave the answer as it is;
                None where that is not known: nothing is refused.

        Raises: SettingsError where it uses another one.
        """
        taken = sorted(self.symmetries.difference(allowed)) if allowed is not None else []
        if taken:
            raise SettingsError(
                f"policy {self.name!r} has flips={self.flips!r}, which use {', '.join(taken)}; "
                f"the data allow {', '.join(sorted(allowed or ())) or 'none'}; choose other flips"
            )
        return self

    def check_channels(self, n_channels: int) -> None:
        """Raises SettingsError where the normalisation is for other pictures."""
        if self.mean and len(self.mean) != n_channels:
            raise SettingsError(
                f"policy {self.name!r} normalises {len(self.mean)} channels; the pictures have "
                f"{n_channels}; give it their mean and std with policy.replace(mean=…, std=…)"
            )

    def replace(self, **changes: Any) -> Policy:
        """This policy with some fields changed, such as `replace(rotate=5.0)`."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise SettingsError(unknown_name("field of a policy", name, known))
        return replace(self, **changes)

    def only(self, *names: str) -> Policy:
        """This policy with nothing but the changes named, such as `only("flips", "rotate")`.

        Padding and normalisation stay.
        """
        own: dict[str, Any] = {
            field.name: field.default for field in fields(self) if field.name not in KEPT
        }
        for name in names:
            if name not in own:
                raise SettingsError(unknown_name("change of a policy", name, own))
        return replace(self, **{name: own[name] for name in own if name not in names})

    def __call__(
        self,
        images: torch.Tensor,
        draw: Draw,
        size: tuple[int, int] | None = None,
        dtype: torch.dtype | None = None,
    ) -> torch.Tensor:
        """The batch as the model sees it, on the device where it lies: float (N, C, h, w).

        Targets that move or mix need the draws themselves: see `draw_batch`, `warp_gpu.augment`
        and `targets`.

        Args:
            images: uint8 (N, C, H, W) in any memory format, or float32 already in the model's
                range.
            size: height and width of what comes out; None for that of the pictures.
            dtype: float16 or bfloat16 where the model takes them; None for float32.

        Raises: SettingsError where the policy mixes pictures: their targets would stay behind.
        """
        if self.mixes:
            raise SettingsError(
                f"policy {self.name!r} mixes pictures, and this loader would leave their targets "
                "as they are; expected mixup=0 and cutmix=0, or a loader that mixes both"
            )
        height, width = images.shape[-2:]
        draws = draw_batch(self, draw, (height, width), size)
        return warp_gpu.augment(images, draws, dtype)


def light_geometry(rotate: float = 10.0, zoom: float = 0.1, shift: float = 0.08) -> Policy:
    """The train policy for small pictures whose meaning a mirror would change."""
    return Policy("light_geometry", rotate=rotate, zoom=zoom, shift=shift)


def photographs() -> Policy:
    """The train policy for photographs of things that stand upright: left and right may be
    swapped, up and down not. The ranges are those of fastai's `aug_transforms`."""
    return Policy(
        "photographs",
        rotate=10.0,
        zoom=0.1,
        flips="horizontal",
        warp=0.2,
        brightness=0.2,
        contrast=0.2,
        padding="mirror",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def overhead() -> Policy:
    """The train policy for what has no top: satellite pictures, cells, slides under a lens."""
    return Policy(
        "overhead",
        rotate=15.0,
        zoom=0.1,
        shift=0.05,
        flips="dihedral",
        brightness=0.1,
        contrast=0.1,
        padding="mirror",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def strokes() -> Policy:
    """The train policy for documents and drawings: text leans, lies askew and is cut at the
    edges, but is never mirrored; the paper goes on outside."""
    return Policy(
        "strokes",
        rotate=5.0,
        zoom=0.1,
        shift=0.05,
        warp=0.1,
        brightness=0.1,
        contrast=0.2,
        padding="edge",
    )


def unchanged() -> Policy:
    """The eval policy: the picture as it is."""
    return Policy("unchanged")


POLICIES: dict[str, Callable[[], Policy]] = {
    "light_geometry": light_geometry,
    "overhead": overhead,
    "photographs": photographs,
    "strokes": strokes,
    "unchanged": unchanged,
}


def named(name: str) -> Policy:
    """The policy of a name.

    Raises: SettingsError for a name that does not exist; the nearest is offered.
    """
    if name not in POLICIES:
        raise SettingsError(unknown_name("policy", name, POLICIES))
    return POLICIES[name]()
