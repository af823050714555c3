"""The small files of a run, read with care: what is asked for is there and of its type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files
from common.errors import RunError


@dataclass(frozen=True)
class Facts:
    """An object in a JSON file, or one inside it.

    Args:
        called: the file's name, for messages.
    """

    called: str
    values: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Facts:
        """The object in a file.

        Raises: DataError where the file is missing or no JSON; RunError where it is no object.
        """
        return cls._of(path.name, files.read_json(path))

    @classmethod
    def _of(cls, called: str, found: Any) -> Facts:
        if not isinstance(found, dict):
            raise RunError(
                f"{called} holds {str(found)[:40]!r}, expected an object; copy the whole run again"
            )
        return cls(called, found)

    def has(self, name: str) -> bool:
        """True where something of this name is there that is not null."""
        return self.values.get(name) is not None

    def inside(self, name: str) -> Facts:
        """The object of a name."""
        return self._of(f"{self.called}, {name},", self.values.get(name))

    def text(self, name: str) -> str:
        """The text of a name."""
        return str(self._get(name, str))

    def number(self, name: str) -> float:
        """The number of a name."""
        return float(self._get(name, int | float))

    def items(self, name: str) -> list[Any]:
        """The list of a name."""
        return list(self._get(name, list))

    def _get(self, name: str, kind: Any) -> Any:
        found = self.values.get(name)
        if not isinstance(found, kind):
            raise RunError(
                f"{self.called} has {str(found)[:40]!r} for {name}; it was cut or edited: copy the "
                "whole run again"
            )
        return found
