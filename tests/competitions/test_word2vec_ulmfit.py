"""ULMFiT on the reviews: tokens, language model, pretrained weights, classifier."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from common.errors import DataError, RunError, SettingsError
from common.files import read_json
from common.opening import Request
from common.pipeline import Context
from common.run import train
from common.session import Session
from competitions.word2vec_nlp_tutorial import fixture, language, net, tokens
from competitions.word2vec_nlp_tutorial.net import UlmfitSettings
from competitions.word2vec_nlp_tutorial.pipeline import PIPELINES
from competitions.word2vec_nlp_tutorial.tokens import Vocabulary, ends_of, tokens_of


def test_tokens_follow_the_rules_of_fastai() -> None:
    found = tokens_of("This film was GREAT!!!! I didn't sleep<br />at all.")
    expected = "xxbos xxmaj this film was xxup great xxrep 4 ! i did n't sleep \n at all ."
    assert " ".join(found) == expected
    assert tokens_of("") == ["xxbos"]


def test_ends_of_a_long_review_are_read() -> None:
    assert ends_of(np.arange(10), 5).tolist() == [0, 1, 2, 8, 9]
    assert ends_of(np.arange(5), 5).tolist() == [0, 1, 2, 3, 4]


def test_unknown_tokens_get_the_number_of_xxunk(tmp_path: Path) -> None:
    Vocabulary(["xxunk", "xxpad", "xxbos", "good", "xxfake"]).save(tmp_path)
    vocabulary = Vocabulary.load(tmp_path)
    assert [row.tolist() for row in vocabulary.rows(["good", "odd xxfake"])] == [[2, 3], [2, 0, 0]]
    assert json.loads((tmp_path / "vocabulary.json").read_text())[3] == "good"


# ---- ULMFiT -------------------------------------------------------------------------------------

TINY = replace(net.PRESETS["smoke"], embedding=8, hidden=12, epochs=1, lm_epochs=2, bptt=16)


def prepared(tmp_path: Path, settings: UlmfitSettings, **options: Any) -> Context:
    """A context in which the language model of some short reviews is made."""
    context = Context(work=tmp_path / "work", shared=tmp_path / "shared", **options)
    texts = ["the film was not dull", "the plot was awful"] * 30
    language.prepare(tokens.prepared(texts, settings, context), settings, context)
    return context


def test_the_net_is_thawed_group_by_group_at_halved_rates() -> None:
    phases = UlmfitSettings(frozen_epochs=1, epochs=2, learning_rate=0.08).phases()
    assert [phase.trained_groups for phase in phases] == [1, 2, 3, 0]
    assert [phase.epochs for phase in phases] == [1, 1, 1, 2]
    assert [phase.learning_rate for phase in phases] == [0.08, 0.04, 0.02, 0.01]
    assert phases[-1].rate_spread == pytest.approx(2.6**4)
    assert len(UlmfitSettings(frozen_epochs=0).phases()) == 1
    model = net.classifier(20, replace(TINY, layers=3))
    assert len(net.splitter(model)) == 5  # embedding, three layers, head


@pytest.mark.parametrize(
    "changes", [{"dropout": 0.0}, {"lm_dropout": 0.0}, {"pretrained": "yes"}, {"bptt": 3}]
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(changes))} is .*; expected"):
        replace(TINY, **changes)


def test_padding_of_a_batch_changes_no_prediction(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = net.classifier(30, TINY).eval()
    generator = np.random.default_rng(0)
    asked = [generator.integers(9, 30, size=n).astype(np.int32) for n in (70, 33, 16, 2, 1)]
    with torch.inference_mode():
        (together,) = net.plain_loader(asked, None, TINY, "cpu")
        alone = [
            model(next(iter(net.plain_loader([row], None, TINY, "cpu")))[0])[0] for row in asked
        ]
        found = model(together[0])[0]
    assert torch.allclose(found, torch.cat(alone), atol=1e-5)


def test_the_classifier_begins_with_the_encoder_of_the_language_model(tmp_path: Path) -> None:
    context = prepared(tmp_path, TINY)
    pipeline = PIPELINES["ulmfit"].configured(TINY)
    model = pipeline.model(context)
    before = model[0].module.encoder.weight.detach().clone()
    language.load_encoder(model, context)
    assert not torch.equal(model[0].module.encoder.weight, before)
    assert (
        "its weights were drawn" in read_json(context.shared / "language_model.json")["begun_with"]
    )
    with pytest.raises(RunError, match=r"call prepare\(\) before learner\(\)"):
        language.load_encoder(model, Context(shared=tmp_path / "other"))


def test_the_language_model_is_made_once(tmp_path: Path) -> None:
    lines: list[str] = []
    session = Session(say=lines.append)
    prepared(tmp_path, TINY, session=session)
    n_lines = len(lines)
    assert n_lines == 3  # the beginning and two epochs
    prepared(tmp_path, TINY, session=session)
    assert len(lines) == n_lines
    prepared(tmp_path, replace(TINY, lm_rate=2e-2), session=session)
    assert len(lines) == 2 * n_lines


def test_a_language_model_that_was_cut_short_ends_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepared(tmp_path / "whole", TINY)

    class Cut(Exception):
        pass

    def cut(line: str) -> None:
        if "epoch  1/2" in line:
            raise Cut

    session = Session(say=cut, checkpoint_every=0.0)
    with pytest.raises(Cut):
        prepared(tmp_path / "cut", TINY, session=session)
    (left,) = (tmp_path / "cut" / "work" / "language").iterdir()
    assert [path.name for path in left.iterdir()] == ["resume.pt"]
    again = prepared(tmp_path / "cut", TINY)
    encoders = [
        next((context.work / "language").glob("*/encoder.safetensors"))
        for context in (whole, again)
    ]
    assert encoders[0].read_bytes() == encoders[1].read_bytes()
    assert not (encoders[1].parent / "resume.pt").exists()


def test_too_few_tokens_for_a_language_model_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected more than .* lm_batch_size=300"):
        prepared(tmp_path, replace(TINY, lm_batch_size=300))


def host_files(folder: Path, **changed: str) -> Path:
    """The host's files in small: five good reviews, five bad ones, one to answer."""
    rows = [f'"{k}_{1 + k % 2 * 8}"\t{k % 2}\t"the film {k} was {k}"\n' for k in range(10)]
    files = {
        "labeledTrainData": "id\tsentiment\treview\n" + "".join(rows),
        "testData": 'id\treview\n"12_7"\t"the plot was thin"\n',
        "unlabeledTrainData": "id\treview\n",
        "sampleSubmission": "id,sentiment\n12_7,0\n",
    }
    for name, content in (files | changed).items():
        ending = ".csv" if name == "sampleSubmission" else ".tsv"
        (folder / f"{name}{ending}").write_text(content)
    return folder


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"testData": 'id\treview\n"12_7"\t"the plot'}, "line 2 begins a text with a quote"),
        ({"testData": "id\treview\n"}, r"testData\.tsv has a header and no rows"),
        ({"sampleSubmission": "id,sentiment\n13_7,0\n"}, "asks in row 1 for id .*13_7"),
        (
            {"unlabeledTrainData": 'id\treview\n"1_0"\t"cut'},
            r"unlabeled.*line 2 begins a text with",
        ),
    ],
)
def test_what_is_wrong_with_any_file_is_found_before_the_language_model(
    tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    context = Context(root=host_files(tmp_path, **changed), work=tmp_path, shared=tmp_path)
    with pytest.raises(DataError, match=words):
        PIPELINES["ulmfit"].configured(TINY).prepare(context)
    assert not (tmp_path / "language").exists()


def test_without_unlabelled_reviews_the_labelled_make_the_language_model(tmp_path: Path) -> None:
    lines: list[str] = []
    context = Context(
        root=host_files(tmp_path),
        work=tmp_path,
        shared=tmp_path,
        session=Session(say=lines.append),
    )
    pipeline = PIPELINES["ulmfit"].configured(replace(TINY, lm_epochs=1, lm_batch_size=4))
    pipeline.prepare(context)
    (tmp_path / "unlabeledTrainData.tsv").unlink()
    pipeline.prepare(context)  # finds what was made
    assert sum("no unlabelled reviews" in line for line in lines) == 2
    assert sum("language model on 10 reviews" in line for line in lines) == 1


@pytest.mark.parametrize("pipeline", ["nbsvm", "ulmfit"])
def test_a_sentiment_with_fewer_reviews_than_folds_is_one_line(pipeline: str) -> None:
    items = pd.DataFrame({"group": [0, 1, 2, 3, 3], "sentiment": [0, 0, 1, 1, 1]})
    two = PIPELINES[pipeline].configured(PIPELINES[pipeline].presets["smoke"])
    assert sorted(two.folds(items, 0)[:2]) == [0, 1]  # a fold has one of each
    three = two.configured(replace(two.settings, folds=3))
    with pytest.raises(DataError, match=r"2 of 4 different .* sentiment 0; expected at least 3"):
        three.folds(items, 0)


# ---- pretrained weights -------------------------------------------------------------------------


def attach(home: Path, settings: UlmfitSettings, words: list[str], names: object = None) -> Path:
    """fastai's folder: weights of another vocabulary, and its list of tokens."""
    folder = home / "datasets" / "wt103-fwd"
    folder.mkdir(parents=True)
    torch.manual_seed(5)
    torch.save(net.language_model(len(words), settings).state_dict(), folder / "lstm_fwd.pth")
    (folder / "itos_wkp.pkl").write_bytes(pickle.dumps(words if names is None else names))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    return tmp_path


WORDS = ["xxunk", "xxpad", "dull", "the", "never"]


def test_pretrained_weights_are_laid_on_the_own_vocabulary(home: Path) -> None:
    folder = attach(home, TINY, WORDS)
    given = language.Given(folder / "lstm_fwd.pth", folder / "itos_wkp.pkl")
    theirs = torch.load(given.weights, weights_only=True)["0.encoder.weight"]
    model = net.language_model(4, TINY)
    given.load_into(model, Vocabulary(["xxunk", "the", "film", "dull"]))
    ours = model[0].encoder.weight
    assert torch.equal(ours[1], theirs[3])
    assert torch.equal(ours[3], theirs[2])
    assert torch.allclose(ours[2], theirs.mean(0))  # a token that they do not know


def test_attached_weights_are_used_and_told(home: Path) -> None:
    attach(home, TINY, WORDS)
    lines: list[str] = []
    prepared(home / "a", replace(TINY, pretrained="auto"), session=Session(say=lines.append))
    assert "begun with" in lines[0]
    assert "lstm_fwd.pth" in lines[0]
    assert len(lines) == 4  # an epoch for the decoder alone comes first


def test_required_weights_that_are_not_attached_are_one_line(home: Path) -> None:
    with pytest.raises(DataError, match=r"no pretrained weights: looked for .*wt103-fwd.*none"):
        prepared(home, replace(TINY, pretrained="required"))
    lines: list[str] = []
    prepared(home, replace(TINY, pretrained="auto"), session=Session(say=lines.append))
    assert "begun with nothing" in lines[0]


def test_weights_of_another_net_are_refused(home: Path) -> None:
    attach(home, replace(TINY, embedding=10), WORDS)
    with pytest.raises(DataError, match="set embedding, hidden and layers"):
        prepared(home, replace(TINY, pretrained="auto"))


def test_a_list_of_tokens_that_calls_something_is_refused(home: Path) -> None:
    attach(home, TINY, WORDS, names=Counter(WORDS))
    with pytest.raises(DataError, match=r"no plain list of tokens \(it holds collections\.Counter"):
        prepared(home, replace(TINY, pretrained="auto"))


def test_a_fold_answers_reviews_in_any_order_alike(tmp_path: Path) -> None:
    context = prepared(tmp_path, TINY)
    pipeline = PIPELINES["ulmfit"].configured(TINY)
    torch.manual_seed(0)
    fold = net.SortedFold(pipeline, pipeline.model(context), context)
    generator = np.random.default_rng(0)
    asked = [generator.integers(9, 15, size=n).astype(np.int32) for n in range(1, 40)]
    items = pd.DataFrame({"sample": [f"s{k}" for k in range(39)], "tokens": asked})
    there = fold.predict(items)
    back = fold.predict(items.iloc[::-1])
    assert there.samples.tolist() == items["sample"].tolist()
    assert back.select(items["sample"].to_numpy()).values.tolist() == there.values.tolist()
    assert len(fold.predict(items.iloc[:0]).samples) == 0


@pytest.mark.slow
def test_both_pipelines_have_the_same_folds_and_can_stand_side_by_side(home: Path) -> None:
    (home / "data").mkdir()
    fixture.write(home / "data", seed=0)
    quick = ("epochs=1", "frozen_epochs=0", "lm_epochs=1")
    request = Request("word2vec-nlp-tutorial", preset="smoke", data=home / "data")
    train(request, say=lambda line: None)
    beside = replace(request, pipeline="ulmfit", changes=quick, beside="nbsvm-smoke")
    run = train(beside, say=lambda line: None)
    assert "nbsvm" in [rung["name"] for rung in read_json(run / "scores.json")["rungs"]]


def test_a_bad_test_file_is_told_before_the_language_model_is_trained(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    fixture.write(tmp_path / "data", seed=0)
    table = tmp_path / "data/testData.tsv"
    table.write_text(table.read_text().splitlines(keepends=True)[0])
    folders = {name: tmp_path / name for name in ("work", "shared")}
    with pytest.raises(DataError, match=r"testData.tsv has a header and no rows"):
        PIPELINES["ulmfit"].prepare(Context(root=tmp_path / "data", **folders))
    assert not folders["shared"].exists()
