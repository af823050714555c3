"""Reviews as rows of token numbers: fastai's rules, a split that needs no spaCy, a vocabulary."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from fastai.text.core import UNK, defaults
from fastai.text.data import make_vocab

from common import files
from common.collect import load_arrays, save_arrays
from common.errors import RunError
from common.pipeline import Context

VOCABULARY = "vocabulary.json"
RULES: Sequence[Callable[[str], str]] = tuple(defaults.text_proc_rules)
# as spaCy splits English: do|n't, it|'s, marks alone; ends of lines are tokens, too
TOKEN = re.compile(
    r"xx[a-z]+|\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b|\w+|\n+|[^\w\s]", re.IGNORECASE
)


def tokens_of(review: str) -> list[str]:
    """The tokens of a review, xxbos first: `GREAT` is `xxup great`, `!!!!` is `xxrep 4 !`."""
    for rule in RULES:
        review = rule(review)
    return TOKEN.findall(review)


def ends_of(row: np.ndarray, most: int) -> np.ndarray:
    """A row of at most so many tokens: of a longer one its beginning and its end."""
    if len(row) <= most:
        return row
    return np.concatenate([row[: most - most // 2], row[len(row) - most // 2 :]])


@dataclass(frozen=True)
class Vocabulary:
    """The known tokens in the order of their numbers; fastai's special ones come first."""

    words: list[str]

    @cached_property
    def numbers(self) -> dict[str, int]:
        # fastai fills up to a multiple of 8 with xxfake, which no text holds
        return {word: number for number, word in enumerate(self.words) if word != "xxfake"}

    def row(self, tokens: Iterable[str]) -> np.ndarray:
        """The numbers of some tokens, int32."""
        unknown = self.numbers[UNK]
        return np.array([self.numbers.get(token, unknown) for token in tokens], dtype=np.int32)

    def rows(self, reviews: Iterable[str]) -> list[np.ndarray]:
        """The numbers of the tokens of each review."""
        return [self.row(tokens_of(review)) for review in reviews]

    def save(self, folder: Path) -> None:
        """Writes the tokens as JSON."""
        files.write_json(folder / VOCABULARY, self.words)

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """What `save` wrote.

        Raises: RunError where it is missing.
        """
        if not (folder / VOCABULARY).is_file():
            raise RunError(f"{folder / VOCABULARY} is missing; train again with --overwrite")
        return cls([str(word) for word in files.read_json(folder / VOCABULARY)])


def prepared(reviews: list[str], settings: Any, context: Context) -> list[np.ndarray]:
    """All reviews as numbers, and the vocabulary made from them in `context.shared`.

    Found again in `context.work` where the same reviews were prepared before.
    """
    digest = hashlib.sha256(repr((settings.vocabulary, settings.least_count)).encode())
    for review in reviews:
        digest.update(f"{len(review)}:{review}".encode(errors="surrogatepass"))
    kept = context.work / "tokens" / digest.hexdigest()[:16]
    if not (kept / VOCABULARY).is_file():
        split = [tokens_of(review) for review in reviews]
        counts = Counter(token for row in split for token in row)
        made = make_vocab(counts, settings.least_count, settings.vocabulary)
        vocabulary = Vocabulary(list(made))
        rows = [vocabulary.row(tokens) for tokens in split]
        flat, lengths = np.concatenate(rows), np.array([*map(len, rows)])
        save_arrays(kept / "rows.npz", {"flat": flat, "lengths": lengths})
        vocabulary.save(kept)
    Vocabulary.load(kept).save(context.shared)
    arrays = load_arrays(kept / "rows.npz")
    return np.split(arrays["flat"], np.cumsum(arrays["lengths"])[:-1])
