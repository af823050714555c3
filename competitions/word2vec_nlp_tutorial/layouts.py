"""The other two packages of the reviews, written in Kaggle's form.

    python -m competitions.word2vec_nlp_tutorial.layouts aclImdb --out data/word2vec_nlp_tutorial

takes the folders of `aclImdb` (also as fastai has them, with `unsup` outside of `train`) or a
folder with fastai's `texts.csv`. What is held out there becomes the test set, with `solution.csv`.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from common.cli import Parser, expected_errors
from common.errors import DataError
from common.fixtures import write_csv
from competitions.word2vec_nlp_tutorial.spec import SPEC

Row = tuple[str, int, str]  # id, sentiment, review
FILE = re.compile(r"[0-9]+_[0-9]+\.txt")
SENTIMENTS = {"negative": 0, "positive": 1}
HELD_OUT = {"True": True, "False": False}


def write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes the host's form: ids and texts in quotes, inner quotes behind a backslash, numbers
    and header bare, a line per review."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("\t".join(header) + "\n")
        for row in rows:
            stream.write("\t".join(map(_cell, row)) + "\n")


def _cell(value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    on_one_line = re.sub(r"[\r\n\t]+", " ", value)
    escaped = on_one_line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def convert(source: Path, out: Path) -> int:
    """Writes the files of Kaggle's form; gives how many reviews were read.

    Raises: DataError where the folder is neither of the two, or where `out` holds such files.
    """
    names = [SPEC.file(role).name for role in ("train", "test", "unlabelled", "sample_submission")]
    taken = [name for name in names if (out / name).exists()]
    if taken:
        raise DataError(f"{out / taken[0]} is there already; name another folder with --out")
    if (source / "texts.csv").is_file():
        train, test, unlabelled = _from_sample(source / "texts.csv")
    elif (source / "train" / "pos").is_dir():
        train, test = (_from_folders(source / split) for split in ("train", "test"))
        unlabelled = [*_of_class(source / "train", "unsup"), *_of_class(source, "unsup")]
    else:
        raise DataError(
            f"{source} holds neither texts.csv nor train/pos; expected fastai's imdb_sample, or "
            "aclImdb unpacked"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_tsv(out / names[0], SPEC.file("train").columns, train)
    for name, rows in ((names[1], test), (names[2], unlabelled)):
        write_tsv(out / name, SPEC.file("test").columns, ((row[0], row[2]) for row in rows))
    header = SPEC.submission.header
    write_csv(out / names[3], header, ((row[0], 0) for row in test))
    write_csv(out / "solution.csv", header, (row[:2] for row in test))
    return len(train) + len(test) + len(unlabelled)


def _from_folders(folder: Path) -> list[Row]:
    """The two classes of a split; `unsup` beside them is none."""
    return [*_of_class(folder, "pos"), *_of_class(folder, "neg")]


def _of_class(folder: Path, part: str) -> list[Row]:
    files = sorted(path for path in (folder / part).glob("*.txt") if FILE.fullmatch(path.name))
    if part != "unsup" and not files:
        raise DataError(f"{folder / part} holds no review named number_stars.txt; unpack it again")
    return [(path.stem, int(part == "pos"), _text(path)) for path in files]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8; unpack it again") from None


def _from_sample(path: Path) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of texts.csv; a row's number becomes its id, with 0 for the stars."""
    parts: dict[bool, list[Row]] = {False: [], True: []}
    csv.field_size_limit(2**27)  # the default refuses a long review
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if missing := {"label", "text", "is_valid"} - set(reader.fieldnames or ()):
            raise DataError(f"{path} has no column {min(missing)!r}; get it again")
        for number, row in enumerate(reader):
            if row["label"] not in SENTIMENTS or row["is_valid"] not in HELD_OUT:
                raise DataError(
                    f"{path}: row {number + 1} has label {row['label']!r} and is_valid "
                    f"{row['is_valid']!r}; expected negative or positive, True or False"
                )
            review = (f"{number}_0", SENTIMENTS[row["label"]], str(row["text"]))
            parts[HELD_OUT[row["is_valid"]]].append(review)
    return parts[False], parts[True], []


@expected_errors
def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of aclImdb, or of texts.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the host's files")
    args = parser.parse_args(argv)
    print(f"{convert(args.source, args.out):,} reviews written into {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
