"""The pets: what they do not share with the other tables of labels."""

from __future__ import annotations

import re

import pytest

from competitions.the_oxfordiiit_pet_dataset.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture

judged = judged_fixture("the-oxfordiiit-pet-dataset")


@pytest.mark.parametrize(
    "name", ["Abyssinian_100", "american_pit_bull_terrier_7", "yorkshire_terrier_99"]
)
def test_ids_are_breeds_with_a_number(name: str) -> None:
    assert re.fullmatch(SPEC.id_pattern, name)
    assert not re.fullmatch(SPEC.id_pattern, f"{name}.jpg")


def test_a_score_is_placed_on_the_official_split(judged: Judged) -> None:
    # three of four are right
    rows = [("Abyssinian_1", "Abyssinian"), ("american_bulldog_2", "american_bulldog")]
    rows += [("Bengal_3", "Bengal"), ("beagle_4", "beagle")]
    solution = "id,label\n" + "".join(f"{name},{label}\n" for name, label in rows)
    result = judged.scored(solution.replace("4,beagle", "4,Bengal"), solution)
    assert result["score"] == 0.75
    assert result["place"] == (
        "0.75 lies between best automatic method of 2012 (0.5921) and fine-tuned ResNet-50, long "
        "schedule (0.92)"
    )
