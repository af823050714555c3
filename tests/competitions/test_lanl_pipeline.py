"""The earthquakes from the recording to the submission: folds, both models, the test set."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common import folds as make_folds
from common.collect import Dense
from common.errors import DataError, SettingsError
from common.files import read_json
from common.fixtures import write_fixture
from common.pipeline import Context
from common.score import read_aligned
from competitions.lanl_earthquake_prediction import features, fixture
from competitions.lanl_earthquake_prediction.pipeline import (
    PIPELINES,
    EarthquakeNet,
    EarthquakeTrees,
    NetSettings,
    TreeSettings,
)
from competitions.lanl_earthquake_prediction.recording import Recording
from competitions.lanl_earthquake_prediction.segments import HOST_ROWS, rows_of_a_segment
from competitions.lanl_earthquake_prediction.spec import SPEC
from competitions.lanl_earthquake_prediction.split_check import check_splits
from scripts import blend, predict, train

SLUG = "lanl-earthquake-prediction"
# of the host's recording: first rows of the cycles, the end, and the seconds of each cycle
HOST_STARTS = (
    *(0, 5656574, 50085878, 104677356, 138772453, 187641820, 218652630, 245829585, 307838917),
    *(338276287, 375377848, 419368880, 461811623, 495800225, 528777115, 585568144, 621985673),
    629145480,
)
HOST_SECONDS = (
    *(1.47, 11.54, 14.18, 8.86, 12.69, 8.06, 7.06, 16.11, 7.91, 9.64, 11.43, 11.02),
    *(8.83, 8.57, 14.75, 9.46, 11.6),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lanl") / "data"
    return write_fixture(folder, fixture.write, seed=0)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lanl-work")


@pytest.fixture
def context(data: Path, work: Path) -> Context:
    """The fixture, prepared."""
    prepared = Context(root=data, work=work, shared=work / "shared")
    for pipeline in PIPELINES.values():
        pipeline.configured(pipeline.presets["smoke"]).prepare(prepared)
    return prepared


@pytest.fixture
def changed(data: Path, context: Context, tmp_path: Path) -> Callable[..., Context]:
    """The fixture with another test set; the recording is linked."""

    def change(n_rows: int = 3) -> Context:
        root = tmp_path / "data"
        root.mkdir()
        fixture.with_test_rows(data, root, n_rows)
        for name in ("train.csv", "FIXTURE.json"):
            (root / name).hardlink_to(data / name)
        return Context(root=root, work=context.work, shared=context.shared)

    return change


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A smoke run of each pipeline."""
    place = tmp_path_factory.mktemp("lanl-runs")
    runs = {name: place / name for name in PIPELINES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(place))
        for name, run in runs.items():
            argv = [SLUG, "--pipeline", name, "--preset", "smoke", "--data", str(data)]
            assert train.main([*argv, "--run", str(run)]) == 0
    return runs


# ---- the fixture --------------------------------------------------------------------------------


def test_the_fixture_holds_every_case_that_the_host_has(data: Path, context: Context) -> None:
    (folder,) = context.work.glob("recording-*")
    recording = Recording.open(folder)
    solution = pd.read_csv(data / "solution.csv", dtype={"seg_id": str})
    assert len(recording.resets) == len(fixture.CYCLES) - 1
    # partial at either end: from 1.5 s on, and until 4.5 s before a failure
    assert recording.times[0] == pytest.approx(1.5, abs=0.02)
    assert recording.times[-1] == pytest.approx(4.5, abs=0.02)
    # jumps of 1.06e-3 s, 36 or 37 in a segment, as blocks have 41 rows
    first = pd.read_csv(data / "train.csv", nrows=1_500)["time_to_failure"]
    falls = -np.diff(first)
    assert (falls > 1e-3).sum() in (36, 37)
    assert np.flatnonzero(falls > 1e-3)[0] + 1 == 40  # the first block is a row short
    assert falls[falls < 1e-3] == pytest.approx(1.1e-9, abs=2e-10)
    # a segment between the large burst and the reset, and one whose mean has drifted
    assert solution["time_to_failure"].min() < fixture.BURST_BEFORE
    medians = [pd.read_csv(path)["acoustic_data"].median() for path in (data / "test").iterdir()]
    assert len(medians) == len(solution) == 100
    assert sorted(medians)[-1] >= sorted(medians)[-2] + 2
    # the large burst itself, long after the cycle's other sounds
    assert recording.signal.max() > 1_000


