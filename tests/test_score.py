"""The judge: rows are joined by name, the ladder fits the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import DataError, MetricError, SubmissionError
from common.metrics import Metric, accuracy
from common.score import FIXTURE_FILE, Aligned, align, ladder_beside, read_aligned
from common.spec import (
    CompetitionSpec,
    IntegerColumn,
    Ladder,
    NumberColumn,
    Rung,
    SubmissionFormat,
)
from common.submit import Answers


def spec_of(*targets: Any, metric: Metric = accuracy) -> CompetitionSpec:
    form = SubmissionFormat(("id",), targets or (IntegerColumn("label", 0, 9),))
    ladder = Ladder((Rung("the host's rung", 0.5),))
    return CompetitionSpec("leaf", "Leaf", "tabular", metric, form, files=(), ladder=ladder)


# joining


def test_rows_are_joined_by_name_and_not_by_position() -> None:
    truth = Answers([("a",), ("b",), ("c",)], {"label": np.array([1, 2, 3])})
    given = Answers([("c",), ("a",), ("b",)], {"label": np.array([3, 1, 9])})
    aligned = align(spec_of(), given, truth)
    assert aligned.keys == [("a",), ("b",), ("c",)]
    assert aligned.y_true.tolist() == [1, 2, 3]
    assert aligned.y_pred.tolist() == [1, 9, 3]
    # two of three are right
    assert aligned.score(accuracy) == 2 / 3


def test_truth_and_prediction_do_not_change_places() -> None:
    def signed(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float((y_pred - y_true).sum())

    metric = Metric("signed difference", higher_is_better=True, score=signed)
    truth = Answers([("a",)], {"label": np.array([1])})
    given = Answers([("a",)], {"label": np.array([5])})
    assert align(spec_of(), given, truth).score(metric) == 4.0


def test_a_score_over_some_rows_uses_those_rows_alone() -> None:
    aligned = Aligned([("a",), ("b",), ("c",)], np.array([1, 2, 3]), np.array([1, 9, 9]))
    assert aligned.score(accuracy, np.array([0])) == 1.0
    assert aligned.score(accuracy, np.array([1, 2])) == 0.0
    assert aligned.score(accuracy, np.array([0, 0, 0, 1])) == 0.75


def test_several_target_columns_stand_side_by_side_in_the_forms_order() -> None:
    spec = spec_of(NumberColumn("x"), NumberColumn("y"))
    truth = Answers([("a",), ("b",)], {"y": np.array([10.0, 20.0]), "x": np.array([1.0, 2.0])})
    given = Answers([("b",), ("a",)], {"x": np.array([4.0, 3.0]), "y": np.array([40.0, 30.0])})
    aligned = align(spec, given, truth)
    assert aligned.y_true.tolist() == [[1.0, 10.0], [2.0, 20.0]]
    assert aligned.y_pred.tolist() == [[3.0, 30.0], [4.0, 40.0]]


def test_files_are_read_and_joined(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,label\na,1\nb,2\n")
    (tmp_path / "given.csv").write_text("label,id\n2,b\n3,a\n")
    aligned, doubts = read_aligned(spec_of(), tmp_path / "given.csv", tmp_path / "truth.csv")
    assert doubts == ()
    assert aligned.score(accuracy) == 0.5


def test_the_solution_is_judged_before_the_submission(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("nonsense\n")
    (tmp_path / "good.csv").write_text("id,label\na,1\n")
    with pytest.raises(DataError, match="solution"):
        read_aligned(spec_of(), tmp_path / "bad.csv", tmp_path / "bad.csv")
    with pytest.raises(SubmissionError, match=r"bad\.csv"):
        read_aligned(spec_of(), tmp_path / "bad.csv", tmp_path / "good.csv")


def test_an_undefined_score_is_a_metric_error_and_never_nan() -> None:
    nothing = Answers([], {"label": np.array([])})
    with pytest.raises(MetricError, match="no rows"):
        align(spec_of(), nothing, nothing).score(accuracy)


# the ladder that fits


def write_marker(folder: Path, facts: object) -> None:
    (folder / FIXTURE_FILE).write_text(json.dumps(facts))


FACTS = {
    "called": "pressed leaves",
    "rungs": [{"name": "constant", "score": 0.1, "source": "measured"}],
}


def test_without_a_marker_the_ladder_is_the_hosts(tmp_path: Path) -> None:
    assert ladder_beside(tmp_path / "solution.csv", spec_of()) == (spec_of().ladder, "")


@pytest.mark.parametrize("name", ["", "solution.csv", "any name.txt"])
def test_beside_a_marker_the_ladder_is_the_fixtures(tmp_path: Path, name: str) -> None:
    write_marker(tmp_path, FACTS)
    ladder, called = ladder_beside(tmp_path / name, spec_of())
    assert ladder == Ladder((Rung("constant", 0.1, "measured"),))
    assert called == "pressed leaves"


def test_a_marker_far_above_the_solution_counts_too(tmp_path: Path) -> None:
    write_marker(tmp_path, FACTS)
    (tmp_path / "CamVid" / "testannot").mkdir(parents=True)
    assert ladder_beside(tmp_path / "CamVid" / "testannot", spec_of())[1] == "pressed leaves"
    assert ladder_beside(tmp_path / "CamVid" / "truth.csv", spec_of())[1] == "pressed leaves"


def test_the_nearest_marker_counts(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    write_marker(tmp_path, FACTS)
    write_marker(tmp_path / "inner", {**FACTS, "called": "fresh leaves"})
    assert ladder_beside(tmp_path / "inner", spec_of())[1] == "fresh leaves"


def test_a_marker_is_found_from_a_path_that_is_relative_or_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fixture" / "masks").mkdir(parents=True)
    write_marker(tmp_path / "fixture", FACTS)
    (tmp_path / "link").symlink_to(tmp_path / "fixture" / "masks")
    assert ladder_beside(tmp_path / "link", spec_of())[1] == "pressed leaves"
    monkeypatch.chdir(tmp_path / "fixture" / "masks")
    assert ladder_beside(Path("truth.csv"), spec_of())[1] == "pressed leaves"
    # ..: the folder beside the fixture is none of its own
    assert ladder_beside(Path("../../other/truth.csv"), spec_of())[1] == ""


def test_a_fixture_without_rungs_does_not_fall_back_on_the_hosts(tmp_path: Path) -> None:
    write_marker(tmp_path, {"called": "pressed leaves", "rungs": []})
    assert ladder_beside(tmp_path, spec_of()) == (Ladder(), "pressed leaves")


@pytest.mark.parametrize(
    "facts",
    [{}, [], {"called": "x"}, {"rungs": []}, {**FACTS, "rungs": 3}, {**FACTS, "rungs": [1]}],
)
def test_a_marker_that_was_edited_is_a_data_error(tmp_path: Path, facts: object) -> None:
    write_marker(tmp_path, facts)
    with pytest.raises(DataError, match=r"FIXTURE\.json .*as expected; .*write the fixture again"):
        ladder_beside(tmp_path, spec_of())


def test_a_marker_that_was_cut_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / FIXTURE_FILE).write_text('{"called": "pres')
    with pytest.raises(DataError, match=r"FIXTURE\.json is no JSON"):
        ladder_beside(tmp_path, spec_of())
