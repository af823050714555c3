"""Settings are frozen values; what is not a setting is refused with the nearest name."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest

from common.errors import SettingsError
from common.settings import Settings, preset


@dataclass(frozen=True)
class Own(Settings):
    epochs: int = 3
    rate: float = 0.1
    name: str = "net"
    mirror: bool = False
    sizes: tuple[int, ...] = (8, 16)
    limit: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.rate > 0, "rate", "a number above 0")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("epochs=12", "epochs", 12),
        ("epochs=-1", "epochs", -1),
        ("folds=2", "folds", 2),
        ("rate=5e-3", "rate", 0.005),
        ("rate=1", "rate", 1.0),
        ("name=a=b", "name", "a=b"),
        ("name=", "name", ""),
        ("mirror=true", "mirror", True),
        ("mirror=False", "mirror", False),
        ("sizes=[1, 2]", "sizes", [1, 2]),
        ("limit=7", "limit", 7),
        ("limit=null", "limit", None),
    ],
)
def test_a_text_replaces_one_field_in_its_own_type(text: str, field: str, value: object) -> None:
    changed = getattr(Own().override([text]), field)
    assert changed == value
    assert type(changed) is type(value)


def test_what_is_not_named_stays_and_the_original_too() -> None:
    original = Own()
    changed = original.override(["epochs=7", "name=x"])
    assert changed == Own(epochs=7, name="x")
    assert original == Own()


def test_the_last_of_two_words_on_one_setting_counts() -> None:
    assert Own().override(["epochs=7", "epochs=8"]).epochs == 8


def test_no_texts_change_nothing() -> None:
    assert Own().override([]) == Own()


@pytest.mark.parametrize(
    "text",
    [
        "epochs=x",
        "epochs=",
        "epochs=3.5",
        "epochs=1e3",
        "rate=fast",
        "mirror=1",
        "mirror=yes",
        "sizes=(1, 2",
        "limit=many",
    ],
)
def test_a_value_of_another_type_is_refused_with_its_name_and_the_type(text: str) -> None:
    name, _, value = text.partition("=")
    with pytest.raises(SettingsError, match="expected a value of type") as caught:
        Own().override([text])
    assert str(caught.value).startswith(f"{name} is {value!r}; expected a value of type ")


def test_the_type_is_named_in_words() -> None:
    with pytest.raises(SettingsError, match=r"epochs is 'x'; expected a value of type int$"):
        Own().override(["epochs=x"])


def test_an_unknown_setting_offers_the_nearest_and_lists_all() -> None:
    with pytest.raises(
        SettingsError, match=r"no setting named 'epoch'; did you mean 'epochs'\?"
    ) as e:
        Own().override(["epoch=3"])
    assert "epochs, folds, limit, mirror, name, rate, sizes" in str(e.value)


@pytest.mark.parametrize("text", ["epochs", "", "epochs:3"])
def test_a_text_without_an_equals_sign_says_what_is_expected(text: str) -> None:
    with pytest.raises(SettingsError, match="expected name=value, such as folds=5"):
        Own().override([text])


@pytest.mark.parametrize("text", ["folds=1", "folds=0", "rate=0", "rate=nan", "rate=-inf"])
def test_a_value_out_of_its_range_is_refused_when_it_is_set(text: str) -> None:
    name = text.partition("=")[0]
    with pytest.raises(
        SettingsError, match=rf"^{name} is .*; expected (at least 2|a number above|a finite)"
    ):
        Own().override([text])


def test_a_value_out_of_its_range_is_refused_when_it_is_built() -> None:
    with pytest.raises(SettingsError, match="folds is 1; expected at least 2"):
        Settings(folds=1)


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Own().epochs = 4  # type: ignore[misc]


def test_settings_come_back_from_json_as_they_were() -> None:
    settings = Own(epochs=9, rate=0.1 + 0.2, mirror=True, limit=4)
    again = Own.from_dict({**json.loads(json.dumps(settings.as_dict())), "sizes": (8, 16)})
    assert again == settings


def test_the_dictionary_has_the_fields_in_their_order() -> None:
    names = ["folds", "epochs", "rate", "name", "mirror", "sizes", "limit"]
    assert list(Own().as_dict()) == names


def test_a_stored_setting_that_is_not_known_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"no setting named 'epoch'; did you mean 'epochs'\?"):
        Own.from_dict({"epoch": 3})


@pytest.mark.parametrize("values", [{"folds": "5"}, {"rate": None}, {"folds": [5]}])
def test_stored_settings_of_another_type_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(
        SettingsError, match=r"cannot be the settings of Own .*expected what as_dict"
    ):
        Own.from_dict(values)


def test_a_stored_value_out_of_its_range_is_refused() -> None:
    with pytest.raises(SettingsError, match="folds is 1; expected at least 2"):
        Own.from_dict({"folds": 1})


PRESETS = {"baseline": Own(), "smoke": Own(epochs=1)}


def test_a_preset_is_found_by_name() -> None:
    assert preset(PRESETS, "smoke") == Own(epochs=1)


@pytest.mark.parametrize("name", ["basline", "Baseline"])
def test_an_unknown_preset_offers_the_nearest(name: str) -> None:
    with pytest.raises(
        SettingsError, match=f"no preset named {name!r}; did you mean 'baseline'\\?"
    ):
        preset(PRESETS, name)
