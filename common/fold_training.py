"""The folds of a run: which of them are still to be trained, one after the other, and their models.

`common.devices` trains them beside each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from common import files
from common.pipeline import ALL_ROWS, Context, Pipeline
from common.runfolder import LEFT_OUT, RunFolder

Say = Callable[[str], None]


@dataclass
class FoldsToTrain:
    """What the folds of one command have in common.

    Args:
        n_test: rows of the test set, which every fold's model will predict.
        context: with the session whose budget the folds share.
    """

    pipeline: Pipeline
    items: pd.DataFrame
    folds: list[int | None]
    run: RunFolder
    context: Context
    n_test: int
    say: Say

    def rows_to_predict(self, n_folds: int) -> int:
        """Rows that the models of the first `n_folds` folds will predict: theirs, and the test
        set."""
        splits = (self.pipeline.splits(self.items, fold) for fold in self.folds[:n_folds])
        return sum(len(valid) + self.n_test for _, valid in splits)

    def has_model(self) -> bool:
        """True where a fold has a model, so that there is something to predict with."""
        return any(self.run.predicts(fold) for fold in self.folds)

    def write_left_out(self, left_out: dict[int | None, str]) -> list[str]:
        """Writes what the budget did not hold, in the order of the folds; gives it."""
        texts = [f"{called(fold)}{left_out[fold]}" for fold in self.folds if fold in left_out]
        if texts:
            files.write_json(self.run / LEFT_OUT, texts)
        else:
            (self.run / LEFT_OUT).unlink(missing_ok=True)
        return texts


def train_folds(work: FoldsToTrain) -> list[str]:
    """Trains the folds that the budget holds, one after the other; gives what it left out, a line
    for each.

    The other processes that train with this one are told of each fold.
    """
    budget, ranks = work.context.session.budget, work.context.session.ranks
    left_out: dict[int | None, str] = {}
    for number, fold in enumerate(work.folds, start=1):
        budget.rows_to_predict = work.rows_to_predict(number)
        if work.run.has_fold(fold):
            work.say(f"{called(fold)}: finished before")
        elif not budget.fits_fold() and work.has_model():
            left_out[fold] = ""
        else:
            if ranks is not None:
                ranks.share([fold])
            began = budget.clock()
            trained = train_fold(work.pipeline, work.items, fold, work.run, work.context, work.say)
            budget.saw_fold(budget.clock() - began)
            record(trained, work.run)
            if trained.cut_short:
                left_out[fold] = trained.left_out
    if ranks is not None:
        ranks.share([])
    return work.write_left_out(left_out)


def help_train_folds(pipeline: Pipeline, items: pd.DataFrame, context: Context) -> None:
    """What the other processes do while the first one trains folds: their part of each batch."""
    ranks = context.session.ranks
    assert ranks is not None
    while fold := ranks.share():
        pipeline.fit_fold(items, fold[0], context)


@dataclass(frozen=True)
class Trained:
    """What came of a fold.

    Args:
        cut_short: how far it came, where the budget ended it; "" for a whole one.
        is_kept: whether its model lies in the run folder.
    """

    fold: int | None
    cut_short: str
    is_kept: bool

    @property
    def left_out(self) -> str:
        """What follows a fold's name in the list of what was left out."""
        return f", of which {self.cut_short}"


def train_fold(
    pipeline: Pipeline,
    items: pd.DataFrame,
    fold: int | None,
    run: RunFolder,
    context: Context,
    say: Say,
) -> Trained:
    """Trains one fold and writes its model, which is still to be entered into the run.

    A net that was cut short predicts only where no fold has a whole one.
    """
    train_rows, valid_rows = pipeline.splits(items, fold)
    say(f"{called(fold)}: {len(train_rows):,} rows train, {len(valid_rows):,} validate")
    model = pipeline.fit_fold(items, fold, replace(context, state=run.fold(fold)))
    cut_short: str = getattr(model, "left_out", "")
    is_kept = not (cut_short and run.has_whole_fold())
    if is_kept:
        files.make_folder(run.fold(fold))
        model.save(run.fold(fold))
    return Trained(fold, cut_short, is_kept)


def record(trained: Trained, run: RunFolder) -> None:
    """Enters a fold's model into the run."""
    if trained.is_kept:
        run.record_fold(trained.fold, finished=not trained.cut_short)


def called(fold: int | None) -> str:
    """What a fold is called in a log."""
    return "all rows" if fold is ALL_ROWS else f"fold {fold}"
