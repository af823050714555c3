"""The reviews as tables, from the host's files: checked row by row before anything is trained."""

from __future__ import annotations

import hashlib
import html
import re
import zipfile
from pathlib import Path

import pandas as pd

from common.errors import DataError
from competitions.word2vec_nlp_tutorial.spec import SPEC

TARGET = SPEC.submission.target_columns[0]
HOSTS_ROW = re.compile(rf'"?{SPEC.id_pattern}"?\t')
ROW = re.compile(r'"[^"\t\\]+"\t|[^\s"\\]+\t')  # any id: the same reviews under other names
BEGIN = "an id, such as 5814_8, and a tab"
ESCAPED = re.compile(r'\\(["\\])|"(")')  # the host's \" and the doubled quote of other writers
TAGS = re.compile(r"</?[A-Za-z!][^<>]{0,79}>")  # "a < b and b > c" holds none
APART = re.compile(r"[\W_]+")


def _windows_controls() -> dict[int, str]:
    """What the characters U+0080 to U+009F were meant to be; other controls become spaces."""
    named = {code: " " for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n"}
    for code in range(0x80, 0xA0):
        meant = bytes([code]).decode("cp1252", errors="ignore")
        named[code] = meant or " "
    return named


CONTROLS = _windows_controls()


def read_reviews(root: Path, role: str) -> pd.DataFrame:
    """The reviews of "train", "test" or "unlabelled", in the file's order.

    Columns: `id`, in train the sentiment as 0 or 1, `review` as it was written, with its tags but
    without control characters. An empty review is an empty text.

    Raises: DataError, with the line, for what is cut, has another form, or stands there twice.
    """
    file = SPEC.file(role)
    path, text = _decoded(root / file.name)
    lines = text.replace("\r\n", "\n").split("\n")
    header = [cell.strip('"') for cell in lines[0].split("\t")]
    if missing := [name for name in file.columns if name not in header]:
        raise DataError(
            f"{path} has no column {missing[0]!r} (found: {', '.join(header)[:80]}); expected "
            f"{', '.join(file.columns)} with tabs between: get it again"
        )
    rows = [_cells(path, number, row, header) for number, row in _rows(path, lines)]
    table = pd.DataFrame(rows, columns=[*header, "line"])
    if table.empty and role != "unlabelled":
        raise DataError(f"{path} has a header and no rows; get it again")
    _check_ids(path, table)
    if file.target is not None:
        table[TARGET] = _sentiments(path, table)
    return table[list(file.columns)]


def read_unlabelled(root: Path) -> list[str]:
    """The reviews without labels; none where there is no such file, or one of a header alone.

    Raises: DataError as `read_reviews`.
    """
    path = root / SPEC.file("unlabelled").name
    if not any(place.is_file() for place in (path, _zipped(path))):
        return []
    reviews: list[str] = read_reviews(root, "unlabelled")["review"].tolist()
    return reviews


def _zipped(path: Path) -> Path:
    """Where Kaggle's zip of a file lies."""
    return path.with_name(f"{path.name}.zip")


def _decoded(path: Path) -> tuple[Path, str]:
    """The file that there is, the plain one or Kaggle's zip of it, and its text."""
    zipped = _zipped(path)
    if path.is_file():
        content = path.read_bytes()
    elif zipped.is_file():
        path = zipped
        try:
            with zipfile.ZipFile(zipped) as archive:
                content = archive.read(zipped.stem)
        except (zipfile.BadZipFile, KeyError) as error:
            reason = f"{zipped} does not hold {zipped.stem} whole ({error}); get it again"
            raise DataError(reason) from None
    else:
        raise DataError(f"{path} does not exist; download the data or write the fixture")
    if not content.strip():
        raise DataError(f"{path} is empty; expected a header and rows: get it again")
    try:
        return path, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line} is not UTF-8; get it again") from None


