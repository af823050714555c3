"""Tables as fastai loaders: the rows and values of fastai's own, in an order drawn by key."""

from __future__ import annotations

import itertools
from typing import Any

import fastai.callback.progress
import fastai.callback.schedule  # noqa: F401 - these add no_bar and lr_find to Learner
import numpy as np
import pandas as pd
import pytest
import torch
from fastai.data.block import CategoryBlock
from fastai.data.core import DataLoaders
from fastai.tabular.core import Categorify, FillMissing, Normalize, TabDataLoader, TabularPandas
from fastai.tabular.learner import tabular_learner
from fastai.tabular.model import TabularModel, get_emb_sz
from fastai.torch_basics import ItemTransform

from common.data import frames
from common.data.frames import FrameDataset, FrameLoader, frame_loaders
from common.errors import UsageError

# fastai's own: tensors of pandas' read-only arrays, categories of unknown values, old numpy names
pytestmark = [
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
    pytest.mark.filterwarnings("ignore:Constructing a Categorical"),
    pytest.mark.filterwarnings("ignore:numpy.core is deprecated"),
    pytest.mark.filterwarnings("ignore:A value is trying to be set on a copy:FutureWarning"),
]
N = 70
TOWNS = ["Basel", "Bern", "Chur"]


def plain_table(n: int = N) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "town": generator.choice(TOWNS, n),
            "day": generator.integers(1, 8, n),
            "size": generator.normal(50, 9, n),
            "c": generator.normal(size=n).astype(np.float32),  # fastai would take it for a number
        }
    )
    table["sold"] = np.where(table["size"] > 50, "yes", "no")
    table.loc[5, "size"] = np.nan
    return table


@pytest.fixture
def to() -> TabularPandas:
    return TabularPandas(
        plain_table(),
        [Categorify, FillMissing, Normalize],
        cat_names=["town", "day"],
        cont_names=["size", "c"],
        y_names="sold",
        y_block=CategoryBlock(),
        splits=(list(range(50)), list(range(50, N))),
    )


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[pd.DataFrame]:
    """What fastai displays, in a notebook or not."""
    tables: list[pd.DataFrame] = []
    monkeypatch.setattr("fastai.tabular.core.display_df", tables.append)
    return tables


def numbered(n: int, bs: int = 4, **options: Any) -> FrameLoader:
    """A loader whose rows are told by their code."""
    codes = np.arange(n)[:, None]
    return FrameLoader(FrameDataset(codes, np.ones((n, 1)), np.arange(n)), bs=bs, **options)


def served(loader: FrameLoader) -> list[int]:
    return [int(code) for batch in loader for code in batch[0][:, 0]]


# ---- what comes out --------------------------------------------------------------------------


@pytest.mark.parametrize("bs", [1, 16, 64, 70, 100])
def test_batches_are_those_of_fastai_for_the_same_order(to: TabularPandas, bs: int) -> None:
    ours = FrameLoader(FrameDataset.from_tabular(to), bs=bs, shuffle=True, seed=4)
    ours.set_epoch(2)
    mine = list(ours)
    theirs = list(TabDataLoader(to, bs=bs, get_idxs=lambda: ours.get_idxs().tolist()))
    assert [len(batch[0]) for batch in mine] == [len(batch[0]) for batch in theirs]
    for batch, other in zip(mine, theirs, strict=True):
        assert len(batch) == len(other) == 3
        for part, of_fastai in zip(batch, other, strict=True):
            assert part.dtype == of_fastai.dtype
            assert torch.equal(part, of_fastai)


@pytest.mark.parametrize("n", [8192, 8193, 8200])
def test_what_is_left_of_a_gather_is_no_batch_without_rows(n: int) -> None:
    loader = numbered(n, bs=256, shuffle=True, drop_last=True)
    assert [len(batch[0]) for batch in loader] == [256] * 32


def test_an_epoch_of_training_gives_the_weights_that_fastai_gives(to: TabularPandas) -> None:
    ours = FrameLoader(FrameDataset.from_tabular(to), bs=16, shuffle=True, seed=1)

    def trained(loader: Any) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = TabularModel(get_emb_sz(to), 2, 2, [8])
        optimizer = torch.optim.Adam(model.parameters())
        for codes, values, target in loader:
            torch.manual_seed(0)  # fastai's iterator draws a number
            values = values.contiguous()  # fastai's lie column by column, and sums round otherwise
            loss = torch.nn.functional.cross_entropy(model(codes, values), target[:, 0].long())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return list(model.state_dict().values())

    mine = trained(ours)
    theirs = trained(TabDataLoader(to, bs=16, get_idxs=lambda: ours.get_idxs().tolist()))
    for weights, of_fastai in zip(mine, theirs, strict=True):
        assert torch.equal(weights, of_fastai)


