"""scripts/download.py: a competition's data, whole and in the host's layout."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from common import files
from common.kaggle import patience
from scripts.download import main
from tests.conftest import REPOSITORY
from tests.fake_kaggle import FakeKaggle, KaggleCli
from tests.kaggle.desk import SLUG, Clock

ErrorLine = Callable[[], str]
DIGITS = {
    "train.csv": b"label,pixel0\n7,0\n",
    "test.csv": b"pixel0\n0\n",
    "sample_submission.csv": b"ImageId,Label\n1,0\n",
}
DOGS = "dogs-vs-cats-redux-kernels-edition"


@pytest.fixture
def target(cli: KaggleCli, home: Path, clock: Clock) -> Path:
    """Where the digits belong."""
    return home / "data/digit_recognizer"


def zipped(entries: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def held(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def nothing_half(target: Path) -> bool:
    """Whether neither the folder nor anything half unpacked is there."""
    beside = target.with_name(f".{target.name}.download")
    return not target.exists() and not (beside / "unpacking").exists()


# ---- the good way -------------------------------------------------------------------------------


def test_the_hosts_files_lie_in_their_layout_and_are_fetched_once(
    fake: FakeKaggle, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.world.add_competition(SLUG, {**DIGITS, "images/a/1.png": b"png"})
    assert main([SLUG]) == 0
    assert held(target) == {**DIGITS, "images/a/1.png": b"png"}
    assert not list(target.parent.rglob("*.zip"))
    assert "data/digit_recognizer: competition digit-recognizer is here, 4 files" in (
        capsys.readouterr().out
    )

    calls = len(fake.calls())
    assert main([SLUG]) == 0
    assert len(fake.calls()) == calls


def test_a_file_that_is_gone_is_brought_back(fake: FakeKaggle, target: Path) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    assert main([SLUG]) == 0
    (target / "test.csv").unlink()
    assert main([SLUG]) == 0
    assert held(target) == DIGITS


def test_what_was_put_there_by_hand_is_left(
    fake: FakeKaggle, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    for name, data in DIGITS.items():
        files.write_bytes(target / name, data)
    assert main([SLUG]) == 0
    assert "is here" in capsys.readouterr().out
    assert fake.calls("DownloadDataFiles") == []


def test_another_file_under_the_same_name_is_not_replaced(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    files.write_text(target / "train.csv", "mine\n")
    assert main([SLUG]) == 2
    assert "train.csv is there already and is not the file that Kaggle sends" in error_line()
    assert held(target) == {"train.csv": b"mine\n"}


def test_zips_inside_the_zip_are_unpacked_into_folders_of_their_names(
    fake: FakeKaggle, cli: KaggleCli, home: Path, clock: Clock
) -> None:
    fake.world.add_competition(
        DOGS,
        {
            "train.zip": zipped({"train/cat.0.jpg": b"cat", "__MACOSX/._cat.0.jpg": b"junk"}),
            "test.zip": zipped({"1.jpg": b"one", "2.jpg": b"two"}),
            "labels.csv.zip": zipped({"labels.csv": b"id\n"}),
            "sample_submission.csv": b"id,label\n",
        },
    )
    assert main([DOGS]) == 0
    assert held(home / "data/dogs_vs_cats_redux_kernels_edition") == {
        "train/cat.0.jpg": b"cat",
        "test/1.jpg": b"one",
        "test/2.jpg": b"two",
        "labels.csv": b"id\n",
        "sample_submission.csv": b"id,label\n",
    }
    calls = len(fake.calls())
    assert main([DOGS]) == 0
    assert len(fake.calls()) == calls


def test_single_files_go_into_their_folders(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    listed = {**DIGITS, "deep/er/a.csv": b"a\n"}
    fake.world.add_competition(SLUG, listed, zipped=("train.csv",))
    assert main([SLUG, "--file", "deep/er/a.csv", "--file", "train.csv"]) == 0
    assert held(target) == {"deep/er/a.csv": b"a\n", "train.csv": DIGITS["train.csv"]}
    calls = len(fake.calls("blob/*"))
    assert main([SLUG, "--file", "train.csv", "--file", "nothing.csv"]) == 2
    assert "Kaggle has no file 'nothing.csv' for digit-recognizer" in error_line()
    assert len(fake.calls("blob/*")) == calls


def test_a_public_data_set_needs_no_account_and_what_lies_outside_is_told(
    fake: FakeKaggle,
    cli: KaggleCli,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    fake.world.add_dataset("moltean/fruits", {"a.csv": b"a\n", "b/c.csv": b"c\n"}, private=False)
    assert main(["fruits"]) == 0
    assert held(home / "data/fruits") == {"a.csv": b"a\n", "b/c.csv": b"c\n"}
    capsys.readouterr()
    assert main(["movielens"]) == 0
    assert "by hand: download ml-100k.zip from https://grouplens.org" in capsys.readouterr().out


# ---- faults -------------------------------------------------------------------------------------


def test_rules_that_are_not_accepted_are_told_with_the_link(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS, entered=False)
    assert main([SLUG]) == 2
    line = error_line()
    assert "mostly the rules are not accepted yet: accept them at https://www.kaggle.com/" in line
    assert "competitions/digit-recognizer/rules and run the same command again" in line
    assert nothing_half(target)


def test_an_unknown_competition_is_told(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    assert main([SLUG]) == 2
    assert "Kaggle knows no competition digit-recognizer (Not found)" in error_line()


def test_faults_that_pass_are_waited_out(
    fake: FakeKaggle, target: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("ListDataFiles", status=500, body=b"down")
    fake.fault("DownloadDataFiles", status=429, message="Too Many Requests", retry_after=3)
    assert main([SLUG]) == 0
    assert held(target) == DIGITS
    assert len(clock.slept) == 2
    out = capsys.readouterr().out
    assert "Kaggle failed (a fault on their side); trying again in 4 s (try 2 of 5)" in out
    assert "Kaggle takes no more requests for now (429); trying again in 4 s" in out


def test_a_cut_download_is_taken_up_where_it_was_cut(fake: FakeKaggle, target: Path) -> None:
    noise = os.urandom(3_000_000)
    fake.world.add_competition(SLUG, {**DIGITS, "noise.bin": noise})
    fake.fault("blob/*", cut=2_000_000)
    assert main([SLUG]) == 0
    assert held(target)["noise.bin"] == noise
    ranges = [request.headers.get("range") for request in fake.log("blob/*")]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert int(ranges[1].removeprefix("bytes=").rstrip("-")) > 1_000_000


def test_a_killed_download_is_taken_up_by_the_next_call(
    fake: FakeKaggle, target: Path, cli: KaggleCli
) -> None:
    noise = os.urandom(5_000_000)
    fake.world.add_competition(SLUG, {**DIGITS, "noise.bin": noise})
    fake.fault("blob/*", cut=4_000_000, hang=True)
    command = [sys.executable, "-m", "scripts.download", SLUG]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as first:
        partial = target.with_name(".digit_recognizer.download") / f"{SLUG}.zip"
        until = time.monotonic() + 60
        while not (partial.is_file() and partial.stat().st_size > 2_000_000):
            assert time.monotonic() < until
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        assert first.wait(timeout=30) == 130
    assert not target.exists()
    fake.release()
    assert main([SLUG]) == 0
    assert held(target)["noise.bin"] == noise
    assert "range" in fake.log("blob/*")[-1].headers


def test_a_body_cut_without_its_length_is_found_out_and_fetched_again(
    fake: FakeKaggle, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("blob/*", cut=150, without_length=True)
    assert main([SLUG]) == 0
    assert "digit-recognizer.zip came cut; downloading it again" in capsys.readouterr().out
    assert held(target) == DIGITS


def test_a_page_in_place_of_the_zip_is_never_unpacked(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("blob/*", html=True, times=None)
    assert main([SLUG]) == 2
    assert "came cut 2 times, or is a page and no zip" in error_line()
    assert nothing_half(target)


def test_a_single_file_cut_without_its_length_is_found_out_by_its_size(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("blob/*", cut=5, without_length=True, times=2)
    assert main([SLUG, "--file", "train.csv"]) == 2
    assert "train.csv of competition digit-recognizer came cut 2 times" in error_line()
    assert nothing_half(target)


def test_a_missing_blob_shows_no_signed_address(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("blob/*", status=404, body=b"gone", times=None)
    assert main([SLUG]) == 2
    assert "404 Client Error" in error_line()  # which looks for the secret part as well


def test_a_download_that_stands_still_is_given_up(
    fake: FakeKaggle, target: Path, monkeypatch: pytest.MonkeyPatch, error_line: ErrorLine
) -> None:
    monkeypatch.setattr(patience, "DEFAULT", patience.Patience(stalled=4.0, tries=1))
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("blob/*", hang=True, cut=100)
    assert main([SLUG]) == 2
    assert "Kaggle did not answer about competition digit-recognizer in time" in error_line()


def test_a_disk_that_is_too_small_is_told_before_the_download(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    fake.world.add_competition(SLUG, DIGITS)
    fake.fault("ListDataFiles", answer={"files": [{"name": "a", "totalBytes": 10**18}]})
    assert main([SLUG]) == 2
    assert "has 1000000000.0 GB and more, and" in error_line()
    assert fake.calls("DownloadDataFiles") == []


def test_a_name_that_leaves_the_folder_is_no_file(
    fake: FakeKaggle, target: Path, error_line: ErrorLine
) -> None:
    assert main([SLUG, "--file", "../train.csv"]) == 2
    assert "'../train.csv' is no file of a host" in error_line()
    assert fake.calls() == []
