"""The list of runs: best first, like with like, and what is suspicious is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import files, registry
from common.kaggle.ledger import COMPLETE, Ledger, Row
from common.runfolder import RunFolder
from common.standings import Entry, entries_of, listing
from common.standings.page import WIDTH
from scripts import runs as script
from tests.runs import one_line
from tests.toy_runs import table, write_run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the toy's runs lie."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "find", lambda name: "toy")
    return tmp_path / "runs" / "toy"


def names() -> list[str]:
    return [entry.name for entry in entries_of("toy")]


def entry(name: str) -> Entry:
    (found,) = [one for one in entries_of("toy") if one.name == name]
    return found


def submitted(run: str, public: str, private: str = "", cv: str = "", sha256: str = "") -> None:
    book = Ledger.of("toy")
    number = f"{len(book.rows()):08d}"
    time = f"2026-01-01T00:00:0{len(book.rows())}+00:00"
    row = Row(time, number, "", "", sha256, run=run, cv=cv, status=COMPLETE)
    book.put(row)
    book.change(row, public=public, private=private)


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """The lines that the script prints."""
    assert script.main([*argv]) == 0
    return capsys.readouterr().out.splitlines()


def made_synthetic(run: Path) -> None:
    files.write_json(run / "FIXTURE.json", {"called": "made up", "synthetic": True, "rungs": []})


@pytest.mark.parametrize(
    ("higher", "expected"), [(False, ["low", "middle", "top"]), (True, ["top", "middle", "low"])]
)
def test_the_best_by_the_metrics_direction_is_first(
    place: Path, higher: bool, expected: list[str]
) -> None:
    for name, pooled in (("middle", 0.5), ("top", 0.9), ("low", -0.2)):
        write_run(place / name, pooled=pooled, higher_is_better=higher)
    assert names() == expected


def test_a_run_is_told_in_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(place / "net", pooled=0.98765)
    submitted("net", "0.97531", "0.96")
    head, header, line = shown(capsys, "toy")
    assert head == "toy, data: the host's; mae, lower is better"
    columns = ["run", "pipeline", "preset", "CV", "90 % interval", "public", "private", "min"]
    assert all(name in header for name in [*columns, "folds", "commit"])
    cells = [cell for cell in line.split("  ") if cell]
    assert [cell.strip() for cell in cells] == [
        *("net", "toy", "baseline", "0.9877", "0.8877 to 1.0877", "0.9753", "0.9600", "1.5"),
        *("A", "0123456"),
    ]


def test_real_and_synthetic_runs_stand_apart(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, pooled in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        write_run(place / name, pooled=pooled)
    made_synthetic(place / "a")
    lines = shown(capsys, "toy")
    heads = [number for number, line in enumerate(lines) if line.startswith("toy, ")]
    assert [lines[number] for number in heads] == [
        "toy, data: the host's; mae, lower is better",
        "toy, synthetic data (made up); mae, lower is better",
    ]
    assert [line.split()[0] for line in lines[2:4]] == ["b", "c"]
    assert lines[-1].split()[0] == "a"
    assert [one.synthetic for one in entries_of("toy")] == [False, False, True]


def test_every_competition_has_its_own_block(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(place / "a", pooled=0.1)
    write_run(place.parent / "other" / "z", pooled=0.0)
    assert [line for line in shown(capsys) if ", data" in line] == [
        "other, data: the host's; mae, lower is better",
        "toy, data: the host's; mae, lower is better",
    ]


def test_other_folds_get_another_letter_and_other_bytes_of_the_same_do_not(place: Path) -> None:
    for name, pooled in (("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4)):
        write_run(place / name, pooled=pooled)
    # the same rows in another order, written by other settings, with groups of a pipeline's own
    same = table().iloc[::-1].assign(group="g")
    same.to_parquet(place / "b/folds.parquet", index=False, compression=None)
    other = table().assign(fold=np.arange(8) // 4)
    other.to_parquet(place / "c/folds.parquet", index=False)
    truths = table().assign(value=0.5)
    truths.to_parquet(place / "d/folds.parquet", index=False)
    found = entries_of("toy")
    assert [one.fold_set for one in found] == ["A", "A", "B", "C"]
    assert any("CV of different letters is not comparable" in line for line in listing(found))


def test_a_run_of_some_folds_is_marked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(place / "whole", pooled=0.5)
    write_run(place / "part", pooled=0.1, folds=[1])
    lines = shown(capsys, "toy")
    assert lines[2].split()[0] == "part"
    assert "A:1 " in lines[2]
    assert "A:" not in lines[3]
    assert any("only these folds were trained" in line for line in lines)


def test_unfinished_runs_come_last_and_have_no_score(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(place / "begun", pooled=0.1)
    (place / "begun/UNFINISHED").write_text("")
    write_run(place / "done", pooled=0.5)
    write_run(place / "all", pooled=0.7, without=("scores.json",), folds=["all"])
    lines = shown(capsys, "toy")
    assert [line.split()[0] for line in lines[2:5]] == ["done", "all", "begun"]
    assert "no score" in lines[3]
    assert "unfinished" in lines[4]
    assert entry("begun").cv is None


def broken_runs(place: Path) -> dict[str, str]:
    """One run per fault, by its name, and what is said of it."""
    for name in ("settings", "scores", "marker", "pooled", "manifest", "list", "blend"):
        write_run(place / name)
    (place / "settings/settings.json").write_text("{")
    (place / "scores/scores.json").write_text('{"metric": "mae"}')
    (place / "marker/FIXTURE.json").write_text("[]")
    scores = files.read_json(place / "pooled/scores.json")
    (place / "pooled/scores.json").write_text(json.dumps({**scores, "pooled": "best"}))
    (place / "manifest/manifest.json").unlink()
    settings = files.read_json(place / "list/settings.json")
    (place / "list/settings.json").write_text(json.dumps({**settings, "folds": 3}))
    (place / "blend/settings.json").write_text(json.dumps({**settings, "blend": 1}))
    (place / "thesis").mkdir()
    (place / "infer").mkdir()
    (place / "infer/kernel.json").write_text("no")
    return {
        "settings": "is no JSON",
        "scores": "scores.json, interval, holds 'None', expected an object",
        "marker": "FIXTURE.json holds '[]', expected an object",
        "pooled": "scores.json has 'best' for pooled",
        "manifest": "it holds no manifest.json",
        "list": "settings.json has '3' for folds",
        "blend": "settings.json, blend, holds '1', expected an object",
        "thesis": "it holds no run (no settings.json)",
        "infer": "is no JSON",
        "submissions.csv": "has other columns than a ledger",
    }


def test_a_broken_folder_is_one_line_and_the_others_are_shown(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = broken_runs(place)
    write_run(place / "good", pooled=0.5)
    (place / "submissions.csv").write_text("a,b\n1,2\n")
    lines = shown(capsys, "toy")
    assert lines[2].split()[0] == "good"
    faults = {line.split(": ")[0].removeprefix("toy/"): line for line in lines[4:]}
    assert set(faults) == set(expected)
    for name, fault in expected.items():
        assert f"{name}: broken: " in faults[name]
        assert fault in faults[name]


def test_the_best_submission_of_a_run_is_shown(place: Path) -> None:
    write_run(place / "net", pooled=0.5)
    for public, private in (("0.6", "0.1"), ("0.4", "0.3"), ("0.7", "0.2"), ("", "")):
        submitted("net", public, private, cv="0.5")
    submitted("other", "0.1")
    assert (entry("net").public, entry("net").private) == (0.4, 0.3)


def test_a_submission_of_an_earlier_run_of_that_name_is_not_this_runs(place: Path) -> None:
    write_run(place / "net", pooled=0.5)
    submitted("net", "0.45", cv="0.6")
    assert entry("net").public is None
    assert entry("net").notes == ("not shown: 1 submitted of an earlier run so named",)
    # its file is the one that was sent: validated again on another machine, say
    digest = files.sha256(place / "net/submission.csv")
    submitted("net", "0.46", cv="0.61", sha256=digest)
    assert entry("net").public == 0.46


def test_the_answer_of_an_infer_kernel_counts_for_the_run_that_it_read(place: Path) -> None:
    write_run(place / "net", pooled=0.5)
    write_run(place / "two", 1.0, pooled=0.7)
    hashes = [RunFolder(place / name).identity() for name in ("net", "two")]
    for name, runs in (("infer", hashes[:1]), ("both", hashes)):
        record = {"config": {"runs": [{"run": run} for run in runs]}}
        files.write_json(place / name / "kernel.json", record)
    submitted("infer", "0.44")
    submitted("both", "0.41")
    assert names() == ["net", "two"]
    assert entry("net").public == 0.44
    assert entry("two").public is None


@pytest.mark.parametrize(
    ("higher", "public", "side"),
    [(True, "0.95", "better"), (True, "0.3", "worse"), (False, "0.95", "worse")],
)
def test_a_board_outside_the_interval_is_named(
    place: Path, higher: bool, public: str, side: str
) -> None:
    write_run(place / "net", pooled=0.5, higher_is_better=higher)
    submitted("net", public, "0.59")
    (note,) = entry("net").notes
    assert note.startswith(f"public outside the interval, on the {side} side")


def test_a_board_on_the_edge_of_the_interval_is_inside(place: Path) -> None:
    write_run(place / "net", pooled=0.5)
    submitted("net", "0.6", "0.4")
    assert entry("net").notes == ()


def test_a_board_that_turns_the_order_round_is_told(place: Path) -> None:
    for name, pooled, public in (("a", 0.50, "0.53"), ("b", 0.51, "0.52"), ("c", 0.52, "0.54")):
        write_run(place / name, pooled=pooled)
        submitted(name, public)
    lines = listing(entries_of("toy"))
    assert lines[-1] == "  ! CV and public order 1 of 3 pairs of runs the other way round"


def test_a_favourable_epoch_a_rehearsal_and_uncommitted_changes_are_told(place: Path) -> None:
    write_run(place / "net")
    scores = files.read_json(place / "net/scores.json")
    files.write_json(place / "net/scores.json", {**scores, "epoch": "chosen on this fold"})
    files.write_json(place / "net/kernel.json", {"config": {}, "rehearsal": {"name": "r"}})
    files.write_json(place / "net/environment.json", {"commit": "0123456789ab+changes"})
    one = entry("net")
    assert one.seconds is None
    assert len(one.notes) == 2
    text = "\n".join(listing([one]))
    assert "made by a rehearsal" in text
    assert "the epoch was chosen on the fold" in text
    assert "0123456+" in text
    assert "changes that no commit holds" in text


def test_a_blend_is_called_by_its_method(place: Path) -> None:
    blend = {"method": "rank", "parts": [], "by_fold": {}}
    write_run(place / "both", blend=blend, preset="blend")
    assert (entry("both").pipeline, entry("both").preset) == ("blend", "rank")


def test_lines_fit_however_long_the_names_and_large_scores_stay_aligned(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(place / ("n" * 90), pooled=123456.789)
    write_run(place / "short", pooled=9.5, preset="p" * 50, pipeline="q" * 50)
    lines = shown(capsys, "toy")
    assert max(map(len, lines)) <= WIDTH
    assert "~" in lines[2]
    assert "123457" in lines[3]
    assert all(line.isascii() for line in lines)


def test_json_holds_every_entry(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(place / "a", pooled=0.1)
    (place / "thesis").mkdir()
    submitted("a", "0.1")
    found = json.loads("\n".join(shown(capsys, "toy", "--json")))
    assert [one["name"] for one in found] == ["a", "thesis"]
    assert found[0] | {"cv": 0.1, "public": 0.1, "private": None, "seconds": 90.0} == found[0]
    assert found[0] | {"folds": ["0", "1"], "fold_set": "A", "state": "finished"} == found[0]
    assert found[1]["state"] == "broken"


def test_hidden_folders_and_files_are_no_runs(place: Path) -> None:
    write_run(place / ".net.replaced")
    (place / "notes.txt").write_text("mine")
    assert names() == []


def test_nothing_to_list_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == ["there are no runs yet; scripts/train.py makes one"]
    assert shown(capsys, "--json") == ["[]"]


def test_an_unknown_competition_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    assert script.main(["digit-recogniser"]) == 2
    assert "did you mean 'digit-recognizer'" in one_line(capsys)


def test_a_folds_table_that_cannot_be_read_is_a_set_of_its_own(place: Path) -> None:
    for name, pooled in (("a", 0.1), ("b", 0.2)):
        write_run(place / name, pooled=pooled)
    (place / "b/folds.parquet").write_bytes(b"PAR1")
    assert [one.fold_set for one in entries_of("toy")] == ["A", "B"]


def test_the_runs_that_training_leaves_can_be_read(
    smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/digit_recognizer").symlink_to(smoke_run.parent)
    (one,) = [one for one in entries_of("digit_recognizer") if one.name == smoke_run.name]
    scores: dict[str, Any] = files.read_json(smoke_run / "scores.json")
    assert (one.cv, one.low) == (scores["pooled"], scores["interval"]["low"])
    assert (one.pipeline, one.preset, one.folds) == ("net", "smoke", ("0", "1"))
    assert one.data.startswith("scikit-learn's bundled")
    assert not one.synthetic
    assert one.seconds is not None
    assert len(pd.read_parquet(smoke_run / "folds.parquet")) == 1297
