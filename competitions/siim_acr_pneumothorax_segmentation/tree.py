"""Where the pictures are, in whatever tree: the host's flat folder, the copies' nested ones, PNGs.

A picture is the file whose name, without its ending, is the id.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from common import paths
from common.errors import DataError
from common.spec import DatasetSource
from competitions.siim_acr_pneumothorax_segmentation.spec import SPEC

ENDINGS = (".dcm", ".dicom", ".png", ".jpg", ".jpeg")  # of one id the first is taken
TABLES = (SPEC.file("train").name, "train-rle.csv")  # of labels; the first knows more pictures
TEST_FOLDER = "stage_2_images"


@dataclass
class Tree:
    """What a folder holds.

    Args:
        pictures: the file of each id.
        tables: the tables of labels by their names.
    """

    pictures: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)

    def path(self, name: str, folder: Path) -> Path:
        """The picture of an id, or where it is expected to be if there is none."""
        return self.pictures.get(name, folder / f"{name}{ENDINGS[0]}")


def look_through(root: Path) -> Tree:
    """All pictures and tables of labels below a folder.

    What lies in a folder of masks is no picture. Of two files with one id a DICOM comes before a
    PNG, then the one whose path comes first.
    """
    tree, ranks = Tree(), dict[str, int]()
    # a kernel links the folders of several sources into one
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = sorted(n for n in inner if not n.startswith(".") and "mask" not in n.lower())
        for name in sorted(names):
            stem, ending = os.path.splitext(name)
            plain = name.removesuffix(".zip")  # some are downloaded one by one, zipped
            if plain in TABLES:
                tree.tables.setdefault(plain, Path(folder, plain))
            elif ending.lower() in ENDINGS:
                rank = ENDINGS.index(ending.lower())
                if rank < ranks.get(stem, len(ENDINGS)):
                    tree.pictures[stem], ranks[stem] = Path(folder, name), rank
    return tree


def table_of_labels(tree: Tree, root: Path) -> Path:
    """The table that knows most pictures.

    Raises: DataError where there is none.
    """
    found = [tree.tables[name] for name in TABLES if name in tree.tables]
    if not found:
        raise DataError(
            f"{paths.shown(root)} holds neither {' nor '.join(TABLES)}; expected the table of "
            "labels: download the competition's files there"
        )
    return found[0]


def no_train_pictures(root: Path, table: Path) -> DataError:
    """The error for a download that holds the test pictures alone, as Kaggle's does."""
    copy = next(one for one in SPEC.sources if isinstance(one, DatasetSource))
    return DataError(
        f"{paths.shown(root)} holds no picture that {table.name} labels: Kaggle's own download has "
        f"none. People share copies of stage 1: {copy.how_to_get(paths.shown(root))}, or put "
        "another one there; expected dicom-images-train/<study>/<series>/<ImageId>.dcm, or PNGs "
        "named <ImageId>.png"
    )