def _rows(path: Path, lines: list[str]) -> list[tuple[int, str]]:
    """The rows with the numbers of their first lines, from 2.

    A row begins with an id and a tab: the host's anywhere, another one where the row above has
    ended. A line without them belongs to the text of the row above.
    """
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines[1:], start=2):
        if HOSTS_ROW.match(line) or (ROW.match(line) and (not rows or _ended(rows[-1][1]))):
            rows.append((number, [line]))
        elif rows:
            rows[-1][1].append(line)
        elif line.strip():
            raise DataError(f"{path}: line {number} begins with {line[:20]!r}; expected {BEGIN}")
    return [(number, "\n".join(parts).rstrip("\n")) for number, parts in rows]


def _ended(parts: list[str]) -> bool:
    """False within a text that began with a quote and may go on in the next line."""
    return '\t"' not in parts[0] or parts[-1].endswith('"')


def _cells(path: Path, number: int, row: str, header: list[str]) -> list[object]:
    """The cells of a row, without what stood around them, and its line."""
    cells = row.split("\t", len(header) - 1)
    if len(cells) != len(header):
        raise DataError(
            f"{path}: line {number} has {len(cells)} of {len(header)} cells; the file was cut or "
            "edited, get it again"
        )
    return [*(_unquoted(path, number, cell) for cell in cells), number]


def _unquoted(path: Path, number: int, cell: str) -> str:
    """The text of a cell. A backslash before the closing quote is the text's last character."""
    inside = cell
    if cell.startswith('"'):
        if len(cell) < 2 or not cell.endswith('"'):
            raise DataError(
                f"{path}: line {number} begins a text with a quote and does not end it; the file "
                "was cut or edited, get it again"
            )
        inside = cell[1:-1]
        if '"' in inside or "\\" in inside:
            if '"' in ESCAPED.sub("", inside):
                raise DataError(
                    f"{path}: line {number} holds a quote without a backslash before it; expected "
                    f"every row to begin with {BEGIN}: get the file again"
                )
            inside = ESCAPED.sub(r"\1\2", inside)
    elif "\n" in cell:
        raise DataError(
            f"{path}: line {number} is followed by a line that does not begin with {BEGIN}; get "
            "the file again"
        )
    return inside.translate(CONTROLS)


def _check_ids(path: Path, table: pd.DataFrame) -> None:
    again = table[table["id"].duplicated()]
    if len(again):
        name, line = again.iloc[0][["id", "line"]]
        raise DataError(
            f"{path}: line {line} holds the id {name!r} for the second time; expected every id once"
        )


def _sentiments(path: Path, table: pd.DataFrame) -> list[int]:
    """The truth, 0 or 1.

    Raises: DataError for another cell, or where all are alike.
    """
    known = table[TARGET].isin(["0", "1"])
    if not known.all():
        cell, line = table[~known].iloc[0][[TARGET, "line"]]
        raise DataError(f"{path}: line {line}, column {TARGET!r} holds {cell!r}; expected 0 or 1")
    if table[TARGET].nunique() < 2:
        raise DataError(
            f"{path}: all {len(table):,} reviews have sentiment {table[TARGET].iloc[0]}; expected "
            "some of both: get the file again"
        )
    return [int(cell) for cell in table[TARGET]]


def plain(review: str) -> str:
    """A review without its tags and entities, in small letters."""
    without = TAGS.sub(" ", review) if "<" in review else review
    return (html.unescape(without) if "&" in without else without).lower()


def fingerprint(review: str) -> str:
    """Equal for reviews of the same words in the same order, whatever stands between them."""
    words = APART.sub(" ", plain(review)).strip()
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()


def repeats(reviews: pd.DataFrame) -> str:
    """A line on how many labelled reviews are repeated, and how many texts have both labels."""
    groups = reviews.groupby([fingerprint(review) for review in reviews["review"]])[TARGET]
    n_copies, n_both = int((groups.size() - 1).sum()), int((groups.nunique() > 1).sum())
    return (
        f"repeated reviews: {n_copies:,}, kept in the fold of their first copy; {n_both:,} texts "
        "with both sentiments"
    )
