"""Pictures inside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from common.errors import DataError
from common.report.markup import Html, tag

LONGEST_SIDE_PX = 256  # a larger picture is made smaller: 24 of them stay under a megabyte or two


def image(pixels: np.ndarray, alt: str) -> Html:
    """A picture as an image element with a PNG inside.

    Args:
        pixels: uint8 (H, W), (H, W, 3), or (H, W, 4) where some of it is transparent.
        alt: says what is to be seen.

    Raises: DataError for an array that is no picture.
    """
    is_grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (
        is_grey or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    ):
        raise DataError(
            f"picture() gave {pixels.dtype} of shape {pixels.shape}; expected uint8 (H, W) or "
            "(H, W, 3)"
        )
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, format="PNG", optimize=True)
    encoded = base64.b64encode(written.getvalue()).decode("ascii")
    return tag("img", src=f"data:image/png;base64,{encoded}", alt=alt)
