"""The net: fastai's tabular model on embeddings, which also learns what an unseen store is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from fastai.tabular.model import TabularModel, emb_sz_rule
from torch import nn

from competitions.rossmann_store_sales import history
from competitions.rossmann_store_sales.encoding import UNKNOWN, Encoding

RATIO = 2.0  # on the log scale: answers lie within e² = 7.4 times of what is usual for the day


class SalesNet(TabularModel):  # type: ignore[misc]  # fastai ships no types
    """Logarithms of sales (N, 1) from codes (N, K) and numbers (N, M): the store's mean on such
    days, plus what the layers add, from -RATIO to RATIO.

    In training, a share of the rows is shown as a store that nobody knows: the code UNKNOWN and no
    history. So that embedding is learned as well, and serves the stores that only the test set has.

    Args:
        encoding: of the features; gives the embeddings' rows.
        layers: units of each.
        widest: columns of an embedding, at most; else fastai's rule, 1.6 · n^0.56 for n rows.
        dropouts: share of the embeddings and of each layer's output that is dropped.
        hidden: share of the training rows without their store.
    """

    def __init__(
        self,
        encoding: Encoding,
        layers: Sequence[int],
        widest: int,
        dropouts: tuple[float, float],
        hidden: float,
    ) -> None:
        sizes = [len(values) + 1 for values in encoding.classes.values()]
        super().__init__(
            [(size, min(widest, emb_sz_rule(size))) for size in sizes],
            len(encoding.scales),
            1,
            list(layers),
            ps=dropouts[1],
            embed_p=dropouts[0],
            y_range=(-RATIO, RATIO),
            bn_cont=False,  # they are on one scale already
        )
        self.store = [*encoding.classes].index("store")
        self.usual = [*encoding.scales].index(history.USUAL)
        self.mean, self.spread = encoding.scales[history.USUAL]
        self.hidden = hidden
        blank = torch.from_numpy(_without_history(encoding))
        self.register_buffer("blank", blank, persistent=False)

    def forward(self, codes: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        if self.training and self.hidden > 0:
            unseen = torch.rand(len(codes), 1, device=codes.device) < self.hidden
            column = torch.arange(codes.shape[1], device=codes.device) == self.store
            codes = codes.masked_fill(unseen & column, UNKNOWN)
            numbers = torch.where(unseen & ~self.blank.isnan(), self.blank, numbers)
        usual = self.mean + self.spread * numbers[:, [self.usual]]
        answers: torch.Tensor = usual + super().forward(codes, numbers)
        return answers


def _without_history(encoding: Encoding) -> np.ndarray:
    """The scaled numbers of a store without history, float32 (M,); nan where it has its own."""
    blank = np.full(len(encoding.scales), np.nan, dtype=np.float32)
    for place, (name, (mean, spread)) in enumerate(encoding.scales.items()):
        if name in history.NAMES:
            blank[place] = 0.0  # as what is missing
        elif name == "history_missing":
            blank[place] = (1 - mean) / spread
    return blank


class SoldLoss(nn.Module):
    """The mean distance of predictions (N, 1) and targets (N, 1), over the rows that have a target:
    a day on which nothing was sold has nan."""

    def forward(self, predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        has_target = ~target.isnan()
        distance = (predicted - target.nan_to_num()).abs() * has_target
        loss: torch.Tensor = distance.sum() / has_target.sum().clamp(min=1)
        return loss
