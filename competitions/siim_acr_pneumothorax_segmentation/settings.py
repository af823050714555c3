"""What belongs to the experiment."""

from __future__ import annotations

from dataclasses import dataclass

from common.image_pipeline import ImageSettings


@dataclass(frozen=True)
class MaskSettings(ImageSettings):
    """Settings of the segmentation.

    Args:
        decoder: channels of the five stages of the decoder, with commas between.
        attention: "" or "scse", in the decoder.
        bce, dice, focal: weights of the loss's terms; see common.losses.
        positive_shares: share of pictures with a mask among those of an epoch, for equal parts of
            the epochs, such as "0.8,0.6,0.4"; "" takes each picture once.
    """

    backbone: str = "timm/resnet34.a1_in1k"
    image_size: int = 512
    policy: str = "photographs"
    epochs: int = 24
    frozen_epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 1e-3  # of the decoder, which always begins at random
    rate_spread: float = 6.0
    clip_norm: float = 1.0
    views: str = "flip"
    decoder: str = "256,128,64,32,16"
    attention: str = ""
    bce: float = 3.0
    dice: float = 1.0
    focal: float = 4.0
    positive_shares: str = "0.8,0.6,0.4"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.image_size % 32 == 0, "image_size", "a multiple of 32, as U-Nets halve")
        self._require_one("attention", ("", "scse"))
        for name in ("bce", "dice", "focal"):
            self.require(getattr(self, name) >= 0, name, "0 or more")
        self.require(self.bce + self.dice + self.focal > 0, "bce", "above 0, or dice, or focal")
        channels = [part.strip() for part in self.decoder.split(",")]
        whole = all(part.isdecimal() and int(part) > 0 for part in channels)
        self.require(whole and len(channels) == 5, "decoder", "five numbers, as 256,128,64,32,16")
        shares = self.positive_shares
        self.require(_are_shares(shares), "positive_shares", "shares from 0 to 1, as 0.8,0.6,0.4")

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the decoder's stages."""
        return tuple(map(int, self.decoder.split(",")))

    def positive_share_in(self, epoch: int) -> float:
        """The share in an epoch of the whole fit, counted from 0."""
        shares = list(map(float, self.positive_shares.split(",")))
        n_epochs = sum(phase.epochs for phase in self.phases())
        return shares[min(epoch * len(shares) // n_epochs, len(shares) - 1)]


def _are_shares(text: str) -> bool:
    try:
        return all(0 <= float(part) <= 1 for part in text.split(",")) if text else True
    except ValueError:
        return False
