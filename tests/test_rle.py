"""Run lengths under every convention."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import DataError
from common.rle import RunLength, Runs, count_pixels, count_shared, dice_of_runs

USUAL = RunLength(relative=False, column_major=True, first_pixel=1)
SIIM = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))
CODES = [
    RunLength(relative, column_major, first_pixel, empty)
    for relative, column_major, first_pixel in itertools.product(
        (False, True), (False, True), (0, 1)
    )
    for empty in (("",), ("-1", ""))
]
every_code = pytest.mark.parametrize("code", CODES, ids=str)
# every example goes through all codes: to draw it takes longer than to check it
swept = settings(deadline=None, derandomize=True, max_examples=60)


def drawn(*rows: str) -> np.ndarray:
    """A mask from a picture: `#` is foreground."""
    return np.array([[letter == "#" for letter in row] for row in rows])


@st.composite
def masks(draw: st.DrawFn, n_masks: int = 1) -> list[np.ndarray]:
    """Masks of one shape, from empty to full, with many touching an edge of the image."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    bits = st.lists(st.booleans(), min_size=height * width, max_size=height * width)
    plain = st.sampled_from([[False] * height * width, [True] * height * width])
    found = [draw(st.one_of(bits, plain)) for _ in range(n_masks)]
    return [np.array(flat, dtype=bool).reshape(height, width) for flat in found]


def slow_encode(code: RunLength, mask: np.ndarray) -> str:
    """Pixel by pixel, as the convention reads aloud."""
    flat = mask.ravel(order="F" if code.column_major else "C").tolist()
    numbers: list[int] = []
    last_end = 0
    for value, group in itertools.groupby(enumerate(flat), key=lambda pair: pair[1]):
        places = [place for place, _ in group]
        if not value:
            continue
        first = places[0] - last_end if code.relative else places[0]
        base = code.first_pixel if not (code.relative and numbers) else 0
        numbers += [first + base, len(places)]
        last_end = places[-1] + 1
    return " ".join(map(str, numbers)) or code.empty[0]


# ---- golden ----------------------------------------------------------------------------------


def test_the_organisers_relative_example() -> None:
    # pixels 0, 1 and 6 down the columns of 4×4: rows 0 and 1 of column 0, row 2 of column 1
    expected = drawn("#...", "#...", ".#..", "....")
    assert (SIIM.decode("0 2 4 1", (4, 4)) == expected).all()
    assert SIIM.encode(expected) == "0 2 4 1"


def test_the_usual_form_counts_down_columns_from_one() -> None:
    # columns of 2×3 read .#  #.  ## : pixels 2, 3 and 5 to 6
    mask = drawn(".##", "#.#")
    assert USUAL.encode(mask) == "2 2 5 2"
    assert (USUAL.decode("2 2 5 2", (2, 3)) == mask).all()


def test_rows_and_columns_are_told_apart() -> None:
    along = RunLength(relative=False, column_major=False, first_pixel=1)
    assert along.encode(drawn("##.", "...")) == "1 2"
    assert USUAL.encode(drawn("##.", "...")) == "1 1 3 1"


@every_code
def test_the_last_pixel_alone_is_not_lost(code: RunLength) -> None:
    mask = drawn("...", "..#")
    assert code.encode(mask) == f"{5 + code.first_pixel} 1"
    assert (code.decode(code.encode(mask), mask.shape) == mask).all()


@every_code
def test_a_full_image_is_one_run(code: RunLength) -> None:
    assert code.encode(np.ones((3, 5), dtype=bool)) == f"{code.first_pixel} 15"


@every_code
def test_a_run_goes_on_from_one_line_of_pixels_to_the_next(code: RunLength) -> None:
    mask = drawn("..#", "#..")
    across = code.column_major
    assert code.encode(mask.T if across else mask) == f"{2 + code.first_pixel} 2"


def test_runs_that_touch_may_be_written_apart() -> None:
    assert USUAL.decode("1 2 3 1", (1, 4)).tolist() == [[True, True, True, False]]
    assert SIIM.decode("0 2 0 1", (1, 4)).tolist() == [[True, True, True, False]]


