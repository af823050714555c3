"""Readers and loaders: files to tables and arrays, arrays to fastai DataLoaders."""

from common.data.arrays import ArrayDataset, ArrayLoader
from common.data.tables import read_classes, read_columns, read_features, read_ids, row_numbers

__all__ = [
    "ArrayDataset",
    "ArrayLoader",
    "read_classes",
    "read_columns",
    "read_features",
    "read_ids",
    "row_numbers",
]
