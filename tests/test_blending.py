"""A blend is a run of its own, made of runs that fit together and scored across folds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import blending, files, registry
from common.blending import BlendRequest, blend
from common.collect import MapStack, Ragged, load_predictions
from common.errors import KitError, RunError, UsageError
from common.metrics import accuracy, area_under_roc
from common.pipeline import Context, Decision, Pipeline
from common.runfolder import RunFolder
from scripts import blend as script
from scripts import merge_runs, predict, score, train, validate
from tests.conftest import REPOSITORY
from tests.runs import SMOKE, one_line, tree
from tests.toy_runs import FOLDS, SAMPLES, SPEC, TESTS, TRUTH, Toy, dense, write_run

Make = Callable[..., RunFolder]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the toy's runs lie."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "find", lambda name: "toy")
    monkeypatch.setattr(registry, "load_spec", lambda folder: SPEC)
    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Toy()})
    return tmp_path / "runs" / "toy"


def blended(*names: str, **options: Any) -> RunFolder:
    """A blend of the toy's runs "a" and "b", or of others."""
    return blend(BlendRequest("toy", names or ("a", "b"), **options), say=lambda line: None)


def column(run: RunFolder, stem: str = "oof") -> dict[str, float]:
    """The predictions of a run by sample."""
    frame = pd.read_parquet(run / f"{stem}.parquet")
    return dict(zip(frame["sample"], frame["p_value"].astype(float), strict=True))


def weights_in(run: RunFolder) -> list[float]:
    return [part["weight"] for part in files.read_json(run / "settings.json")["blend"]["parts"]]


# ---- what is mixed ------------------------------------------------------------------------------


def test_the_mean_is_taken_by_sample_and_scored(place: Path) -> None:
    write_run(place / "a", 1.0)
    # the same rows in another order
    shuffled = dense(SAMPLES[::-1], (TRUTH - 3)[::-1])
    write_run(place / "b", oof=shuffled, test=dense(TESTS[::-1], [-3, -3, -3]))
    run = blended()
    assert column(run) == {name: truth - 1 for name, truth in zip(SAMPLES, TRUTH, strict=True)}
    assert column(run, "test") == dict.fromkeys(TESTS, -1.0)
    assert files.read_json(run / "scores.json")["pooled"] == 1.0
    assert (run / "submission.csv").read_text() == "id,value\nt0,-1.0\nt1,-1.0\nt2,-1.0\n"
    assert run.open_finished()["blend"]["method"] == "mean"


def test_given_weights_are_brought_to_the_sum_one(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    run = blended(weights=(3.0, 1.0))
    assert weights_in(run) == [0.75, 0.25]
    assert files.read_json(run / "scores.json")["pooled"] == 0.0


def test_weights_are_fitted_on_the_other_folds_and_so_scored(place: Path) -> None:
    """Fold 0 has the errors +1 and -1 and is best mixed half and half; fold 1 has +1 and -3, best
    3/4 to 1/4. With the weights of the other fold, fold 0 is 1/2 off and fold 1 is 1 off; the
    weights that are fitted on both are 3/4 and 1/4, and would have shown 1/4."""
    write_run(place / "a", 1.0)
    write_run(place / "b", np.where(FOLDS == 0, -1.0, -3.0))
    run = blended(method="weights")
    found = files.read_json(run / "settings.json")["blend"]
    assert found["by_fold"] == {"0": [0.75, 0.25], "1": [0.5, 0.5]}
    assert weights_in(run) == [0.75, 0.25]
    scores = files.read_json(run / "scores.json")
    assert [entry["score"] for entry in scores["folds"]] == [0.5, 1.0]
    assert scores["pooled"] == 0.75
    above = {name: 0.5 if fold == 0 else -1.0 for name, fold in zip(SAMPLES, FOLDS, strict=True)}
    stored = {name: found - 10 * int(name[1:]) for name, found in column(run).items()}
    assert stored == above
    # the test set has the errors of the rows 0, 1 and 2, which are in the folds 0, 1 and 0
    assert column(run, "test") == {"t0": 0.5, "t1": 0.0, "t2": 0.5}


def test_a_fold_is_decided_by_rows_that_were_mixed_without_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], list[float]]] = []

    class Deciding(Toy):
        def decide(self, oof: Any, solution: pd.DataFrame) -> Decision:
            seen.append((oof.samples.tolist(), oof.values[:, 0].tolist()))
            return {}

    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Deciding()})
    write_run(place / "a", 1.0)
    write_run(place / "b", np.where(FOLDS == 0, -1.0, -3.0))
    blended(method="weights")
    odd = [name for name, fold in zip(SAMPLES, FOLDS, strict=True) if fold == 1]
    of_odd = [values for samples, values in seen if samples == odd]
    # first while the weights are fitted, then to decide fold 0: 3/4 to 1/4 meet the truth there
    assert of_odd == [[9, 29, 49, 69], [10, 30, 50, 70]]


