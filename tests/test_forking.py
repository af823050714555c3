"""Forking a folder: which names are taken, what is renamed inside, all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import forking, paths
from common.errors import UsageError
from common.forking import fork, new_folder, read_source, renamed, write_folder

SPEC = 'SPEC = CompetitionSpec(\n    slug="toy-set",\n    title="Toy Set",\n)\n'
PIPELINE = "from competitions.toy_set.spec import SPEC\nfrom competitions.toy_set_two import x\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A competitions/ with two folders: toy_set, and early_bird whose slug is Late-Bird-2."""
    competitions = tmp_path / "competitions"
    for folder, spec in (("toy_set", SPEC), ("early_bird", SPEC.replace("toy-set", "Late-Bird-2"))):
        (competitions / folder).mkdir(parents=True)
        (competitions / folder / "__init__.py").touch()
        (competitions / folder / "spec.py").write_text(spec)
        (competitions / folder / "pipeline.py").write_text(PIPELINE)
    monkeypatch.setattr(paths, "competitions_dir", lambda: competitions)
    return competitions


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_fork_renames_the_package_and_keeps_the_slug(house: Path) -> None:
    said: list[str] = []
    place = fork("my-toys", "toy-set", said.append)
    assert place == house / "my_toys"
    assert (place / "spec.py").read_text() == SPEC
    first, second = (place / "pipeline.py").read_text().splitlines()
    assert first == "from competitions.my_toys.spec import SPEC"
    assert second == "from competitions.toy_set_two import x"  # another folder, not this one
    assert "Kaggle is still told toy-set" in said[0]
    assert any("scripts/train.py my-toys" in line for line in said)


def test_a_fork_s_kernels_do_not_replace_those_of_the_source(house: Path) -> None:
    spec = SPEC.replace(
        ")\n", '    kernel=KernelSpec(\n        short_name="toys", data="toys"),\n)\n'
    )
    (house / "toy_set/spec.py").write_text(spec)
    place = fork("my-toys", "toy-set", lambda line: None)
    assert (place / "spec.py").read_text() == spec.replace(
        'short_name="toys"', 'short_name="my-toys"'
    )


def test_fork_takes_source_files_only(house: Path) -> None:
    toy = house / "toy_set"
    for name in ("notes.md", "parts/deep.py", "__pycache__/spec.pyc", ".hidden"):
        (toy / name).parent.mkdir(exist_ok=True)
        (toy / name).write_text("text")
    (toy / "weights.bin").write_bytes(b"\0\1")
    (toy / "large.csv").write_text("1" * (forking.LARGEST_TEXT + 1))
    (toy / "elsewhere").symlink_to(house)
    said: list[str] = []
    fork("my-toys", "toy-set", said.append)
    kept = [*everything(house / "early_bird"), "notes.md", "parts", "parts/deep.py"]
    assert everything(house / "my_toys") == sorted(kept)
    assert "left out, being no source: elsewhere, large.csv, weights.bin" in said


def test_fork_keeps_line_ends_and_umlauts(house: Path) -> None:
    (house / "toy_set/notes.md").write_bytes("Äpfel\r\nscripts/train.py toy-set\r\n".encode())
    place = fork("my-toys", "toy-set", lambda line: None)
    written = (place / "notes.md").read_bytes().decode()
    assert written == "Äpfel\r\nscripts/train.py my-toys\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python scripts/train.py toy-set --fold 0", "python scripts/train.py my-toys --fold 0"),
        ("scripts/train.py --fold 0 \\\n  toy-set", "scripts/train.py --fold 0 \\\n  my-toys"),
        ("`scripts/fixture.py toy_set` toy-set", "`scripts/fixture.py my_toys` toy-set"),
        ("scripts/train.py toy-set; echo toy-set", "scripts/train.py my-toys; echo toy-set"),
        ("scripts/x.py a --from toy-set --slug toy-set", None),
        ("--data data/fixtures/toy_set/x.csv", "--data data/fixtures/my_toys/x.csv"),
        ("runs/toy_set/net and data/toy_set", "runs/my_toys/net and data/my_toys"),
        ("see competitions/toy_set/spec.py", "see competitions/my_toys/spec.py"),
        ("-p kernels/toy-set-infer", "-p kernels/my-toys-infer"),
        ("kaggle competitions download toy-set", None),
        ("https://www.kaggle.com/competitions/toy-set/rules", None),
        ("https://www.kaggle.com/competitions/toy_set", None),
        ("/kaggle/input/toy-set/train.csv", None),
        ('    slug="toy-set",', None),
        ('CompetitionSource("toy-set")', None),
        ("scripts/train.py toy-set-two", None),
        ("scripts/score.py toy-set toy-set.csv", "scripts/score.py my-toys toy-set.csv"),
    ],
)
def test_renamed_tells_this_machine_from_kaggle(
    house: Path, text: str, expected: str | None
) -> None:
    assert renamed(text, read_source("toy-set"), "my_toys") == (expected or text)


def test_a_folder_that_is_called_like_its_slug_keeps_the_slug_in_links(house: Path) -> None:
    source = forking.Source("imdb", "imdb", {})
    text = "kaggle.com/competitions/imdb, data/imdb, `scripts/train.py imdb`, competitions.imdb"
    assert renamed(text, source, "my_imdb") == (
        "kaggle.com/competitions/imdb, data/my_imdb, `scripts/train.py my-imdb`, "
        "competitions.my_imdb"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "cannot name a competition"),
        ("-x", "cannot name a competition"),
        ("x-", "cannot name a competition"),
        ("my toys", "cannot name a competition"),
        ("my/toys", "cannot name a competition"),
        ("..", "cannot name a competition"),
        ("mögen", "cannot name a competition"),
        ("__pycache__", "cannot name a competition"),
        ("class", "a word of Python's"),
        ("toy-set", "competitions/toy_set exists"),
        ("Toy_Set", "competitions/toy_set exists"),
        ("late-bird-2", "the slug that competitions/early_bird has"),
        ("Late_Bird-2", "the slug that competitions/early_bird has"),
    ],
)
def test_names_that_are_refused(house: Path, name: str, message: str) -> None:
    before = everything(house)
    with pytest.raises(UsageError, match=message):
        fork(name, "toy-set")
    assert everything(house) == before


def test_an_unknown_source_offers_the_nearest(house: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'toy-set'"):
        fork("my-toys", "toy-sett")
    assert not (house / "my_toys").exists()


def test_a_folder_that_is_no_competition_is_not_written_over(house: Path) -> None:
    (house / "Notes").mkdir()
    with pytest.raises(UsageError, match="competitions/Notes exists"):
        fork("notes", "toy-set")


@pytest.mark.parametrize(
    ("name", "folder"), [("2018-bowl", "c_2018_bowl"), ("My-Toys", "my_toys"), ("a", "a")]
)
def test_names_become_packages(house: Path, name: str, folder: str) -> None:
    assert new_folder(name) == folder


def test_the_second_of_two_writers_is_refused_and_changes_nothing(house: Path) -> None:
    write_folder("new", {"spec.py": "first"})
    with pytest.raises(UsageError, match="written by somebody else meanwhile"):
        write_folder("new", {"spec.py": "second", "more.py": ""})
    assert everything(house / "new") == ["spec.py"]
    assert (house / "new/spec.py").read_text() == "first"
    assert not list(house.glob(".new-*"))


def test_a_write_that_fails_leaves_nothing(house: Path) -> None:
    before = everything(house)
    with pytest.raises(OSError, match="name too long"):
        write_folder("new", {"spec.py": "x", "y" * 300: ""})
    assert everything(house) == before
