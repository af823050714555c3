"""From a pipeline to a page: the first train batch of a fold, as the model is given it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common import files, paths, registry
from common.augment import Policy, named, unchanged
from common.errors import UsageError
from common.opening import (
    Request,
    chosen_pipeline,
    context_for,
    data_called,
    folds_to_train,
    train_items,
)
from common.pipeline import Pipeline
from common.showing import Picture, grid, pictures_of

COLUMNS = 8


def write_page(request: Request, *, policy: str, n_rows: int, out: Path | None) -> Path:
    """Writes a PNG and gives its path.

    Args:
        policy: a name of `common.augment.POLICIES`; "" for the pipeline's own.
        n_rows: rows of the page, of eight pictures each.
        out: None for data/work/<competition>/batch.png.

    Raises: what training would raise for the same names and data, and UsageError where the
        pipeline has no pictures, or has no policy that could be changed.
    """
    folder = registry.find(request.competition)
    name, pipeline = chosen_pipeline(folder, request)
    if type(pipeline).loaders is Pipeline.loaders:
        raise UsageError(
            f"pipeline {name!r} has no batches to show, because it answers no loaders(); choose "
            "another with --pipeline"
        )
    context, _ = context_for(folder, name, pipeline, request)
    items = train_items(pipeline, context)
    loader = pipeline.loaders(items, folds_to_train(items, ())[0], context).train
    used = _policy_of(loader, pipeline, policy)
    pictures = _first(loader, used, COLUMNS * n_rows)
    page = grid(
        pictures,
        min(COLUMNS, len(pictures)),
        f"{folder}, pipeline {name}, preset {request.preset}: what the model is given in training",
        f"{data_called(context.root)}; policy {used.name}; {_size(pictures)}; seed {context.seed}",
    )
    target = out or paths.work_dir(folder) / "batch.png"
    files.make_folder(target.parent)
    content = io.BytesIO()
    page.save(content, format="PNG", optimize=True)
    return files.write_bytes(target, content.getvalue())


def _policy_of(loader: Any, pipeline: Pipeline, asked: str) -> Policy:
    """The policy of a loader, after it was changed for the one asked for."""
    if not asked:
        return getattr(loader, "policy", None) or unchanged()
    chosen = named(asked).check(pipeline.spec.flips)
    if not isinstance(getattr(loader, "policy", None), Policy):
        raise UsageError(
            f"{type(loader).__name__} has no policy to change; leave --policy out to see what the "
            "pipeline itself does"
        )
    loader.policy = chosen
    return chosen


def _first(loader: Iterable[Any], policy: Policy, n_pictures: int) -> list[Picture]:
    """The first pictures that a loader serves."""
    pictures: list[Picture] = []
    vocab = getattr(loader, "vocab", ())
    for batch in loader:
        pictures += pictures_of(batch, vocab, policy)
        if len(pictures) >= n_pictures:
            break
    return pictures[:n_pictures]


def _size(pictures: list[Picture]) -> str:
    height, width = pictures[0].pixels.shape[:2]
    return f"{height}×{width} pixels"
