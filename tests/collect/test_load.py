"""What a run folder holds is read back as it was, whatever collector made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.collect import Dense, MapStack, Ragged, load_predictions
from common.errors import RunError

SAMPLES = np.array(["a", "b", "c"])
INDEX = pd.DataFrame({"sample": SAMPLES, "id": SAMPLES, "fold": [0, 0, 1], "label": [1, 2, 3]})
KINDS: list[Any] = [
    Dense(SAMPLES, np.array([[0.1, 0.9], [1 / 3, 2 / 3], [1, 0]], np.float32), ("p_0", "p_1")),
    MapStack(SAMPLES, np.arange(24, dtype=np.uint8).reshape(3, 2, 2, 2)),
    Ragged(SAMPLES, np.array([[1.5], [2.5]], np.float32), np.array([0, 2]), ("x",)),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_stored_predictions_come_back_as_they_were(kind: Any, tmp_path: Path) -> None:
    kind.save(tmp_path, "oof", INDEX)
    found: Any = load_predictions(tmp_path, "oof", [*INDEX])
    assert type(found) is type(kind)
    assert found.samples.tolist() == SAMPLES.tolist()
    assert found.values.dtype == kind.values.dtype
    np.testing.assert_array_equal(found.values, kind.values)
    assert getattr(found, "names", ()) == getattr(kind, "names", ())


def test_a_cut_table_is_named(tmp_path: Path) -> None:
    (written,) = KINDS[0].save(tmp_path, "oof", INDEX)
    written.write_bytes(written.read_bytes()[:-9])
    with pytest.raises(RunError, match=r"oof.parquet cannot be read"):
        load_predictions(tmp_path, "oof", [*INDEX])
