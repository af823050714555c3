"""kernel-metadata.json: what Kaggle's command lets pass and the platform then misreads."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import UsageError
from common.kernels.metadata import KEYS, check_metadata, slugified, title_of

GOOD: dict[str, Any] = {
    "id": "somebody/digits-train",
    "title": "digits train",
    "code_file": "digits-train.py",
    "language": "python",
    "kernel_type": "script",
    "is_private": True,
    "enable_gpu": True,
    "enable_tpu": False,
    "enable_internet": True,
    "machine_shape": "NvidiaTeslaT4",
    "dataset_sources": ["somebody/weights", "somebody/weights-of-june/3"],
    "competition_sources": ["LANL-Earthquake-Prediction"],
    "kernel_sources": ["somebody/digits-train"],
    "model_sources": ["google/gemma/pyTorch/2b-it/3"],
    "keywords": [],
    "docker_image_pinning_type": "original",
}


def test_what_is_built_is_accepted() -> None:
    assert check_metadata(dict(GOOD)) == GOOD
    pulled = {**GOOD, "id_no": 7, "docker_image": "an image of Kaggle's"}
    assert check_metadata(pulled) == pulled


@pytest.mark.parametrize("key", KEYS)
def test_every_switch_must_be_written_out(key: str) -> None:
    values = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(UsageError, match=rf"has no {key}; every switch is written out"):
        check_metadata(values)


TRAPS = {
    "a typing error in a key": ({"enable_internett": False}, "did you mean 'enable_internet'"),
    "an id without its owner": ({"id": "digits-train"}, "expected owner/slug"),
    "an id with a version": ({"id": "somebody/digits-train/3"}, "expected owner/slug"),
    "an owner that is none": ({"id": "some body/digits-train"}, "the user is 'some body'"),
    "a slug of four": ({"id": "somebody/abcd", "title": "abcd"}, "4 characters; expected 5 to 50"),
    "a slug of 51": ({"id": f"somebody/{'a' * 51}", "title": "a" * 51}, "51 characters"),
    "a capital in the slug": ({"id": "somebody/Digits-train"}, "lower-case"),
    "a digit in front": ({"id": "somebody/3-digits", "title": "3 digits"}, "a letter first"),
    "an underscore": ({"id": "somebody/digits_train"}, "lower-case"),
    "a title of another slug": ({"title": "Digits, trained"}, "makes the slug 'digits-trained'"),
    "a title with an emoji only": ({"title": "\N{ROCKET}"}, "makes the slug ''"),
    "a title of 51": ({"title": "digits train" + " " * 39}, "take 'digits train'"),
    "another language": ({"language": "Python"}, "expected python"),
    "another kind": ({"kernel_type": "Script"}, "expected script or notebook"),
    "a notebook as a script": ({"code_file": "digits-train.ipynb"}, "expected a .py file"),
    "a script as a notebook": ({"kernel_type": "notebook"}, "expected a .ipynb file"),
    "a code file elsewhere": ({"code_file": "../digits-train.py"}, "beside it"),
    "a switch as text": ({"is_private": "true"}, "expected true or false"),
    "a switch as number": ({"enable_internet": 0}, "expected true or false"),
    "no switch": ({"enable_gpu": None}, "expected true or false"),
    "a list that is null": ({"dataset_sources": None}, "expected a list"),
    "a list that is a text": ({"competition_sources": "digits"}, "expected a list"),
    "a number in a list": ({"keywords": [1]}, "expected a list of texts"),
    "a competition with its prefix": ({"competition_sources": ["c/digits"]}, "slug alone"),
    "a data set without owner": ({"dataset_sources": ["weights"]}, "expected owner/slug"),
    "a kernel without owner": ({"kernel_sources": ["digits-train"]}, "expected owner/slug"),
    "a kernel with a prefix": ({"kernel_sources": ["code/somebody/x"]}, "expected owner/slug"),
    "a model of four parts": ({"model_sources": ["a/b/c/d"]}, "owner/model/framework"),
    "a model's version as a word": ({"model_sources": ["a/b/c/d/latest"]}, "owner/model"),
    "a source twice": ({"dataset_sources": ["a/b", "a/B"]}, "names a source twice"),
    "a P100": ({"machine_shape": "NvidiaTeslaP100"}, "has no code for it"),
    "an unknown accelerator": ({"machine_shape": "NvidiaTeslaT5"}, "did you mean 'NvidiaTeslaT4'"),
    "a GPU that is switched off": ({"enable_gpu": False}, "expected both for a GPU"),
    "a GPU that is not named": ({"machine_shape": ""}, "expected both for a GPU"),
    "an unknown pinning": ({"docker_image_pinning_type": "newest"}, "original or latest"),
    "a number as text": ({"id_no": "7"}, "expected a int"),
    "a title that is none": ({"title": None}, "expected a text"),
}


@pytest.mark.parametrize(("changes", "expected"), TRAPS.values(), ids=TRAPS)
def test_a_trap_is_one_clear_line(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected.replace("(", r"\(")) as raised:
        check_metadata({**GOOD, **changes}, "kernels/x/kernel-metadata.json")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("values", [None, [], "digits"])
def test_what_is_no_object_is_refused(values: object) -> None:
    with pytest.raises(UsageError, match="no JSON object"):
        check_metadata(values)


def test_a_title_makes_its_slug() -> None:
    assert slugified("Digits:  Train, folds 0 & 1!") == "digits-train-folds-0-1"
    assert title_of("digits-train-folds-0-1") == "digits train folds 0 1"