def test_ranks_are_mixed_where_order_alone_counts(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(SPEC, metric=area_under_roc)

    class Ordered(Toy):
        pass

    Ordered.spec = spec
    monkeypatch.setattr(registry, "load_spec", lambda folder: spec)
    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Ordered()})
    positive = [0, 0, 0, 1, 0, 1, 1, 1]

    def labelled(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(value=[float(positive[int(name[1:])]) for name in rows["sample"]])

    write_run(place / "a", oof=dense(SAMPLES, np.arange(8)), rows=labelled)
    large = dense(SAMPLES, [0, 0, 0, 0, 9e6, 9e6, 9e6, 9e6])
    write_run(place / "b", oof=large, rows=labelled)
    run = blended(method="rank")
    # ranks 1/16, 3/16 … and 1/4 or 3/4
    expected = [(k + 0.5) / 16 + (1 + 2 * (k > 3)) / 8 for k in range(8)]
    assert column(run) == pytest.approx(dict(zip(SAMPLES, expected, strict=True)), abs=1e-7)
    # of the 16 pairs of a positive and a negative row one stands the wrong way round: 3 and 4
    assert files.read_json(run / "scores.json")["pooled"] == pytest.approx(15 / 16)


def test_maps_are_blended_from_disk_and_neither_ranked_nor_fitted(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Brightness(Toy):
        """Answers with a map's first pixel."""

        def submission(self, items: pd.DataFrame, predictions: Any, decision: Decision) -> Any:
            maps = predictions.select(items["sample"].to_numpy()).values
            return zip(items["id"], maps[:, 0, 0, 0].astype(float).tolist(), strict=True)

    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Brightness()})
    (tmp_path / "data/toy").mkdir(parents=True)
    (tmp_path / "data/toy/sample_submission.csv").write_text("id,value\nt0,0\nt1,0\nt2,0\n")

    def maps(names: list[str], start: int) -> MapStack:
        values = np.arange(start, start + len(names), dtype=np.uint8)
        return MapStack(np.array(names), np.tile(values[:, None, None, None], (1, 1, 2, 2)))

    write_run(place / "a", oof=maps(SAMPLES, 100), test=maps(TESTS, 0))
    write_run(place / "b", oof=maps(SAMPLES[::-1], 100), test=maps(TESTS, 40))
    run = blended(weights=(3.0, 1.0))
    found = load_predictions(run.path, "oof", ())
    by_name = dict(zip(found.samples.tolist(), found.values[:, 0, 1, 1].tolist(), strict=True))  # type: ignore[attr-defined]
    # 3/4·(100 + k) + 1/4·(107 - k) = 101.75 + k/2
    assert [by_name[name] for name in SAMPLES] == [102, 102, 103, 103, 104, 104, 105, 105]
    assert (run / "submission.csv").read_text() == "id,value\nt0,10.0\nt1,11.0\nt2,12.0\n"
    for method in ("rank", "weights"):
        with pytest.raises(UsageError, match="predicts maps"):
            blended(method=method)


