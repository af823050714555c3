"""What the sections are drawn with."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import DataError
from common.report.charts import height_among
from common.report.markup import Html, tag
from common.report.pictures import image


def test_text_is_escaped_and_html_is_not() -> None:
    assert tag("p", "a < b", Html("<br>"), None) == "<p>a &lt; b<br></p>"


def test_attributes_are_quoted() -> None:
    element = tag("img", alt='"><script>', aria_label="a", class_="b")
    assert element == '<img alt="&quot;&gt;&lt;script&gt;" aria-label="a" class="b">'


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), dtype=np.float32),
        np.zeros((4, 4, 2), dtype=np.uint8),
        np.zeros(4, dtype=np.uint8),
    ],
)
def test_array_that_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"expected uint8 \(H, W\) or \(H, W, 3\)"):
        image(pixels, "a picture")


def test_large_picture_is_made_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1024, 512, 3), dtype=np.uint8)
    assert len(image(noise, "noise")) < 256 * 128 * 3 * 4 / 3 + 1000  # base64 of 256 × 128 pixels


@pytest.mark.parametrize(
    ("scores", "score", "n_better", "expected"),
    [
        ([0.9, 0.5], 0.7, 1, 0.5),  # half way up to the better of two
        ([0.9, 0.5], 0.9, 0, 1.0),  # reached
        ([0.9, 0.5], 0.95, 0, 1.7),  # above the ladder
        ([0.9, 0.5], 0.4, 2, -0.7),  # below it
        ([0.1, 0.5], 0.2, 1, 0.75),  # lower is better
        ([0.9], 0.9, 0, 0.0),
        ([0.9, 0.5, 0.5], 0.5, 1, 1.0),  # the upper one of equal rungs
    ],
)
def test_height_on_the_ladder(
    scores: list[float], score: float, n_better: int, expected: float
) -> None:
    assert height_among(scores, score, n_better) == pytest.approx(expected)
