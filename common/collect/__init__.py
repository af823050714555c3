"""Predictions by sample, and the collectors that gather them batch by batch.

Columns → Dense      a row of numbers per sample
Rows    → Ragged     any number of rows per sample (boxes, pairs)
Maps    → MapStack   a picture of probabilities per sample, on disk
BestK   → Ragged     the K best samples per class, in memory that does not grow
"""

from common.collect.base import Collector, Predictions, load_arrays, save_arrays, save_table
from common.collect.best import BestK
from common.collect.dense import Columns, Dense
from common.collect.load import load_predictions
from common.collect.maps import Maps, MapStack
from common.collect.ragged import Ragged, Rows

__all__ = [
    "BestK",
    "Collector",
    "Columns",
    "Dense",
    "MapStack",
    "Maps",
    "Predictions",
    "Ragged",
    "Rows",
    "load_arrays",
    "load_predictions",
    "save_arrays",
    "save_table",
]
