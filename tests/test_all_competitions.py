"""Every folder under competitions/ keeps the promises of a competition folder."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import paths, registry
from common.files import read_json
from scripts import check_submission, fixture, folds, score, train

pytestmark = pytest.mark.slow

HEADINGS = (
    "Task",
    "Data",
    "Metric",
    "Submission",
    "Folds",
    "Baseline",
    "Commands",
    "What to try next",
    "Sources",
)
MARGIN = re.compile(r"^Margin over the constant submission on the fixture: ([0-9.]+)$", re.M)
FOLDERS = registry.folders()
TRAINED = [name for name in FOLDERS if (registry.directory(name) / "pipeline.py").is_file()]


def readme(folder: str) -> str:
    return (registry.directory(folder) / "README.md").read_text(encoding="utf-8")


def header_and_length(path: Path, separator: str) -> tuple[list[str], int]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter=separator))
    return rows[0], len(rows) - 1


def score_of(
    capsys: pytest.CaptureFixture[str], folder: str, submission: Path, data: Path
) -> float:
    argv = [folder, "--submission", str(submission), "--solution", str(data / "solution.csv")]
    capsys.readouterr()
    assert score.main([*argv, "--json"]) == 0
    return float(json.loads(capsys.readouterr().out)["score"])


@pytest.fixture(scope="module", params=TRAINED)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, list[Path]]:
    """A folder's name, its fixture, and two smoke runs with one seed."""
    folder = str(request.param)
    place = tmp_path_factory.mktemp(folder)
    data = place / "data"
    assert fixture.main([folder, "--out", str(data)]) == 0
    runs = [place / "first", place / "second"]
    for run in runs:
        argv = [folder, "--preset", "smoke", "--data", str(data), "--run", str(run)]
        assert train.main(argv) == 0
    return folder, data, runs


@pytest.mark.parametrize("folder", FOLDERS)
def test_spec_loads_without_heavy_packages(folder: str) -> None:
    code = (
        f"import sys, competitions.{folder}.spec as s; s.SPEC.slug; "
        "heavy = {'torch', 'fastai', 'sklearn', 'pandas'} & set(sys.modules); "
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=paths.repository(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_readme_has_the_headings_in_their_order(folder: str) -> None:
    found = re.findall(r"^## (.+)$", readme(folder), re.M)
    assert [heading for heading in found if heading in HEADINGS] == list(HEADINGS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_pipelines_have_the_two_presets(folder: str) -> None:
    if folder in TRAINED:
        for pipeline in registry.load_pipelines(folder).values():
            assert {"smoke", "baseline"} <= set(pipeline.presets)
            assert pipeline.spec is registry.load_spec(folder)


def test_fixture_has_the_layout_that_the_spec_names(trained: tuple[str, Path, list[Path]]) -> None:
    folder, data, _ = trained
    spec = registry.load_spec(folder)
    for file in spec.files:
        header, n_rows = header_and_length(data / file.name, file.separator)
        assert n_rows > 0
        assert set(file.columns) <= set(header), file.name
    sample = spec.file("sample_submission")
    with (data / sample.name).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == spec.submission.header
    key = spec.submission.key_columns[0]
    assert all(re.fullmatch(spec.id_pattern, row[key]) for row in rows)
    facts = read_json(data / "FIXTURE.json")
    assert {"seed", "version", "synthetic", "called", "rungs"} <= set(facts)


def test_sample_submission_is_valid_and_scores(
    trained: tuple[str, Path, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data, _ = trained
    sample = data / registry.load_spec(folder).file("sample_submission").name
    argv = [folder, "--submission", str(sample), "--sample", str(sample)]
    assert check_submission.main(argv) == 0
    score_of(capsys, folder, sample, data)


def test_smoke_beats_the_constant_submission_by_the_stated_margin(
    trained: tuple[str, Path, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data, runs = trained
    spec = registry.load_spec(folder)
    stated = MARGIN.search(readme(folder))
    assert stated, "the README states no margin"
    constant = score_of(capsys, folder, data / spec.file("sample_submission").name, data)
    ours = score_of(capsys, folder, runs[0] / "submission.csv", data)
    gain = ours - constant if spec.metric.higher_is_better else constant - ours
    assert gain >= float(stated.group(1))


def test_same_seed_gives_the_same_submission(trained: tuple[str, Path, list[Path]]) -> None:
    _, _, runs = trained
    first, second = (run / "submission.csv" for run in runs)
    assert first.read_bytes() == second.read_bytes()


def test_no_leak_is_reported_of_the_fixture(trained: tuple[str, Path, list[Path]]) -> None:
    folder, data, runs = trained
    argv = [
        folder,
        "--preset",
        "smoke",
        "--data",
        str(data),
        "--out",
        str(runs[0].parent / "folds"),
    ]
    assert folds.main(argv) == 0
    report = read_json(runs[0].parent / "folds" / "leaks.json")
    # pairs of pictures may be planted, and are warnings; a test set that differs would be neither
    checks = {one["check"] for one in report["findings"] if one["level"] == "warning"}
    assert checks <= {"duplicates in train and test", "targets"}


def test_run_folder_is_finished_and_whole(trained: tuple[str, Path, list[Path]]) -> None:
    _, _, runs = trained
    assert not (runs[0] / "UNFINISHED").exists()
    for name in ("settings.json", "environment.json", "folds.parquet", "oof.parquet"):
        assert (runs[0] / name).is_file(), name
    for name in ("scores.json", "test.parquet", "report.html", "manifest.json"):
        assert (runs[0] / name).is_file(), name


def test_pooled_score_agrees_to_the_last_digit(
    trained: tuple[str, Path, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, runs = trained
    argv = [folder, "--submission", str(runs[0] / "oof_submission.csv")]
    capsys.readouterr()
    assert score.main([*argv, "--solution", str(runs[0] / "oof_solution.csv")]) == 0
    printed = capsys.readouterr().out.splitlines()[-1]
    pooled = read_json(runs[0] / "scores.json")["pooled"]
    assert printed == f"score: {pooled!r}"
    assert repr(pooled) in (runs[0] / "report.html").read_text(encoding="utf-8")


def test_report_shows_where_a_net_looked_that_gives_one_row_per_picture(
    trained: tuple[str, Path, list[Path]],
) -> None:
    from common.image_pipeline import ImagePipeline
    from common.models import Classifier

    folder, _, runs = trained
    pipeline = next(iter(registry.load_pipelines(folder).values()))
    looks = isinstance(pipeline, ImagePipeline) and isinstance(pipeline.net("none"), Classifier)
    assert ('id="worst-errors"' in (runs[0] / "report.html").read_text(encoding="utf-8")) == looks
