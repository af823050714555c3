"""Where inputs, outputs and caches lie, at home and on Kaggle. The only module that reads the
environment.

On Kaggle inputs are mounted in one of two layouts; `common.mounts` looks through both.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import mounts
from common.errors import DataError

HOME_VARIABLE = "KIT_HOME"
REHEARSAL_VARIABLE = "KIT_REHEARSAL"
LAUNCHER_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
RUN_TYPES = ("Batch", "Interactive")  # what Kaggle itself sets; a rehearsal sets another


def repository() -> Path:
    """The folder that holds `common/` and `competitions/`."""
    return Path(__file__).resolve().parents[1]


def commit_file() -> Path:
    """Where a kernel writes the commit that it was built from; at home nothing lies there."""
    return repository() / "COMMIT"


def home() -> Path:
    """The folder under which `data/` and `runs/` lie: $KIT_HOME, else the repository."""
    return Path(os.environ.get(HOME_VARIABLE) or repository())


def competitions_dir() -> Path:
    """The folder with one sub-folder per competition."""
    return repository() / "competitions"


def data_dir(folder: str) -> Path:
    """The host's files of a competition, in the host's layout."""
    return home() / "data" / folder


def fixture_dir(folder: str) -> Path:
    """A competition's fixture: the host's layout in small."""
    return home() / "data" / "fixtures" / folder


def runs_dir(folder: str) -> Path:
    """The run folders of a competition."""
    return home() / "runs" / folder


def datasets_dir() -> Path:
    """The data sets that are made for Kaggle, a folder each."""
    return home() / "datasets"


def work_dir(folder: str) -> Path:
    """What preparing a competition's data writes, and what can be made again."""
    return home() / "data" / "work" / folder


def cache_dir() -> Path:
    """What every competition caches and can make again, such as decoded pictures. On Kaggle it
    lies where nothing becomes a kernel's output."""
    if on_kaggle():
        return temp_dir() / "kit-cache"
    return home() / "data" / "work" / "cache"


def lock_file(path: Path) -> Path:
    """The lock of a file or folder: in the temporary folder, so that nothing is left beside what
    is locked, and what is read-only can be read."""
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"kit-locks-{os.getuid()}" / f"{name}.lock"


def shown(path: Path) -> str:
    """The path as a person would type it: relative to the working folder where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, RuntimeError, OSError):  # a link that leads to itself, and no folder at all
        return str(path)


def threads_asked_for() -> int | None:
    """The number of CPU threads that the environment asks for (OMP_NUM_THREADS), if it does."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) > 0 else None


# ---- processes that were started together -------------------------------------------------------


class Launched(NamedTuple):
    """This process among those that a launcher started."""

    rank: int
    world: int
    local_rank: int


def launched() -> Launched | None:
    """What `torchrun`, or a launcher that speaks as it does, says of this process; None where
    there is none."""
    if any(not os.environ.get(name) for name in ("MASTER_ADDR", "MASTER_PORT")):
        return None
    texts = [os.environ.get(name, "") for name in LAUNCHER_VARIABLES]
    return Launched(*map(int, texts)) if all(text.isdecimal() for text in texts) else None


def launched_for_cpu() -> bool:
    """True where `accelerate launch` was told to leave the GPUs alone."""
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")


def processes_asked_for() -> int:
    """The number in the `--num_processes` of the `accelerate launch` that started this process; 0
    where that cannot be known, and where another launcher did."""
    if not variable_names("ACCELERATE_"):
        return 0
    try:
        words = Path(f"/proc/{os.getppid()}/cmdline").read_text(errors="replace").split("\0")
    except OSError:  # not Linux, or not ours to read
        return 0
    joined = " ".join(words).replace("--num_processes=", "--num_processes ").split()
    after = joined[joined.index("--num_processes") + 1 :] if "--num_processes" in joined else []
    return int(after[0]) if after and after[0].isdecimal() else 0


def child_environment(folders: Sequence[str]) -> dict[str, str]:
    """The environment of a child process that imports from these folders, and that no launcher
    counts."""
    own = {name: value for name, value in os.environ.items() if name not in LAUNCHER_VARIABLES}
    return {**own, "PYTHONPATH": os.pathsep.join(folders)}


# ---- on Kaggle ----------------------------------------------------------------------------------


def run_type() -> str:
    """How Kaggle runs this kernel: "Batch" or "Interactive"; elsewhere "" or what a rehearsal
    says."""
    return os.environ.get("KAGGLE_KERNEL_RUN_TYPE", "")


def on_kaggle() -> bool:
    """True in a kernel on Kaggle; False at home and in a rehearsal."""
    return run_type() in RUN_TYPES


def is_rerun() -> bool:
    """True where Kaggle scores a submitted kernel on the hidden test set."""
    return bool(os.environ.get("KAGGLE_IS_COMPETITION_RERUN"))


def rehearsal_file() -> Path | None:
    """What a rehearsal asks for, as JSON; None where there is none, and always on Kaggle."""
    name = os.environ.get(REHEARSAL_VARIABLE)
    return Path(name) if name and not on_kaggle() else None