def test_empty_is_written_by_the_first_spelling_and_read_by_all() -> None:
    code = RunLength(False, True, 1, empty=("-1", ""))
    assert code.encode(np.zeros((2, 2), dtype=bool)) == "-1"
    for text in ("-1", "", " -1 "):
        assert not code.decode(text, (2, 2)).any()


def test_blanks_around_and_between_do_not_matter() -> None:
    assert (SIIM.decode("  0  2\t4 1 ", (4, 4)) == SIIM.decode("0 2 4 1", (4, 4))).all()


# ---- properties ------------------------------------------------------------------------------


@swept
@given(found=masks())
def test_encode_agrees_with_a_loop_over_pixels(found: list[np.ndarray]) -> None:
    for code in CODES:
        expected = slow_encode(code, found[0])
        assert code.encode(found[0]) == expected, code
        assert code.encode(np.asfortranarray(found[0])) == expected, code


@swept
@given(found=masks())
def test_decode_undoes_encode(found: list[np.ndarray]) -> None:
    mask = found[0]
    for code in CODES:
        text = code.encode(mask)
        back = code.decode(text, mask.shape)
        assert back.dtype == np.bool_
        assert np.array_equal(back, mask), code
        assert code.fault(text, mask.shape) == "", code
        assert count_pixels(code.runs(text)) == mask.sum(), code
        assert code.write(code.runs(text)) == text, code


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
@every_code
def test_large_masks_come_back_too(code: RunLength, share: float) -> None:
    mask = np.random.default_rng(3).random((211, 187)) < share
    text = code.encode(mask)
    assert text == slow_encode(code, mask)
    assert np.array_equal(code.decode(text, mask.shape), mask)


@every_code
def test_many_long_runs_come_back_too(code: RunLength) -> None:
    flat = np.arange(40_000) % 80 < 60  # 500 runs of 60 pixels
    mask = flat.reshape(200, 200).T if code.column_major else flat.reshape(200, 200)
    text = code.encode(mask)
    assert len(text.split()) == 1000
    assert np.array_equal(code.decode(text, mask.shape), mask)


@swept
@given(found=masks(n_masks=3))
def test_a_batch_of_probabilities_is_cut_above_the_threshold(found: list[np.ndarray]) -> None:
    probabilities = np.where(np.stack(found), 0.75, 0.25)
    for code in CODES:
        expected = [code.encode(mask) for mask in found]
        assert code.encode_batch(probabilities, 0.5) == expected, code
        single = probabilities.astype(np.float32)
        assert code.encode_batch(single, np.float64(0.5)) == expected, code
        assert code.encode_batch(np.asfortranarray(probabilities), 0.25) == expected, code


def test_a_probability_at_the_threshold_is_background() -> None:
    assert USUAL.encode_batch(np.array([[[0.5, 0.6, np.inf]], [[0.0, 0.1, 0.5]]]), 0.5) == [
        "2 2",
        "",
    ]
    # 0.1 of a float32 is a little above 0.1 of a float64; what counts is the batch's own type
    assert USUAL.encode_batch(np.full((1, 1, 1), 0.1, np.float32), np.float64(0.1)) == [""]


def test_a_batch_of_nothing_has_no_texts() -> None:
    assert SIIM.encode_batch(np.empty((0, 4, 4)), 0.5) == []
    assert SIIM.encode_batch(np.empty((1, 0, 4)), 0.5) == ["-1"]


def test_numbers_beyond_nine_digits_are_written_whole() -> None:
    starts = np.arange(500) * 10**7 + 7
    text = USUAL.write((starts, starts + 3))
    assert text.split() == [str(n) for start in starts for n in (start + 1, 3)]


@swept
@given(found=masks(n_masks=3))
def test_merge_is_the_union_of_pixels(found: list[np.ndarray]) -> None:
    for code in CODES:
        texts = [code.encode(mask) for mask in found]
        merged = code.merge(texts, found[0].shape)
        assert merged == code.encode(found[0] | found[1] | found[2]), code