def test_arrays_are_served_as_they_are() -> None:
    codes = np.array([[0, 2], [1, 0], [1, 1]], dtype=np.uint8)
    values = np.array([[0.5], [np.nan], [-3.0]])
    loader = FrameLoader(FrameDataset(codes, values, np.array([1, 0, 1]), vocab=["a", "b"]), bs=2)
    first, second = list(loader)
    assert first[0].tolist() == [[0, 2], [1, 0]]
    assert first[0].dtype == torch.int64
    assert first[1].dtype == torch.float32
    assert first[1].isnan().tolist() == [[False], [True]]
    assert first[2].tolist() == [[1], [0]]
    assert [part.tolist() for part in second] == [[[1, 1]], [[-3.0]], [[1]]]


@pytest.mark.parametrize(
    ("highest", "kept"), [(32_767, torch.int16), (32_768, torch.int32), (2**31, torch.int64)]
)
def test_codes_are_kept_as_small_as_they_fit(highest: int, kept: torch.dtype) -> None:
    dataset = FrameDataset(np.array([[0], [highest]]), np.zeros((2, 1)))
    assert dataset.columns[0].dtype == kept
    assert FrameLoader(dataset, bs=2).one_batch()[0].tolist() == [[0], [highest]]


def test_columns_are_sent_to_a_device_once(to: TabularPandas) -> None:
    dataset = FrameDataset.from_tabular(to)
    assert dataset.on("cpu") is dataset.on(torch.device("cpu")) is dataset.on(None)


# ---- the order -------------------------------------------------------------------------------


def test_every_epoch_serves_each_row_once_in_another_order() -> None:
    loader = numbered(30, shuffle=True)
    first, second = served(loader), served(loader)
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    loader, again = numbered(30, shuffle=True, seed=7), numbered(30, bs=9, shuffle=True, seed=7)
    epochs = [served(loader) for _ in range(3)]
    again.set_epoch(2)
    assert served(again) == epochs[2]
    assert served(numbered(30, shuffle=True, seed=8)) != epochs[0]


