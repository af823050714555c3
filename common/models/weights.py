"""Where a net's first weights come from: a file, or nowhere by explicit choice."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from common import paths
from common.errors import DataError, SettingsError
from common.pretrained import WeightsFile, cache_of, fetched

PRETRAINED, NONE = "pretrained", "none"
WEIGHTS = (PRETRAINED, NONE)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as most weights have it


def is_pretrained(weights: str) -> bool:
    """Whether weights were asked for.

    Raises: SettingsError for anything but "pretrained" and "none".
    """
    if weights not in WEIGHTS:
        raise SettingsError(f"weights is {weights!r}; expected {' or '.join(WEIGHTS)}")
    return weights == PRETRAINED


def weights_path(file: WeightsFile) -> Path:
    """The whole file in the library's cache, which an attached data set fills; fetched where there
    is a connection.

    Raises: DataError that says which file is missing, where it was looked for, and what to attach.
    """
    return fetched(
        file,
        f"looked for {file.shown} in {paths.shown(cache_of(file))}. Fetch it where there is a "
        f"connection; for a kernel run python scripts/pack_dataset.py --weights {file.name} "
        "--name NAME, upload the data set and name it in KernelSpec.datasets. To begin with random "
        "weights, set weights=none",
    )


def read_weights(path: Path) -> dict[str, Any]:
    """The tensors of a file by name; a pickle gives nothing but tensors."""
    if path.suffix == ".safetensors":
        import safetensors.torch

        return dict(safetensors.torch.load_file(path))
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


@contextmanager
def fitting(file: WeightsFile, path: Path) -> Iterator[None]:
    """Turns weights that are not those of this net into one line.

    Raises: DataError.
    """
    try:
        yield
    except (
        RuntimeError,  # other names or shapes, or no archive
        KeyError,
        EOFError,
        pickle.UnpicklingError,  # more than tensors
        SafetensorError,
    ) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{path} holds no weights of {file.name} ({reason}); expected the file that the "
            "library loads for it: delete it and fetch it again"
        ) from None


def cycled(values: tuple[float, ...], n_channels: int) -> tuple[float, ...]:
    """Three channels' mean or std for another number of channels: their mean for one, otherwise
    repeated, as the weights of the first convolution are."""
    if n_channels == 1:
        return (sum(values) / len(values),)
    return tuple(values[k % len(values)] for k in range(n_channels))
