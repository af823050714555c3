"""Pretrained encoders of segmentation-models-pytorch by name; see `common.pretrained`."""

from __future__ import annotations

import importlib

from common.pretrained import SAFE, WeightsFile, timm_file, unknown


def smp_file(name: str, model: str) -> WeightsFile:
    """The file that the library loads for an encoder, `resnet34.imagenet` or `tu-resnet34`.

    Raises: UsageError for a name that does not exist; the nearest are offered.
    """
    if model.startswith("tu-"):
        return timm_file(name, model.removeprefix("tu-"))
    encoders = importlib.import_module("segmentation_models_pytorch.encoders").encoders
    model, _, tag = model.partition(".")
    known = {
        f"smp/{one}.{kind}": settings
        for one, made in encoders.items()
        for kind, settings in made.get("pretrained_settings", {}).items()
        if isinstance(settings, dict) and "repo_id" in settings
    }
    full = f"smp/{model}.{tag or 'imagenet'}"
    if full not in known:
        raise unknown(name, known)
    found = known[full]
    return WeightsFile(name, (SAFE,), repo=found["repo_id"], revision=found["revision"])
