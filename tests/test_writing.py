"""Writing whole columns: the careful writer's bytes, its errors, and the old file kept."""

from __future__ import annotations

import enum
import errno
import io
import itertools
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import writing
from common.errors import SubmissionError
from common.keys import Keys
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat, TextColumn
from common.submit import read_submission, write_submission
from common.writing import AnswerColumns, joined, write_answers, write_columns

FORM = SubmissionFormat(("id",), (IntegerColumn("n", 0, 9), NumberColumn("x", 0, 1)))
NUMBERS = SubmissionFormat(("id",), (NumberColumn("x"),))
NAMES = SubmissionFormat(("id",), (LabelColumn("name"),))
PAIRS = SubmissionFormat(("user", "item"), (NumberColumn("rating", 0, 5),))
RUNS = SubmissionFormat(
    ("id",), (TextColumn("runs", lambda text: "" if text.isdigit() else "odd", "digits"),)
)
GOOD: dict[str, Any] = {"id": ["b", "a", "c"], "n": np.array([2, 1, 3]), "x": [0.5, 1.0, 0.25]}
ASKED = Keys([["a", "b", "c"]])
EASY = settings(deadline=None, derandomize=True, max_examples=100)

Both = Callable[..., list[object]]


@pytest.fixture(autouse=True)
def every_size_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LARGE", 1)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Writes columns, and the same as rows: the two files' bytes, or the two lists of faults."""

    def write(form: SubmissionFormat, columns: dict[str, Any], asked: Any) -> list[object]:
        path = tmp_path_factory.mktemp("both") / "s.csv"
        cells = [columns[name] for name in form.header]
        found: list[object] = []
        for call, given_ in (
            (write_columns, columns),
            (write_submission, list(zip(*cells, strict=True))),
        ):
            path.write_text("an older submission")
            try:
                found.append(call(path, form, given_, asked).read_bytes())  # type: ignore[operator]
            except (SubmissionError, UnicodeError) as error:
                assert path.read_text() == "an older submission"
                found.append(getattr(error, "faults", str(error)))
            assert [left.name for left in path.parent.iterdir()] == ["s.csv"]
        return found

    return write


