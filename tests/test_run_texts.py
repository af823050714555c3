"""Whole columns of run lengths: the faults that asking text by text would find."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import run_texts
from common.columns import TextColumn, parse_column
from common.rle import RunLength

SHAPE = (5, 7)
CODES = [
    RunLength(relative, True, first_pixel, empty)
    for relative, first_pixel in itertools.product((False, True), (0, 1))
    for empty in (("",), ("-1", ""))
]
every_code = pytest.mark.parametrize("code", CODES, ids=str)
RELATIVE = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
ABSOLUTE = RunLength(relative=False, column_major=True, first_pixel=1)

numbers = st.lists(st.integers(0, 12), max_size=8).map(lambda found: " ".join(map(str, found)))
masks = st.lists(st.booleans(), min_size=35, max_size=35)
odd = st.one_of(
    st.text(alphabet="0123456789 -+.,e\t\n_xÀ٣\ud800\x00", max_size=12),
    st.sampled_from(["", "-1", " ", "1", "0 1", "01 2", "1  2 ", "9" * 19 + " 1", "1 " + "9" * 30]),
)


def faults_one_by_one(code: RunLength, texts: list[str], shape: tuple[int, int]) -> list[int]:
    return [place for place, text in enumerate(texts) if code.fault(text, shape)]


@every_code
@settings(deadline=None, derandomize=True, max_examples=150)
@given(data=st.data())
def test_a_column_has_the_faults_of_its_texts(code: RunLength, data: st.DataObject) -> None:
    sound = masks.map(lambda flat: code.encode(np.array(flat).reshape(SHAPE)))
    texts = data.draw(st.lists(st.one_of(sound, numbers, odd), max_size=12))
    assert code.faulty(texts, SHAPE) == faults_one_by_one(code, texts, SHAPE)


@every_code
@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    flat=masks,
    place=st.integers(0, 40),
    letter=st.sampled_from("0123456789 -."),
    n=st.integers(1, 5),
)
def test_a_letter_that_was_changed_is_found_where_it_stands(
    code: RunLength, flat: list[bool], place: int, letter: str, n: int
) -> None:
    text = code.encode(np.array(flat).reshape(SHAPE))
    texts = [text] * n + [text[:place] + letter + text[place + 1 :]] + [text] * n
    assert code.faulty(texts, SHAPE) == faults_one_by_one(code, texts, SHAPE)


@pytest.mark.parametrize("block", [1, 10, 100])
@every_code
def test_blocks_of_any_size_find_the_same(
    code: RunLength, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_texts, "_BLOCK", block)
    texts = ["3 1 6 2", "3 1 6", "", "40 1", "-1", "1 1 1 1", "3 x", "5 3 2 1", "30 5", "2 2" * 9]
    assert code.faulty(texts, SHAPE) == faults_one_by_one(code, texts, SHAPE)


def test_a_column_without_texts_has_no_faults() -> None:
    assert RELATIVE.faulty([], SHAPE) == []


def never_asked(*_: object, **__: object) -> str:
    raise AssertionError("a sound text was asked for alone")


@pytest.mark.parametrize(
    ("code", "text"),
    [(RELATIVE, "3 1 6 2 1023 99 100 12"), (ABSOLUTE, "3 1 6 2 1023 99 10000 12 1048576 1")],
)
def test_sound_texts_are_not_read_one_by_one(
    code: RunLength, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunLength, "fault", never_asked)
    assert code.faulty([text, f" {text}  "], (1024, 1024)) == []


def test_the_end_of_the_image_is_met_to_the_pixel() -> None:
    # gaps and lengths add up to 35, the last pixel of 5×7, and to 36
    assert RELATIVE.faulty(["10 20 4 1", "10 20 4 2"], SHAPE) == [1]
    assert ABSOLUTE.faulty(["1 1 30 6", "1 1 30 7", "35 1", "36 1"], SHAPE) == [1, 3]


def test_runs_that_touch_are_told_from_runs_that_overlap() -> None:
    assert ABSOLUTE.faulty(["1 2 3 1", "1 3 3 1", "5 1", "2 1"], SHAPE) == [1]


@pytest.mark.parametrize("code", [RELATIVE, ABSOLUTE], ids=str)
def test_texts_of_many_nines_are_added_up_to_the_end(code: RunLength) -> None:
    # 9,000 letters hold digits that add up to more than 16 bits
    n_runs = 1_500
    pairs = [(99, 99)] * n_runs
    if not code.relative:
        pairs = [(199 * run + 1, 99) for run in range(n_runs)]
    text = " ".join(f"{start} {length}" for start, length in pairs)
    last = n_runs * 198 if code.relative else 199 * (n_runs - 1) + 99
    texts = ["3 1", text, "3 1"]
    assert code.faulty(texts, (1, last)) == []
    assert code.faulty(texts, (1, last - 1)) == [1]


@every_code
@settings(deadline=None, derandomize=True, max_examples=40)
@given(n_digits=st.integers(1, 40), n_zeros=st.integers(0, 3), digit=st.integers(1, 9))
@example(n_digits=10, n_zeros=0, digit=2)
def test_long_numbers_are_judged_like_short_ones(
    code: RunLength, n_digits: int, n_zeros: int, digit: int
) -> None:
    number = "0" * n_zeros + str(digit) * n_digits
    texts = [f"{number} 1", f"1 {number}", f"1 1 {number} {number}", "1 1"]
    for shape in (SHAPE, (2**16, 2**15), (2**20, 2**20)):
        assert code.faulty(texts, shape) == faults_one_by_one(code, texts, shape)


# ---- a text column -----------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [["3 1", "x", "-1", "3"], iter(["3 1", "x", "-1", "3"])])
def test_a_text_column_may_be_asked_as_a_whole(cells: list[str]) -> None:
    fault = partial(RELATIVE.fault, shape=SHAPE)
    column = TextColumn("runs", fault, "runs", faulty=partial(RELATIVE.faulty, shape=SHAPE))
    values, bad = parse_column(column, cells)
    assert values.tolist() == ["3 1", "x", "-1", "3"]
    assert values.dtype == object
    assert bad == [1, 3]
