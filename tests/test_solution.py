"""Solutions: the true answers, and what is the solution's own fault."""

from __future__ import annotations

import pytest

from common.errors import DataError
from common.solution import read_solution
from common.spec import IntegerColumn, SubmissionFormat
from tests.conftest import Write

FORM = SubmissionFormat(("ImageId",), (IntegerColumn("Label", 0, 9),))


def test_a_solution_may_hold_other_columns(write: Write) -> None:
    found = read_solution(write("ImageId,Usage,Label\n1,Public,7\n2,Private,0\n"), FORM)
    assert found.keys == [("1",), ("2",)]
    assert found.values["Label"].tolist() == [7, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("id,Label\n1,7\n", "no column 'ImageId'"),
        ("ImageId\n1\n", "lacks Label"),
        ("ImageId,Label\n", "no rows"),
        ("ImageId,Label\n1,7\n1,7\n", "twice"),
        ("ImageId,Label\n1,7\n2\n", "row 2 .*has 1 of 2 cells"),
        ("ImageId,Label\n1,7\n2,?\n", r"the first is '\?' for id '2' in row 2"),
    ],
)
def test_a_solution_at_fault_is_a_data_error_that_says_so(
    write: Write, content: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_solution(write(content), FORM)
    assert "solution" in str(caught.value)
    assert "file.csv" in str(caught.value)
