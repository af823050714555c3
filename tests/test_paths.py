"""Where things are mounted on Kaggle: both layouts, other cases, marker files, clear failures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from common import paths
from common.errors import DataError

LANL = "LANL-Earthquake-Prediction"
KAGGLE_VARIABLES = ("KAGGLE_USERNAME", "KAGGLE_CONFIG_DIR", "KAGGLE_KERNEL_RUN_TYPE")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KAGGLE_VARIABLES, "XDG_CONFIG_HOME", "KIT_REHEARSAL", "KIT_WORKING", "KIT_TEMP"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty input folder in the place of Kaggle's."""
    place = tmp_path / "input"
    place.mkdir()
    monkeypatch.setenv("KIT_INPUT", str(place))
    return place


def mount(root: Path, folder: str, *names: str) -> Path:
    """A mounted folder with some files."""
    for name in (".", *names):
        (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
    (root / folder).mkdir(exist_ok=True)
    for name in names:
        (root / folder / name).write_text("x")
    return root / folder


@pytest.mark.parametrize(
    ("find", "name", "newer", "older"),
    [
        (paths.competition_input, LANL, f"competitions/{LANL}", LANL),
        (paths.dataset_input, "me/weights", "datasets/me/weights", "weights"),
        (paths.kernel_output, "me/digits-train", "notebooks/me/digits-train", "digits-train"),
        (
            paths.model_input,
            "google/gemma/pyTorch/2b-it/3",
            "models/google/gemma/pyTorch/2b-it/3",
            "gemma/pyTorch/2b-it/3",
        ),
    ],
)
def test_a_source_is_found_in_either_layout_and_in_any_case(
    root: Path, find: object, name: str, newer: str, older: str
) -> None:
    assert callable(find)
    in_lower_case = mount(root, older.lower())
    assert find(name) == in_lower_case
    exact = mount(root, older)
    assert find(name) == exact
    assert find(name.upper()).name.lower() == exact.name.lower()
    first = mount(root, newer)
    assert find(name) == first


def test_an_owner_may_be_left_out(root: Path) -> None:
    mount(root, "notebooks/somebody/digits-infer")
    place = mount(root, "notebooks/somebody/digits-train")
    assert paths.kernel_output("digits-train") == place
    assert paths.kernel_output("somebody/digits-train") == place


def test_of_several_owners_the_one_with_the_marker_files_is_taken(root: Path) -> None:
    mount(root, "notebooks/anybody/digits-train", "other.txt")
    place = mount(root, "notebooks/somebody/digits-train", "run/manifest.json")
    assert paths.kernel_output("digits-train", ["run/manifest.json"]) == place


def test_marker_files_are_the_last_resort(root: Path) -> None:
    mount(root, "competitions/another", "train.csv")
    place = mount(root, "some/where/else", "train.csv", "sample/wanted.csv")
    assert paths.competition_input("digits", ["train.csv", "sample/wanted.csv"]) == place


def test_the_least_deep_folder_with_the_markers_is_taken(root: Path) -> None:
    mount(root, "a/b/c", "train.csv")
    place = mount(root, "z/y", "train.csv")
    assert paths.competition_input("digits", ["train.csv"]) == place


def test_an_override_is_taken_as_it_is(root: Path, tmp_path: Path) -> None:
    mount(root, "digits")
    assert paths.competition_input("digits", override=tmp_path) == tmp_path


def test_a_failure_lists_what_is_mounted(root: Path) -> None:
    for folder in ("competitions/titanic", "datasets/me/weights", "notebooks/me/x", "old-mount"):
        mount(root, folder, "a.csv")
    with pytest.raises(DataError) as raised:
        paths.competition_input("digits", ["train.csv"])
    message = str(raised.value)
    assert "the competition 'digits' is not mounted" in message
    assert f"{root}/competitions/digits nor {root}/digits" in message
    assert "nor any folder with train.csv" in message
    listed = "competitions/titanic, datasets/me/weights, notebooks/me/x, old-mount"
    assert listed in message
    assert "competition_sources" in message
    assert "\n" not in message


def test_a_failure_says_where_nothing_is_mounted(root: Path) -> None:
    with pytest.raises(DataError, match=r"<owner>/weights.*: nothing\. Attach it under dataset_"):
        paths.dataset_input("weights")
    root.rmdir()
    with pytest.raises(DataError, match=r"mounted in .*: nothing"):
        paths.dataset_input("me/weights")


def test_many_mounts_are_cut_short(root: Path) -> None:
    for number in range(25):
        mount(root, f"datasets/me/d{number:02}")
    with pytest.raises(DataError, match="d19 and 5 more"):
        paths.competition_input("digits")


def test_on_kaggle_nothing_of_ours_replaces_the_platform_s_places(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_WORKING", str(tmp_path))
    monkeypatch.setenv("KIT_REHEARSAL", str(tmp_path / "rehearsal.json"))
    places = (paths.input_root(), paths.working_dir(), paths.rehearsal_file())
    assert places == (root, tmp_path, tmp_path / "rehearsal.json")
    for run_type in ("Batch", "Interactive"):
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", run_type)
        assert paths.on_kaggle()
        assert paths.input_root() == Path("/kaggle/input")
        assert paths.working_dir() == Path("/kaggle/working")
        assert paths.rehearsal_file() is None
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Rehearsal")
    assert not paths.on_kaggle()
    assert paths.input_root() == root


def test_caches_lie_under_home_and_on_kaggle_outside_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    assert paths.cache_dir() == tmp_path / "data/work/cache"
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setenv("KIT_HOME", "/kaggle/working/kit")  # cloned there, as notebooks do
    assert not paths.cache_dir().is_relative_to(paths.working_dir())
    assert paths.cache_dir().parent == paths.temp_dir()


def test_the_scored_rerun_is_told_from_other_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAGGLE_IS_COMPETITION_RERUN", raising=False)
    assert not paths.is_rerun()
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert paths.is_rerun()


# ---- the user -----------------------------------------------------------------------------------


def write_token(folder: Path, user: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kaggle.json").write_text(json.dumps({"username": user, "key": "0123secret"}))


def test_the_user_is_looked_for_where_kaggle_s_command_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.kaggle_user() == ""
    write_token(tmp_path / ".config/kaggle", "general")
    assert paths.kaggle_user() == "general"
    write_token(tmp_path / "xdg/kaggle", "xdg")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert paths.kaggle_user() == "xdg"
    write_token(tmp_path / ".kaggle", "home")
    assert paths.kaggle_user() == "home"
    write_token(tmp_path / "named", "named")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "named"))
    assert paths.kaggle_user() == "named"
    monkeypatch.setenv("KAGGLE_USERNAME", "variable")
    assert paths.kaggle_user() == "variable"


@pytest.mark.parametrize("text", ['{"username": "me", "key": "0123secret"', '["0123secret"]'])
def test_a_broken_token_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "kaggle.json").write_text(text)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"kaggle\.json is no JSON object.*--user") as raised:
        paths.kaggle_user()
    assert "secret" not in str(raised.value)


def test_variables_are_listed_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USER_SECRETS_TOKEN", "0123secret")
    names = paths.variable_names("KAGGLE_")
    assert "KAGGLE_USER_SECRETS_TOKEN" in names
    assert "0123secret" not in " ".join(names)


def test_a_folder_whose_name_is_no_utf8_has_a_lock_too(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    assert paths.lock_file(odd) != paths.lock_file(tmp_path / "caf")