def test_a_blend_can_be_a_part(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    write_run(place / "c", 4.0)
    blended(run="ab", weights=(3.0, 1.0))
    run = blended("ab", "c", run="abc")
    assert column(run, "test") == dict.fromkeys(TESTS, 2.0)


def test_ids_of_several_parts_are_joined_and_answered(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(SPEC, submission=replace(SPEC.submission, key_columns=("id", "side")))

    class Sided(Toy):
        pass

    Sided.spec = spec
    monkeypatch.setattr(registry, "load_spec", lambda folder: spec)
    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Sided()})

    def sided(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(id=[f'["{name}", "left"]' for name in rows["id"]])

    for name, errors in (("a", 1.0), ("b", -3.0)):
        write_run(place / name, errors, rows=sided, test_rows=sided)
        asked = "id,side,value\nt1,left,0\nt0,left,0\nt2,left,0\n"
        (place / name / "submission.csv").write_text(asked)
    run = blended()
    expected = "id,side,value\nt1,left,-1.0\nt0,left,-1.0\nt2,left,-1.0\n"
    assert (run / "submission.csv").read_text() == expected
    assert (run / "oof_solution.csv").read_text().startswith("id,side,value\ns0,left,0.0\n")
    assert column(run, "test") == dict.fromkeys(TESTS, -1.0)


def test_a_favourable_epoch_of_a_part_is_not_forgotten(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    scores = files.read_json(place / "b/scores.json")
    files.write_json(place / "b/scores.json", {**scores, "epoch": "chosen on this fold"})
    RunFolder(place / "b").record([place / "b/scores.json"])
    assert files.read_json(blended() / "scores.json")["epoch"] == "chosen on this fold"


def test_it_says_whether_it_was_worth_it(place: Path) -> None:
    write_run(place / "a", 1.0, pooled=1.0)
    write_run(place / "b", -3.0, pooled=3.0)
    said: list[str] = []
    blend(BlendRequest("toy", ("a", "b"), weights=(3.0, 1.0)), say=said.append)
    assert "better than its best part, a (1) by 1" in said
    said.clear()
    blend(BlendRequest("toy", ("a", "b"), weights=(0.0, 1.0), run="bad"), say=said.append)
    assert "worse than its best part, a (1) by 2" in said


# ---- what is refused ----------------------------------------------------------------------------


def without_row(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["sample"].isin(["s3", "t1"])]


def changed(name: str, sample: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows["sample"] == sample, name] = value
        return rows

    return change


TWO = dense(SAMPLES, TRUTH, TRUTH, names=("p_value", "p_other"))
BOXES = Ragged(np.array(SAMPLES), np.zeros((0, 4)), np.zeros(0, dtype=int), ("x", "y", "w", "h"))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"rows": without_row}, "sample 's3' is in a alone"),
        ({"rows": changed("fold", "s5", 0)}, "sample 's5' has fold 1 and 0"),
        ({"rows": changed("value", "s2", 21.0)}, r"sample 's2' has value 20.0 and 21.0"),
        ({"rows": changed("id", "s6", "x")}, "sample 's6' has id s6 and x"),
        ({"test_rows": without_row}, "in the test set sample 't1' is in a alone"),
        ({"test_rows": changed("id", "t2", "x")}, "in the test set sample 't2' has id t2 and x"),
        ({"oof": TWO}, "column 'p_other' is in one alone"),
        ({"oof": dense(SAMPLES, TRUTH, names=("p_x",))}, "column 'p_value' is in one alone"),
        ({"oof": BOXES}, "any number of rows per sample"),
        ({"competition": "digits"}, "is a run of digits; expected toy"),
        ({"without": ("oof.parquet",)}, "has no oof.parquet; expected out-of-fold predictions"),
        ({"without": ("test.parquet",)}, "has no test.parquet; .* scripts/predict.py"),
    ],
)
def test_runs_that_do_not_fit_together_are_refused_and_nothing_is_written(
    place: Path, other: dict[str, Any], expected: str
) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0, **other)
    before = tree(place)
    with pytest.raises(RunError, match=expected):
        blended()
    assert tree(place) == before


