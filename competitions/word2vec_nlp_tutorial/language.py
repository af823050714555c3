"""The language model: trained once on all reviews, before the folds, whose classifiers begin with
its encoder.

What it has learnt lies in `context.work`, and so do its checkpoints: a run that was cut short goes
on where it was. Prediction needs none of it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.text.data import LMDataLoader, LMTensorText
from fastai.text.learner import clean_raw_keys, load_ignore_keys, match_embeds
from fastai.text.models.awdlstm import awd_lstm_lm_split
from torch import nn

from common import files, paths
from common.errors import DataError, RunError
from common.neural import weights_as_bytes
from common.pipeline import Context
from common.randomness import generators_restored, seed_generators
from common.runfolder import CHECKPOINT
from common.train import Company, Steps, TrainSettings, fit
from competitions.word2vec_nlp_tutorial.net import UlmfitSettings, callbacks, language_model
from competitions.word2vec_nlp_tutorial.spec import SPEC
from competitions.word2vec_nlp_tutorial.tokens import Vocabulary

PRETRAINED = "wt103-fwd"  # the folder, or data set, with fastai's weights: one .pth and one .pkl
NOTE = "language_model.json"
ENCODER = "encoder.safetensors"


def prepare(rows: list[np.ndarray], settings: UlmfitSettings, context: Context) -> None:
    """Trains the language model, or finds it; notes in `context.shared` which one it is.

    Raises: DataError where pretrained weights are required and not attached, or are not those of
    this net; RunError where the budget ends before the last epoch (the checkpoint stays).
    """
    given = _attached(settings)
    key = _key(rows, settings, given, context)
    folder = context.work / "language" / key
    begun_with = "nothing: its weights were drawn" if given is None else paths.shown(given.weights)
    if not (folder / ENCODER).is_file():
        context.session.say(f"language model on {len(rows):,} reviews, begun with {begun_with}")
        encoder = _trained(rows, settings, given, folder, context)
        files.write_bytes(folder / ENCODER, weights_as_bytes(encoder))
        (folder / CHECKPOINT).unlink(missing_ok=True)
    files.write_json(context.shared / NOTE, {"key": key, "begun_with": begun_with})


def load_encoder(model: Any, context: Context) -> None:
    """Puts the language model's encoder into a classifier.

    Raises: RunError where `prepare` has not been called, or its work was removed.
    """
    if not (context.shared / NOTE).is_file():
        raise RunError(f"{context.shared / NOTE} is missing; call prepare() before learner()")
    path = context.work / "language" / files.read_json(context.shared / NOTE)["key"] / ENCODER
    if not path.is_file():
        raise RunError(f"{path} is missing; the same command with --resume trains it again")
    model[0].module.load_state_dict(safetensors.torch.load(path.read_bytes()))


def _key(
    rows: list[np.ndarray], settings: UlmfitSettings, given: Given | None, context: Context
) -> str:
    """Tells one language model from another: texts, settings, seed, first weights."""
    names = (
        "embedding",
        "hidden",
        "layers",
        "bptt",
        "momentum",
        "weight_decay",
        "clip_norm",
        "precision",
    )
    chosen = {name: getattr(settings, name) for name in names}
    chosen |= {name: v for name, v in settings.as_dict().items() if name.startswith("lm_")}
    stamp = None if given is None else files.sha256(given.weights)
    words = Vocabulary.load(context.shared).words
    digest = hashlib.sha256(json.dumps([chosen, context.seed, stamp, words]).encode())
    for row in rows:
        digest.update(np.int64(len(row)).tobytes() + row.tobytes())
    return digest.hexdigest()[:16]


# ---- training -----------------------------------------------------------------------------------


def _trained(
    rows: list[np.ndarray],
    settings: UlmfitSettings,
    given: Given | None,
    folder: Path,
    context: Context,
) -> nn.Module:
    """The encoder of the language model, trained to the end."""
    session, vocabulary = context.session, Vocabulary.load(context.shared)
    loader = _loader(rows, settings, context.device)
    with generators_restored():
        seed_generators(context.seed, "language model")
        model = language_model(len(vocabulary.words), settings)
    if given is not None:
        given.load_into(model, vocabulary)
    learner = Learner(
        DataLoaders(loader, loader),
        model.to(context.device),
        loss_func=CrossEntropyLossFlat(),
        splitter=awd_lstm_lm_split,
        cbs=callbacks(),
    )
    files.make_folder(folder)
    history = fit(
        learner,
        _loop_settings(settings, is_pretrained=given is not None),
        metric=SPEC.metric,
        steps=Steps(_forward, _loss),
        validator=None,
        seed=context.seed,
        company=Company(
            folder=folder,
            checkpoint_every=session.checkpoint_every,
            budget=session.budget,
            say=lambda line: session.say(f"language model: {line}"),
        ),
    )
    if history.left_out:
        raise RunError(
            f"the hours ended within the language model, of which {history.left_out}; the same "
            "command goes on with it, give it more --hours or set fewer lm_epochs"
        )
    encoder: nn.Module = model[0]
    return encoder


def _forward(learner: Learner) -> Any:
    return learner.model(*learner.xb)


def _loss(learner: Learner) -> torch.Tensor:
    loss: torch.Tensor = learner.loss_func(learner.pred, *learner.yb)
    return loss


def _loop_settings(settings: UlmfitSettings, *, is_pretrained: bool) -> TrainSettings:
    """One epoch for the decoder alone where the encoder knows the language, then all of it."""
    return TrainSettings(
        epochs=settings.lm_epochs,
        frozen_epochs=1 if is_pretrained else 0,
        batch_size=settings.lm_batch_size,
        learning_rate=settings.lm_rate,
        head_rate=4 * settings.lm_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        precision=settings.precision,
    )


def _loader(rows: list[np.ndarray], settings: UlmfitSettings, device: str) -> LMDataLoader:
    """All reviews in one stream, cut into `lm_batch_size` parts that are read side by side."""
    n_tokens, size = sum(map(len, rows)), settings.lm_batch_size
    if n_tokens <= 2 * size:
        raise DataError(
            f"all reviews together have {n_tokens} tokens; expected more than {2 * size} for a "
            f"language model with lm_batch_size={size}: lower it, or add reviews"
        )
    loader = LMDataLoader(
        [LMTensorText(torch.from_numpy(row.astype(np.int64))) for row in rows],
        lens=[*map(len, rows)],
        bs=size,
        seq_len=settings.bptt,
        shuffle=True,
        num_workers=0,
        device=torch.device(device),
    )
    if loader.last_len < 2:  # a step of one token has no change to regularise
        loader.n -= size
    return loader


# ---- pretrained weights -------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """fastai's pretrained language model: its weights, and the list of its tokens."""

    weights: Path
    tokens: Path

    def load_into(self, model: nn.Module, vocabulary: Vocabulary) -> None:
        """Gives the net these weights; a token that they do not know gets the mean of all.

        Raises: DataError where they are not those of this net.
        """
        known = _names(self.tokens)
        try:
            held = torch.load(self.weights, map_location="cpu", weights_only=True)
            held = clean_raw_keys(match_embeds(held.get("model", held), known, vocabulary.words))
            expected = [tuple(value.shape) for value in model.state_dict().values()]
            found = [tuple(value.shape) for value in held.values()]
        except (RuntimeError, KeyError, IndexError, pickle.UnpicklingError, EOFError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise DataError(f"{self.weights} is no language model ({reason})") from None
        if found != expected:
            raise DataError(
                f"{self.weights} holds weights of the shapes {found[:3]} …; expected "
                f"{expected[:3]} …: set embedding, hidden and layers to its own, or pretrained=none"
            )
        load_ignore_keys(model, held)


def _attached(settings: UlmfitSettings) -> Given | None:
    """The pretrained weights, at home below `datasets/` or where a kernel has them mounted.

    Raises: DataError where they are required and not there, or not whole.
    """
    if settings.pretrained == "none":
        return None
    mounts = [paths.input_root() / name for name in paths.mounted_inputs()]
    places = [paths.datasets_dir() / PRETRAINED, *(p for p in mounts if p.name == PRETRAINED)]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        if settings.pretrained == "auto":
            return None
        raise DataError(
            f"there are no pretrained weights: looked for {paths.shown(places[0])} and for a "
            f"mounted data set {PRETRAINED}; unpack fastai's {PRETRAINED}.tgz there, make it a "
            "data set and name it in KernelSpec.datasets, or set pretrained=none"
        )
    weights, names = sorted(folder.rglob("*.pth")), sorted(folder.rglob("*.pkl"))
    if not weights or not names:
        raise DataError(
            f"{paths.shown(folder)} holds {len(weights)} files .pth and {len(names)} .pkl; "
            f"expected one of each, as fastai's {PRETRAINED}.tgz has them"
        )
    return Given(weights[0], names[0])


class _Plain(pickle.Unpickler):
    """Reads lists and texts; nothing that is found in the file is called."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


def _names(path: Path) -> list[str]:
    """The tokens in the order of their numbers."""
    try:
        with path.open("rb") as stream:
            names = _Plain(stream).load()
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is no plain list of tokens ({error})") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} is no plain list of tokens; expected fastai's itos_wkp.pkl")
    return names
