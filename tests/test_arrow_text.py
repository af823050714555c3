"""Arrow text looked at as bytes: what Python's own comparisons and numbers say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import arrow_text

EASY = settings(deadline=None, derandomize=True, max_examples=200)
names = st.lists(st.text("ab1é\0", max_size=3), min_size=1, max_size=8)
digits = st.text("0123456789-+ x", max_size=4) | st.integers(-(10**20), 10**20).map(str)


@pytest.fixture(params=[1, 3, 1 << 15])
def any_part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_text, "_ROWS", request.param)


@pytest.mark.usefixtures("any_part")
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", "9", "10", "11", "100"], True),
        (["ID_01", "ID_02", "ID_11"], True),
        (["ID_01", "ID_02", "ID_02"], False),
        (["ID_02", "ID_01", "ID_03"], False),
        (["10", "9"], False),
        (["", "a"], True),
        (["", ""], False),
        (["b"], True),
        (["a", "b", "aa", "ab", "ab"], False),
    ],
)
def test_rising_is_shorter_first_then_by_the_alphabet(cells: list[str], expected: bool) -> None:
    assert arrow_text.rises(pa.array(cells)) is expected


@EASY
@given(cells=names, cut=st.integers(0, 3), in_order=st.booleans())
def test_cells_that_rise_are_sorted_and_none_stands_twice(
    cells: list[str], cut: int, in_order: bool
) -> None:
    order = [(len(cell.encode()), cell.encode()) for cell in cells]
    if in_order:
        order = sorted(set(order))
    cells = [letters.decode() for _, letters in order]
    part = pa.array(cells)[cut:]  # a part keeps the buffers of the whole
    rising = all(one < other for one, other in zip(order[cut:], order[cut + 1 :], strict=False))
    assert arrow_text.rises(part) is rising


def test_names_of_many_lengths_are_not_told_to_rise() -> None:
    assert not arrow_text.rises(pa.array(["x" * n for n in range(1, 40)]))


@pytest.mark.usefixtures("any_part")
@pytest.mark.parametrize(
    ("cells", "as_numbers", "as_names"),
    [
        (["7", "10", "123456789012345678"], [7, 10, 123456789012345678], True),
        (["0", "1"], [0, 1], True),
        (["07", "1"], [7, 1], False),
        (["-7", "-0", "12"], [-7, 0, 12], False),
        (["1", "x"], None, False),
        (["1", ""], None, False),
        (["1", "-"], None, False),
        (["1", "+1"], None, False),
        (["1", " 1"], None, False),
        (["1", "1-1"], None, False),
        (["1", "0x1F"], None, False),
        (["1", "1.0"], None, False),
        (["1", "٣"], None, False),
        (["1", "1234567890123456789"], None, False),
        (["1", "0000000000000000001"], None, False),
    ],
)
def test_whole_numbers_are_digits_and_nothing_else(
    cells: list[str], as_numbers: list[int] | None, as_names: bool
) -> None:
    for same_text, expected in ((False, as_numbers), (True, as_numbers if as_names else None)):
        found = arrow_text.whole_numbers(pa.array(cells), as_names=same_text)
        assert (None if found is None else found.tolist()) == expected


@EASY
@given(cells=st.lists(digits, min_size=1, max_size=6), cut=st.integers(0, 2))
@example(cells=["5", "-12", "0123"], cut=1)
def test_what_is_read_as_whole_numbers_is_what_int_reads(cells: list[str], cut: int) -> None:
    part = cells[cut:] or cells
    found = arrow_text.whole_numbers(pa.array(cells)[cut:] if cells[cut:] else pa.array(cells))
    plain = all(cell.removeprefix("-").isdecimal() and len(cell) <= 18 for cell in part)
    assert (None if found is None else found.tolist()) == ([*map(int, part)] if plain else None)


def test_columns_of_nothing_but_empty_cells_have_no_letters() -> None:
    letters, places = arrow_text.letters_of(pa.array(["", ""]))
    assert (len(letters), places.tolist()) == (0, [0, 0, 0])
    assert arrow_text.whole_numbers(pa.array(["", ""])) is None
    assert arrow_text.whole_numbers(pa.array([], pa.string())) is None


def test_numbers_of_a_part_are_those_of_the_part() -> None:
    assert arrow_text.numbers_of(pa.array([1.5, 2.5, 3.5])[1:], np.float64).tolist() == [2.5, 3.5]
