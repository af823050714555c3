"""Our metrics as hosts write theirs, and hosts' metrics as ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.errors import SubmissionError
from common.metrics import accuracy, mean_absolute_error, metric_from_kaggle
from tests.conftest import REPOSITORY

SOLUTION = pd.DataFrame({"id": ["a", "b", "c"], "label": [1, 2, 3], "Usage": ["Public"] * 3})
SUBMISSION = pd.DataFrame({"id": ["c", "a", "b"], "label": [3, 9, 2]})


def test_rows_are_joined_by_id_and_nothing_is_changed_in_place() -> None:
    solution, submission = SOLUTION.copy(), SUBMISSION.copy()
    assert accuracy.as_kaggle()(solution, submission, "id") == 2 / 3
    pd.testing.assert_frame_equal(solution, SOLUTION)
    pd.testing.assert_frame_equal(submission, SUBMISSION)


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        (SUBMISSION.rename(columns={"label": "Label"}), "no column 'label'"),
        (SUBMISSION.iloc[:2], "lacks id 'b'"),
        (pd.concat([SUBMISSION, SUBMISSION.iloc[:1]]), "id 'c' twice"),
        (SUBMISSION.assign(id=["c", "a", "z"]), "lacks id 'b' .1 missing, 1 too many"),
    ],
)
def test_a_submission_with_other_ids_or_columns_is_refused(
    submission: pd.DataFrame, words: str
) -> None:
    with pytest.raises(SubmissionError, match=words):
        accuracy.as_kaggle()(SOLUTION, submission, "id")


def hosts_score(solution: Any, submission: Any, row_id_column_name: str) -> float:
    """As hosts write theirs: it deletes columns of what it was given."""
    del solution[row_id_column_name]
    del submission[row_id_column_name]
    return float((solution["target"] - submission["target"]).abs().mean())


def test_a_hosts_function_becomes_a_metric_and_cannot_change_our_arrays() -> None:
    metric = metric_from_kaggle(hosts_score, higher_is_better=False, name="host's error")
    y_true, y_pred = np.array([1.0, 2.0]), np.array([1.5, 4.0])
    assert metric.score(y_true=y_true, y_pred=y_pred) == 1.25
    assert y_true.tolist() == [1.0, 2.0]
    assert metric.is_better(0.5, 1.0)


def test_several_columns_keep_their_names_and_order() -> None:
    def first_column(solution: Any, submission: Any, row_id_column_name: str) -> float:
        assert solution.columns.tolist() == [row_id_column_name, "x", "y"]
        return float((solution["x"] == submission["x"]).mean())

    metric = metric_from_kaggle(first_column, higher_is_better=True, columns=("x", "y"))
    y_true, y_pred = np.array([[1, 2], [3, 4]]), np.array([[1, 0], [0, 4]])
    assert metric.score(y_true=y_true, y_pred=y_pred) == 0.5


def test_there_and_back_is_the_same_metric() -> None:
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.normal(size=50), generator.normal(size=50)
    back = metric_from_kaggle(mean_absolute_error.as_kaggle(), higher_is_better=False)
    both = [metric.score(y_true=y_true, y_pred=y_pred) for metric in (mean_absolute_error, back)]
    assert both[0] == pytest.approx(both[1], abs=1e-15)


PASTED = """

def host_score(solution, submission, row_id_column_name):
    del solution[row_id_column_name]
    del submission[row_id_column_name]
    return 100 * float((solution["target"] == submission["target"]).mean())
"""


def test_a_hosts_function_is_pasted_into_a_fork_and_judges_there(tmp_path: Path) -> None:
    copy = tmp_path / "repository"
    for folder in ("common", "competitions", "scripts"):
        shutil.copytree(
            REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    spec = copy / "competitions" / "my_digits" / "spec.py"
    files = {"sub.csv": "ImageId,Label\n1,4\n2,5\n", "sol.csv": "ImageId,Label\n2,5\n1,3\n"}
    for name, text in files.items():
        (copy / name).write_text(text)

    def run(*words: str) -> str:
        command = [sys.executable, *words]
        environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("scripts/new_competition.py", "my-digits", "--from", "digit-recognizer")
    text = spec.read_text()
    text = text.replace("from common.metrics import accuracy", IMPORT + PASTED)
    metric = 'metric=metric_from_kaggle(host_score, higher_is_better=True, name="percent")'
    spec.write_text(text.replace("metric=accuracy", metric))
    out = run("scripts/score.py", "my-digits", "--submission", "sub.csv", "--solution", "sol.csv")
    assert out.splitlines()[-1] == "score: 50.0"
    assert "percent over 2 rows, higher is better" in out


IMPORT = "from common.metrics import metric_from_kaggle"
