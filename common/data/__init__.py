"""Readers and loaders: files to tables and arrays, arrays to fastai DataLoaders.

A name is loaded when it is asked for, so that what looks at picture files does not load fastai.
"""

import typing as _typing

if _typing.TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.startswith("Array"):
        from common.data import arrays

        return getattr(arrays, name)
    from common.data import tables

    return getattr(tables, name)
