"""Pictures that are equal or nearly so, and the groups that they form.

    found = find_duplicates(paths, trim=without_dark_border, cache=paths.cache_dir())
    items["group"] = items["sample"].to_numpy()[found.groups()]

Equal is byte by byte. Nearly equal is what another size, a mild compression or another border
leave. A difference hash of small grey pictures proposes pairs, and their details confirm them.
Both look at the middle and at what is finer than its surroundings: photographs of one kind, such
as discs on black, share the rest. Turned, mirrored and much cropped pictures are not found.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common import paths
from common.data.images import ImageDataset, Target
from common.data.images.reader import Source, Trim, contents

SIDE = 64  # pixels of the small pictures
EDGE = 12  # pixels along each side that are not looked at
BLUR = 5.0  # pixels: what is coarser than this is taken away
ROWS, COLUMNS = 16, 17  # of the pictures that are hashed: 16 × 16 neighbours, 256 bits
MOST_BITS = 40  # of 256 in which two hashes of one picture may differ; of others about 128 do
LEAST_CORRELATION = 0.93  # of the details of a pair
FLAT = 0.5  # grey levels of standard deviation below which there is nothing to tell pictures by
BLOCK = 512  # hashes that are compared with all others at once
SHOWN = 10  # groups with different labels that are named
CHUNK = 64  # pictures that a thread reads at a time

Pair = tuple[int, int]


@dataclass(frozen=True)
class Duplicates:
    """What was found among n pictures.

    Args:
        exact: pairs of positions whose files are equal.
        near: further pairs that look equal.
        compared: False where many would be equal by chance, so that none are named.
    """

    n: int
    exact: tuple[Pair, ...] = ()
    near: tuple[Pair, ...] = ()
    compared: bool = True

    def groups(self) -> np.ndarray:
        """The first position of each picture's group, int64 (n,): its own where it is alone."""
        return joined_groups(self.n, (*self.exact, *self.near))

    def at(self, positions: np.ndarray, n: int) -> Duplicates:
        """The same among n others, where these stand at some positions."""

        def moved(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
            return tuple((int(positions[one]), int(positions[other])) for one, other in pairs)

        return Duplicates(n, moved(self.exact), moved(self.near), self.compared)

    def conflicts(self, labels: Sequence[Hashable] | np.ndarray) -> list[tuple[int, ...]]:
        """The groups whose labels are not all the same, each as positions in order."""
        return [
            tuple(group)
            for group in grouped_positions(self.groups())
            if len({labels[k] for k in group}) > 1
        ]

    def lines(self, names: Sequence[str], labels: Sequence[Hashable] = ()) -> list[str]:
        """What was found, for the log: how many there are, and the groups whose labels differ;
        nothing where there are none."""
        if not (self.exact or self.near):
            return []
        found = [
            f"duplicates: {_counted(len(self.exact), 'equal file')}, "
            f"{_counted(len(self.near), 'nearly equal pair')}; each group stays in one fold"
        ]
        conflicts = self.conflicts(labels) if len(labels) else []
        for group in conflicts[:SHOWN]:
            shown = ", ".join(f"{names[k]} is {labels[k]}" for k in group)
            found.append(f"equal pictures with different labels: {shown}")
        if len(conflicts) > SHOWN:
            found.append(f"and {len(conflicts) - SHOWN:,} more groups with different labels")
        return found


def find_duplicates(
    sources: Sequence[Source], *, trim: Trim | None = None, cache: Path | None = None
) -> Duplicates:
    """Equal and nearly equal pictures among some that can be read.

    Every picture is decoded once; a cache keeps the small ones for the next time. Comparing
    10,000 takes some seconds and grows with the square of their number.

    Args:
        trim, cache: of ImageDataset: a border that is cut off makes no difference.

    Raises: DataError where a picture cannot be read.
    """
    return duplicates_among(sources, small_pictures(sources, trim=trim, cache=cache))


def duplicates_among(sources: Sequence[Source], small: np.ndarray) -> Duplicates:
    """Equal and nearly equal pictures among some whose small ones are known, uint8
    (n, SIDE, SIDE)."""
    exact = equal_files(sources)
    known = joined_groups(len(sources), exact)
    # of equal files the first stands for all
    firsts = np.unique(known)
    near = [(int(firsts[a]), int(firsts[b])) for a, b in similar_pairs(small[firsts])]
    return Duplicates(len(sources), tuple(exact), tuple(near))


def equal_files(sources: Sequence[Source]) -> list[Pair]:
    """Pairs of a file and a later one with the same bytes, each later one once. Only files of one
    length are read."""
    by_length: dict[object, list[int]] = defaultdict(list)
    for position, source in enumerate(sources):
        by_length[_length(source)].append(position)
    pairs = []
    for positions in by_length.values():
        firsts: dict[bytes, int] = {}
        for position in positions if len(positions) > 1 else ():
            first = firsts.setdefault(_digest(sources[position]), position)
            if first != position:
                pairs.append((first, position))
    return sorted(pairs)


def equal_keys(keys: np.ndarray) -> list[Pair]:
    """Pairs of a row and a later one with the same key, each later one once, of keys (n,)."""
    _, firsts, codes = np.unique(keys, return_index=True, return_inverse=True)
    first = firsts[codes.reshape(-1)]
    later = np.flatnonzero(first != np.arange(len(keys)))
    return list(zip(first[later].tolist(), later.tolist(), strict=True))


def small_pictures(
    sources: Sequence[Source],
    *,
    trim: Trim | None = None,
    cache: Path | None = None,
    channels: int = 1,
) -> np.ndarray:
    """The pictures in grey, squished to SIDE × SIDE, uint8 (n, SIDE, SIDE).

    Args:
        channels: 1, or as many as the files have that can be read as neither grey nor colours:
            their mean is taken. Of one file per channel the first stands for all.
    """
    pictures = thumbnails([_first(one) for one in sources], channels, trim=trim, cache=cache)
    if channels == 1:
        first: np.ndarray = pictures[:, :, :, 0]
        return first
    grey: np.ndarray = pictures.mean(axis=3).astype(np.uint8)
    return grey


def thumbnails(
    sources: Sequence[Source],
    channels: int,
    *,
    trim: Trim | None = None,
    cache: Path | None = None,
) -> np.ndarray:
    """The pictures squished to SIDE × SIDE, uint8 (n, SIDE, SIDE, channels)."""
    # kept apart from the cache of training: another size must not change what is found
    target, kept = Target(SIDE, SIDE), cache if sources else None
    dataset = ImageDataset(sources, target=target, channels=channels, trim=trim, cache=kept)
    pictures = np.empty((len(sources), SIDE, SIDE, channels), np.uint8)

    def read(start: int) -> None:
        rows = np.arange(start, min(start + CHUNK, len(sources)))
        part = pictures[rows[0] : rows[-1] + 1]
        dataset.read(rows, part, None)

    with ThreadPoolExecutor(paths.threads_asked_for()) as pool:
        for _ in pool.map(read, range(0, len(sources), CHUNK)):
            pass
    return pictures


def details(picture: np.ndarray) -> np.ndarray:
    """What of a small picture uint8 (SIDE, SIDE) is finer than BLUR in its middle, float32
    (h, w) of mean 0 and standard deviation 1; all 0 where it is flat."""
    values = picture.astype(np.float32)
    fine = (values - cv2.GaussianBlur(values, (0, 0), BLUR))[EDGE:-EDGE, EDGE:-EDGE]
    fine -= fine.mean()
    spread = float(fine.std())
    scaled: np.ndarray = fine / spread if spread >= FLAT else np.zeros_like(fine)
    return scaled


def difference_hashes(pictures: np.ndarray) -> np.ndarray:
    """Hashes of small pictures (n, SIDE, SIDE), uint64 (n, 4): a bit for each place of the details
    that is brighter than its left neighbour. A flat picture has none."""
    bits = np.zeros((len(pictures), ROWS, COLUMNS - 1), bool)
    for k, picture in enumerate(pictures):
        tiny = cv2.resize(details(picture), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
        bits[k] = tiny[:, 1:] > tiny[:, :-1]
    return np.packbits(bits.reshape(len(bits), ROWS * (COLUMNS - 1)), axis=1).view(np.uint64)


def similar_pairs(pictures: np.ndarray) -> list[Pair]:
    """Pairs of small pictures uint8 (n, SIDE, SIDE) that look equal, each with the smaller
    position first. A flat picture looks like no other."""
    hashes = difference_hashes(pictures)
    with_details = np.flatnonzero(hashes.any(axis=1))
    hashes = hashes[with_details]
    pairs = []
    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK]
        apart = np.zeros((len(block), len(hashes) - start), np.int16)
        for word in range(hashes.shape[1]):
            apart += np.bitwise_count(block[:, word, None] ^ hashes[None, start:, word])
        for row, column in np.argwhere(apart <= MOST_BITS):
            one, other = (int(with_details[start + k]) for k in (row, column))
            if one < other and _correlation(pictures[one], pictures[other]) >= LEAST_CORRELATION:
                pairs.append((one, other))
    return pairs


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float((details(one) * details(other)).mean())


def joined_groups(n: int, pairs: Sequence[Pair]) -> np.ndarray:
    """The smallest position of each one's group, int64 (n,), where pairs join groups."""
    parents = list(range(n))

    def root(k: int) -> int:
        while parents[k] != k:
            parents[k] = parents[parents[k]]
            k = parents[k]
        return k

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parents[second] = first
    return np.array([root(k) for k in range(n)], dtype=np.int64)


def grouped_positions(groups: np.ndarray) -> list[list[int]]:
    """The positions of every group of more than one, in order."""
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(groups.tolist()):
        members[group].append(position)
    return [group for group in members.values() if len(group) > 1]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _first(source: Source) -> Source:
    return source[0] if isinstance(source, tuple) else source


def _length(source: Source) -> object:
    if isinstance(source, tuple):
        return tuple(_length(part) for part in source)
    return len(source) if isinstance(source, bytes) else Path(source).stat().st_size


def _digest(source: Source) -> bytes:
    parts = source if isinstance(source, tuple) else (source,)
    return hashlib.blake2b(b"".join(contents(part)[0] for part in parts)).digest()
