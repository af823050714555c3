"""The config of a built kernel: it comes back as it was, and nothing unknown is taken."""

from __future__ import annotations

import json

import pytest

from common.errors import DataError
from common.kernels.config import KernelConfig, RunConfig, SourceConfig
from tests.kernels.desk import a_config

FULL = a_config(
    changes=("epochs=2",),
    folds=("0", "1"),
    sources=(SourceConfig("competition", "digit-recognizer", ("train.csv",)),),
    runs=(RunConfig(kernel="digits-train", run="a" * 64, folds=("0", "1")),),
    decision={"cuts": [0.5, 1.5]},
    packages=("somewhat 1.0",),
)


def test_a_config_comes_back_from_its_json() -> None:
    assert KernelConfig.from_json(FULL.to_json()) == FULL
    assert KernelConfig.from_dict(FULL.as_dict()) == FULL


def test_the_json_is_ascii() -> None:
    assert a_config(changes=("called=Größe",)).to_json().isascii()


def test_an_unknown_key_is_refused_with_the_nearest_name() -> None:
    values = {**FULL.as_dict(), "comit": "x"}
    with pytest.raises(DataError, match=r"no key named 'comit'; did you mean 'commit'"):
        KernelConfig.from_dict(values)


def test_an_unknown_key_of_a_run_is_refused() -> None:
    values = FULL.as_dict()
    values["runs"][0]["hash"] = "x"
    with pytest.raises(DataError, match="no key named 'hash'"):
        KernelConfig.from_dict(values)


def test_a_missing_key_is_refused() -> None:
    values = FULL.as_dict()
    del values["role"]
    with pytest.raises(DataError, match=r"not whole.*role"):
        KernelConfig.from_dict(values)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps("train")])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"no JSON.*build it again"):
        KernelConfig.from_json(text)