@swept
@given(found=masks(n_masks=2))
def test_dice_on_runs_is_dice_on_pixels(found: list[np.ndarray]) -> None:
    first, second = found
    size = int(first.sum() + second.sum())
    expected = 2 * int((first & second).sum()) / size if size else 0.25
    for code in CODES:
        texts = [code.encode(mask) for mask in found]
        assert code.dice(*texts, first.shape, both_empty=0.25) == expected, code
        assert code.dice(*texts[::-1], first.shape, both_empty=0.25) == expected, code


def test_shared_pixels_are_counted_past_the_last_run() -> None:
    def runs(*pairs: tuple[int, int]) -> Runs:
        starts, stops = zip(*pairs, strict=True)
        return np.array(starts), np.array(stops)

    # 10 to 14 and 18 to 19 of the long run; nothing of the run behind everything
    assert count_shared(runs((0, 20)), runs((10, 15), (18, 20), (30, 40))) == 7
    assert count_shared(runs((0, 2), (2, 4)), runs((1, 3))) == 2
    assert count_shared(runs((5, 6)), runs((0, 5), (6, 9))) == 0
    # runs that touch, on both sides
    assert count_shared(runs((0, 2), (2, 4), (4, 9)), runs((1, 2), (2, 3), (3, 5))) == 4


def test_dice_of_two_empty_masks_is_what_the_host_says() -> None:
    empty = SIIM.runs("-1")
    assert dice_of_runs(empty, empty) == 1.0
    assert dice_of_runs(empty, empty, both_empty=0.0) == 0.0
    assert SIIM.dice("-1", "0 1", (4, 4)) == 0.0


cells = st.one_of(
    st.text(alphabet="0123456789 -+.,e\t\n_xÀ٣\ud800\x00", max_size=30),
    st.text(max_size=20),
    st.lists(st.integers(-3, 40), max_size=8).map(lambda ns: " ".join(map(str, ns))),
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(text=cells)
def test_any_text_is_decoded_or_refused_in_words(text: str) -> None:
    shape = (5, 7)
    for code in CODES:
        if code.fault(text, shape):
            with pytest.raises(DataError):
                code.decode(text, shape)
        else:
            mask = code.decode(text, shape)
            assert mask.shape == shape
            assert count_pixels(code.runs(text, shape)) == mask.sum(), code
            assert np.array_equal(code.decode(code.encode(mask), shape), mask), code


@swept
@given(found=masks(), place=st.integers(0, 60), letter=st.sampled_from("0123456789 -."))
def test_a_mutated_text_is_decoded_or_refused(
    found: list[np.ndarray], place: int, letter: str
) -> None:
    for code in CODES:
        text = code.encode(found[0])
        changed = text[:place] + letter + text[place + 1 :]
        if not code.fault(changed, found[0].shape):
            assert code.decode(changed, found[0].shape).shape == found[0].shape, code


# ---- refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 5", "3 numbers; expected pairs"),
        ("7", "1 numbers; expected pairs"),
        ("1 0", "pair 1 has the length 0"),
        ("1 2 5 0", "pair 2 has the length 0"),
        ("1 -2", "number 2 is -2; expected no negative number"),
        ("-1", "number 1 is -1; expected no negative number"),
        ("0 3", "pixels begin at 1"),
        ("1 3 3 1", "pair 2 starts before the end of the one before it"),
        ("5 1 1 1", "pair 2 starts before the end"),
        ("2 2 9 1 2 2", "pair 3 starts before the end"),
        ("1 1 1 1", "pair 2 starts before the end"),
        ("16 2", r"ends behind pixel 17 of an image of 4×4 pixels"),
        ("17 1", "ends behind pixel 17"),
        ("1 17", "ends behind pixel 17"),
        ("1 99999999999999999999999", "outside the image"),
        ("99999999999999999999999 1", "outside the image"),
        ("1 2.0", r"number 2 is '2\.0'; expected a whole number"),
        ("1 1e3", "number 2 is '1e3'; expected a whole number"),
        ("1,2", "number 1 is '1,2'; expected a whole number"),
        ("1-2", "number 1 is '1-2'; expected a whole number"),
        ("+1 2", r"number 1 is '\+1'; expected a whole number"),
        ("1 2_0", "number 2 is '2_0'"),
        ("1 ٣", "number 2 is '٣'"),
        ("nan", "number 1 is 'nan'"),
        ("x" * 99, f"number 1 is '{'x' * 20}…'; expected"),
    ],
)
def test_a_text_that_is_no_mask_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        USUAL.decode(text, (4, 4))
    assert USUAL.fault(text, (4, 4))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text is empty"),
        ("   ", "the text is empty"),
        ("0 2 -1 1", "number 3 is -1"),
        ("-1 -1", "number 1 is -1"),
        ("0 2 4", "3 numbers"),
        ("0 2 14 1", "ends behind pixel 16"),
        ("16 1", "ends behind pixel 16"),
        ("0 9 0 8", "ends behind pixel 16"),
        ("0 9223372036854775807 9223372036854775807 9223372036854775807", "outside the image"),
    ],
)
def test_a_relative_text_that_is_no_mask_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        SIIM.decode(text, (4, 4))


