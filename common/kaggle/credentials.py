"""Which credentials the `kaggle` command takes, told by their places and never by their values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import paths

SETTINGS_PAGE = "https://www.kaggle.com/settings/api"


@dataclass(frozen=True)
class Credentials:
    """One place that holds credentials.

    Args:
        place: how a person finds it, such as "~/.kaggle/access_token".
        secrets: what must never be shown.
        remedy: what takes it out of the way.
    """

    place: str
    secrets: tuple[str, ...]
    remedy: str


def found() -> list[Credentials]:
    """All credentials on this machine, in the order in which the command takes them.

    A token beats a user name with a key, whatever the command says about it, and the environment
    beats a file.
    """
    return [*_tokens(), *_keys(), *_oauth()]


def secrets() -> tuple[str, ...]:
    """Every secret value on this machine, the longest first."""
    values = {value for entry in found() for value in entry.secrets if len(value) >= 6}
    return tuple(sorted(values, key=len, reverse=True))


def _tokens() -> Iterator[Credentials]:
    given = paths.kaggle_credential_variables().get("KAGGLE_API_TOKEN", "")
    if given:
        value = _text(Path(given)) or given  # a value, or the name of a file that holds it
        yield Credentials("$KAGGLE_API_TOKEN", (value,), "unset KAGGLE_API_TOKEN")
    for name in ("access_token", "access_token.txt"):
        value = _text(Path.home() / ".kaggle" / name)
        if value:
            yield Credentials(f"~/.kaggle/{name}", (value,), f"remove ~/.kaggle/{name}")


def _keys() -> Iterator[Credentials]:
    given = paths.kaggle_credential_variables()
    if "KAGGLE_KEY" in given:
        remedy = "unset KAGGLE_USERNAME and KAGGLE_KEY"
        yield Credentials("$KAGGLE_USERNAME and $KAGGLE_KEY", (given["KAGGLE_KEY"],), remedy)
    for path in paths.kaggle_files():
        key = _json(path).get("key")
        if isinstance(key, str) and key:
            yield Credentials(_shown(path), (key,), f"remove {_shown(path)}")


def _oauth() -> Iterator[Credentials]:
    path = Path.home() / ".kaggle/credentials.json"
    entries = _json(path)
    values = [entries.get(name) for name in ("refresh_token", "access_token")]
    held = tuple(value for value in values if isinstance(value, str) and value)
    if held:
        yield Credentials(_shown(path), held, f"remove {_shown(path)}")


def _text(path: Path) -> str:
    """What a small text file holds; "" where there is none, or where it is no text."""
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return ""  # such as a token that is no file name


def _json(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(_text(path) or "{}")
    except json.JSONDecodeError:
        return {}  # the command passes over it as well
    return entries if isinstance(entries, dict) else {}


def _shown(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
