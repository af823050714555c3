"""Competition folders are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import paths, registry
from common.errors import KitError, UsageError
from common.spec import CompetitionSpec, KernelSpec


@pytest.mark.parametrize(
    ("slug", "folder"),
    [
        ("digit-recognizer", "digit_recognizer"),
        ("Digit-Recognizer", "digit_recognizer"),
        ("digit_recognizer", "digit_recognizer"),
        ("2018-data-science-bowl", "c_2018_data_science_bowl"),
        ("LANL-Earthquake-Prediction", "lanl_earthquake_prediction"),
        ("", ""),
    ],
)
def test_the_folder_of_a_slug(slug: str, folder: str) -> None:
    assert registry.folder_name(slug) == folder


@pytest.fixture
def three_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three competition folders, two of which have one slug."""
    for folder, slug in (("leaf", "leaf"), ("leaf_again", "leaf-2"), ("c_1st_try", "Leaf-2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "spec.py").write_text(f'SPEC = Spec(\n    slug="{slug}",\n)\n')
    (tmp_path / "no_spec").mkdir()
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(paths, "competitions_dir", lambda: tmp_path)
    return tmp_path


def test_a_folder_is_a_competition_where_it_has_a_spec(three_folders: Path) -> None:
    assert registry.folders() == ["c_1st_try", "leaf", "leaf_again"]


@pytest.mark.parametrize(
    ("name", "folder"),
    [("leaf", "leaf"), ("LEAF", "leaf"), ("leaf-again", "leaf_again"), ("1st-try", "c_1st_try")],
)
def test_a_folder_is_found_by_its_own_name(three_folders: Path, name: str, folder: str) -> None:
    assert registry.find(name) == folder


@pytest.mark.parametrize("slug", ["other-slug", "Other-Slug"])
def test_a_folder_is_found_by_the_slug_in_its_spec(three_folders: Path, slug: str) -> None:
    (three_folders / "leaf_again" / "spec.py").write_text("SPEC = Spec(\n  slug='other-slug')")
    assert registry.find(slug) == "leaf_again"


def test_a_slug_of_two_folders_asks_for_one_of_them(three_folders: Path) -> None:
    with pytest.raises(UsageError, match=r"several folders have the slug 'leaf-2'") as caught:
        registry.find("leaf-2")
    assert "c_1st_try" in str(caught.value)
    assert "leaf_again" in str(caught.value)


def test_a_misspelt_name_offers_the_nearest_and_lists_all(three_folders: Path) -> None:
    with pytest.raises(UsageError, match="no competition named 'laef'") as caught:
        registry.find("laef")
    assert "did you mean 'leaf'?" in str(caught.value)
    assert "There are: c-1st-try, leaf, leaf-again" in str(caught.value)


@pytest.mark.parametrize("name", ["", "no_spec", "../leaf", "__pycache__"])
def test_what_is_no_competition_is_not_found(three_folders: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no competition named"):
        registry.find(name)


def test_a_folder_without_a_pipeline_can_only_judge(three_folders: Path) -> None:
    with pytest.raises(
        UsageError, match=r"competitions/leaf has no pipeline\.py; it can only judg"
    ):
        registry.load_pipelines("leaf")


def test_a_folder_without_a_fixture_says_so(three_folders: Path) -> None:
    with pytest.raises(KitError, match=r"competitions/leaf has no fixture\.py"):
        registry.load_fixture("leaf")


def test_the_place_of_a_folder(three_folders: Path) -> None:
    assert registry.directory("leaf") == three_folders / "leaf"


@pytest.mark.parametrize("folder", registry.folders())
def test_every_folder_here_is_found_by_its_name_and_loads_its_spec(folder: str) -> None:
    assert registry.find(folder) == folder
    assert isinstance(registry.load_spec(folder), CompetitionSpec)


def test_the_slug_is_read_without_loading_the_spec() -> None:
    assert registry.find("digit-recognizer") == "digit_recognizer"
    assert registry.load_spec("digit_recognizer").slug == "digit-recognizer"


def test_a_misspelt_fact_of_a_spec_is_one_line_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(folder: str, module: str) -> None:
        KernelSpec(shortname="x")  # type: ignore[call-arg]

    monkeypatch.setattr(registry, "_load", load)
    with pytest.raises(
        UsageError, match=r"^competitions/leaf/spec\.py: .*did you mean 'short_name'"
    ):
        registry.load_spec("leaf")
