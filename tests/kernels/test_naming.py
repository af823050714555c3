"""Names of kernels: those of all competitions are ones that Kaggle takes."""

from __future__ import annotations

import re

import pytest

from common import registry
from common.errors import UsageError
from common.kernels.metadata import check_slug, slugified, title_of
from common.kernels.naming import kernel_slug, part_name, short_name
from common.kernels.sources import data_sources
from common.spec import KernelSpec, short_kernel_name

FOLDERS = registry.folders()
OURS = [folder for folder in FOLDERS if registry.load_spec(folder).kernel != KernelSpec()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_longest_usual_name_of_a_competition_fits(folder: str) -> None:
    kernel = registry.load_spec(folder).kernel
    name = short_name(folder, kernel)
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name)
    for part in ("train", "infer", "train-svc", "train-folds-0-1-2-3"):
        slug = kernel_slug(folder, kernel, part)
        assert 5 <= len(slug) <= 50
        assert slugified(title_of(slug)) == slug


def test_no_two_competitions_share_a_name() -> None:
    names = [short_name(folder, registry.load_spec(folder).kernel) for folder in FOLDERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_sources_of_a_competition_can_be_attached(folder: str) -> None:
    sources = data_sources(folder, registry.load_spec(folder))
    assert sources
    assert {source.kind for source in sources} <= {"competition", "dataset"}
    assert not any("*" in marker for source in sources for marker in source.markers)


def test_a_competition_outside_kaggle_needs_a_data_set() -> None:
    from dataclasses import replace

    spec = registry.load_spec("biwi")
    with pytest.raises(UsageError, match=r"lie outside Kaggle.*KernelSpec\.data"):
        data_sources("biwi", replace(spec, kernel=KernelSpec()))


def test_parts_say_what_differs_from_the_default() -> None:
    assert part_name("train", "", ()) == "train"
    assert part_name("infer", "svc", ()) == "infer-svc"
    assert part_name("train", "big_net", ("0", "1")) == "train-big-net-folds-0-1"


def test_without_a_short_name_the_folder_s_name_is_cut() -> None:
    assert short_kernel_name("leaves") == "leaves"
    assert (
        short_kernel_name("a_very_long_name_of_a_competition") == "a-very-long-name-of-a-competit"
    )
    assert short_kernel_name("a" * 29 + "_b") == "a" * 29


@pytest.mark.parametrize("name", ["a" * 31, "Digits", "digits_2", "-digits", "2digits"])
def test_a_short_name_that_kaggle_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"KernelSpec\.short_name"):
        short_name("digit_recognizer", KernelSpec(short_name=name))


def test_too_many_words_are_an_error_that_names_the_short_name() -> None:
    folds = tuple(map(str, range(15)))
    with pytest.raises(UsageError, match=r"expected 5 to 50: change KernelSpec\.short_name"):
        kernel_slug("x", KernelSpec(short_name="digits"), part_name("train", "", folds))


def test_fifty_characters_are_the_most() -> None:
    check_slug("a" * 50)
    with pytest.raises(UsageError, match="51 characters"):
        check_slug("a" * 51)