def test_segments_across_a_reset_do_not_train(context: Context) -> None:
    items = EarthquakeTrees().items("train", context)
    (folder,) = context.work.glob("recording-*")
    resets = Recording.open(folder).resets
    first, last = items["start"].to_numpy(), items["start"].to_numpy() + 1_499
    across = [((first < reset) & (reset <= last)).any() for reset in resets]
    assert not any(across)
    n_whole = len(Recording.open(folder).signal) // 1_500
    assert len(items) == n_whole - len(resets)  # no reset of this fixture lies between two
    assert items["time_to_failure"].max() < 16.0
    assert items["sample"].iloc[1] == "row_000001500"


# ---- folds --------------------------------------------------------------------------------------


def test_no_cycle_stands_on_both_sides_and_folds_are_alike() -> None:
    starts, ends = HOST_STARTS[:-1], HOST_STARTS[1:]
    n_segments = [(end - start) // HOST_ROWS for start, end in zip(starts, ends, strict=True)]
    cycles = np.repeat(np.arange(17), n_segments)
    times = np.concatenate(
        [
            seconds - 0.03896 * np.arange(n)
            for seconds, n in zip(HOST_SECONDS, n_segments, strict=True)
        ]
    )
    for seed in range(3):
        folds = make_folds.cycles(cycles, times, 5, seed)
        assert all(len(np.unique(folds[cycles == cycle])) == 1 for cycle in range(17))
        shares = np.bincount(folds) / len(folds)
        means = np.bincount(folds, weights=times) / np.bincount(folds)
        # the 15th place's own, found by hand: 19 to 21 % of the rows, means within 0.3 s
        assert shares.min() > 0.18
        assert shares.max() < 0.22
        assert np.ptp(means) < 1.0
        assert np.array_equal(folds, make_folds.cycles(cycles, times, 5, seed))


def test_fewer_cycles_than_folds_are_told() -> None:
    with pytest.raises(DataError, match="there are 3 groups for 5 folds"):
        make_folds.cycles(np.repeat([0, 1, 2], 4), np.zeros(12), 5, seed=0)


def test_shuffled_folds_are_warned_of_only_where_they_look_better() -> None:
    generator = np.random.default_rng(0)
    cycles, times = np.repeat(np.arange(10), 60), np.tile(np.linspace(10, 0, 60), 10)
    signal = (times + generator.normal(0, 1, 600))[:, None]
    clean = check_splits(signal, times, cycles, 5, seed=0)
    assert "warning" not in clean.told()
    # the lengths of cycles differ, and what drifts tells one from another
    lengths = generator.uniform(0.5, 1.5, 10)[cycles]
    drifting = np.column_stack([signal, 10.0 * cycles])
    leaking = check_splits(drifting, times * lengths, cycles, 5, seed=0)
    assert leaking.shuffled < leaking.by_cycle
    assert "warning: shuffled folds would look better and mislead" in leaking.told()


def test_the_warning_stands_in_the_log_and_in_the_run(
    context: Context, trained: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    EarthquakeTrees().configured(EarthquakeTrees.presets["smoke"]).prepare(context)
    assert "warning: shuffled folds would look better" in capsys.readouterr().out
    errors = read_json(trained["trees"] / "shared" / "segments.json")["mean_absolute_errors"]
    assert errors["shuffled"] < 0.8 * errors["by_cycle"]


# ---- the models ---------------------------------------------------------------------------------


def test_both_models_are_better_than_ridge_and_the_constant(
    trained: dict[str, Path], context: Context
) -> None:
    items = EarthquakeTrees().items("train", context).set_index("sample")
    oof = {name: pd.read_parquet(run / "oof.parquet") for name, run in trained.items()}
    folds = oof["trees"].set_index("sample")["fold"].loc[items.index].to_numpy()
    used = items[list(EarthquakeTrees().used())].to_numpy(np.float64)
    truth, ridge = items["time_to_failure"].to_numpy(), np.empty(len(items))
    for fold in range(3):
        known = folds != fold
        ridge[~known] = fixture.ridge(used[known], truth[known], used[~known])
    constant = np.abs(truth - np.median(truth)).mean()
    by_ridge = np.abs(ridge - truth).mean()
    assert by_ridge < 0.7 * constant
    for name in PIPELINES:
        error = (oof[name]["p_time_to_failure"] - oof[name]["time_to_failure"]).abs().mean()
        assert error < by_ridge, name


def test_both_runs_have_the_same_folds_and_blend(
    trained: dict[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    tables = [pd.read_parquet(run / "folds.parquet") for run in trained.values()]
    assert tables[0].equals(tables[1])
    runs = [str(run) for run in trained.values()]
    assert blend.main([SLUG, *runs, "--run", str(tmp_path / "both"), "--data", str(data)]) == 0
    pooled = [read_json(Path(run) / "scores.json")["pooled"] for run in (*runs, tmp_path / "both")]
    assert pooled[2] < max(pooled[:2])


def test_every_test_segment_scores_better_than_the_rungs(
    trained: dict[str, Path], data: Path
) -> None:
    rungs = {rung["name"]: rung["score"] for rung in read_json(data / "FIXTURE.json")["rungs"]}
    for run in trained.values():
        aligned, _ = read_aligned(SPEC, run / "submission.csv", data / "solution.csv")
        assert aligned.score(SPEC.metric) < min(rungs.values())


def test_a_drifted_mean_changes_no_answer(
    trained: dict[str, Path], changed: Callable[..., Context]
) -> None:
    context = changed(2)
    first, second = sorted((context.root / "test").iterdir())
    moved = pd.read_csv(first) + 30
    moved.to_csv(second, index=False)
    for name, run in trained.items():
        pipeline = PIPELINES[name].configured(PIPELINES[name].presets["smoke"])
        items = pipeline.items("test", context)
        predicted = pipeline.load_fold(run / "fold0", context).predict(items).values[:, 0]
        assert predicted[0] == pytest.approx(predicted[1], abs=1e-6), name


def test_the_charts_stand_in_the_report(trained: dict[str, Path]) -> None:
    page = (trained["trees"] / "report.html").read_text(encoding="utf-8")
    assert "Predicted and true time along the recording" in page
    assert "Error of each cycle" in page


def test_no_answer_is_below_zero() -> None:
    items = pd.DataFrame({"sample": ["a", "b"], "id": ["a", "b"]})
    values = np.array([[-0.5], [2.0]], dtype=np.float32)
    given = Dense(np.array(["a", "b"]), values, ("p_time_to_failure",))
    assert list(EarthquakeTrees().submission(items, given, {})) == [("a", 0.0), ("b", 2.0)]


# ---- the test set -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("name", [*PIPELINES])
def test_test_sets_of_one_and_three_segments(
    trained: dict[str, Path],
    changed: Callable[..., Context],
    tmp_path: Path,
    name: str,
    n_rows: int,
) -> None:
    context, out = changed(n_rows), tmp_path / "submission.csv"
    argv = [SLUG, "--run", str(trained[name]), "--data", str(context.root), "--out", str(out)]
    assert predict.main(argv) == 0
    with out.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["seg_id", "time_to_failure"]
    assert len(rows) == n_rows


@pytest.mark.parametrize("name", [*PIPELINES])
def test_a_test_set_of_none_is_told_and_its_items_are_predicted(
    trained: dict[str, Path],
    changed: Callable[..., Context],
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    context = changed(0)
    argv = [SLUG, "--run", str(trained[name]), "--data", str(context.root)]
    assert predict.main([*argv, "--out", str(context.root / "submission.csv")]) == 2
    assert "sample_submission.csv has a header and no rows" in capsys.readouterr().err
    pipeline = PIPELINES[name].configured(PIPELINES[name].presets["smoke"])
    items = pipeline.items("test", context)
    assert (len(items), list(items)[:2]) == (0, ["sample", "id"])
    predicted = pipeline.load_fold(trained[name] / "fold0", context).predict(items)
    assert predicted.values.shape == (0, 1)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda text: text[: text.rindex(b"\n", 0, -1) + 1], "has 1,499 rows; expected 1,500"),
        (lambda text: text + b"4\n", "has 1,501 rows; expected 1,500"),
        (lambda text: text[: text.index(b"\n") + 1], "holds a header and no rows"),
        (lambda text: b"", "begins with nothing"),
        (lambda text: text[:-1], "has no end; the file was cut"),
        (lambda text: text.replace(b"\n", b"\n40000\n", 1), "row 1 holds '40000' as acoustic_data"),
        (lambda text: text.replace(b"\n", b",time_to_failure\n", 1), "begins with 'acoustic_data,"),
    ],
)
def test_a_segment_that_is_not_whole_is_named(
    changed: Callable[..., Context], edit: Callable[[bytes], bytes], words: str
) -> None:
    context = changed(3)
    path = sorted((context.root / "test").iterdir())[1]
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(DataError, match=words) as caught:
        EarthquakeTrees().items("test", context)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_segment_may_begin_with_a_byte_order_mark(changed: Callable[..., Context]) -> None:
    context = changed(1)
    expected = EarthquakeTrees().items("test", context)
    (path,) = (context.root / "test").iterdir()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert EarthquakeTrees().items("test", context).equals(expected)


def test_a_missing_folder_of_test_segments_is_named(changed: Callable[..., Context]) -> None:
    context = changed(1)
    shutil.rmtree(context.root / "test")
    with pytest.raises(DataError, match="test does not exist; expected a CSV per segment"):
        EarthquakeNet().items("test", context)


# ---- settings -----------------------------------------------------------------------------------


def test_a_fixture_says_its_own_length_and_the_host_has_150000(data: Path, tmp_path: Path) -> None:
    assert rows_of_a_segment(TreeSettings(), data) == 1_500
    assert rows_of_a_segment(TreeSettings(), tmp_path) == 150_000
    assert rows_of_a_segment(NetSettings(segment_rows=3_000), data) == 3_000


def test_segments_may_overlap(context: Context) -> None:
    pipeline = EarthquakeTrees(TreeSettings(starts=3))
    items = pipeline.items("train", context)
    assert np.diff(items["start"])[:5].tolist() == [500] * 5
    with pytest.raises(DataError, match="2 segments cannot begin within 1,500 rows"):
        EarthquakeTrees(TreeSettings(starts=2)).items("train", context)


@pytest.mark.parametrize("rows", [750, 1_000, 1_600, -1])
def test_lengths_that_cannot_be_are_refused(rows: int) -> None:
    with pytest.raises(SettingsError, match=r"segment_rows is .*expected 0, or a multiple of 500"):
        TreeSettings(segment_rows=rows)


def test_trees_do_not_see_what_drifts_unless_they_are_told_to() -> None:
    assert set(features.NAMES) - set(EarthquakeTrees().used()) == {"mean", "median"}
    assert EarthquakeTrees(TreeSettings(drifting=True)).used() == features.NAMES
