"""Stanford Dogs: what it does not share with the other tables of labels."""

from __future__ import annotations

import re

import pytest

from competitions.stanford_dogs_dataset.spec import SPEC
from tests.competitions.judged import Judged, judged_fixture

judged = judged_fixture("stanford-dogs-dataset")


def test_ids_are_the_pictures_names() -> None:
    assert re.fullmatch(SPEC.id_pattern, "n02085620_10074")
    assert not re.fullmatch(SPEC.id_pattern, "n02085620-Chihuahua")


def test_breeds_with_hyphens_and_capitals_are_names_as_they_stand(judged: Judged) -> None:
    # the lower-case name of the third is another name: two of three are right
    solution = (
        "id,label\nn02099429_1,curly-coated_retriever\nn02089078_2,black-and-tan_coonhound\n"
        "n02086240_3,Shih-Tzu\n"
    )
    result = judged.scored(solution.replace("Shih-Tzu", "shih-tzu"), solution)
    assert result["score"] == pytest.approx(2 / 3, abs=1e-15)
    assert "'shih-tzu'" in result["warnings"][0]
