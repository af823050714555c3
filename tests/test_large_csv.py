"""Large files through Arrow: the same answers and the same faults as cell by cell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import large_csv
from common.errors import SubmissionError
from common.solution import read_solution
from common.spec import IntegerColumn, LabelColumn, NumberColumn, SubmissionFormat
from common.submit import Answers, ids_of, read_submission
from tests.conftest import REPOSITORY

FORM = SubmissionFormat(
    ("id",), (IntegerColumn("n", 0, 9), NumberColumn("x", 0, 1), LabelColumn("name", ("oak",)))
)
PAIRS = SubmissionFormat(("user", "item"), (NumberColumn("rating"),))
PLAIN = "id,n,x,name\na,1,0.5,oak\nb,2,0.25,elm\nc,3,1e-3,oak\n"


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


def test_scoring_a_large_file_loads_no_pandas(tmp_path: Path) -> None:
    lines = "".join(f"{row},{row % 10}\n" for row in range(1, 200_001))
    for name in ("sub.csv", "sol.csv"):
        (tmp_path / name).write_text("ImageId,Label\n" + lines)
    code = (
        "import sys; from scripts.score import main; "
        "rc = main(['digit-recognizer', '--submission', sys.argv[1], '--solution', sys.argv[2]]); "
        "assert 'pyarrow' in sys.modules; "
        "assert not {'pandas', 'torch', 'sklearn'} & set(sys.modules); sys.exit(rc)"
    )
    paths = [str(tmp_path / name) for name in ("sub.csv", "sol.csv")]
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "score: 1.0"
