"""Two baselines: NB-SVM on n-grams, and ULMFiT, a language model tuned to classify.

NB-SVM is the default: it needs no GPU and no weights of others, is done in a minute, and is the
rung that the net has to pass. This is the file that a fork edits; the facts are in spec.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from torch import nn

from common import folds as make_folds
from common.collect import Dense, Predictions
from common.duplicates import Duplicates, equal_keys
from common.errors import DataError
from common.figures import Figure
from common.neural import fit_neural, load_neural
from common.pipeline import DEFAULT_CONTEXT, Context, Decision, FoldModel, Pipeline
from common.runfolder import RunFolder
from common.submit import ids_of
from common.traits.texts import text_traits
from common.writing import AnswerColumns
from competitions.word2vec_nlp_tutorial import language, net, pictures, tokens
from competitions.word2vec_nlp_tutorial.nbsvm import NbSvmFold, NbSvmSettings
from competitions.word2vec_nlp_tutorial.ngrams import WORDS_FILE, Ngrams
from competitions.word2vec_nlp_tutorial.reviews import (
    TARGET,
    fingerprint,
    read_reviews,
    read_unlabelled,
    repeats,
)
from competitions.word2vec_nlp_tutorial.spec import SPEC

PREDICTED = "p_positive"
ID = SPEC.submission.key_columns[0]


class Reviews(Pipeline):
    """What both pipelines share: the reviews, their folds and the answer. No model sees an id,
    which ends in the stars that the review gave."""

    spec = SPEC
    counts_ids_anew = True

    def items(self, split: str, context: Context) -> pd.DataFrame:
        """Columns: sample, id, review, in train the sentiment and the group (equal for repeated
        reviews), and what the model reads."""
        reviews = read_reviews(context.root, split)
        return self.with_inputs(_named(reviews), reviews["review"].tolist(), context)

    @abstractmethod
    def with_inputs(
        self, items: pd.DataFrame, reviews: list[str], context: Context
    ) -> pd.DataFrame:
        """The items with a column that the model reads."""

    def folds(self, items: pd.DataFrame, seed: int) -> np.ndarray:
        """Repeated reviews stay together; stratified by the sentiment of each one's first copy.

        Raises: DataError where a sentiment has fewer of them than there are folds.
        """
        first = items.drop_duplicates("group")
        for sentiment, n in first[TARGET].value_counts().items():
            if n < self.settings.folds:
                raise DataError(
                    f"{self.spec.file('train').name}: {n} of {len(first)} different reviews have "
                    f"sentiment {sentiment}; expected at least {self.settings.folds}, one per "
                    "fold: add some, or lower folds with --set folds=N"
                )
        fold_of = make_folds.stratified(first[TARGET].to_numpy(), self.settings.folds, seed)
        by_group = dict(zip(first["group"], fold_of, strict=True))
        return np.array([by_group[group] for group in items["group"]], dtype=np.int64)

    def duplicates(self, train: pd.DataFrame, test: pd.DataFrame) -> Duplicates:
        """Reviews of the same words in the same order; those without a word equal no other."""
        reviews = [*train["review"], *test["review"]]
        prints = [fingerprint(review) for review in reviews]
        nothing = fingerprint("")
        keys = [f"row {row}" if own == nothing else own for row, own in enumerate(prints)]
        return Duplicates(len(reviews), tuple(equal_keys(np.array(keys))))

    def traits(self, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
        return text_traits([*train["review"], *test["review"]])

    def prediction_names(self) -> tuple[str, ...]:
        return (PREDICTED,)

    def submission(
        self, items: pd.DataFrame, predictions: Predictions, decision: Decision
    ) -> Iterable[tuple[object, ...]]:
        """The probabilities themselves: only their order is scored."""
        assert isinstance(predictions, Dense)
        chosen = predictions.select(items["sample"].to_numpy()).values[:, 0]
        answers = np.ascontiguousarray(chosen, dtype=np.float64)
        return AnswerColumns({ID: items["id"].tolist(), TARGET: answers})


def _named(reviews: pd.DataFrame) -> pd.DataFrame:
    """The items of some reviews, without what a model reads."""
    names = {"sample": reviews["id"], "id": reviews["id"]}
    items = pd.DataFrame({**names, "review": reviews["review"]})
    if TARGET in reviews:
        items[TARGET] = reviews[TARGET]
        prints = [fingerprint(review) for review in reviews["review"]]
        items["group"] = pd.factorize(np.array(prints, dtype=object))[0]
    return items


# ---- NB-SVM -------------------------------------------------------------------------------------


class NbSvm(Reviews):
    """Presence of one to three words in a row, weighted by naive Bayes, in a linear model."""

    presets: ClassVar = {"baseline": NbSvmSettings(), "smoke": NbSvmSettings(folds=2)}

    def prepare(self, context: Context) -> None:
        """Looks up which n-grams there are. Labels are not used; weights come fold by fold."""
        if (context.shared / WORDS_FILE).is_file():
            return
        reviews = read_reviews(context.root, "train")
        context.session.say(repeats(reviews))
        known = Ngrams.of(reviews["review"], self.settings.longest, self.settings.least)
        known.save(context.shared)

    def with_inputs(
        self, items: pd.DataFrame, reviews: list[str], context: Context
    ) -> pd.DataFrame:
        features = Ngrams.load(context.shared).features(reviews)
        return items.assign(features=pd.Series(features, dtype=object))

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> NbSvmFold:
        train = items.iloc[self.splits(items, fold)[0]]
        return NbSvmFold.fit(
            train["features"],
            train[TARGET].to_numpy(),
            len(Ngrams.load(context.shared).keys),
            cost=self.settings.cost,
            least=self.settings.least,
            name=PREDICTED,
        )

    def load_fold(self, folder: Path, context: Context) -> NbSvmFold:
        return NbSvmFold.load(folder, PREDICTED)

    def figures(
        self, items: pd.DataFrame, oof: pd.DataFrame | None, run: RunFolder
    ) -> Sequence[Figure]:
        """The n-grams that speak most for and against, by the mean weight over the folds."""
        models = [NbSvmFold.load(path.parent, PREDICTED) for path in run.path.glob("fold*/*.npz")]
        known = Ngrams.load(run.shared)
        return [pictures.strongest(known, np.mean([model.weights for model in models], axis=0))]


# ---- ULMFiT -------------------------------------------------------------------------------------


class Ulmfit(Reviews):
    """AWD-LSTM: a language model on labelled and unlabelled reviews, then a classifier on top of
    it, thawed group by group."""

    presets: ClassVar = net.PRESETS

    def prepare(self, context: Context) -> None:
        """Makes the vocabulary and the language model that all folds begin with.

        Raises: DataError for whatever is wrong with any of the files: the language model takes
        hours, so all of them are looked at before it.
        """
        labelled = read_reviews(context.root, "train")
        context.session.say(repeats(labelled))
        self.folds(_named(labelled), context.seed)
        test = _named(read_reviews(context.root, "test"))
        sample = context.root / SPEC.file("sample_submission").name
        self.asked_items(test, ids_of(sample, SPEC.submission))
        unlabelled = read_unlabelled(context.root)
        if not unlabelled:
            context.session.say("no unlabelled reviews: the language model has the labelled alone")
        texts = [*labelled["review"], *unlabelled]
        numbered = tokens.prepared(texts, self.settings, context)
        language.prepare(numbered, self.settings, context)

    def with_inputs(
        self, items: pd.DataFrame, reviews: list[str], context: Context
    ) -> pd.DataFrame:
        vocabulary = tokens.Vocabulary.load(context.shared)
        cut = [tokens.ends_of(row, self.settings.max_tokens) for row in vocabulary.rows(reviews)]
        return items.assign(tokens=pd.Series(cut, dtype=object))

    def splits(self, items: pd.DataFrame, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Those that validate stand longest first, as the net reads them."""
        train, valid = super().splits(items, fold)
        return train, valid[net.longest_first(items["tokens"].iloc[valid])]

    def loaders(
        self, items: pd.DataFrame, fold: int | None, context: Context = DEFAULT_CONTEXT
    ) -> DataLoaders:
        train, valid = (items.iloc[rows] for rows in self.splits(items, fold))
        settings = self.settings
        return DataLoaders(
            net.train_loader(train["tokens"], train[TARGET], settings, context.device),
            net.plain_loader(valid["tokens"], valid[TARGET], settings, context.device),
        )

    def test_loader(self, items: pd.DataFrame, context: Context = DEFAULT_CONTEXT) -> TfmdDL:
        return net.plain_loader(items["tokens"], None, self.settings, context.device)

    def model(self, context: Context = DEFAULT_CONTEXT) -> nn.Module:
        n_words = len(tokens.Vocabulary.load(context.shared).words)
        return net.classifier(n_words, self.settings)

    def learner(self, loaders: DataLoaders, context: Context = DEFAULT_CONTEXT) -> Learner:
        model = self.model(context)
        language.load_encoder(model, context)
        loss = CrossEntropyLossFlat()
        splitter, callbacks = net.splitter, net.callbacks()
        return Learner(loaders, model, loss_func=loss, splitter=splitter, cbs=callbacks)

    def fit_fold(self, items: pd.DataFrame, fold: int | None, context: Context) -> FoldModel:
        return net.SortedFold(**vars(fit_neural(self, items, fold, context)))

    def load_fold(self, folder: Path, context: Context) -> FoldModel:
        return net.SortedFold(**vars(load_neural(self, folder, context)))

    def activation(self, raw: Any) -> Any:
        """The probability of a good review, (N, 1). Bare, the net also gives its hidden states."""
        logits = raw[0] if isinstance(raw, tuple) else raw
        return logits.softmax(dim=1)[:, 1:]


PIPELINES: dict[str, Pipeline] = {"nbsvm": NbSvm(), "ulmfit": Ulmfit()}
