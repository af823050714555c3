"""Pretrained weights by name: which file a library means, where it keeps it, and getting it there.

A name is `<library>/<model>` or `<library>/<model>.<tag>`:

    timm/resnet18.a1_in1k    torchvision/resnet18.IMAGENET1K_V1    smp/resnet34.imagenet

Those of smp are resolved in `common.pretrained_smp`, so that only who needs that library takes it
along.
"""

from __future__ import annotations

import difflib
import importlib
import json
import logging
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from common import files
from common.errors import DataError, UsageError

LIBRARIES = ("timm", "torchvision", "smp")
SAFE, BIN = "model.safetensors", "pytorch_model.bin"


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights: in a repository of the hub, or at an address.

    Args:
        name: with its library, as above.
        file_names: under the first of which that is there the file lies.
        repo: on the hub; "" where `url` says where it is.
        revision: of the repository; "" for its main branch.
        url: "" where `repo` says where it is.
    """

    name: str
    file_names: tuple[str, ...]
    repo: str = ""
    revision: str = ""
    url: str = ""

    @property
    def shown(self) -> str:
        """The file as a person looks for it."""
        return self.file_names[0] + (f" of {self.repo}" if self.repo else "")


def split_name(name: str) -> tuple[str, str]:
    """The library of a name, and the model with its tag.

    Raises: UsageError for a library that is not known.
    """
    library, _, model = name.partition("/")
    if library not in LIBRARIES or not model:
        raise UsageError(
            f"{name!r} names no weights; expected {', '.join(f'{word}/…' for word in LIBRARIES)}, "
            "such as timm/resnet18.a1_in1k"
        )
    return library, model


def weights_file(name: str) -> WeightsFile:
    """The file that timm or torchvision loads for a name.

    Raises: UsageError for a name that does not exist (the nearest are offered), has no weights, or
    is of another library.
    """
    library, model = split_name(name)
    if library == "timm":
        return timm_file(name, model)
    if library == "torchvision":
        return _torchvision_file(name, model)
    raise UsageError(f"{name!r} is an encoder of a U-Net; expected timm/… or torchvision/… here")


def timm_file(name: str, model: str) -> WeightsFile:
    """The file that timm loads for a model with or without a tag."""
    from timm.models import get_pretrained_cfg, is_model, list_pretrained

    known = list_pretrained()
    exists = model in known if "." in model else is_model(model)
    config = get_pretrained_cfg(model) if exists else None
    if config is None or not config.has_weights:
        raise unknown(name, (f"timm/{one}" for one in known))
    if config.hf_hub_id:
        asked = config.hf_hub_filename or BIN
        safe = SAFE if asked == BIN else asked.removesuffix(".bin") + ".safetensors"
        return WeightsFile(name, tuple(dict.fromkeys((safe, asked))), repo=config.hf_hub_id)
    return _at_address(name, str(config.url))


def _torchvision_file(name: str, model: str) -> WeightsFile:
    models = importlib.import_module("torchvision.models")
    model, _, tag = model.partition(".")
    known = models.list_models()
    if model not in known:
        raise unknown(name, (f"torchvision/{one}" for one in known))
    choices = models.get_model_weights(model).__members__
    if (tag or "DEFAULT") not in choices:
        raise unknown(name, (f"torchvision/{model}.{one}" for one in choices))
    return _at_address(name, choices[tag or "DEFAULT"].url)


def _at_address(name: str, url: str) -> WeightsFile:
    return WeightsFile(name, (url.rpartition("/")[2].partition("?")[0],), url=url)


def unknown(name: str, known: Iterable[str]) -> UsageError:
    """The error for a name among very many."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "see the library's list of models"
    return UsageError(f"no weights named {name!r} among {len(choices):,}; {hint}")


# ---- where the file is --------------------------------------------------------------------------


def cache_of(file: WeightsFile) -> Path:
    """The folder in which the library looks first."""
    if file.url:
        import torch

        return Path(torch.hub.get_dir()) / "checkpoints"
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{file.repo.replace('/', '--')}"


def cached(file: WeightsFile) -> Path | None:
    """The whole file in the library's cache; None where there is none.

    Raises: DataError where it is cut.
    """
    if file.url:
        places = [cache_of(file) / file.file_names[0]]
    else:
        from huggingface_hub import try_to_load_from_cache

        found = (
            try_to_load_from_cache(file.repo, one, revision=file.revision or None)
            for one in file.file_names
        )
        places = [Path(place) for place in found if isinstance(place, str)]
    for path in places:
        if path.is_file():
            check_whole(path, hashed=hash_in(path.name) if file.url else "")
            return path
    return None


def fetched(file: WeightsFile, advice: str) -> Path:
    """The whole file, in the library's cache or brought there.

    Args:
        advice: what to do where it can be neither found nor fetched.

    Raises: DataError where it cannot be fetched, or is cut.
    """
    path = cached(file)
    if path is None:
        path = _from_address(file, advice) if file.url else _from_hub(file, advice)
        check_whole(path, hashed=hash_in(path.name) if file.url else "")
    return path


def _from_address(file: WeightsFile, advice: str) -> Path:
    """What torch.hub fetches; the hash is part of most file names."""
    import torch

    path = cache_of(file) / file.file_names[0]
    files.make_folder(path.parent)
    prefix = hash_in(path.name) or None
    try:
        torch.hub.download_url_to_file(file.url, str(path), prefix, progress=False)
    except RuntimeError as error:  # the hash
        raise DataError(
            f"{file.url} gave another file than its name says ({error}); again"
        ) from None
    except (URLError, ConnectionError, TimeoutError) as error:
        raise _unreachable(file, error, advice) from None
    return path


def _from_hub(file: WeightsFile, advice: str) -> Path:
    """The hub's file in the hub's own cache, snapshots/<commit>/<file>."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    # five retries, each told twice, say no more than the one line
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    for file_name in file.file_names:
        try:
            return Path(hf_hub_download(file.repo, file_name, revision=file.revision or None))
        except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
            raise _unreachable(file, error, advice) from None
        except EntryNotFoundError:
            continue
        except HfHubHTTPError as error:
            raise _unreachable(file, error, advice) from None
    raise DataError(f"the hub's {file.repo} holds none of {', '.join(file.file_names)}; use --from")


def _unreachable(file: WeightsFile, error: Exception, advice: str) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    place = file.repo or file.url
    return DataError(f"{file.name} cannot be fetched from {place} ({reason}); {advice}")


# ---- whether it is whole ------------------------------------------------------------------------


def hash_in(file_name: str) -> str:
    """The first digits of the SHA-256, as in resnet18-f37072fd.pth; "" where the name has none."""
    last = Path(file_name).stem.rpartition("-")[2]
    return last if len(last) >= 8 and set(last) <= set("0123456789abcdef") else ""


def check_whole(path: Path, hashed: str = "") -> None:
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
