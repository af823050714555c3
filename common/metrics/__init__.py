"""Metrics as values: a name, a direction, a function on numpy arrays."""

from common.metrics.base import Metric
from common.metrics.classification import accuracy
from common.metrics.regression import mean_absolute_error

__all__ = ["Metric", "accuracy", "mean_absolute_error"]
