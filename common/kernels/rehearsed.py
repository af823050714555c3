"""What a rehearsal asks of a kernel. On Kaggle there is none."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from common import files, paths
from common.errors import DataError, unknown_name


@dataclass(frozen=True)
class Rehearsal:
    """The content of the file that KIT_REHEARSAL names.

    Args:
        preset: taken in place of the config's.
        changes: taken in place of the config's.
        device: where tensors are computed; "" for the default.
        run: hash of a run that infer takes in place of the config's; None for the config's.
        name: what the rehearsal is called.
    """

    preset: str = "smoke"
    changes: tuple[str, ...] = ()
    device: str = ""
    run: str | None = None
    name: str = ""


def read_rehearsal() -> Rehearsal | None:
    """The rehearsal that the environment names; None where there is none, and on Kaggle.

    Raises: DataError where the file is missing, no JSON, or has an unknown key.
    """
    path = paths.rehearsal_file()
    if path is None:
        return None
    values = files.read_json(path)
    known = [field.name for field in dataclasses.fields(Rehearsal)]
    if not isinstance(values, dict):
        raise DataError(f"{path} is no JSON object; expected the keys {', '.join(known)}")
    for name in values:
        if name not in known:
            raise DataError(f"{path} has {unknown_name('key', name, known)}")
    return Rehearsal(**{**values, "changes": tuple(values.get("changes", ()))})
