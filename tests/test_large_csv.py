"""Large files through Arrow: the same answers and the same faults as cell by cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import large_csv
from common.errors import DataError, SubmissionError
from common.solution import read_solution
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat, TextColumn
from common.submit import Answers, ids_of, read_submission
from tests.conftest import REPOSITORY

FORM = SubmissionFormat(
    ("id",), (IntegerColumn("n", 0, 9), NumberColumn("x", 0, 1), LabelColumn("name", ("oak",)))
)
PAIRS = SubmissionFormat(("user", "item"), (NumberColumn("rating"),))
PLAIN = "id,n,x,name\na,1,0.5,oak\nb,2,0.25,elm\nc,3,1e-3,oak\n"


def empty_ones(texts: Sequence[str]) -> list[int]:
    return [place for place, text in enumerate(texts) if not text]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Reads a submission as a large and as a small file: two results, or two lists of faults."""

    def read(given: str, asked: str = PLAIN, form: SubmissionFormat = FORM) -> list[object]:
        (tmp_path / "given.csv").write_bytes(given.encode())
        (tmp_path / "asked.csv").write_text(asked)
        found: list[object] = []
        for smallest in (0, 10**9):
            monkeypatch.setattr(large_csv, "LARGE", smallest)
            try:
                keys = ids_of(tmp_path / "asked.csv", form)
                found.append(read_submission(tmp_path / "given.csv", form, keys))
            except SubmissionError as error:
                found.append(error.faults)
        return found

    return read


def rows(answers: object) -> list[tuple[object, ...]]:
    assert isinstance(answers, Answers)
    cells = [column.tolist() for column in answers.values.values()]
    return sorted(zip(map(tuple, answers.keys), *cells, strict=True))


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        "id,n,x,name\nc,3,1e-3,oak\na,1,0.5,oak\nb,2,0.25,elm\n",
        "name,x,id,n\noak,0.5,a,1\nelm,0.25,b,2\noak,1e-3,c,3\n",
        PLAIN.rstrip("\n"),
        PLAIN.replace("a,1", '"a",1'),
        PLAIN.replace("id,n", '"id","n"').replace("oak", '"oak"'),
        "\ufeff" + PLAIN.replace("id,n", '"id",n'),
        PLAIN.replace("1e-3", "+0.001").replace("a,1", "a,+1"),
        PLAIN.replace("1e-3", " 0.001\t").replace("a,1", "a,01"),
        PLAIN + "\n\n",
    ],
)
def test_a_large_file_gives_the_same_answers_as_a_small_one(both, given: str) -> None:  # type: ignore[no-untyped-def]
    large, small = both(given)
    assert rows(large) == rows(small)
    assert rows(large)[0] == (("a",), 1, 0.5, "oak")


@pytest.mark.parametrize(
    "given",
    [
        PLAIN.replace("b,2", "a,2"),
        PLAIN.replace("b,2", "z,2"),
        PLAIN + "d,1,0.5,oak\n",
        PLAIN.replace("c,3,1e-3,oak\n", ""),
        PLAIN.replace("b,2", "b,10"),
        PLAIN.replace("b,2", "b,2.0"),
        PLAIN.replace("b,2", "b,0x2"),
        PLAIN.replace("b,2", "b, 2"),
        PLAIN.replace("b,2", "b,-2"),
        PLAIN.replace("b,2", "b," + 19 * "0" + "2"),
        PLAIN.replace("b,2", "b,NA"),
        PLAIN.replace("0.25", "NULL"),
        PLAIN.replace("0.25", "1e400"),
        PLAIN.replace("0.25", "nan"),
        PLAIN.replace("0.25", "inf"),
        PLAIN.replace("0.25", ""),
        PLAIN.replace("0.25", "1.25"),
        PLAIN.replace("elm", ""),
        PLAIN.replace("x,", "y,", 1),
        PLAIN.replace("id,n", "id,n,n2", 1),
        PLAIN[:-8],
        PLAIN.replace("a,1", 'a,"1'),
        PLAIN.replace("a,1", 'a,1"'),
        PLAIN.replace("oak\n", '"oak"x\n', 1),
        PLAIN.replace("elm", '"e""lm"').replace("b,2", "z,2"),
        PLAIN.replace("elm", '"e\nlm"').replace("b,2", "z,2"),
        PLAIN.replace("c,3,1e-3,oak\n", 'c,3,1e-3,"oak'),
        "",
        "id,n,x,name\n",
    ],
)
def test_a_large_file_has_the_same_faults_as_a_small_one(both, given: str) -> None:  # type: ignore[no-untyped-def]
    large, small = both(given)
    assert large == small
    assert isinstance(large, tuple)


TEXTS = SubmissionFormat(
    ("id",),
    (
        TextColumn("tags", lambda text: "" if text.islower() else "capitals", "small letters"),
        TextColumn("runs", lambda text: "" if text else "none", "runs", faulty=empty_ones),
    ),
)
TEXT = "id,tags,runs\na,x y,1 2\nb,z,-1\nc,x,1 2\n"


@pytest.mark.parametrize(
    "given", [TEXT, TEXT.replace("x y", '"x y"'), "id,tags,runs\nc,x,1 2\nb,z,-1\na,x y,1 2\n"]
)
def test_text_of_a_large_file_is_the_text_of_a_small_one(both, given: str) -> None:  # type: ignore[no-untyped-def]
    large, small = both(given, TEXT, TEXTS)
    assert rows(large) == rows(small)
    assert rows(large)[0] == (("a",), "x y", "1 2")