@pytest.fixture
def only_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where plain columns are given to the careful writer."""

    def careful(*_: object) -> None:
        raise AssertionError("the careful writer was called")

    monkeypatch.setattr(writing, "write_submission", careful)


# plain columns


@pytest.mark.usefixtures("only_arrow")
def test_the_order_of_rows_comes_from_the_ids_asked_for(tmp_path: Path) -> None:
    path = write_columns(tmp_path / "new" / "s.csv", FORM, GOOD, ASKED)
    assert path == tmp_path / "new" / "s.csv"
    assert path.read_bytes() == b"id,n,x\na,1,1.0\nb,2,0.5\nc,3,0.25\n"


@pytest.mark.usefixtures("only_arrow")
@pytest.mark.parametrize(
    "asked",
    [[("a",), ("b",), ("c",)], ASKED, Keys([pa.array(["a", "b", "c"])])],
    ids=["tuples", "lists", "arrow"],
)
@pytest.mark.parametrize(
    "ids",
    [["b", "a", "c"], ("b", "a", "c"), np.array(["b", "a", "c"]), pa.array(["b", "a", "c"])],
    ids=["list", "tuple", "numpy", "arrow"],
)
def test_ids_come_in_any_kind_of_column(tmp_path: Path, ids: Any, asked: Any) -> None:
    path = write_columns(tmp_path / "s.csv", FORM, {**GOOD, "id": ids}, asked)
    assert path.read_text() == "id,n,x\na,1,1.0\nb,2,0.5\nc,3,0.25\n"


@pytest.mark.usefixtures("only_arrow")
def test_whole_numbers_as_ids_are_compared_as_text(tmp_path: Path) -> None:
    columns = {"id": np.array([10, 9, 2]), "x": np.array([1, 2, 3], dtype=np.uint8)}
    path = write_columns(tmp_path / "s.csv", NUMBERS, columns, [("9",), ("10",), ("2",)])
    assert path.read_text() == "id,x\n9,2\n10,1\n2,3\n"


@pytest.mark.usefixtures("only_arrow")
def test_rows_with_two_names_are_put_in_order(tmp_path: Path) -> None:
    columns = {"user": [1, 2, 1], "item": ["x", "x", "y"], "rating": [1.0, 2.0, 3.0]}
    asked = [("1", "y"), ("2", "x"), ("1", "x")]
    path = write_columns(tmp_path / "s.csv", PAIRS, columns, asked)
    assert path.read_text() == "user,item,rating\n1,y,3.0\n2,x,2.0\n1,x,1.0\n"


def test_few_rows_take_the_careful_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LARGE", 4)
    monkeypatch.setattr(writing, "_write_plain", None)
    columns = {**GOOD, "id": pa.array(GOOD["id"])}
    path = write_columns(tmp_path / "s.csv", FORM, columns, ASKED)
    assert path.read_text() == "id,n,x\na,1,1.0\nb,2,0.5\nc,3,0.25\n"


# the same bytes as the careful writer


@EASY
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@example([0.0, -0.0, 1e-4, 9.999e-5, 1e-5, 1e15, 1e16, 123456789012345680.0, 5e-324, 0.1 + 0.2])
@example([9999999999.5, 1e10, 15000000000.0, 7.0, -12.0, 100000.0, 1e9])
@example([math.nextafter(1e-4, 0), math.nextafter(1e15, 0), math.nextafter(1e16, 0), -1e22])
def test_floats_are_the_careful_writers_and_read_back_the_same(
    both: Both, tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    columns = {"id": list(range(len(numbers))), "x": np.array(numbers)}
    asked = [(str(row),) for row in range(len(numbers))]
    by_column, by_row = both(NUMBERS, columns, asked)
    assert by_column == by_row
    path = tmp_path_factory.mktemp("bits") / "s.csv"
    found = read_submission(write_columns(path, NUMBERS, columns, asked), NUMBERS, asked)
    assert [x.hex() for x in found.values["x"].tolist()] == [x.hex() for x in numbers]


@EASY
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
@example([99999.0, 99999.9, 1e5, 999999.0, 1e6, 1.5e6, 3.0])
@example([1e-4, 1e-5, 1e15, 1e16, 16777216.0, 1e10, 0.1, 3.4e38, 1e-45, -0.0])
def test_floats_of_32_bits_are_the_careful_writers(both: Both, numbers: list[float]) -> None:
    columns = {"id": list(range(len(numbers))), "x": np.array(numbers, dtype=np.float32)}
    by_column, by_row = both(NUMBERS, columns, [(str(row),) for row in range(len(numbers))])
    assert by_column == by_row
    assert isinstance(by_column, bytes)


@EASY
@given(st.data())
def test_text_is_the_careful_writers(both: Both, data: st.DataObject) -> None:
    cell = st.text(st.sampled_from("ab 7,\"\n\r\t\0é\ufeff'#") | st.characters(), max_size=6)
    ids = data.draw(st.lists(cell, min_size=1, max_size=8, unique=True))
    names = data.draw(st.lists(cell, min_size=len(ids), max_size=len(ids)))
    asked = data.draw(st.permutations(ids))
    by_column, by_row = both(NAMES, {"id": ids, "name": names}, Keys([asked]))
    assert by_column == by_row


@EASY
@given(st.data())
def test_rows_of_two_names_are_the_careful_writers(both: Both, data: st.DataObject) -> None:
    name = st.sampled_from(["1", "2", "12", "", "a"])
    given_ = data.draw(st.lists(st.tuples(name, name), min_size=1, max_size=6))
    asked = data.draw(st.permutations(given_) | st.lists(st.tuples(name, name), min_size=1))
    users, items = (list(column) for column in zip(*given_, strict=True))
    columns = {"user": users, "item": items, "rating": np.arange(len(users)) / 2}
    by_column, by_row = both(PAIRS, columns, asked)
    assert by_column == by_row


@pytest.mark.usefixtures("only_arrow")
@pytest.mark.parametrize("first_rows", [1, 3, 64])
def test_batches_of_any_size_give_the_same_file(
    first_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"id": [str(k) for k in range(200)], "n": [k % 10 for k in range(200)]}
    columns["x"] = [k / 200 for k in range(200)]  # type: ignore[misc]
    asked = Keys([columns["id"][::-1]])
    whole = write_columns(tmp_path / "whole.csv", FORM, columns, asked).read_bytes()
    monkeypatch.setattr(writing, "_FIRST_ROWS", first_rows)
    monkeypatch.setattr(writing, "_BATCH", 100)
    parts = write_columns(tmp_path / "parts.csv", FORM, columns, asked).read_bytes()
    assert parts == whole
    assert whole.splitlines()[:2] == [b"id,n,x", b"199,9,0.995"]
    assert len(whole.splitlines()) == 201


@pytest.mark.parametrize(
    ("cell", "written"), [('a "quoted" oak', '"a ""quoted"" oak"'), ("oak, red", '"oak, red"')]
)
def test_a_cell_that_needs_quotes_far_down_is_written_with_them(
    cell: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_FIRST_ROWS", 2)
    monkeypatch.setattr(writing, "_BATCH", 10)
    columns = {"id": list("abcdefg"), "name": ["elm"] * 6 + [cell]}
    path = write_columns(tmp_path / "s.csv", NAMES, columns, Keys([list("abcdefg")]))
    assert (
        path.read_text() == "id,name\n" + "".join(f"{k},elm\n" for k in "abcdef") + f"g,{written}\n"
    )
    assert [found.name for found in tmp_path.iterdir()] == ["s.csv"]


class Tree(str, enum.Enum):  # noqa: UP042 - `str` of its members is not their text
    OAK = "oak"


@pytest.mark.parametrize("ids", [["a", "b", "c"], ["c", "a", "b"]])
@pytest.mark.parametrize("names", [["x", "y", Tree.OAK], ["x", np.str_("y"), "z"], ["x", 1, "z"]])
def test_cells_that_are_no_plain_text_are_the_careful_writers(
    both: Both, ids: list[str], names: list[Any]
) -> None:
    by_column, by_row = both(NAMES, {"id": ids, "name": names}, [("a",), ("b",), ("c",)])
    assert by_column == by_row
    by_column, by_row = both(
        NAMES, {"id": [*ids[:2], Tree.OAK], "name": ids}, Keys([[*ids[:2], "oak"]])
    )
    assert by_column == by_row


@EASY
@given(
    st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 3e-5, 1e-300]), min_size=30, max_size=60)
)
def test_many_floats_that_arrow_writes_otherwise_are_the_careful_writers(
    both: Both, numbers: list[float]
) -> None:
    columns = {"id": list(range(len(numbers))), "x": np.array(numbers)}
    by_column, by_row = both(NUMBERS, columns, [(str(row),) for row in range(len(numbers))])
    assert by_column == by_row


# answers in columns


def test_answers_in_columns_are_rows_to_whoever_goes_through_them() -> None:
    answers = AnswerColumns({"id": ["a", "b"], "n": np.array([1, 2]), "x": pa.array([0.5, 1.0])})
    assert list(answers) == [("a", 1, 0.5), ("b", 2, 1.0)]
    assert list(answers) == [("a", 1, 0.5), ("b", 2, 1.0)]


@pytest.mark.parametrize("large", [1, 10**9])
def test_answers_in_columns_and_in_rows_give_the_same_file(
    large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LARGE", large)
    ordered = {name: GOOD[name] for name in FORM.header}
    rows = iter([("b", 2, 0.5), ("a", 1, 1.0), ("c", 3, 0.25)])
    for answers in (AnswerColumns(ordered), rows):
        path = write_answers(tmp_path / "s.csv", FORM, answers, ASKED)
        assert path.read_bytes() == b"id,n,x\na,1,1.0\nb,2,0.5\nc,3,0.25\n"


@pytest.mark.usefixtures("only_arrow")
def test_answers_in_columns_are_not_written_row_by_row(tmp_path: Path) -> None:
    parts = [AnswerColumns({n: GOOD[n][k : k + 1] for n in FORM.header}) for k in range(3)]
    path = write_answers(tmp_path / "s.csv", FORM, joined(parts), ASKED)
    assert path.read_bytes() == b"id,n,x\na,1,1.0\nb,2,0.5\nc,3,0.25\n"


def test_parts_are_joined_as_they_are() -> None:
    one = AnswerColumns({"id": ["a"], "x": np.array([0.5])})
    other = AnswerColumns({"id": ("b",), "x": np.array([1.0])})
    whole = AnswerColumns({"id": ["c"], "x": np.array([2])})
    both_columns = joined([one, other])
    assert isinstance(both_columns, AnswerColumns)
    assert isinstance(both_columns.columns["x"], np.ndarray)
    assert list(both_columns) == [("a", 0.5), ("b", 1.0)]
    # a whole number stays one beside a float
    assert [str(x) for _, x in joined([one, whole])] == ["0.5", "2"]
    assert list(joined([[("d", 1)], one])) == [("d", 1), ("a", 0.5)]
    assert list(joined([one, iter([("d", 1)])])) == [("a", 0.5), ("d", 1)]
    assert list(joined([])) == []


def test_rows_are_joined_one_by_one() -> None:
    def endless() -> Iterator[tuple[object, ...]]:
        yield from ((str(k),) for k in itertools.count())

    assert next(iter(joined(endless() for _ in itertools.count()))) == ("0",)


# faults


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"id": ["a", "b", "z"]}, "1 answers are for ids that the sample does not hold"),
        ({"id": ["a", "b", "b"]}, "id 'b' is answered twice"),
        ({"id": ["a", "b", None]}, "the first is 'None'"),
        ({"id": ["a", "b"], "n": [1, 2], "x": [0.1, 0.2]}, "1 of 3 ids are missing"),
        ({"n": np.array([1, 2, 10])}, "1 values of n are not allowed, the first is '10'"),
        ({"n": np.array([1, 2, -1])}, "the first is '-1' for id 'c'"),
        ({"n": np.array([1.0, 2.0, 3.0])}, "the first is '1.0' for id 'a'|'2.0' for id 'a'"),
        ({"n": [True, False, True]}, "values of n are not allowed"),
        ({"n": [1, 2, None]}, "the first is '' for id 'c'"),
        ({"x": np.array([0.5, math.nan, 0.5])}, "the first is 'nan' for id 'a'"),
        ({"x": np.array([0.5, math.inf, 0.5])}, "the first is 'inf' for id 'a'"),
        ({"x": np.array([0.5, 1.5, 0.5])}, "the first is '1.5' for id 'a'"),
        ({"x": np.array([0, 2, 1])}, "the first is '2' for id 'a'"),
        ({"x": ["0.5", "half", "1"]}, "the first is 'half' for id 'a'"),
    ],
)
def test_faults_are_the_careful_writers_and_the_old_file_survives(
    both: Both, changed: dict[str, Any], words: str
) -> None:
    by_column, by_row = both(FORM, {**GOOD, **changed}, ASKED)
    assert by_column == by_row
    assert isinstance(by_column, tuple)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(" ".join(by_column))


@pytest.mark.parametrize("cell", ["", "7 1", "x"])
def test_text_that_its_column_does_not_allow_is_refused(both: Both, cell: str) -> None:
    by_column, by_row = both(RUNS, {"id": ["1", "2"], "runs": ["12", cell]}, [("1",), ("2",)])
    assert by_column == by_row
    assert "expected digits" in str(by_column)


def test_an_id_that_is_asked_for_twice_is_refused(both: Both) -> None:
    columns = {"id": ["a", "a"], "name": ["oak", "elm"]}
    by_column, by_row = both(NAMES, columns, [("a",), ("a",)])
    assert by_column == by_row == ("id 'a' is answered twice; expected one answer per id",)


def test_whole_numbers_and_floats_in_one_list_keep_their_digits(both: Both) -> None:
    columns = {"id": ["a", "b"], "x": [1, 2.5]}
    by_column, by_row = both(NUMBERS, columns, [("a",), ("b",)])
    assert by_column == by_row == b"id,x\na,1\nb,2.5\n"


def test_a_float_of_32_bits_is_held_to_what_its_digits_say(both: Both) -> None:
    form = SubmissionFormat(("id",), (NumberColumn("x", 0.0, 0.69999999),))
    columns = {"id": ["a"], "x": np.array([0.7], dtype=np.float32)}
    by_column, by_row = both(form, columns, [("a",)])
    assert by_column == by_row
    assert "the first is '0.7'" in str(by_column)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["a"], "n": [1]}, "have the columns id, n; expected id, n, x"),
        ({**GOOD, "y": [1, 2, 3]}, "have the columns id, n, x, y; expected id, n, x"),
        ({**GOOD, "n": [1]}, r"different lengths \(id: 3, n: 1, x: 3\)"),
    ],
)
def test_columns_of_another_shape_are_refused(
    tmp_path: Path, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(SubmissionError, match=words):
        write_columns(tmp_path / "s.csv", FORM, columns, ASKED)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["lost", "changed", "more"])
def test_a_file_that_does_not_read_back_leaves_the_old_one(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = {"lost": lambda c: c[:-1], "changed": lambda c: c[:-2] + b"7\n", "more": lambda c: c * 2}

    class Faulty(io.FileIO):
        def write(self, content: Any) -> int:
            super().write(disk[what](bytes(content)))
            return len(content)

    opened = Path.open

    def faulty(path: Path, mode: str = "r", **options: Any) -> Any:
        return Faulty(path, "w") if mode == "wb" else opened(path, mode, **options)

    path = tmp_path / "s.csv"
    path.write_text("an older submission")
    monkeypatch.setattr(Path, "open", faulty)
    with pytest.raises(SubmissionError, match=r"^s\.csv does not hold what was written"):
        write_columns(path, FORM, GOOD, ASKED)
    monkeypatch.undo()
    assert path.read_text() == "an older submission"
    assert [found.name for found in tmp_path.iterdir()] == ["s.csv"]


def test_a_full_disk_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "s.csv"
    path.write_text("an older submission")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_columns(path, FORM, GOOD, ASKED)
    assert path.read_text() == "an older submission"
    assert [found.name for found in tmp_path.iterdir()] == ["s.csv"]
