"""Competitions through the real command: found, downloaded, submitted to."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from tests.fake_kaggle import Competition, FakeKaggle, Finished, KaggleCli, Outcome

pytest_plugins = ["tests.fake_kaggle.fixtures"]

FILES = {"train.csv": b"id,label\n1,a\n", "images/one.png": b"\x89PNG"}
ROWS = b"id,label\n1,a\n"


@pytest.fixture
def leaf(fake_kaggle: FakeKaggle) -> Competition:
    return fake_kaggle.world.add_competition("leaf-2", FILES, title="Leaf 2", daily_limit=2)


def rows(ended: Finished) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ended.out)))


def test_a_file_is_submitted_and_scored(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    leaf.outcomes = [Outcome(public="0.71"), Outcome(("PENDING", "ERROR"), error="wrong header")]
    (tmp_path / "mine.csv").write_bytes(ROWS)
    submit = ("competitions", "submit", "leaf-2", "-f", tmp_path / "mine.csv", "-m")

    sent = kaggle_cli.run(*submit, "first try")
    assert sent.code == 0
    assert "Successfully submitted to Leaf 2" in sent.out
    assert "1 submissions remaining today." in sent.out
    assert leaf.submissions[0].data == ROWS
    assert kaggle_cli.run(*submit, "second try", "-q").code == 0

    refused = kaggle_cli.run(*submit, "third try")
    assert refused.code == 1
    assert "Submission not allowed" in refused.err
    assert len(leaf.submissions) == 2

    listed = ("competitions", "submissions", "leaf-2", "--csv")
    assert {row["status"] for row in rows(kaggle_cli.run(*listed))} == {"SubmissionStatus.PENDING"}
    second, first = rows(kaggle_cli.run(*listed))
    assert (first["description"], first["publicScore"]) == ("first try", "0.71")
    assert first["status"] == "SubmissionStatus.COMPLETE"
    assert (second["status"], second["publicScore"]) == ("SubmissionStatus.ERROR", "")
    # the reason is in the answer, but the command shows none of it
    assert "wrong header" not in kaggle_cli.run(*listed[:-1], "--format", "json").out


def test_data_come_as_one_archive_and_file_by_file(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    leaf.zipped = ("train.csv",)
    download = ("competitions", "download", "leaf-2", "-p", tmp_path)
    assert kaggle_cli.run(*download).code == 0
    with zipfile.ZipFile(tmp_path / "leaf-2.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
    # a file in a folder is saved under its base name only
    assert kaggle_cli.run(*download, "-f", "images/one.png").code == 0
    assert (tmp_path / "one.png").read_bytes() == FILES["images/one.png"]
    assert kaggle_cli.run(*download, "-f", "train.csv").code == 0
    with zipfile.ZipFile(tmp_path / "train.csv.zip") as archive:
        assert archive.read("train.csv") == FILES["train.csv"]

    skipped = kaggle_cli.run(*download)
    assert "Skipping, found more recently modified local copy" in skipped.out
