"""What this machine has and Kaggle's image lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from common import paths
from common.kernels.rehearsal.absent import absent


@pytest.fixture(scope="module")
def hidden() -> set[str]:
    return set(absent()["modules"])


def test_tools_of_this_environment_are_hidden(hidden: set[str]) -> None:
    assert {"hypothesis", "_hypothesis_ftz_detector"} <= hidden  # in both environments


def test_the_image_and_all_that_it_needs_stay(hidden: set[str]) -> None:
    there = {"numpy", "torch", "fastai", "dateutil", "urllib3", "certifi", "ipykernel", "nbclient"}
    assert not there & hidden


def test_what_travels_in_the_kernel_stays(hidden: set[str]) -> None:
    assert not {"common", "competitions", "kernels"} & hidden
    assert "hypothesis" not in absent(wheels=["hypothesis"])["modules"]


def test_what_a_kernel_packs_is_found_in_the_kernel_alone(hidden: set[str]) -> None:
    assert "segmentation_models_pytorch" not in hidden
    assert str(Path(sys.prefix) / "bundled") in absent()["folders"]


def test_the_standard_library_stays(hidden: set[str]) -> None:
    assert not hidden & sys.stdlib_module_names


def test_the_repository_is_taken_from_the_path() -> None:
    assert str(paths.repository()) in absent()["folders"]
