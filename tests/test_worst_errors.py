"""The pictures that are most wrong, and where the net looked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.data.images.targets import Classes, Marks, Masks, Numbers
from common.worst_errors import as_seen, errors, overlaid


def pipeline(targets: Any) -> Any:
    """What `errors` asks of a pipeline."""
    return SimpleNamespace(
        targets=lambda rows: targets, vocab=lambda: None, prediction_names=lambda: ("p_x", "p_y")
    )


ROWS = pd.DataFrame(index=range(3))


def test_a_class_is_the_more_wrong_the_less_probable_the_true_one_was() -> None:
    targets = Classes(np.array([0, 1, 1]), ["cat", "dog"])
    found = errors(pipeline(targets), ROWS, np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]))
    assert found is not None
    assert found.size.argsort().tolist() == [2, 0, 1]
    assert found.output.tolist() == [0, 0, 1]  # what was predicted
    assert found.said[1] == "truth dog 0.100, predicted cat 0.900"


def test_of_marks_the_one_that_is_furthest_off_is_looked_at() -> None:
    targets = Marks(np.array([[1, 0], [1, 0], [0, 1]]), ["road", "water"])
    found = errors(pipeline(targets), ROWS, np.array([[0.9, 0.95], [0.2, 0.1], [0.4, 0.7]]))
    assert found is not None
    assert found.output.tolist() == [1, 0, 0]
    assert found.size.argsort().tolist() == [2, 1, 0]
    assert found.said[:2] == [
        "water: predicted 0.950, truth no",
        "road: predicted 0.200, truth yes",
    ]


def test_of_numbers_the_distance_counts_in_both_directions() -> None:
    targets = Numbers(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]))
    found = errors(pipeline(targets), ROWS, np.array([[1.5, 5.0], [2.0, 1.0], [3.0, 5.0]]))
    assert found is not None
    assert found.size.tolist() == [0.5, 4.0, 0.0]
    assert found.output.tolist() == [0, 1, 0]
    assert found.said[1] == "y: predicted 1, truth 5"


def test_masks_have_no_such_errors() -> None:
    assert errors(pipeline(Masks([b"", b"", b""], ["a", "b"])), ROWS, np.zeros((3, 2))) is None


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_come_back_from_what_the_net_sees(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, channels, 5, 7), dtype=np.uint8)
    mean, std = (0.4, 0.5, 0.6, 0.7)[:channels], (0.2, 0.3, 0.2, 0.1)[:channels]
    shape = (1, -1, 1, 1)
    normalised = (pixels / 255 - np.reshape(mean, shape)) / np.reshape(std, shape)
    seen = as_seen(normalised, mean, std)
    assert seen.shape == (2, 5, 7, 3)
    assert seen.dtype == np.uint8
    assert np.array_equal(seen[..., 0], pixels[:, 0])
    assert np.array_equal(seen[..., 2], pixels[:, min(2, channels - 1)])


def test_a_dark_picture_is_made_bright_enough_to_see() -> None:
    seen = as_seen(np.full((1, 1, 4, 4), 0.05), (0.0,), (1.0,))
    assert (seen == 255).all()


def test_the_map_is_warm_where_it_raises_the_output_and_cold_where_it_lowers_it() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    drawn = overlaid(grey, np.array([[2.0, 0.0], [0.0, -1.0]])).astype(int)
    assert drawn[0, 0, 0] > 150 > drawn[0, 0, 2]
    assert drawn[-1, -1, 2] > 130 > drawn[-1, -1, 0]
    assert drawn[0, 0, 0] - 100 > drawn[-1, -1, 2] - 100  # the stronger, the more colour
    assert (overlaid(grey, np.zeros((2, 2))) == 100).all()