def test_a_relative_first_gap_counts_from_the_first_pixel() -> None:
    code = RunLength(relative=True, column_major=True, first_pixel=1)
    assert code.decode("1 1 2 1", (1, 4)).tolist() == [[True, False, False, True]]
    with pytest.raises(DataError, match="pixels begin at 1"):
        code.decode("0 1", (1, 4))


def test_runs_without_a_shape_have_no_end_to_pass() -> None:
    starts, stops = USUAL.runs("17 3")
    assert (starts.tolist(), stops.tolist()) == ([16], [19])


def test_merge_refuses_a_text_that_is_no_mask() -> None:
    with pytest.raises(DataError, match="3 numbers"):
        SIIM.merge(["0 2", "0 2 4"], (4, 4))


@pytest.mark.parametrize(
    "mask",
    [np.zeros((2, 2)), np.zeros((2, 2), np.uint8), np.zeros(4, bool), np.zeros((1, 2, 2), bool)],
)
def test_encode_refuses_what_is_no_bool_picture(mask: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"expected bool \(height, width\)"):
        USUAL.encode(mask)


@pytest.mark.parametrize("batch", [np.zeros((2, 2)), np.zeros((1, 2, 2), dtype=int)])
def test_a_batch_refuses_what_are_no_float_pictures(batch: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"expected floats \(n_images, height, width\)"):
        USUAL.encode_batch(batch, 0.5)


def test_a_batch_refuses_nan() -> None:
    batch = np.zeros((3, 2, 2), dtype=np.float32)
    batch[1, 0, 1] = np.nan
    with pytest.raises(DataError, match="image 2 holds nan"):
        USUAL.encode_batch(batch, 0.5)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_an_image_without_pixels_has_an_empty_mask(shape: tuple[int, int]) -> None:
    assert USUAL.encode(np.zeros(shape, dtype=bool)) == ""
    assert USUAL.decode("", shape).shape == shape


def test_a_convention_is_a_value() -> None:
    assert RunLength(True, True, 0, ("-1",)) == SIIM
    assert hash(RunLength(True, True, 0, ("-1",))) == hash(SIIM)
    with pytest.raises(dataclasses.FrozenInstanceError):
        SIIM.relative = False  # type: ignore[misc]


@pytest.mark.parametrize(("first_pixel", "empty"), [(2, ("",)), (-1, ("",)), (0, ())])
def test_a_convention_that_no_host_has_is_refused(first_pixel: int, empty: tuple) -> None:
    with pytest.raises(ValueError, match="first_pixel is 0 or 1"):
        RunLength(False, True, first_pixel, empty)
