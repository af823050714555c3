"""The masks by picture, out of whichever table of labels is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from common import paths
from common.csv_table import cut, place, read_table
from common.errors import DataError
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE

ID, CODE = "ImageId", "EncodedPixels"
EMPTY = MASKS.empty[0]


def read_labels(path: Path, say: Callable[[str], None]) -> dict[str, str]:
    """The mask of each picture, as the host writes it, in the order of the table.

    Rows of one picture are its instances, and become one mask. Blanks around names and cells, which
    `train-rle.csv` has, do not count.

    Raises: DataError where the file is missing, cut, lacks a column or rows, or holds a cell that
    is no mask.
    """
    table = read_table(path)
    columns = {name.strip(): cells for name, cells in table.columns.items()}
    for name in (ID, CODE):
        if name not in columns:
            raise DataError(
                f"{paths.shown(path)} has no column {name!r} (found: {', '.join(columns)}); "
                "expected ImageId and EncodedPixels: get the file again"
            )
    if not table.n_rows:
        raise DataError(f"{paths.shown(path)} has a header and no rows; get it again")
    ids, codes = ([cell.strip() for cell in columns[name]] for name in (ID, CODE))
    _check_masks(path, ids, codes)
    instances: dict[str, list[str]] = {}
    for name, code in zip(ids, codes, strict=True):
        instances.setdefault(name, []).append(code)
    _tell_contradictions(path, instances, say)
    return {name: _united(own) for name, own in instances.items()}


def _check_masks(path: Path, ids: list[str], codes: list[str]) -> None:
    nameless = [row for row, name in enumerate(ids) if not name]
    if nameless:
        raise DataError(f"{paths.shown(path)}: {place(nameless[0])} names no picture; get it again")
    faulty = MASKS.faulty(codes, SIZE)
    if faulty:
        row = faulty[0]
        raise DataError(
            f"{paths.shown(path)}: {place(row)}, {ids[row]}, holds {cut(repr(codes[row]))}: "
            f"{MASKS.fault(codes[row], SIZE)}. Expected -1, or pairs of a gap and a length; the "
            "file was cut or edited, get it again"
        )


def _tell_contradictions(
    path: Path, instances: dict[str, list[str]], say: Callable[[str], None]
) -> None:
    both = [name for name, own in instances.items() if EMPTY in own and {*own} != {EMPTY}]
    if both:
        say(
            f"warning: {paths.shown(path)} says both {EMPTY} and a mask of {len(both):,} pictures, "
            f"the first is {both[0]}; the mask is taken"
        )


def _united(codes: list[str]) -> str:
    return codes[0] if len(codes) == 1 else MASKS.merge(codes, SIZE)
