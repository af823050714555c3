"""Pretrained weights for a data set: from the hub they are loaded from, or from a folder.

A name is `<library>/<model>` or `<library>/<model>.<tag>`:

    timm/resnet18.a1_in1k    torchvision/resnet18.IMAGENET1K_V1    smp/resnet34.imagenet
"""

from __future__ import annotations

import difflib
import importlib
import json
import logging
import struct
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.error import URLError

from common import files
from common.errors import DataError, UsageError
from common.kernels.dataset import Part, copied, flat_name

LIBRARIES = ("timm", "torchvision", "smp")
MAIN = "main"
SAFE, BIN = "model.safetensors", "pytorch_model.bin"
TORCH_FOLDER, HUB_FOLDER = "torch/hub/checkpoints", "huggingface/hub"  # as paths.use_caches has it


def weights_parts(name: str, given: Path | None = None) -> list[Part]:
    """The files that a library looks for when it loads these weights.

    Args:
        name: as above.
        given: a folder in which files of the right name lie; None to fetch them.

    Raises: UsageError for a name that does not exist (the nearest are offered) or a library that
    is not installed; DataError where a file is missing or cut, or the hub cannot be reached.
    """
    library, _, model = name.partition("/")
    if library not in LIBRARIES or not model:
        raise UsageError(
            f"{name!r} names no weights; expected {', '.join(f'{word}/…' for word in LIBRARIES)}, "
            "such as timm/resnet18.a1_in1k"
        )
    try:
        if library == "torchvision":
            return _torchvision(name, model, given)
        if library == "smp" and not model.startswith("tu-"):
            return _smp(name, model, given)
        return _timm(name, model.removeprefix("tu-"), given)
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the package {error.name}; install it first") from None


# ---- the three libraries ------------------------------------------------------------------------


def _timm(name: str, model: str, given: Path | None) -> list[Part]:
    from timm.models import get_pretrained_cfg, is_model, list_pretrained

    known = list_pretrained()
    exists = model in known if "." in model else is_model(model)
    config = get_pretrained_cfg(model) if exists else None
    if config is None or not config.has_weights:
        raise _unknown(name, (f"timm/{one}" for one in known))
    if config.hf_hub_id:
        asked = config.hf_hub_filename or BIN
        safe = SAFE if asked == BIN else asked.removesuffix(".bin") + ".safetensors"
        return [_from_hub(name, config.hf_hub_id, list(dict.fromkeys((safe, asked))), "", given)]
    return [_from_url(name, str(config.url), given)]


def _torchvision(name: str, model: str, given: Path | None) -> list[Part]:
    models = importlib.import_module("torchvision.models")
    model, _, tag = model.partition(".")
    known = models.list_models()
    if model not in known:
        raise _unknown(name, (f"torchvision/{one}" for one in known))
    choices = models.get_model_weights(model).__members__
    if (tag or "DEFAULT") not in choices:
        raise _unknown(name, (f"torchvision/{model}.{one}" for one in choices))
    return [_from_url(name, choices[tag or "DEFAULT"].url, given)]


def _smp(name: str, model: str, given: Path | None) -> list[Part]:
    encoders = importlib.import_module("segmentation_models_pytorch.encoders").encoders
    model, _, tag = model.partition(".")
    known = {
        f"smp/{one}.{kind}": settings
        for one, made in encoders.items()
        for kind, settings in made.get("pretrained_settings", {}).items()
        if isinstance(settings, dict) and "repo_id" in settings
    }
    full = f"smp/{model}.{tag or 'imagenet'}"
    if full not in known:
        raise _unknown(name, known)
    repo, revision = known[full]["repo_id"], known[full]["revision"]
    found = _from_hub(name, repo, [SAFE], revision, given)
    settings = _settings_of(repo, revision, given)
    path = _hub_path(repo, revision, "config.json")
    kept = Part(flat_name(name, "config.json"), "weights", path, name, settings.write)
    return [found, kept]


def _settings_of(repo: str, revision: str, given: Path | None) -> Part:
    """The config.json beside an encoder's weights: the library asks for it and does not read it."""
    if given is None:
        return _from_hub(repo, repo, ["config.json"], revision, None)
    return Part("", "weights", "", repo, lambda path: files.write_text(path, "{}\n"))


def _unknown(name: str, known: Iterable[str]) -> UsageError:
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "see the library's list of models"
    return UsageError(f"no weights named {name!r} among {len(choices):,}; {hint}")


# ---- files --------------------------------------------------------------------------------------