def test_the_first_sample_that_differs_is_named_in_the_order_of_the_first_run(place: Path) -> None:
    write_run(place / "a", 1.0)
    two = changed("value", "s7", 1.0)
    write_run(place / "b", -3.0, rows=lambda rows: changed("fold", "s4", 7)(two(rows)))
    with pytest.raises(RunError, match="sample 's4' has fold 0 and 7"):
        blended()
    shutil.rmtree(place / "b")
    write_run(place / "b", -3.0, rows=without_row)
    with pytest.raises(RunError, match="sample 's3' is in a alone"):
        blended("b", "a")


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (("a",), {}, "1 run was named; expected two or more"),
        (("a", "a"), {}, "is the same run as"),
        (("a", "b", "copy"), {}, "copy is the same run as .*/a; expected every run once"),
        (("a", "none"), {}, "holds no run"),
        (("a", "b"), {"weights": (1.0,)}, "1 weights were given for 2 runs"),
        (("a", "b"), {"weights": (1.0, -1.0)}, "expected numbers from 0"),
        (("a", "b"), {"weights": (0.0, 0.0)}, "not all of them 0"),
        (("a", "b"), {"weights": (1.0, float("nan"))}, "expected numbers from 0"),
        (("a", "b"), {"weights": (1.0, 1.0), "method": "weights"}, "expected one of both"),
        (("a", "b"), {"method": "median"}, "no method 'median'"),
        (("a", "b"), {"run": "a", "overwrite": True}, "is a part of the blend"),
        (("a", "b"), {"run": "copy"}, "holds a run; .*--overwrite"),
        (("a", "b"), {"run": "mine"}, "holds other files"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_and_nothing_is_written(
    place: Path, names: tuple[str, ...], options: dict[str, Any], expected: str
) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    shutil.copytree(place / "a", place / "copy")
    (place / "mine").mkdir()
    (place / "mine/thesis.txt").write_text("years of work")
    before = tree(place)
    with pytest.raises(KitError, match=expected):
        blended(*names, **options)
    assert tree(place) == before


def test_an_unfinished_run_and_one_that_does_not_belong_together_are_refused(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    (place / "b/UNFINISHED").write_text("")
    with pytest.raises(RunError, match="is unfinished; go on with train and --resume"):
        blended()
    (place / "b/UNFINISHED").unlink()
    (place / "b/oof.parquet").write_bytes((place / "b/oof.parquet").read_bytes()[:-9])
    with pytest.raises(RunError, match=r"does not belong together: oof\.parquet"):
        blended()


def test_weights_are_not_fitted_on_one_fold(place: Path) -> None:
    def first_fold(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["fold"] == 0]

    for name, errors in (("a", 1.0), ("b", -3.0)):
        write_run(place / name, errors, rows=first_fold, folds=[0])
    with pytest.raises(UsageError, match="hold fold 0 alone; expected two or more"):
        blended(method="weights")
    assert files.read_json(blended() / "scores.json")["rows"] == 4


def test_real_and_synthetic_runs_are_not_blended(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    (place / "b/FIXTURE.json").write_text('{"called": "synthetic", "rungs": []}')
    with pytest.raises(RunError, match=r"other data \(FIXTURE.json differs\)"):
        blended()


def test_what_a_rehearsal_made_is_not_blended(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    record = {"config": {}, "rehearsal": {"name": "train"}}
    files.write_json(place / "b/kernel.json", record)
    with pytest.raises(RunError, match="was made by a rehearsal"):
        blended()


def test_answers_that_need_more_than_ids_need_the_data(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Own(Toy):
        def solution(self, items: pd.DataFrame, context: Context) -> pd.DataFrame:
            return Pipeline.solution(self, items, context)

    monkeypatch.setattr(registry, "load_pipelines", lambda folder: {"toy": Own()})
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    with pytest.raises(KitError, match="data/toy does not exist"):
        blended()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/sample_submission.csv").write_text("id,value\nt2,0\nt0,0\n")
    run = blended(data=tmp_path / "elsewhere")
    assert (run / "submission.csv").read_text() == "id,value\nt2,-1.0\nt0,-1.0\n"
    assert not (place / "a/shared").exists()


# ---- what is left where it fails ----------------------------------------------------------------


def test_a_blend_that_fails_leaves_nothing_and_one_that_was_to_replace_puts_the_old_back(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    before = tree(place)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(blending, "write_report", fail)
        with pytest.raises(KeyboardInterrupt):
            blended()
        assert tree(place) == before
    assert sorted(path.name for path in place.iterdir()) == ["a", "b"]
    blended()
    before = tree(place)
    with monkeypatch.context() as patch:
        patch.setattr(blending, "write_report", fail)
        with pytest.raises(KeyboardInterrupt):
            blended(overwrite=True)
    assert tree(place) == before
    assert sorted(path.name for path in place.iterdir()) == ["a", "b", "blend-mean"]


def test_the_parts_stay_as_they_are_and_the_same_request_gives_the_same_blend(place: Path) -> None:
    write_run(place / "a", 1.0)
    write_run(place / "b", -3.0)
    before = tree(place)
    made = []
    for name in ("one", "two"):
        found = tree(blended(run=name).path)
        del found["environment.json"]  # its seconds
        made.append({path: text for path, text in found.items() if path != "report.html"})
    assert made[0] == made[1]
    assert before.items() <= tree(place).items()


# ---- on the digits ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def svc_run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run of the support vector machine, on the folds of `smoke_run`."""
    run = tmp_path_factory.mktemp("runs") / "svc"
    argv = [*SMOKE, "--pipeline", "svc", "--data", str(digits), "--run", str(run)]
    assert train.main(argv) == 0
    return run


@pytest.mark.slow
def test_two_runs_of_the_digits_are_blended_from_the_command_line(
    smoke_run: Path, svc_run: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "blend"
    argv = ["digit-recognizer", str(smoke_run), str(svc_run), "--run", str(out)]
    assert script.main([*argv, "--method", "weights"]) == 0
    assert "out of fold: " in capsys.readouterr().out
    scores = files.read_json(out / "scores.json")
    files_of = [str(out / f"oof_{name}.csv") for name in ("submission", "solution")]
    asked = ["digit-recognizer", "--submission", files_of[0], "--solution", files_of[1]]
    assert score.main(asked) == 0
    assert f"score: {scores['pooled']!r}" in capsys.readouterr().out
    assert scores["metric"] == accuracy.name
    assert scores["interval"]["n_test"] == 500
    assert {rung["name"] for rung in scores["rungs"]} >= {smoke_run.name, svc_run.name}
    page = (out / "report.html").read_text()
    assert "Parts and environment" in page
    assert "scripts/blend.py digit_recognizer" in page
    assert "scripts/predict.py" not in page
    assert "bundled handwritten digits" in page

    # a second one needs --overwrite, and with the data the report has pictures
    assert script.main(argv) == 2
    assert "--overwrite" in one_line(capsys)
    assert script.main([*argv, "--weights", "1,1", "--data", str(digits), "--overwrite"]) == 0
    capsys.readouterr()
    assert page.count("<img") < (out / "report.html").read_text().count("<img")

    # it holds no models, and says so in one line
    alone = ["digit-recognizer", "--run", str(out), "--data", str(digits)]
    for main in (validate.main, predict.main):
        assert main(alone) == 2
        line = one_line(capsys)
        assert f"is a blend of {smoke_run.name}, {svc_run.name} and holds no models" in line
        assert "scripts/blend.py" in line
    assert merge_runs.main([*argv[:1], str(out), argv[1], "--out", str(tmp_path / "merged")]) == 2
    assert "holds no models" in one_line(capsys)


@pytest.mark.slow
def test_a_blend_that_was_killed_is_unfinished_and_is_made_again(
    smoke_run: Path, svc_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "blend"
    argv = ["digit-recognizer", str(smoke_run), str(svc_run), "--run", str(out)]
    killed = (
        "import os, sys\n"
        "from common import blending\n"
        "blending.score_oof = lambda *_, **__: os._exit(9)\n"
        "from scripts.blend import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, *argv], cwd=REPOSITORY, check=False)
    assert done.returncode == 9
    assert (out / "oof.parquet").is_file()
    assert script.main(["digit-recognizer", str(out), str(svc_run)]) == 2
    assert "is unfinished; blend again with --overwrite" in one_line(capsys)
    assert script.main(argv) == 2
    assert "--overwrite" in one_line(capsys)
    assert script.main([*argv, "--overwrite"]) == 0
    assert RunFolder(out).open_finished()["blend"]["method"] == "mean"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blend"]
