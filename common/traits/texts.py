"""Texts: how long they are, of what signs they consist, which of the common words they hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

WORDS = re.compile(r"\w+")
COMMON_WORDS = 100  # by the number of texts that hold them
LONGEST = 20_000  # characters of a text that are looked at


def text_traits(texts: Sequence[str]) -> pd.DataFrame:
    """Lengths, shares of kinds of signs (0 to 1), and a column for each of the words that most
    texts hold: 1 where the text holds it. One row per text; an empty text has shares of 0."""
    looked_at = [text[:LONGEST] for text in texts]
    words = [frozenset(WORDS.findall(text.lower())) for text in looked_at]
    traits: dict[str, object] = {
        "characters": [float(len(text)) for text in texts],
        "words": [float(text.count(" ") + 1) if text.strip() else 0.0 for text in texts],
        "share of capitals": _shares(looked_at, str.isupper),
        "share of digits": _shares(looked_at, str.isdigit),
        "share of punctuation": _shares(looked_at, _is_punctuation),
        "share beyond ASCII": _shares(looked_at, lambda sign: ord(sign) > 127),
    }
    held = Counter(word for own in words for word in own)
    # in alphabetical order among equally common ones, so that one set of texts gives one table
    common = sorted(held, key=lambda word: (-held[word], word))[:COMMON_WORDS]
    for word in common:
        traits[f"the word {word!r}"] = np.array([word in own for own in words], dtype=np.float64)
    return pd.DataFrame(traits)


def _is_punctuation(sign: str) -> bool:
    return not (sign.isalnum() or sign.isspace())


def _shares(texts: Sequence[str], is_meant: Callable[[str], bool]) -> list[float]:
    """Of each text's signs; each kind of sign is asked about once."""
    counted = [Counter(text) for text in texts]
    meant = {sign for own in counted for sign in own if is_meant(sign)}
    return [
        sum(n for sign, n in own.items() if sign in meant) / max(1, own.total()) for own in counted
    ]
