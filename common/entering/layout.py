"""Python literals as source text, laid out as the formatter lays them out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100  # columns, as pyproject.toml says
_STEP = "    "


@dataclass(frozen=True)
class Code:
    """A piece of source: `before`, and, where there are brackets, what stands between them."""

    before: str
    items: tuple[Code, ...] = ()
    after: str = ""

    def flat(self) -> str:
        """The piece on one line."""
        single = "," if self.is_tuple and len(self.items) == 1 else ""
        return self.before + ", ".join(item.flat() for item in self.items) + single + self.after

    @property
    def is_tuple(self) -> bool:
        return self.before.endswith("(") and self.before.rpartition("=")[2] == "("

    def lines(self, depth: int, end: str = "") -> list[str]:
        """The piece at some depth: on one line, else its items on a line of their own, else
        each item on its own."""
        indent = _STEP * depth
        line = indent + self.flat() + end
        if len(line) <= WIDTH or not self.items:
            return [line]
        single = "," if self.is_tuple and len(self.items) == 1 else ""
        inside = indent + _STEP + ", ".join(item.flat() for item in self.items) + single
        if len(inside) <= WIDTH and not single:
            return [indent + self.before, inside, indent + self.after + end]
        spread = [line for item in self.items for line in item.lines(depth + 1, ",")]
        return [indent + self.before, *spread, indent + self.after + end]


def text(value: str) -> str:
    """A text in double quotes, or in single ones where that saves backslashes."""
    if '"' in value and "'" not in value and value.isprintable() and "\\" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=not value.isprintable())


def pattern(value: str) -> str:
    """A regular expression as a raw text."""
    plain = '"' not in value and value.isprintable() and not value.endswith("\\")
    return f'r"{value}"' if plain else text(value)


def number(value: float) -> str:
    """A whole number with its thousands apart, or any other."""
    if value != int(value):
        return repr(value)
    return f"{int(value):_}" if abs(value) >= 10_000 else str(int(value))


def literal(value: object) -> Code:
    """A text, a number, None or a tuple of them."""
    if isinstance(value, tuple):
        return sequence([literal(item) for item in value])
    if isinstance(value, str):
        return Code(text(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Code(number(value))
    return Code(repr(value))


def sequence(items: Sequence[Code]) -> Code:
    """A tuple of pieces."""
    return Code("(", tuple(items), ")")


def call(name: str, *arguments: Code) -> Code:
    """A call with pieces as its arguments."""
    return Code(f"{name}(", arguments, ")")


def named(name: str, value: Code) -> Code:
    """A keyword argument."""
    return Code(f"{name}={value.before}", value.items, value.after)
