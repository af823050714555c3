"""The names of rows: tuples of cells, kept column by column until somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

Key = tuple[str, ...]


class Keys(Sequence[Key]):
    """Names of rows over columns of text; a list of tuples to whoever reads it.

    Args:
        columns: one list of cells per key column, or one Arrow array of text where the file is
            large; all of one length.
    """

    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns = list(columns)
        self._rows: list[Key] | None = None

    @property
    def rows(self) -> list[Key]:
        """The names as tuples, made once."""
        if self._rows is None:
            lists = [c if isinstance(c, list) else c.to_pylist() for c in self.columns]
            self._rows = list(zip(*lists, strict=True))
        return self._rows

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Key]:
        return iter(self.rows)

    @overload
    def __getitem__(self, row: int) -> Key: ...
    @overload
    def __getitem__(self, row: slice) -> list[Key]: ...
    def __getitem__(self, row: int | slice) -> Key | list[Key]:
        return self.rows[row]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Sequence) and self.rows == list(other))

    __hash__ = None  # type: ignore[assignment]
