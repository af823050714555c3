"""The net's side: a segment as 150 steps of a few numbers, and convolutions over them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from common.data import ArrayDataset

STEPS = 150  # parts of a segment
CHANNELS = 6  # numbers that each part is told by
MEAN_SECONDS, SPREAD_SECONDS = 5.5, 3.5  # about what the target has: the net answers near them


def summaries(segments: Iterable[np.ndarray]) -> np.ndarray:
    """Blocks of segments as steps, float32 (S, CHANNELS, STEPS)."""
    parts = [summary(block) for block in segments]
    return np.concatenate([np.empty((0, CHANNELS, STEPS), np.float32), *parts])


def summary(samples: np.ndarray) -> np.ndarray:
    """Segments as steps, float32 (S, CHANNELS, STEPS): logarithms of spread, mean size, highest
    and lowest value, mean change, and a signed root of the mean; all less the segment's median.

    Args:
        samples: int16 (S, R); the last R % STEPS rows are left out.
    """
    n_rows = samples.shape[1] // STEPS
    signal = samples[:, : STEPS * n_rows].astype(np.float32)
    signal -= np.median(signal, axis=1, keepdims=True)
    steps = signal.reshape(len(samples), STEPS, n_rows)
    mean = steps.mean(axis=2)
    channels = (
        np.log1p(steps.std(axis=2)),
        np.log1p(np.abs(steps).mean(axis=2)),
        np.log1p(steps.max(axis=2).clip(min=0)),
        np.log1p((-steps.min(axis=2)).clip(min=0)),
        np.log1p(np.abs(np.diff(steps, axis=2)).mean(axis=2)),
        np.sign(mean) * np.sqrt(np.abs(mean)),
    )
    return np.stack(channels, axis=1).astype(np.float32)


class StepDataset(ArrayDataset):
    """Segments as steps, and their times.

    Args:
        steps: float32 (N, CHANNELS, STEPS).
        times: seconds, (N,); None for rows without.
    """

    def __init__(
        self, steps: np.ndarray, times: np.ndarray | None, samples: Iterable[object]
    ) -> None:
        targets = None if times is None else times.astype(np.float32)[:, None]
        super().__init__(steps, targets, ["seconds"], samples)
        self.image_type = torch.Tensor

    def batch(self, positions: np.ndarray) -> tuple[Any, ...]:
        """The steps and, where there are any, the times (N, 1) of some rows."""
        chosen = torch.from_numpy(positions)
        steps = self.images[chosen]
        return (steps,) if self.targets is None else (steps, self.targets[chosen])

    def decode(self, sample: tuple[Any, ...], full: bool = True) -> tuple[Any, ...]:
        """A sample as it is: numbers are read as they stand."""
        return sample


class StepNet(nn.Module):
    """Convolutions over the steps, the mean and the highest of each channel, one number."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm1d(CHANNELS),
            *_convolution(CHANNELS, width),
            nn.MaxPool1d(2),
            *_convolution(width, 2 * width),
            nn.MaxPool1d(2),
            *_convolution(2 * width, 2 * width),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, 1))

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        """Seconds (N, 1) of segments (N, CHANNELS, STEPS)."""
        found = self.body(steps)
        pooled = torch.cat([found.mean(dim=2), found.amax(dim=2)], dim=1)
        seconds: torch.Tensor = MEAN_SECONDS + SPREAD_SECONDS * self.head(pooled)
        return seconds


def _convolution(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(n_in, n_out, 5, padding=2, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()
