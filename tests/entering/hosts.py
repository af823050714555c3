"""The files of hosts that nobody knows, as tables: numbers, names and texts of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.fixtures import write_csv
from common.spec import numbered

Tables = dict[str, tuple[Sequence[str], Any]]
SHAPES = ("arc", "bar", "dot")


def put(folder: Path, files: Tables) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (header, rows) in files.items():
        write_csv(folder / name, header, rows)
    return folder


def glyphs() -> Tables:
    """Pictures of 4×4 with named ids; the sample writes the target's name in another case."""
    ids = [f"g_{k:05d}" for k in range(9)]
    pixels = numbered("v", 16)
    cells = [[(7 * k + j) % 256 for j in range(16)] for k in range(9)]
    return {
        "train.csv": (
            ("glyph_id", *pixels, "shape"),
            [(ids[k], *cells[k], SHAPES[k % 3]) for k in range(6)],
        ),
        "test.csv": (("glyph_id", *pixels), [(ids[k], *cells[k]) for k in (6, 7, 8)]),
        "sample_submission.csv": (("glyph_id", "Shape"), [(ids[k], "dot") for k in (6, 7, 8)]),
    }


def numbered_rows() -> Tables:
    """Rows without a name, numbers as answers, texts and gaps among the features."""
    header = ("a", "b", "note", "gap")
    train = [(k + 0.5, k / 7, "x", "" if k == 2 else k, 10.25 * k) for k in range(6)]
    return {
        "train.csv": ((*header, "price"), train),
        "test.csv": (header, [(k, -k, "y", k) for k in range(3)]),
        "sample_submission.csv": (("Id", "price"), [(k + 1, 0) for k in range(3)]),
    }


def breeds() -> Tables:
    """One column of probabilities for each class."""
    train = [(f"{k:012x}", k, ("cat", "dog", "yak")[k % 3]) for k in range(6)]
    return {
        "train.csv": (("id", "weight", "breed"), train),
        "test.csv": (("id", "weight"), [(f"{k + 9:012x}", k) for k in range(2)]),
        "sample_submission.csv": (
            ("id", "yak", "cat", "dog"),
            [(f"{k + 9:012x}", 0.333, 0.333, 0.334) for k in range(2)],
        ),
    }


def changed(files: Tables, name: str, change: Callable[[list[Any]], Sequence[object]]) -> Tables:
    """The tables with every row of one of them changed."""
    header, rows = files[name]
    return {**files, name: (header, [change(list(row)) for row in rows])}


def awkward() -> Tables:
    """Names that a careless writer of Python or Markdown breaks on."""
    header = ('the "id"', "it's, so", "back\\slash", "new\nline", "pipe|pipe", "{brace}", "ünï")
    train = [(f"a.b {k}", *range(6), ('quo"te', "o'clock")[k % 2]) for k in range(6)]
    return {
        "train.csv": ((*header, 'tar"get'), train),
        "test.csv": (header, [(f"a.b {k}", *range(6)) for k in (7, 8)]),
        "sample_submission.csv": ((header[0], 'tar"get'), [("a.b 7", ""), ("a.b 8", "")]),
    }


def one_based() -> Tables:
    """Columns that count from one, in a square too small for a picture."""
    header = numbered("f", 10)[1:]
    train = [(*np.arange(9) / 7, k % 2) for k in range(6)]
    return {
        "train.csv": ((*header, "y"), train),
        "test.csv": (header, [tuple(range(9))] * 2),
        "sample_submission.csv": (("n", "y"), [(1, 0), (2, 0)]),
    }


ALL = (glyphs, numbered_rows, breeds, awkward, one_based)
