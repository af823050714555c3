"""The report says what the run folder says, and needs nothing but itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common import files
from common.report import write_report
from scripts import score

MakeRun = Callable[..., Any]
ReadPage = Callable[[Path], Any]


# ---- the score ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pooled", [0.1 + 0.2, 2 / 3, 1.0, 1e-7, 12345.678901234567])
def test_score_has_all_digits(make_run: MakeRun, read_page: ReadPage, pooled: float) -> None:
    page = read_page(write_report(*make_run(pooled=pooled)))
    assert page.pooled_score == repr(pooled)


def test_report_and_judge_agree_to_the_last_digit(
    make_run: MakeRun, read_page: ReadPage, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run("judged")[2]
    for name, answers in (
        ("oof_solution.csv", range(7)),
        ("oof_submission.csv", [0, 1, 2, 3, 4, 0, 0]),
    ):
        lines = [f"{number},{answer}" for number, answer in enumerate(answers, start=1)]
        files.write_text(folder / name, "\n".join(["ImageId,Label", *lines]) + "\n")
    judged = judge(folder.path, capsys)
    assert judged == 5 / 7
    assert read_page(write_report(*make_run(pooled=judged))).pooled_score == repr(judged)


def test_trained_run_has_one_score_everywhere(
    smoke_run: Path, read_page: ReadPage, capsys: pytest.CaptureFixture[str]
) -> None:
    pooled = files.read_json(smoke_run / "scores.json")["pooled"]
    assert read_page(smoke_run / "report.html").pooled_score == repr(pooled)
    assert repr(judge(smoke_run, capsys)) == repr(pooled)


def judge(run: Path, capsys: pytest.CaptureFixture[str]) -> float:
    """What `score` prints for a run of the digits."""
    capsys.readouterr()
    argv = [f"--{name}={run / f'oof_{name}.csv'}" for name in ("submission", "solution")]
    assert score.main(["digit-recognizer", *argv, "--json"]) == 0
    return float(json.loads(capsys.readouterr().out)["score"])


def test_score_section_names_interval_and_folds(make_run: MakeRun, read_page: ReadPage) -> None:
    part = read_page(write_report(*make_run())).sections["score"]
    assert (
        "A test set of 1,234 rows should score 0.12500 to 0.87500: the 90 % interval" in part.text
    )
    assert part.tables[0][1:] == [
        ["fold 0", "3", "0.66667"],
        ["fold 1", "3", "0.33333"],
        ["pooled", "6", "0.50000"],
    ]


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [("last", "epoch was fixed in advance"), ("best", "epoch was chosen on this fold")],
)
def test_score_section_says_how_the_epoch_was_picked(
    make_run: MakeRun, read_page: ReadPage, keep: str, sentence: str
) -> None:
    assert (
        sentence
        in read_page(write_report(*make_run(keep=keep, trained=True))).sections["score"].text
    )


# ---- the ladder ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pooled", "expected"),
    [(0.5, ["good", "this run", "constant"]), (0.95, ["this run", "good", "constant"])],
)
def test_ladder_is_sorted_with_the_best_first(
    make_run: MakeRun, read_page: ReadPage, pooled: float, expected: list[str]
) -> None:
    rungs = [
        {"name": "constant", "score": 0.25, "source": "counted"},
        {"name": "good", "score": 0.95, "source": "measured"},  # reached by an equal score
    ]
    part = read_page(write_report(*make_run(pooled=pooled, rungs=rungs))).sections["ladder"]
    assert [row[0] for row in part.tables[0][1:]] == expected
    assert "is better than the highest rung" in part.text  # the line of scores.json, as it stands


def test_no_ladder_without_rungs(make_run: MakeRun, read_page: ReadPage) -> None:
    assert "ladder" not in read_page(write_report(*make_run())).sections


# ---- what the data are called -------------------------------------------------------------------


def test_synthetic_data_get_a_badge(make_run: MakeRun, read_page: ReadPage) -> None:
    fixture = {"seed": 3, "synthetic": True, "called": "made-up animals", "rungs": []}
    head = read_page(write_report(*make_run(fixture=fixture))).head.text
    assert "synthetic data" in head
    assert "made-up animals" in head


def test_real_fixture_is_called_by_its_name(make_run: MakeRun, read_page: ReadPage) -> None:
    fixture = {"seed": 3, "synthetic": False, "called": "real animals", "rungs": []}
    page = read_page(write_report(*make_run(fixture=fixture)))
    assert "real animals" in page.head.text
    assert "synthetic" not in page.head.text


def test_hosts_data_have_no_badge(make_run: MakeRun, read_page: ReadPage) -> None:
    head = read_page(write_report(*make_run())).head.text
    assert "the host's" in head
    assert "synthetic" not in head


# ---- the file -----------------------------------------------------------------------------------


def test_page_refers_to_nothing_outside_itself(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(
        write_report(*make_run(trained=True, rungs=[{"name": "r", "score": 0.2, "source": "s"}]))
    )
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base"), tag
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            if name in attributes:
                assert attributes[name].startswith(("#", "data:image/png;base64,")), attributes
    assert re.findall(r"url\((?!#)", page.source) == []
    assert "@import" not in page.source
    assert "http://" not in page.source
    assert "https://" not in page.source


def test_references_within_the_page_exist(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(trained=True)))
    known = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    used = {a["href"][1:] for _, a in page.tags if a.get("href", "").startswith("#")}
    used |= set(re.findall(r"url\(#([^)]*)\)", page.source))
    assert used <= known


def test_text_from_data_is_escaped(make_run: MakeRun, read_page: ReadPage) -> None:
    rung = {"name": "<b>bold</b> $\\oops$ 数", "score": 0.2, "source": "<i>here</i>"}
    fixture = {"seed": 3, "synthetic": True, "called": "<u>data</u>", "rungs": []}
    page = read_page(write_report(*make_run(rungs=[rung], fixture=fixture)))
    for raw in ("<script", "<b>", "<i>", "<u>", "<others>"):
        assert raw not in page.source
    assert "<script>alert('x')</script>" in page.sections["folds"].text
    assert "<b>bold</b> $\\oops$" in page.sections["ladder"].text
    assert "Animals & <others>" in page.head.text


def test_same_run_gives_the_same_bytes(make_run: MakeRun) -> None:
    made = make_run(trained=True, rungs=[{"name": "r", "score": 0.2, "source": "s"}])
    first = write_report(*made).read_bytes()
    assert write_report(*made).read_bytes() == first


def test_pictures_and_charts_have_alternative_texts(make_run: MakeRun, read_page: ReadPage) -> None:
    page = read_page(write_report(*make_run(trained=True)))
    assert page.tags[0] == ("html", {"lang": "en"})
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"]
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