@pytest.mark.parametrize(
    "given", [TEXT.replace("z", "Z"), TEXT.replace("-1", ""), TEXT.replace("x,1 2", "X,")]
)
def test_text_that_is_not_allowed_is_named_alike_in_a_large_file(both, given: str) -> None:  # type: ignore[no-untyped-def]
    large, small = both(given, TEXT, TEXTS)
    assert large == small
    assert isinstance(large, tuple)


SHUFFLED = "id,n,x,name\nc,3,1e-3,oak\na,1,0.5,oak\nb,2,0.25,elm\n"


@pytest.mark.parametrize("given", [PLAIN, SHUFFLED, PLAIN.replace("oak", '"oak"')])
def test_a_plain_large_file_is_not_read_cell_by_cell(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careful(path: Path) -> object:
        raise AssertionError(f"{path.name} was read cell by cell")

    (tmp_path / "asked.csv").write_text(PLAIN)
    (tmp_path / "given.csv").write_text(given)
    monkeypatch.setattr(large_csv, "LARGE", 0)
    monkeypatch.setattr("common.submit.read_table", careful)
    monkeypatch.setattr("common.solution.read_table", careful)
    truth = read_solution(tmp_path / "asked.csv", FORM)
    asked = ids_of(tmp_path / "asked.csv", FORM)
    assert len(read_submission(tmp_path / "given.csv", FORM, asked).keys) == len(truth.keys) == 3


def test_a_plain_large_file_of_text_is_not_read_cell_by_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careful(path: Path) -> object:
        raise AssertionError(f"{path.name} was read cell by cell")

    (tmp_path / "s.csv").write_text(TEXT)
    monkeypatch.setattr(large_csv, "LARGE", 0)
    monkeypatch.setattr("common.submit.read_table", careful)
    asked = ids_of(tmp_path / "s.csv", TEXTS)
    found = read_submission(tmp_path / "s.csv", TEXTS, asked)
    assert found.values["runs"].tolist() == ["1 2", "-1", "1 2"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("1 2 10", "10 1 2"),
        ("01 1 10", "10 1 01"),
        ("b a c", "c b a"),
        ("aa b", "b aa"),
    ],
)
def test_rows_are_put_in_the_order_asked_for(both, asked: str, given: str) -> None:  # type: ignore[no-untyped-def]
    form = SubmissionFormat(("id",), (LabelColumn("name"),))
    texts = ["id,name\n" + "".join(f"{k},of {k}\n" for k in ids.split()) for ids in (given, asked)]
    for answers in both(*texts, form):
        assert isinstance(answers, Answers)
        by_name = answers.rows_of([(name,) for name in asked.split()])["name"]
        assert by_name.tolist() == [f"of {name}" for name in asked.split()]


@pytest.mark.parametrize("ids", ["1 2 2", "2 1 2", "01 1 01", "b a b", "aa b aa"])
def test_a_name_that_the_sample_holds_twice_is_refused(
    ids: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_csv, "LARGE", 0)
    (tmp_path / "s.csv").write_text("id,n,x,name\n" + "".join(f"{k},1,1,a\n" for k in ids.split()))
    with pytest.raises(DataError, match="stands there twice, the second time in row 3"):
        ids_of(tmp_path / "s.csv", FORM)


def test_keys_of_two_columns_are_read_as_ever(both) -> None:  # type: ignore[no-untyped-def]
    text = "user,item,rating\n1,2,3.5\n1,3,4\n"
    large, small = both("user,item,rating\n1,3,4\n1,2,3.5\n", text, PAIRS)
    assert rows(large) == rows(small) == [(("1", "2"), 3.5), (("1", "3"), 4.0)]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=20),
    numbers=st.lists(st.floats(0, 1), min_size=20, max_size=20),
    order=st.randoms(),
)
def test_numbers_come_through_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory,
    labels: list[int],
    numbers: list[float],
    order: object,
) -> None:
    path = tmp_path_factory.mktemp("bits") / "s.csv"
    lines = [f"r{k},{n},{x!r},oak" for k, (n, x) in enumerate(zip(labels, numbers, strict=False))]
    path.write_text("\n".join(["id,n,x,name", *lines]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_csv, "LARGE", 0)
        found = read_solution(path, FORM)
    assert found.values["x"].tolist() == numbers[: len(labels)]
    assert found.values["n"].tolist() == labels
    assert found.values["n"].dtype == np.int64
    assert all(column.flags.writeable for column in found.values.values())


def test_scoring_a_large_file_loads_neither_pandas_nor_arrows_functions(tmp_path: Path) -> None:
    lines = "".join(f"{row},{row % 10}\n" for row in range(1, 200_001))
    for name in ("sub.csv", "sol.csv"):
        (tmp_path / name).write_text("ImageId,Label\n" + lines)
    code = (
        "import sys; from scripts.score import main; "
        "rc = main(['digit-recognizer', '--submission', sys.argv[1], '--solution', sys.argv[2]]); "
        "assert 'pyarrow' in sys.modules; "
        "heavy = {'pandas', 'torch', 'sklearn', 'pyarrow.compute'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(rc)"
    )
    paths = [str(tmp_path / name) for name in ("sub.csv", "sol.csv")]
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "score: 1.0"
