"""Epochs over a table of 17 categorical and 14 continuous columns; numbers are per epoch.

Both sides serve whole epochs in a shuffled order. What is compared beforehand are sums over the
epoch, which do not depend on the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runner import Case, Function, Measured

ROWS = 100_000
CATEGORICAL, CONTINUOUS = 17, 14
MOST_CLASSES = 300
LAYERS = [200, 100]

Loader = Iterable[Any]


def cases(work: Path) -> list[Case]:
    import torch

    torch.set_num_threads(1)
    to = _table()
    return [
        _data_case("batches_64", to, 64),
        _data_case("batches_1024", to, 1024),
        Case(
            "training_epoch",
            Function(_epoch(to, _ours(to, 1024))),
            {"fastai": Function(_epoch(to, _fastai(to, 1024)))},
            equal=_learnt_alike,
        ),
    ]


def _table() -> Any:
    """A processed table; its target depends on the first column of either kind."""
    import pandas as pd
    from fastai.data.block import CategoryBlock
    from fastai.tabular.core import Categorify, Normalize, TabularPandas

    generator = np.random.default_rng(0)
    sizes = np.geomspace(3, MOST_CLASSES, CATEGORICAL).astype(int)
    codes = {f"k{k}": generator.integers(0, size, ROWS) for k, size in enumerate(sizes)}
    numbers = {f"x{k}": generator.normal(size=ROWS).astype(np.float32) for k in range(CONTINUOUS)}
    target = (numbers["x0"] + codes["k0"] > 1).astype(int)
    return TabularPandas(
        pd.DataFrame({**codes, **numbers, "y": target}),
        [Categorify, Normalize],
        cat_names=list(codes),
        cont_names=list(numbers),
        y_names="y",
        y_block=CategoryBlock(),
    )


def _ours(to: Any, bs: int) -> Loader:
    from common.data.frames import FrameDataset, FrameLoader

    return FrameLoader(FrameDataset.from_tabular(to), bs=bs, shuffle=True)


def _fastai(to: Any, bs: int) -> Loader:
    from fastai.tabular.core import TabDataLoader

    loader: Loader = TabDataLoader(to, bs=bs, shuffle=True)
    return loader


def _torch(to: Any, bs: int) -> Loader:
    """Torch's own loader at its best: rows lie in tensors, and a batch is one look-up."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    parts = [torch.from_numpy(own.to_numpy().copy()) for own in (to.cats, to.conts, to.targ)]
    parts = [parts[0].long(), parts[1].float(), parts[2]]

    class Rows(Dataset[Any]):
        def __len__(self) -> int:
            return len(parts[0])

        def __getitems__(self, rows: list[int]) -> Any:
            chosen = torch.tensor(rows)
            return tuple(own[chosen] for own in parts)

    return DataLoader(Rows(), batch_size=bs, shuffle=True, collate_fn=lambda batch: batch)


def _data_case(name: str, to: Any, bs: int) -> Case:
    def over(loader: Loader) -> Function:
        return Function(lambda: _last_and_count(loader))

    _same_rows(_ours(to, bs), _fastai(to, bs))
    peers: dict[str, Measured] = {
        "fastai": over(_fastai(to, bs)),
        "torch __getitems__": over(_torch(to, bs)),
    }
    return Case(name, over(_ours(to, bs)), peers)


def _last_and_count(loader: Loader) -> tuple[Any, ...]:
    """An epoch of batches; gives how many rows there were, and what the last batch was like."""
    n = 0
    for batch in loader:
        n += len(batch[0])
    return n, tuple((tuple(part.shape), part.dtype) for part in batch)


def _same_rows(ours: Loader, theirs: Loader) -> None:
    """Both epochs hold the same values, in whatever order."""
    from common.errors import UsageError

    def sums(loader: Loader) -> np.ndarray:
        total: Any = 0
        for batch in loader:
            parts = [part.double() for part in batch]
            total = total + np.concatenate([(part * part).sum(0) for part in parts])
        return np.asarray(total)

    if not np.allclose(sums(ours), sums(theirs), rtol=1e-9):
        raise UsageError("tabular: ours and fastai serve different rows")


def _epoch(to: Any, loader: Loader) -> Callable[[], float]:
    """One epoch of training from the same first weights; gives its mean loss."""
    import torch
    from fastai.tabular.model import TabularModel, get_emb_sz
    from torch.nn.functional import cross_entropy

    def run() -> float:
        torch.manual_seed(0)
        model = TabularModel(get_emb_sz(to), CONTINUOUS, 2, LAYERS)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
        losses = []
        for codes, numbers, target in loader:
            loss = cross_entropy(model(codes, numbers), target[:, 0].long())
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    return run


def _learnt_alike(ours: float, theirs: float) -> bool:
    """The order of the rows differs, and nothing else."""
    return abs(ours - theirs) < 0.02