def _from_url(name: str, url: str, given: Path | None) -> Part:
    """Weights that torch.hub fetches by their address; the hash is part of most file names."""
    import torch

    file_name = url.rpartition("/")[2].partition("?")[0]
    if given is not None:
        path = _in_folder(given, name, [file_name], [Path(file_name).stem])
    else:
        path = Path(torch.hub.get_dir()) / "checkpoints" / file_name
        if not path.is_file():
            _download(name, url, path)
    _check_whole(path, hashed=_hash_in(file_name))
    place = f"{TORCH_FOLDER}/{file_name}"
    return Part(flat_name(name, file_name), "weights", place, name, copied(path))


def _download(name: str, url: str, path: Path) -> None:
    import torch

    files.make_folder(path.parent)
    prefix = _hash_in(path.name) or None
    try:
        torch.hub.download_url_to_file(url, str(path), prefix, progress=False)
    except RuntimeError as error:  # the hash
        raise DataError(f"{url} gave another file than its name says ({error}); again") from None
    except (URLError, ConnectionError, TimeoutError) as error:
        raise _unreachable(name, url, error) from None


def _hash_in(file_name: str) -> str:
    """The first digits of the SHA-256, as in resnet18-f37072fd.pth; "" where the name has none."""
    last = Path(file_name).stem.rpartition("-")[2]
    return last if len(last) >= 8 and set(last) <= set("0123456789abcdef") else ""


def _from_hub(
    name: str, repo: str, file_names: list[str], revision: str, given: Path | None
) -> Part:
    """Weights of a repository on the hub, under the first of some file names that is there."""
    if given is not None:
        full, short = repo.rpartition("/")[2], name.rpartition("/")[2]
        path = _in_folder(given, name, file_names, [full, short, full.partition(".")[0]])
        # no commit is known: any name will do, as long as the branch stands for it
        commit = revision or files.sha256(path)[:40]
        file_name = next(one for one in file_names if path.suffix == Path(one).suffix)
    else:
        path, file_name = _fetched(name, repo, file_names, revision)
        commit = path.parent.name
    _check_whole(path)
    place = _hub_path(repo, commit, file_name)
    ref = "" if revision else MAIN
    return Part(flat_name(name, file_name), "weights", place, name, copied(path), ref)


def _hub_path(repo: str, commit: str, file_name: str) -> str:
    return f"{HUB_FOLDER}/models--{repo.replace('/', '--')}/snapshots/{commit}/{file_name}"


def _fetched(name: str, repo: str, file_names: list[str], revision: str) -> tuple[Path, str]:
    """The hub's file in the hub's own cache, snapshots/<commit>/<file>, and its name."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # five retries, each told twice, say no more than the one line
    for file_name in file_names:
        try:
            return Path(hf_hub_download(repo, file_name, revision=revision or None)), file_name
        except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
            raise _unreachable(name, repo, error) from None
        except EntryNotFoundError:
            continue
        except HfHubHTTPError as error:
            raise _unreachable(name, repo, error) from None
    raise DataError(f"the hub's {repo} holds none of {', '.join(file_names)}; use --from")


def _unreachable(name: str, place: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"{name} cannot be fetched from {place} ({reason}); fetch its file where there is a "
        "connection and name the folder with --from"
    )


def _in_folder(given: Path, model: str, file_names: list[str], known_as: Sequence[str]) -> Path:
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


def _check_whole(path: Path, hashed: str = "") -> None:
    """Raises DataError where a file of weights is cut.

    Args:
        hashed: the first digits of its SHA-256; a file of another content must be whole by itself.
    """
    if hashed and files.sha256(path).startswith(hashed):
        return
    if path.suffix == ".safetensors":
        whole = _safetensors_size(path) == path.stat().st_size
    elif path.suffix in (".pth", ".pt", ".bin"):
        whole = zipfile.is_zipfile(path)  # whose list of members stands at the end
    else:
        whole = path.stat().st_size > 0
    if not whole:
        expected = f", nor the SHA-256 {hashed}… of its name" if hashed else ""
        raise DataError(
            f"{path} is no whole file of weights ({path.stat().st_size:,} bytes: its end is "
            f"missing{expected}); fetch it again"
        )


def _safetensors_size(path: Path) -> int:
    """How many bytes the header of a .safetensors promises; -1 where there is none."""
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 0 < length <= path.stat().st_size:
            return -1
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return -1
    ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    return 8 + int(length) + max(ends, default=0)