def test_no_random_number_of_torch_is_used() -> None:
    before = torch.get_rng_state()
    served(numbered(30, shuffle=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_short_last_batch_is_dropped_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_ROWS", 8)  # two batches of four per gather
    assert [len(batch[0]) for batch in numbered(23)] == [4, 4, 4, 4, 4, 3]
    assert [len(batch[0]) for batch in numbered(23, drop_last=True)] == [4, 4, 4, 4, 4]
    assert len(numbered(23, drop_last=True)) == 5
    assert served(numbered(23)) == list(range(23))


def test_an_endless_order_is_taken_as_it_comes() -> None:
    loader = numbered(5, get_idxs=lambda: itertools.repeat(3))
    batches = itertools.islice(iter(loader), 200)
    assert {tuple(batch[0][:, 0].tolist()) for batch in batches} == {(3, 3, 3, 3)}


# ---- fastai's protocol -----------------------------------------------------------------------


def test_show_batch_shows_the_table_as_it_was(
    to: TabularPandas, displayed: list[pd.DataFrame]
) -> None:
    loader = FrameLoader(FrameDataset.from_tabular(to), bs=4)
    shown = loader.decode(loader.one_batch()).decode().items
    table = plain_table()
    assert shown["town"].tolist() == table["town"][:4].tolist()
    assert shown["sold"].tolist() == table["sold"][:4].tolist()
    np.testing.assert_allclose(shown["size"].astype(float), table["size"][:4], rtol=1e-5)
    loader.show_batch()
    loader.show_batch(unique=True)
    assert displayed[0]["town"].tolist() == table["town"][:4].tolist()
    assert displayed[1]["town"].tolist() == [table["town"][0]] * 4


def test_show_batch_names_the_classes_of_arrays(displayed: list[pd.DataFrame]) -> None:
    dataset = FrameDataset(
        np.array([[0], [2]]),
        np.array([[1.5], [2.5]]),
        np.array([1, 0]),
        vocab=["cat", "dog"],
        cat_names=["town"],
        cont_names=["size"],
        y_names=["animal"],
        classes={"town": TOWNS},
    )
    loader = FrameLoader(dataset, bs=2)
    shown = loader.decode(loader.one_batch()).decode().items
    assert shown["town"].tolist() == ["Basel", "Chur"]
    assert shown["animal"].tolist() == ["dog", "cat"]
    loader.show_batch()
    assert displayed[0]["town"].tolist() == ["Basel", "Chur"]


def test_a_learner_of_fastai_trains_and_predicts(
    to: TabularPandas, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    loaders = frame_loaders(to, bs=10)
    learner = tabular_learner(loaders, layers=[8])
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1)
        valid, _ = learner.get_preds()
        probabilities, truth = learner.get_preds(dl=loaders.train.new(drop_last=False))
        test = loaders.test_dl(plain_table()[:12].drop(columns="sold"))
        of_test, without = learner.get_preds(dl=test)
        _, decoded, _ = learner.predict(plain_table().iloc[0])
        learner.show_results()
        learner.lr_find(num_it=5, show_plot=False, suggest_funcs=())
    assert len(valid) == 20
    assert len(learner.dls.train) == 5
    assert without is None
    assert loaders.c == 2  # not the column of that name
    # rows come back in the table's order, whatever order they were served in
    assert torch.equal(truth, loaders.train_ds.columns[2])
    torch.testing.assert_close(of_test, probabilities[:12])
    assert int(decoded) == int(of_test[0].argmax())


def test_test_rows_are_processed_as_the_training_rows_were(to: TabularPandas) -> None:
    table = plain_table()[:3].drop(columns="sold")
    table["town"] = ["Chur", "Paris", "Basel"]
    of_fastai = to.dataloaders(bs=4).test_dl(table).one_batch()
    loaders = frame_loaders(to, bs=4)
    for test in (loaders.test_dl(table), loaders.valid.new(table)):
        batch = test.one_batch()
        assert batch[0][:, 0].tolist() == [3, 0, 1]
        assert [part.tolist() for part in batch] == [part.tolist() for part in of_fastai]


def test_arrays_train_with_the_loss_of_their_targets() -> None:
    generator = np.random.default_rng(0)
    codes, values = generator.integers(0, 4, (40, 2)), generator.normal(size=(40, 3))
    for targets, vocab, c in ((codes[:, 0] % 2, ["a", "b"], 2), (values[:, :2], None, 2)):
        dataset = FrameDataset(codes, values, targets, vocab=vocab)
        train = FrameLoader(dataset.rows(range(30)), bs=8, shuffle=True)
        loaders = DataLoaders(train, FrameLoader(dataset.rows(range(30, 40)), bs=8))
        learner = tabular_learner(loaders, layers=[4])
        assert loaders.c == c
        with learner.no_bar(), learner.no_logging():
            learner.fit(1)
            predictions, truth = learner.get_preds()
        assert predictions.shape == (10, 2)
        np.testing.assert_allclose(
            truth.numpy().reshape(10, -1)[:, -1], targets[30:].reshape(10, -1)[:, -1], rtol=1e-6
        )


def test_transforms_of_batches_are_called() -> None:
    class Seven(ItemTransform):
        def encodes(self, batch: Any) -> Any:
            return batch[0], batch[1] * 7, batch[2]

    loader = numbered(4, after_batch=Seven())
    assert loader.one_batch()[1][:, 0].tolist() == [7, 7, 7, 7]


# ---- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        (np.array([[0], [-1]]), {}, "code -1; expected whole numbers from 0"),
        (np.array([[0.0], [1.0]]), {}, "categories of float64; expected codes"),
        (np.array([[0], [1], [2]]), {}, r"numbers of shape \(2, 1\); expected \(3, columns\)"),
        (np.array([0, 1]), {}, r"categories of shape \(2,\); expected \(2, columns\)"),
        (np.array([[0], [1]]), {"cat_names": ["a", "b"]}, "2 names for 1 columns"),
        (
            np.array([[0], [3]]),
            {"cat_names": ["town"], "classes": {"town": TOWNS}},
            "column 'town' has the code 3; expected 0 to 2",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    codes: np.ndarray, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FrameDataset(codes, np.zeros((2, 1)), **options)
