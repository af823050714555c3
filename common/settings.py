"""Settings: what belongs to the experiment, as frozen values with named presets."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from common.errors import SettingsError, unknown_name

Own = TypeVar("Own", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """The settings of every pipeline. A pipeline adds its own fields in a subclass.

    Args:
        folds: number of folds, at least FEWEST_FOLDS.
    """

    FEWEST_FOLDS = 2  # time folds may be one: a single period that is held out

    folds: int = 5

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            finite = not isinstance(value, float) or math.isfinite(value)
            self.require(finite, field.name, "a finite number")
        self.require(self.folds >= self.FEWEST_FOLDS, "folds", f"at least {self.FEWEST_FOLDS}")

    def require(self, holds: bool, name: str, expected: str) -> None:
        """Raises SettingsError where a field's value is not what is expected."""
        if not holds:
            raise SettingsError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def override(self: Own, texts: Iterable[str]) -> Own:
        """These settings with some fields replaced, given as `name=value`.

        Raises: SettingsError for an unknown name (the nearest is offered) or another type.
        """
        types = typing.get_type_hints(type(self))
        changes: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals:
                raise SettingsError(f"found {text!r}; expected name=value, such as folds=5")
            if name not in types:
                raise SettingsError(unknown_name("setting", name, types))
            changes[name] = _parsed(name, value, types[name])
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """The fields in their order, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls: type[Own], values: Mapping[str, Any]) -> Own:
        """The settings that `as_dict` wrote.

        Raises: SettingsError for a field that this version does not know, or another type.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise SettingsError(unknown_name("setting", name, known))
        try:
            return cls(**values)
        except TypeError as error:
            raise SettingsError(
                f"{dict(values)} cannot be the settings of {cls.__name__} ({error}); expected what "
                "as_dict() wrote: take settings.json as the run left it"
            ) from None


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_PARSERS: dict[object, Callable[[str], Any]] = {int: int, float: float, str: str, bool: _boolean}


def _parsed(name: str, text: str, kind: object) -> Any:
    parse = _PARSERS.get(kind, json.loads)
    try:
        return parse(text)
    except (ValueError, KeyError):
        wanted = getattr(kind, "__name__", str(kind))
        raise SettingsError(f"{name} is {text!r}; expected a value of type {wanted}") from None


def preset(presets: Mapping[str, Own], name: str) -> Own:
    """A named preset.

    Raises: SettingsError for an unknown name; the nearest is offered.
    """
    if name not in presets:
        raise SettingsError(unknown_name("preset", name, presets))
    return presets[name]