def input_root() -> Path:
    """Where Kaggle mounts inputs. $KIT_INPUT replaces it, but not on Kaggle."""
    return _kaggle_place("KIT_INPUT", "/kaggle/input")


def working_dir() -> Path:
    """Where a kernel's output lies. $KIT_WORKING replaces it, but not on Kaggle."""
    return _kaggle_place("KIT_WORKING", "/kaggle/working")


def temp_dir() -> Path:
    """Where a kernel may write what is lost at its end. $KIT_TEMP replaces it, not on Kaggle."""
    place = _kaggle_place("KIT_TEMP", "/kaggle/temp")
    return place if place.is_dir() else Path(tempfile.gettempdir())


def _kaggle_place(variable: str, place: str) -> Path:
    replaced = "" if on_kaggle() else os.environ.get(variable, "")
    return Path(replaced or place)


def variable_names(*prefixes: str) -> list[str]:
    """The names, never the values, of the environment variables with one of these prefixes."""
    return sorted(name for name in os.environ if name.startswith(prefixes))


def kaggle_user() -> str:
    """The user's name in Kaggle's own configuration, "" where there is none.

    Only the name is taken from the file; the key beside it goes nowhere.

    Raises: DataError where a kaggle.json is no JSON object.
    """
    name = os.environ.get("KAGGLE_USERNAME", "").strip()
    return name or next(filter(None, map(_user_in, kaggle_files())), "")


def kaggle_files() -> list[Path]:
    """Where Kaggle's command line keeps kaggle.json, in its order."""
    named = os.environ.get("KAGGLE_CONFIG_DIR")
    if named:
        return [Path(named) / "kaggle.json"]
    user = Path.home()
    general = Path(os.environ.get("XDG_CONFIG_HOME") or user / ".config")
    return [user / ".kaggle/kaggle.json", general / "kaggle/kaggle.json"]


def kaggle_credential_variables() -> dict[str, str]:
    """The environment variables that hold Kaggle's credentials, and their values; for redacting
    and for telling which of them is in use, never for showing."""
    names = ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _user_in(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return str(entries.get("username") or "").strip()
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
        # without the reason: it could quote the key
        raise DataError(
            f"{path} is no JSON object; expected Kaggle's username and key: make a new token on "
            "Kaggle's settings page, or name the user with --user"
        ) from None


# ---- what an attached data set brings -----------------------------------------------------------


def use_caches(folder: Path, *, offline: bool) -> None:
    """Points the caches of torch, of the hub's libraries and of timm at a folder, here and in
    child processes. Takes effect in libraries that are imported afterwards.

    Args:
        offline: look into the caches only.
    """
    hub = folder / "huggingface"
    os.environ["TORCH_HOME"] = str(folder / "torch")
    os.environ["HF_HOME"] = str(hub)
    os.environ["HF_HUB_CACHE"] = os.environ["HUGGINGFACE_HUB_CACHE"] = str(hub / "hub")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    if offline:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
            os.environ[name] = "1"


def use_modules(folder: Path) -> None:
    """Lets child processes import from a folder, after what they import from already."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([before, str(folder)] if before else [str(folder)])


def use_tracker_defaults(folder: Path) -> None:
    """Keeps what trackers of experiments write inside a run folder, and off the network, as far as
    the person has not set these variables. Takes effect in packages that are loaded afterwards."""
    for name, value in {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",  # it would report its own errors to its makers
        "WANDB_DATA_DIR": str(folder),
        "WANDB_CACHE_DIR": str(folder),  # it adds a folder of its own name
        "TRACKIO_DIR": str(folder / "trackio"),
    }.items():
        os.environ.setdefault(name, value)


# ---- mounted inputs -----------------------------------------------------------------------------


def competition_input(slug: str, markers: Sequence[str] = (), override: Path | None = None) -> Path:
    """Where a competition's files are mounted.

    Args:
        slug: as Kaggle writes it; its case does not matter.
        markers: files that only this source has; by them it is found under any name.
        override: a folder that is taken instead, if it is given.

    Raises: DataError that lists what is mounted.
    """
    return override or mounts.find(input_root(), mounts.COMPETITION, slug, markers)


def dataset_input(name: str, markers: Sequence[str] = (), override: Path | None = None) -> Path:
    """Where a data set is mounted: "owner/slug", or "slug" of any owner. Otherwise as above."""
    return override or mounts.find(input_root(), mounts.DATASET, name, markers)


def kernel_output(name: str, markers: Sequence[str] = (), override: Path | None = None) -> Path:
    """Where a kernel's output is mounted: "owner/slug", or "slug" of any owner. Otherwise as
    above."""
    return override or mounts.find(input_root(), mounts.KERNEL, name, markers)


def model_input(name: str, markers: Sequence[str] = (), override: Path | None = None) -> Path:
    """Where a model is mounted: "owner/model/framework/variation/version". Otherwise as above."""
    return override or mounts.find(input_root(), mounts.MODEL, name, markers)


def mounted_inputs() -> list[str]:
    """What is mounted, as paths below the input root."""
    return mounts.mounted(input_root())
