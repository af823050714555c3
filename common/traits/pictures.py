"""Pictures: what their headers and files say, and how bright, coloured and detailed they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from common.data.images import read_header
from common.data.images.reader import Source, Trim
from common.duplicates import BLUR, thumbnails

FACTS = ("width", "height", "bytes", "mode", "format")
COLOURS = {1: ("brightness",), 3: ("red", "green", "blue")}


def picture_traits(
    sources: Sequence[Source],
    *,
    channels: int = 3,
    trim: Trim | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Width, height (pixels), bytes, mode and format of each file, the mean of each channel, the
    contrast and the fineness of its details (0 to 255). One row per picture.

    Args:
        channels, trim, cache: of ImageDataset.

    Raises: DataError where a picture cannot be read.
    """
    facts = pd.DataFrame([_facts_of(source) for source in sources], columns=list(FACTS))
    for name in ("mode", "format"):
        facts[name] = facts[name].astype("category")
    small = thumbnails(sources, channels, trim=trim, cache=cache).astype(np.float32)
    names = COLOURS.get(channels) or tuple(f"channel {k + 1}" for k in range(channels))
    for name, values in zip(names, small.mean(axis=(1, 2)).T, strict=True):
        facts[f"mean {name}"] = values.astype(np.float64)
    grey = small.mean(axis=3)
    facts["contrast"] = grey.std(axis=(1, 2)).astype(np.float64)
    facts["fineness"] = [float((one - cv2.GaussianBlur(one, (0, 0), BLUR)).std()) for one in grey]
    return facts


def _facts_of(source: Source) -> tuple[Any, ...]:
    """FACTS of one picture. Of one file per channel, those of the first; bytes of all of them."""
    parts = source if isinstance(source, tuple) else (source,)
    header = read_header(parts[0])
    height, width = header.shown_size
    sizes = [len(one) if isinstance(one, bytes) else Path(one).stat().st_size for one in parts]
    return float(width), float(height), float(sum(sizes)), header.mode, header.format
