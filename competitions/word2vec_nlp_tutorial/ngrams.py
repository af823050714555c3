"""Reviews as the one to three words in a row that they hold, each counted once.

Every word has a number of 21 bits, so up to three of them in a row are one whole number of 63
bits: to count, sort and find them is work for numpy, and the table of those that are known is one
sorted array.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from common import files
from common.collect import load_arrays, save_arrays
from common.errors import RunError
from competitions.word2vec_nlp_tutorial.reviews import plain

WORD = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")  # marks are words: "!" and "?" say something
BITS = 21
MOST_WORDS = 2**BITS - 1  # 0 stands for every other word
WORDS_FILE, NGRAMS_FILE = "words.json", "ngrams.npz"
AT_ONCE = 5000  # reviews whose keys lie in memory together


def words_of(review: str) -> list[str]:
    """The words and marks of a review, in small letters, without its tags."""
    return WORD.findall(plain(review))


@dataclass(frozen=True)
class Ngrams:
    """The words and the n-grams that are known.

    Args:
        words: in the order of their numbers, from 1.
        keys: of the n-grams, int64 (n_features,), sorted: their words' numbers, the last word in
            the lowest bits.
        longest: words in a row, 1 to 3.
    """

    words: list[str]
    keys: np.ndarray
    longest: int

    @classmethod
    def of(cls, reviews: Iterable[str], longest: int, least: int) -> Ngrams:
        """Those that at least `least` reviews hold."""
        split = [words_of(review) for review in reviews]
        counts = Counter(word for words in split for word in set(words))
        words = [word for word, n in counts.most_common(MOST_WORDS) if n >= least]
        numbers, owners = _flat(split, _Numbers(words))
        # an n-gram is in so many reviews only where the two shorter ones in it are
        keys, known = numbers, numbers > 0
        found = [np.arange(1, len(words) + 1, dtype=np.int64)]
        for length in range(2, longest + 1):
            keys, known = _longer(keys, known, numbers, owners, length)
            found.append(_in_many(keys[known], owners[known], least))
            known[known] = _places(found[-1], keys[known])[1]
        return cls(words, np.concatenate(found), longest)

    def features(self, reviews: Sequence[str]) -> list[np.ndarray]:
        """The positions in `keys` of what each review holds: int32, sorted, each once."""
        found: list[np.ndarray] = []
        numbers = _Numbers(self.words)
        for start in range(0, len(reviews), AT_ONCE):
            part = [words_of(review) for review in reviews[start : start + AT_ONCE]]
            found += self._features(part, numbers)
        return found

    def _features(self, split: list[list[str]], numbers: _Numbers) -> list[np.ndarray]:
        words, owners = _flat(split, numbers)
        keys, known = words, words > 0
        pairs = []
        for length in range(1, self.longest + 1):
            if length > 1:
                keys, known = _longer(keys, known, words, owners, length)
            places, is_there = _places(self.keys, keys[known])
            pairs.append((owners[known][is_there] << 32) | places[is_there])
            known = known.copy()
            known[known] = is_there
        both = _distinct(np.concatenate(pairs))
        ends = np.searchsorted(both, np.arange(1, len(split), dtype=np.int64) << 32)
        return np.split((both & 0xFFFFFFFF).astype(np.int32), ends)

    def text(self, position: int) -> str:
        """An n-gram as its words with spaces between."""
        key, words = int(self.keys[position]), []
        while key:
            words.append(self.words[(key & MOST_WORDS) - 1])
            key >>= BITS
        return " ".join(reversed(words))

    def save(self, folder: Path) -> None:
        """Writes the words as JSON and the keys as an array."""
        files.write_json(folder / WORDS_FILE, self.words)
        save_arrays(folder / NGRAMS_FILE, {"keys": self.keys, "longest": np.array(self.longest)})

    @classmethod
    def load(cls, folder: Path) -> Ngrams:
        """What `save` wrote.

        Raises: RunError where it is missing or cut.
        """
        if not (folder / WORDS_FILE).is_file():
            raise RunError(f"{folder / WORDS_FILE} is missing; train again with --overwrite")
        arrays = load_arrays(folder / NGRAMS_FILE)
        return cls(files.read_json(folder / WORDS_FILE), arrays["keys"], int(arrays["longest"]))


class _Numbers(dict[str, int]):
    """The numbers of words, from 1; 0 for every other one."""

    def __init__(self, words: list[str]) -> None:
        super().__init__((word, number) for number, word in enumerate(words, start=1))

    def __missing__(self, word: str) -> int:
        return 0


def _flat(split: list[list[str]], numbers: _Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The words' numbers, one review after the other, and the review of each; int64 (n_words,)
    both."""
    lengths = [len(words) for words in split]
    found = map(numbers.__getitem__, chain.from_iterable(split))
    flat = np.fromiter(found, dtype=np.int64, count=sum(lengths))
    return flat, np.repeat(np.arange(len(split), dtype=np.int64), lengths)


def _longer(
    keys: np.ndarray, known: np.ndarray, words: np.ndarray, owners: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """The keys of n-grams that begin at each word, from those a word shorter, and which of them
    lie in one review and hold known ones only: the shorter one here and the one at the next word.
    """
    longer = np.zeros_like(keys)
    usable = np.zeros_like(known)
    last = len(words) - length + 1  # n-grams that end before the last word's end
    if last > 0:
        longer[:last] = (keys[:last] << BITS) | words[length - 1 :]
        usable[:last] = known[:last] & known[1 : last + 1] & (owners[:last] == owners[length - 1 :])
    return longer, usable


def _in_many(keys: np.ndarray, owners: np.ndarray, least: int) -> np.ndarray:
    """The keys, sorted, that at least so many owners have. A key's rows stand by owner."""
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], owners[order]
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = keys[1:] != keys[:-1]
    another = begins.copy()
    another[1:] |= owners[1:] != owners[:-1]
    starts = np.flatnonzero(begins)
    counts = np.add.reduceat(another.astype(np.int64), starts) if len(starts) else starts
    return keys[starts[counts >= least]]


def _places(keys: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each asked key lies among sorted ones, and whether it is there."""
    if not len(keys):
        return np.zeros(len(asked), dtype=np.int64), np.zeros(len(asked), dtype=bool)
    places = np.searchsorted(keys, asked)
    places[places == len(keys)] = 0
    return places, keys[places] == asked


def _distinct(values: np.ndarray) -> np.ndarray:
    """The values sorted, each once. numpy's own `unique` hashes whole numbers, which takes longer
    than its sort."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
