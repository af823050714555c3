"""Doubts: one line on what is allowed and looks wrong, or nothing."""

from __future__ import annotations

import numpy as np

from common.doubts import never_right, no_tags, nothing_wrong, repeated_tags, unknown_tags


def tags(*cells: str) -> dict[str, np.ndarray]:
    return {"tags": np.array(cells, dtype=object)}


def test_unknown_tags_are_counted_by_cell_and_the_first_is_named() -> None:
    doubt = unknown_tags("tags", ("a", "b"))
    assert doubt(tags("a", "b a", "")) == ""
    assert doubt(tags("a", "z y a", "y")) == (
        "2 values of tags hold a tag that is none of the 2 classes and counts as a false one, "
        "the first is 'y'"
    )


def test_repeated_tags_name_the_first_cell() -> None:
    assert repeated_tags("tags")(tags("a b", "b a")) == ""
    assert "1 values of tags hold a tag twice" in repeated_tags("tags")(tags("a b", "b b"))


def test_cells_without_a_tag_are_counted() -> None:
    assert no_tags("tags")(tags("a", "b")) == ""
    assert no_tags("tags")(tags("", " ", "a")) == "2 values of tags are empty and score 0"


def test_numbers_that_are_never_right_are_counted_with_both_ends() -> None:
    doubt = never_right("n", 5, 7, because="they are odd ones")
    assert doubt({"n": np.array([4, 8])}) == ""
    assert doubt({"n": np.array([4, 7, 5])}) == (
        "2 values of n are never right, because they are odd ones, the first is 7"
    )


def test_every_text_is_allowed_where_nothing_is_wrong() -> None:
    assert nothing_wrong("") == nothing_wrong("x, y") == ""
