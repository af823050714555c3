"""Competitions through the real command: found, downloaded, submitted to."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from pathlib import Path

import pytest

from tests.fake_kaggle import SIGNATURE, Competition, FakeKaggle, Finished, KaggleCli, Outcome, Run

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


def test_a_kernels_output_is_submitted(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition
) -> None:
    leaf.code_only, leaf.daily_limit = True, 1
    leaf.judge = lambda data: Outcome(public=str(len(data)))
    run = Run(statuses=("RUNNING", "COMPLETE"), output={"submission.csv": ROWS})
    fake_kaggle.world.add_kernel("ada/leaf-cnn", run)
    version = fake_kaggle.world.version("ada/leaf-cnn")
    submit = ("competitions", "submit", "leaf-2", "-k", "ada/leaf-cnn", "-v", "1", "-m", "x1")

    early = kaggle_cli.run(*submit, "-f", "submission.csv")
    assert (early.code, "has not completed" in early.err) == (1, True)
    version.progress.finish()
    absent = kaggle_cli.run(*submit, "-f", "other.csv")
    assert (absent.code, "no output file other.csv" in absent.err) == (1, True)

    sent = kaggle_cli.run(*submit, "-f", "submission.csv")
    assert (sent.code, "Successfully submitted" in sent.out) == (0, True)
    assert fake_kaggle.bodies("CreateCodeSubmission")[-1] == {
        "competitionName": "leaf-2",
        "kernelOwner": "ada",
        "kernelSlug": "leaf-cnn",
        "kernelVersion": 1,
        "fileName": "submission.csv",
        "submissionDescription": "x1",
    }
    assert leaf.submissions[0].data == ROWS
    assert leaf.submissions[0].outcome.public == "13"


def test_rules_that_are_not_accepted_show_in_the_list_alone(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    leaf.entered = False
    fake_kaggle.world.add_competition("other", {})
    listed = kaggle_cli.run("competitions", "list", "--search", "leaf", "--format", "json")
    (found,) = json.loads(listed.out)
    assert found["userHasEntered"] is False
    assert found["ref"].endswith("/competitions/leaf-2")
    download = kaggle_cli.run("competitions", "download", "leaf-2", "-p", tmp_path)
    assert (download.code, download.err.strip()) == (1, "Forbidden")
    files = kaggle_cli.run("competitions", "files", "leaf-2", "--csv", "--page-size", "1")
    assert "Next Page Token = page-1" in files.out
    assert "train.csv" in files.out
    assert "one.png" not in files.out


def test_an_upload_that_is_rejected_ends_well_and_submits_nothing(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_bytes(ROWS)
    fake_kaggle.fault("upload/mine.csv", status=400)
    sent = kaggle_cli.run("competitions", "submit", "leaf-2", "-f", tmp_path / "mine.csv", "-m", "")
    assert (sent.code, "Could not submit to competition" in sent.out) == (0, True)
    assert leaf.submissions == []

    # the answer of the last call is lost: the command fails, but the submission counts
    fake_kaggle.fault("CreateSubmission", drop=True, acts=True)
    sent = kaggle_cli.run("competitions", "submit", "leaf-2", "-f", tmp_path / "mine.csv", "-m", "")
    assert sent.code == 1
    assert len(leaf.submissions) == 1


def test_a_cut_download_goes_on_where_it_stopped(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    # the command reads 1 MiB at a time and keeps only whole reads
    data = bytes(range(256)) * 6144
    leaf.files = {"big.bin": data}
    download = ("competitions", "download", "leaf-2", "-p", tmp_path, "-f", "big.bin")
    fake_kaggle.fault("blob/big.bin", cut=1_200_000)
    ended = kaggle_cli.run(*download)
    assert ended.code == 0
    assert "Retry 1/5: Resuming from 1048576 bytes" in ended.out
    assert (tmp_path / "big.bin").read_bytes() == data
    assert fake_kaggle.log("blob/big.bin")[1].headers["range"] == "bytes=1048576-"


def killed_at(path: Path, size: int, kaggle_cli: KaggleCli, *words: str | Path) -> None:
    """Starts the command and kills it when the file has this size."""
    with kaggle_cli.start(*words, "--quiet") as process:
        while process.poll() is None and not (path.exists() and path.stat().st_size == size):
            time.sleep(0.02)
        process.kill()
    assert process.returncode < 0, "the command ended by itself"


def test_a_download_that_was_killed_goes_on_in_the_next_run(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 6144
    path, marker = tmp_path / "big.bin", tmp_path / "big.bin.kaggle-partial"
    download = ("competitions", "download", "leaf-2", "-p", tmp_path, "-f", "big.bin")
    for new in (data, data[::-1]):  # the second time the file changes in between
        path.unlink(missing_ok=True)
        leaf.files = {"big.bin": data}
        fake_kaggle.fault("blob/big.bin", cut=1_200_000, hang=True)
        killed_at(path, 1 << 20, kaggle_cli, *download)
        assert marker.exists()
        leaf.files = {"big.bin": new}
        assert kaggle_cli.run(*download).code == 0
        assert path.read_bytes() == new
        assert not marker.exists()
    ranges = [request.headers.get("range") for request in fake_kaggle.log("blob/big.bin")]
    assert ranges.count("bytes=1048576-") == 1


def test_without_a_length_a_cut_download_passes_for_whole(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, leaf: Competition, tmp_path: Path
) -> None:
    download = ("competitions", "download", "leaf-2", "-p", tmp_path, "-f", "train.csv")
    fake_kaggle.fault("blob/train.csv", cut=4, without_length=True)
    assert kaggle_cli.run(*download).code == 0
    assert (tmp_path / "train.csv").read_bytes() == b"id,l"
    # an address that has expired is printed as a whole
    fake_kaggle.fault("blob/train.csv", status=403, html=True)
    expired = kaggle_cli.run(*download, "--force")
    assert (expired.code, SIGNATURE in expired.err) == (1, True)
