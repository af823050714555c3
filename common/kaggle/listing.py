"""Which files Kaggle says that a competition or a data set has, and which of them are here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.kaggle.cli import Kaggle
from common.kaggle.unpacking import kind_of
from common.spec import CompetitionSource, DatasetSource

_PAGES = 5  # of 200 files: folders of pictures would take thousands of calls


@dataclass(frozen=True)
class Remote:
    """A source as the command names it.

    Args:
        group: "competitions" or "datasets".
        name: slug, or "owner/slug".
    """

    group: str
    name: str

    @property
    def called(self) -> str:
        return f"{'competition' if self.group == 'competitions' else 'data set'} {self.name}"

    @property
    def competition(self) -> str:
        """The slug whose rules may be in the way; "" for a data set."""
        return self.name if self.group == "competitions" else ""

    @property
    def zip_name(self) -> str:
        """What the command calls the whole of it."""
        return f"{self.name.rpartition('/')[2]}.zip"


@dataclass(frozen=True)
class Listing:
    """Files with their sizes in bytes, 0 where Kaggle tells none; `whole` where no file was left
    out."""

    sizes: dict[str, int]
    whole: bool

    @property
    def total(self) -> int:
        return sum(self.sizes.values())

    def lacks(self, name: str) -> bool:
        """Whether the source surely has no such file."""
        return self.whole and name not in self.sizes

    def differences(self, folder: Path) -> list[str]:
        """What of the listing is not in a folder, one line each; an archive may lie there
        unpacked."""
        lines = []
        for name, size in self.sizes.items():
            path = folder / name
            if path.is_file():
                found = path.stat().st_size
                if size and found != size:
                    lines.append(f"{name} has {found:,} bytes here and {size:,} at Kaggle")
            elif not _is_unpacked(path):
                lines.append(f"{name} is not here")
        return lines


def remote_of(source: CompetitionSource | DatasetSource) -> Remote:
    """The source as the command names it."""
    if isinstance(source, CompetitionSource):
        return Remote("competitions", source.slug)
    return Remote("datasets", source.name)


def listing_of(kaggle: Kaggle, remote: Remote) -> Listing:
    """The source's first thousand files.

    Raises: KaggleError.
    """
    rows, more = kaggle.table(
        *(remote.group, "files", remote.name),
        subject=remote.called,
        competition=remote.competition,
        pages=_PAGES,
    )
    sizes = {str(row.get("name", "")): int(row.get("size") or 0) for row in rows}
    return Listing(sizes, whole=not more)


def _is_unpacked(path: Path) -> bool:
    """Whether what an archive holds lies beside it, under its name without the ending."""
    kind = kind_of(path.name)
    if kind is None:
        return False
    plain = path.with_name(path.name[: -len(kind[0])].removesuffix(".tar"))
    return plain.is_file() or (plain.is_dir() and any(plain.iterdir()))
