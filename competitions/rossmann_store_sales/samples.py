"""From the host's files to samples: joined once for all folds, and a row for each day of a store.

The run keeps the training days (`days.parquet`), what the codes mean (`encoding.json`) and the
optional tables, so that predicting needs test.csv and store.csv alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from common import files
from common.collect import save_table
from common.collect.base import load_table
from common.errors import DataError
from common.pipeline import Context
from common.score import FIXTURE_FILE
from competitions.rossmann_store_sales import features
from competitions.rossmann_store_sales.encoding import Encoding
from competitions.rossmann_store_sales.external import External
from competitions.rossmann_store_sales.history import HORIZON
from competitions.rossmann_store_sales.periods import before
from competitions.rossmann_store_sales.reading import check_later, read_test, read_train
from competitions.rossmann_store_sales.spec import SPEC
from competitions.rossmann_store_sales.stores import check_known, read_stores

TARGET = SPEC.submission.target_columns[0]
DAYS, ENCODING = "days.parquet", "encoding.json"


def prepare(context: Context) -> None:
    """Reads and checks all files, keeps the days and learns the encoding. A finished run keeps
    what it has: other optional files, or another test set, change nothing in it.

    Raises: DataError for files that are missing, cut or hold something unexpected.
    """
    shared = context.shared
    if (shared / ENCODING).is_file() and not shared.is_relative_to(context.work):
        return
    root = context.root
    train, stores = read_train(root), read_stores(root)
    check_known(train, stores, root)
    test = read_test(root)
    check_later(train, test, root)
    external = External.read(root)
    _tell(context, len(train), external)
    files.make_folder(shared)
    external.save(shared)
    days = pd.concat([train, test], ignore_index=True)
    save_table(shared / DAYS, days)
    table = features.build(days, stores, external)
    learned_from = np.zeros(len(days), dtype=bool)
    learned_from[: len(train)] = before(train["date"].to_numpy(), 0) & (train["sales"] > 0)
    if not learned_from.any():
        raise DataError(
            f"{root / SPEC.file('train').name} has no sales before its last {HORIZON} days, which "
            "are held out; expected months of them: get the file again"
        )
    names = (*features.CATEGORIES, *external.texts), (*features.NUMBERS, *external.numbers)
    Encoding.learned(table[learned_from], *names).save(shared / ENCODING)


def _tell(context: Context, n_rows: int, external: External) -> None:
    say, of_host = context.session.say, SPEC.file("train").rows
    if external.told():
        say(external.told())
    if n_rows != of_host and not (context.root / FIXTURE_FILE).is_file():
        say(f"warning: train.csv holds {n_rows:,} rows; the host's holds {of_host:,}")


def encoding_of(context: Context) -> Encoding:
    """What the codes and numbers of the samples mean."""
    return Encoding.load(context.shared / ENCODING)


def train_samples(context: Context) -> pd.DataFrame:
    """One row per row of train.csv: sample (store and date), id (the same), Sales, group (the
    date), date, open, and the features."""
    days = load_table(context.shared / DAYS)
    return _samples(days, days["id"].isna().to_numpy(), context)


def test_samples(context: Context) -> pd.DataFrame:
    """One row per row of test.csv: the same without Sales and group, and with the host's id."""
    kept = load_table(context.shared / DAYS)
    train, test = kept[kept["id"].isna()], read_test(context.root)
    check_later(train, test, context.root)
    days = pd.concat([train, test], ignore_index=True)
    return _samples(days, np.arange(len(days)) >= len(train), context)


def _samples(days: pd.DataFrame, asked: np.ndarray, context: Context) -> pd.DataFrame:
    """The samples of some of the days; all days serve their features."""
    stores = read_stores(context.root)
    _tell_unseen(days, asked, stores, context)
    table = features.build(days, stores, External.load(context.shared))[asked]
    own = days[asked]
    dates = _texts(own["date"])
    names = [f"{store}_{date}" for store, date in zip(own["store"], dates, strict=True)]
    columns = {"sample": names, "id": names, "date": own["date"].to_numpy()}
    columns["open"] = own["open"].to_numpy()
    if own["id"].notna().any():
        columns["id"] = own["id"].to_numpy()
    else:
        columns |= {TARGET: own["sales"].to_numpy(np.float64), "group": dates}
    encoded = encoding_of(context).encoded(table).reset_index(drop=True)
    return pd.concat([pd.DataFrame(columns), encoded], axis=1)


def _texts(dates: pd.Series) -> np.ndarray:
    """Dates such as 2015-07-31, each different one written once."""
    places, days = pd.factorize(dates)
    texts: np.ndarray = pd.DatetimeIndex(days).strftime("%Y-%m-%d").to_numpy(dtype=object)[places]
    return texts


def _tell_unseen(
    days: pd.DataFrame, asked: np.ndarray, stores: pd.DataFrame, context: Context
) -> None:
    """Says which of the stores that are asked for have no past, and which not even a row in
    store.csv."""
    own = days["store"][asked].unique()
    new = np.setdiff1d(own, days["store"][days["sales"].notna()].unique())
    nowhere = np.setdiff1d(own, stores.index.to_numpy())
    for unseen, lacks, by in (
        (np.setdiff1d(new, nowhere), "train.csv", "what store.csv tells of them"),
        (nowhere, "store.csv", "the calendar alone"),
    ):
        if len(unseen):
            context.session.say(
                f"warning: test.csv asks for {len(unseen)} stores that {lacks} lacks, the first is "
                f"{unseen[0]}; they are answered by {by}"
            )
