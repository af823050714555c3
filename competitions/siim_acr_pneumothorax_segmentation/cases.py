"""Pictures of the report: radiograph, true mask and answer side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd

from common import files
from common.collect import MapStack
from common.collect.base import positions_of
from common.csv_table import read_table
from common.figures import Case, Gallery
from common.mask_pictures import ANSWER, TRUTH, tinted
from common.oof import SOLUTION, SUBMISSION
from common.randomness import permutation
from common.rle import count_pixels, dice_of_runs
from common.runfolder import SETTINGS, RunFolder
from competitions.siim_acr_pneumothorax_segmentation.labels import CODE, ID
from competitions.siim_acr_pneumothorax_segmentation.spec import MASKS, SIZE

EACH = 5  # cases of a gallery
SIDE = 192  # pixels of each picture

Picture = Callable[[Any], np.ndarray | None]


def worst_and_random(items: pd.DataFrame, run: RunFolder, picture: Picture) -> Sequence[Gallery]:
    """The worst answers out of fold, and some that were drawn."""
    table = _dices(run)
    order = table.sort_values(["dice", "pixels"], ascending=[True, False], kind="stable").index
    seed = int(files.read_json(run / SETTINGS)["seed"])
    drawn = permutation(len(table), seed, "shown cases")[:EACH]
    show = _Shown(items, MapStack.load(run.path, "oof"), picture)
    return (
        Gallery(
            "worst-masks",
            "Worst masks",
            "The lowest Dice first, of equal ones the most pixels. A mask that was missed and one "
            "that was made up both score 0.",
            tuple(show(table.loc[k]) for k in order[:EACH]),
        ),
        Gallery(
            "random-masks",
            "Masks drawn at random",
            "Held-out pictures, drawn by the run's seed, so as they come.",
            tuple(show(table.loc[k]) for k in drawn),
        ),
    )


def _dices(run: RunFolder) -> pd.DataFrame:
    """Each held-out picture with its masks, its Dice and the pixels of both masks."""
    given, truth = (read_table(run / name).columns for name in (SUBMISSION, SOLUTION))
    answers = dict(zip(given[ID], given[CODE], strict=True))
    table = pd.DataFrame({"id": truth[ID], "truth": truth[CODE]})
    table["answer"] = [answers[name] for name in table["id"]]
    runs = [
        (MASKS.runs(one), MASKS.runs(other))
        for one, other in zip(table["truth"], table["answer"], strict=True)
    ]
    table["dice"] = [dice_of_runs(*pair, both_empty=1.0) for pair in runs]
    table["pixels"] = [sum(map(count_pixels, pair)) for pair in runs]
    return table


class _Shown:
    """Makes a case of a row."""

    def __init__(self, items: pd.DataFrame, maps: MapStack, picture: Picture) -> None:
        self.items, self.maps, self.picture = items.set_index("sample", drop=False), maps, picture

    def __call__(self, row: pd.Series) -> Case:
        whole = self.picture(self.items.loc[row["id"]])
        assert whole is not None
        seen = cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        truth, answer = (MASKS.decode(row[name], SIZE) for name in ("truth", "answer"))
        best = int(self.maps.values[positions_of(self.maps.samples, [row["id"]])[0]].max()) / 255
        lines = (
            f"Dice {row['dice']:.3f}",
            f"{int(truth.sum()):,} true pixels",
            f"{int(answer.sum()):,} answered",
            f"highest probability {best:.2f}",
        )
        pictures = {
            "radiograph": seen[:, :, 0],
            "true mask": tinted(seen, truth, TRUTH),
            "answer": tinted(seen, answer, ANSWER),
        }
        return Case(row["id"], pictures, lines)
