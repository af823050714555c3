"""Pretrained weights for a data set: from the hub they are loaded from, or from a folder.

Names are those of `common.pretrained`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common import files
from common.errors import DataError, UsageError
from common.kernels.dataset import Part, copied, flat_name
from common.pretrained import (
    WeightsFile,
    check_whole,
    fetched,
    hash_in,
    split_name,
    weights_file,
)

MAIN = "main"
TORCH_FOLDER, HUB_FOLDER = "torch/hub/checkpoints", "huggingface/hub"  # as paths.use_caches has it
ADVICE = "fetch its file where there is a connection and name the folder with --from"


def weights_parts(name: str, given: Path | None = None) -> list[Part]:
    """The files that a library looks for when it loads these weights.

    Args:
        name: as above.
        given: a folder in which files of the right name lie; None to fetch them.

    Raises: UsageError for a name that does not exist (the nearest are offered) or a library that
    is not installed; DataError where a file is missing or cut, or the hub cannot be reached.
    """
    library, model = split_name(name)
    try:
        if library != "smp":
            file = weights_file(name)
            return [_from_url(file, given) if file.url else _from_hub(file, given)]
        from common.pretrained_smp import smp_file

        file = smp_file(name, model)
        if model.startswith("tu-"):
            return [_from_url(file, given) if file.url else _from_hub(file, given)]
        return [_from_hub(file, given), _settings_of(file, given)]
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the package {error.name}; install it first") from None


def _from_url(file: WeightsFile, given: Path | None) -> Part:
    """Weights that torch.hub fetches by their address."""
    (file_name,) = file.file_names
    if given is not None:
        path = _in_folder(given, file.name, [file_name], [Path(file_name).stem])
        check_whole(path, hashed=hash_in(file_name))
    else:
        path = fetched(file, ADVICE)
    place = f"{TORCH_FOLDER}/{file_name}"
    return Part(flat_name(file.name, file_name), "weights", place, file.name, copied(path))


def _from_hub(file: WeightsFile, given: Path | None) -> Part:
    """Weights of a repository on the hub, under the first of some file names that is there."""
    if given is not None:
        full, short = file.repo.rpartition("/")[2], file.name.rpartition("/")[2]
        known_as = [full, short, full.partition(".")[0]]
        path = _in_folder(given, file.name, file.file_names, known_as)
        check_whole(path)
        # no commit is known: any name will do, as long as the branch stands for it
        commit = file.revision or files.sha256(path)[:40]
        file_name = next(one for one in file.file_names if path.suffix == Path(one).suffix)
    else:
        path = fetched(file, ADVICE)
        commit, file_name = path.parent.name, path.name
    place = _hub_path(file.repo, commit, file_name)
    ref = "" if file.revision else MAIN
    return Part(flat_name(file.name, file_name), "weights", place, file.name, copied(path), ref)


def _hub_path(repo: str, commit: str, file_name: str) -> str:
    return f"{HUB_FOLDER}/models--{repo.replace('/', '--')}/snapshots/{commit}/{file_name}"


def _settings_of(file: WeightsFile, given: Path | None) -> Part:
    """The config.json beside an encoder's weights: the library asks for it and does not read it."""
    place = _hub_path(file.repo, file.revision, "config.json")
    own = flat_name(file.name, "config.json")
    if given is None:
        path = fetched(replace(file, file_names=("config.json",)), ADVICE)
        return Part(own, "weights", place, file.name, copied(path))
    return Part(own, "weights", place, file.name, lambda path: files.write_text(path, "{}\n"))


def _in_folder(given: Path, model: str, file_names: Sequence[str], known_as: Sequence[str]) -> Path:
    """The file of a model in a given folder.

    Args:
        model: with its library.
        file_names: as the library calls the file.
        known_as: file names, or their beginnings without the ending, that belong to this model.
    """
    if not given.is_dir():
        raise DataError(f"{given} is no folder; expected the one that holds the files, --from")
    wanted: list[str] = []
    for begin in dict.fromkeys(known_as):
        for file_name in file_names:
            wanted += [f"{begin}{Path(file_name).suffix}", f"{begin}/{file_name}"]
            wanted.append(flat_name(begin, file_name))
    for candidate in [*wanted, flat_name(model, file_names[0])]:
        if (given / candidate).is_file():
            return given / candidate
    raise DataError(f"{given} holds no file for {model}; expected {wanted[0]} or {wanted[1]}")
