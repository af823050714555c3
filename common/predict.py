"""Inference: batches through a net into a collector, in the order of the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from fastai.torch_core import to_device

from common.collect import Collector, Predictions
from common.errors import RunError
from common.train.workers import workers_watched

PredictStep = Callable[[torch.nn.Module, Sequence[Any]], Any]


def predict(
    net: torch.nn.Module,
    loader: Iterable[Any],
    samples: np.ndarray,
    collector: Collector,
    predict_step: PredictStep,
    device: str,
) -> Predictions:
    """The predictions of one net.

    Args:
        loader: batches of inputs, in the order of `samples`.
        samples: names, (N,).
        predict_step: gives the predictions for the inputs of a batch, one per sample.

    Raises: RunError where the loader serves more or fewer rows than there are samples.
    """
    start = 0
    net.eval()
    with torch.inference_mode(), workers_watched(loader, lambda: f"row {start}"):
        for batch in loader:
            inputs = batch if isinstance(batch, (tuple, list)) else (batch,)
            outputs = outputs_to_numpy(predict_step(net, to_device(inputs, device)))
            collector.add(samples[start : start + len(outputs)], outputs)
            start += len(outputs)
    check_all_served(start, len(samples), "test_loader()")
    return collector.finish()


def check_all_served(served: int, expected: int, who: str) -> None:
    """Raises RunError where a loader left rows out or served some twice."""
    if served != expected:
        raise RunError(
            f"{who} served {served} rows; expected {expected}, in the items' order, none left out"
        )


def outputs_to_numpy(outputs: Any) -> Any:
    """Tensors of a batch as arrays; a list stays a list of arrays or dicts, one per sample."""
    if isinstance(outputs, torch.Tensor):
        return np.asarray(outputs.detach().float().cpu())
    if isinstance(outputs, np.ndarray):
        return outputs
    if isinstance(outputs, dict):
        return {name: outputs_to_numpy(output) for name, output in outputs.items()}
    return [outputs_to_numpy(output) for output in outputs]
