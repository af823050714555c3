"""The floors of the house: imports point down, light modules stay light."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

# From the ground up. A module may import from its own floor and from those below it.
FLOORS = (
    ("errors", "mounts", "paths"),
    ("files", "cli", "randomness", "settings", "environment", "budget"),
    ("session",),
    ("run_texts",),
    ("metrics", "rle"),
    ("arrow_text", "columns", "csv_table", "doubts", "keys", "refusals", "zipped"),
    ("spec",),
    (
        "judges",
        "cells",
        "large_csv",
        "solution",
        "registry",
        "runfolder",
        "submit",
        "writing",
        "score",
        "interval",
        "judging",
        "kaggle",
        "pretrained",
        "pretrained_smp",
        "kernels",
        "fixtures",
        "entering",
        "forking",
        "standings",
    ),
    (
        "folds",
        "figures",
        "data",
        "augment",
        "showing",
        "models",
        "tta",
        "collect",
        "mixing",
        "cut_points",
        "duplicates",
        "losses",
        "mask_pictures",
        "mask_rule",
        "multilabel_folds",
        "tag_sets",
        "traits",
    ),
    ("train", "predict", "trees", "boosting"),
    (
        "pipeline",
        "image_pipeline",
        "worst_errors",
        "neural",
        "oof",
        "opening",
        "leaks",
        "fold_training",
        "fold_worker",
        "devices",
        "batch_page",
        "run",
        "report",
        "merging",
        "blend_parts",
        "blend_weights",
        "blending",
        "demo",
    ),
)
LIGHT = (
    "metrics",
    "rle",
    "columns",
    "doubts",
    "refusals",
    "judges",
    "spec",
    "submit",
    "score",
    "interval",
    "judging",
    "registry",
    "standings",
    "paths",
    "files",
    "kaggle",
)
HEAVY = {"torch", "fastai", "sklearn", "pandas", "scipy", "matplotlib"}
ENVIRONMENT_READER = "common/paths.py"


def floor_of(module: str) -> int:
    name = module.split(".")[1]
    for level, names in enumerate(FLOORS):
        if name in names:
            return level
    raise AssertionError(f"common.{name} stands on no floor; enter it in FLOORS")


def python_files(folder: str) -> list[Path]:
    return sorted((REPOSITORY / folder).rglob("*.py"))


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Absolute names that a file imports, and whether only the type checker does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found += [(name, id(node) in for_types) for name in names]
    return found


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)


@pytest.mark.parametrize("path", python_files("common"), ids=module_name)
def test_common_imports_point_down(path: Path) -> None:
    if path.name == "__init__.py" and path.parent.name == "common":
        return
    own = floor_of(module_name(path))
    for name, for_types in imports_of(path):
        assert not name.startswith(("competitions", "scripts", "tests")), name
        if name.startswith("common.") and not for_types:
            assert floor_of(name) <= own, f"{module_name(path)} imports {name} from above"


@pytest.mark.parametrize("path", python_files("competitions"), ids=module_name)
def test_no_competition_imports_another(path: Path) -> None:
    folder = path.parent.name
    for name, _ in imports_of(path):
        if name.startswith("competitions."):
            assert name.split(".")[1] == folder, f"{module_name(path)} imports {name}"
        assert not name.startswith(("scripts", "tests")), name


@pytest.mark.parametrize("path", python_files("common"), ids=module_name)
def test_only_one_module_reads_the_environment(path: Path) -> None:
    # two stand where common/ cannot be imported yet and have to: the head of a built kernel, a text
    # until it runs there, and what a rehearsal puts inside its walls
    if path.relative_to(REPOSITORY).as_posix() != ENVIRONMENT_READER and "inside" not in path.parts:
        used = {
            getattr(node, "attr", getattr(node, "id", getattr(node, "name", "")))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        }
        assert not used & {"environ", "environb", "getenv", "getenvb"}


def test_common_itself_is_empty() -> None:
    assert (REPOSITORY / "common/__init__.py").read_text(encoding="utf-8") == ""


def loaded_after(code: str) -> set[str]:
    """The top-level packages that are loaded after some code ran in a fresh interpreter."""
    report = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_light_floors_load_nothing_heavy() -> None:
    code = "; ".join(f"import common.{name}" for name in LIGHT if floor_exists(name))
    assert not HEAVY & loaded_after(code)


def test_looking_at_pictures_loads_neither_torch_nor_fastai() -> None:
    assert not HEAVY & loaded_after("import common.data.images.check")


def floor_exists(name: str) -> bool:
    return (REPOSITORY / "common" / f"{name}.py").is_file() or (
        REPOSITORY / "common" / name
    ).is_dir()


def test_metrics_load_numpy_alone() -> None:
    loaded = loaded_after("import common.metrics")
    third_party = {
        name
        for name in loaded - set(sys.stdlib_module_names)
        if not name.startswith("_") and name not in ("common", "numpy")
    }
    from_start = loaded_after("pass")
    assert third_party <= from_start


@pytest.mark.parametrize(
    "script", sorted(path.stem for path in (REPOSITORY / "scripts").glob("*.py"))
)
def test_help_loads_neither_numpy_nor_a_spec(script: str) -> None:
    code = (
        "import contextlib, io\n"
        f"from scripts.{script} import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])"
    )
    loaded = loaded_after(code)
    assert not (HEAVY | {"numpy", "competitions"}) & loaded


SUBPACKAGES = sorted(
    f"common.{info.name}"
    for info in pkgutil.iter_modules([str(REPOSITORY / "common")])
    if info.ispkg
)


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_public_face_is_what_all_says(name: str) -> None:
    package = importlib.import_module(name)
    submodules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    public = {
        attribute
        for attribute in vars(package)
        if not attribute.startswith("_") and attribute not in submodules
    }
    loaded_later = {attribute for attribute in package.__all__ if hasattr(package, attribute)}
    assert set(package.__all__) == public | loaded_later
    assert len(package.__all__) == len(set(package.__all__))


@pytest.mark.parametrize("path", python_files("common") + python_files("scripts"), ids=module_name)
def test_modules_are_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("script", sorted((REPOSITORY / "scripts").glob("*.py")), ids=module_name)
def test_scripts_have_at_most_ten_options(script: Path) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
    ]
    options = [call for call in calls if str(ast.literal_eval(call.args[0])).startswith("--")]
    # what a long training needs (time, devices, trackers, going on) comes on top of the usual ten
    assert len(options) <= {"train": 16, "build_kernel": 12}.get(script.stem, 10)
