"""What travels: all that imports reach, and nothing that would fail on Kaggle."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path

import pytest

from common import registry
from common.errors import DataError, UsageError
from common.kernels.bundle import code_members
from common.kernels.bundled import bundled_packages, pinned_packages
from common.kernels.listing import Member
from common.kernels.needed import needed_members
from tests.conftest import REPOSITORY

ENTRY = {
    "common/__init__.py": "",
    "competitions/x/__init__.py": "",
    "kernels/start.py": "import common.used\n",
    "common/used.py": "from common import deep\n",
    "common/deep/__init__.py": "from common.deep.inner import value\n",
    "common/deep/inner.py": "value = 1\n",
    "common/at_home.py": "import subprocess\n",
}


def needed(
    pipeline: str = "",
    packages: tuple[str, ...] = (),
    bundled: dict[str, Distribution] | None = None,
    more: dict[str, bytes | str] | None = None,
    pinned: tuple[str, ...] = (),
) -> tuple[list[str], tuple[str, ...]]:
    """The names of what travels, and the packed dependencies."""
    texts = {**ENTRY, "competitions/x/pipeline.py": pipeline, **(more or {})}
    members = [
        Member(name, text.encode() if isinstance(text, str) else text)
        for name, text in texts.items()
    ]
    kept, brought = needed_members(members, "x", packages, bundled or {}, pinned)
    return [member.name for member in kept], brought


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with one pure-Python package, as pip leaves it."""
    files = {
        "somewhat/__init__.py": "from somewhat.parts import part\nimport numpy\n",
        "somewhat/parts.py": "from .more import part\n",
        "somewhat/more.py": "part = 1\n",
        "somewhat/table.csv": "1,2\n",
        "somewhat-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: somewhat\nVersion: 1.2\n",
        "somewhat-1.2.dist-info/licenses/LICENSE": "MIT\n",
        "somewhat-1.2.dist-info/direct_url.json": '{"url": "file:///home/me/somewhat"}\n',
        "somewhat/__pycache__/more.pyc": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    listed = [*files, "../../bin/somewhat", "somewhat-1.2.dist-info/RECORD"]
    record = "".join(f"{name},,\n" for name in listed)
    (tmp_path / "somewhat-1.2.dist-info/RECORD").write_text(record)
    return tmp_path


def test_what_imports_reach_travels_and_the_rest_stays() -> None:
    assert needed()[0] == [
        "common/__init__.py",
        "common/deep/__init__.py",
        "common/deep/inner.py",
        "common/used.py",
        "competitions/x/__init__.py",
        "competitions/x/pipeline.py",
        "kernels/start.py",
    ]


def test_an_import_in_a_function_or_by_name_reaches_too() -> None:
    inside = "def f():\n    from common.at_home import x\n"
    by_name = 'import importlib\nimportlib.import_module("common.at_home")\n'
    for pipeline in (inside, by_name):
        assert "common/at_home.py" in needed(pipeline)[0]


def test_all_files_of_the_competition_travel() -> None:
    more: dict[str, bytes | str] = {
        "competitions/x/table.csv": "1\n",
        "competitions/x/picture.png": b"\x89PNG\xff",
    }
    assert set(more) <= set(needed(more=more)[0])


def test_a_module_that_the_image_lacks_is_named_with_its_place() -> None:
    expected = r"^competitions/x/pipeline\.py:2 imports albucatastrophe, which Kaggle's image lacks"
    for statement in ("import albucatastrophe", "from albucatastrophe.a import b"):
        with pytest.raises(UsageError, match=expected) as raised:
            needed(f"import numpy\n{statement}\n")
        assert "pack_dataset.py" in str(raised.value)
    with pytest.raises(UsageError, match="did you mean 'albumentations'"):
        needed("import albumentation\n")


def test_several_faults_are_counted() -> None:
    more: dict[str, bytes | str] = {"common/deep/inner.py": "import absent_a\n"}
    with pytest.raises(UsageError, match=r"imports absent_a.*\(and 2 more of the kind\)$"):
        needed("import absent_b\nimport absent_c\n", more=more)


def test_faults_are_found_in_what_is_reached_only() -> None:
    wrong: dict[str, bytes | str] = {"common/at_home.py": "import albucatastrophe\n"}
    needed(more=wrong)
    with pytest.raises(UsageError, match=r"common/at_home\.py:1 imports albucatastrophe"):
        needed("import common.at_home\n", more=wrong)


def test_a_module_that_may_be_missing_is_no_fault() -> None:
    needed("try:\n    import albucatastrophe\nexcept ImportError:\n    pass\n")


def test_a_module_that_an_attached_wheel_brings_is_no_fault() -> None:
    needed("import albucatastrophe.parts\n", packages=("albucatastrophe",))


def test_python_s_own_modules_are_known_unless_they_are_gone() -> None:
    needed("import tomllib\nimport xml.etree.ElementTree\n")
    with pytest.raises(UsageError, match=r"imports distutils, which is gone from Python 3\.12"):
        needed("from distutils import log\n")


@pytest.mark.parametrize(
    "module", ["competitions.y.pipeline", "scripts.train", "tests.desk", "common.absent"]
)
def test_what_stays_at_home_cannot_be_imported(module: str) -> None:
    with pytest.raises(UsageError, match=rf"imports {module}, which does not travel"):
        needed(f"import {module}\n")


def test_a_hard_coded_path_is_named_with_its_place() -> None:
    expected = (
        r"^competitions/x/pipeline\.py:2 has the hard-coded path '/kaggle/input/x'; "
        r"expected context\.root .* or context\.work"
    )
    with pytest.raises(UsageError, match=expected):
        needed("import os\nplace = '/kaggle/input/x'\n")


def test_a_dependency_travels_with_its_licence_where_it_is_imported(bundle: Path) -> None:
    bundled = bundled_packages(bundle)
    names, brought = needed("import somewhat\n", bundled=bundled)
    assert brought == ("somewhat 1.2",)
    assert [name for name in names if name.startswith("somewhat")] == [
        "somewhat-1.2.dist-info/METADATA",
        "somewhat-1.2.dist-info/licenses/LICENSE",
        "somewhat/__init__.py",
        "somewhat/more.py",
        "somewhat/parts.py",
        "somewhat/table.csv",
    ]
    names, brought = needed("import numpy\n", bundled=bundled)
    assert brought == ()
    assert not [name for name in names if name.startswith("somewhat")]


def test_what_a_dependency_imports_must_be_there_too(bundle: Path) -> None:
    (bundle / "somewhat/more.py").write_text("import albucatastrophe\n")
    with pytest.raises(UsageError, match=r"somewhat/more\.py:1 imports albucatastrophe"):
        needed("import somewhat\n", bundled=bundled_packages(bundle))


def test_a_dependency_that_setup_would_bring_names_setup() -> None:
    with pytest.raises(UsageError, match=r"imports somewhat, which travels.*run scripts/setup"):
        needed("import somewhat\n", pinned=("somewhat",))


def test_the_pinned_dependencies_are_those_of_the_requirements() -> None:
    assert "segmentation_models_pytorch" in pinned_packages()


def test_a_dependency_without_its_licence_is_refused(bundle: Path) -> None:
    record = bundle / "somewhat-1.2.dist-info/RECORD"
    kept = [line for line in record.read_text().splitlines() if "LICENSE" not in line]
    record.write_text("\n".join(kept) + "\n")
    with pytest.raises(DataError, match=r"somewhat 1\.2 comes without its licence"):
        needed("import somewhat\n", bundled=bundled_packages(bundle))


def test_a_compiled_dependency_is_refused(bundle: Path) -> None:
    with (bundle / "somewhat-1.2.dist-info/RECORD").open("a") as record:
        record.write("somewhat/fast.so,,\n")
    (bundle / "somewhat/fast.so").touch()
    with pytest.raises(DataError, match=r"compiled parts \(somewhat/fast\.so\)"):
        needed("import somewhat\n", bundled=bundled_packages(bundle))


@pytest.mark.parametrize("folder", registry.folders())
def test_every_competition_of_the_repository_would_run_on_kaggle(folder: str) -> None:
    packages = registry.load_spec(folder).kernel.packages
    kept, _ = needed_members(code_members(folder), folder, packages, bundled_packages())
    names = {member.name for member in kept}
    assert {"common/run.py", "kernels/train.py", f"competitions/{folder}/spec.py"} <= names
    assert not [name for name in names if name.startswith(("common/kaggle/", "common/entering/"))]


def test_the_program_that_trains_a_fold_beside_others_travels() -> None:
    members = code_members("digit_recognizer")
    kept, _ = needed_members(members, "digit_recognizer", (), {}, ())
    assert "common/fold_worker.py" in [member.name for member in kept]


@pytest.mark.parametrize("uses_unet", [False, True])
def test_the_library_of_u_nets_travels_where_u_nets_are_made(uses_unet: bool) -> None:
    sources = {
        path.relative_to(REPOSITORY).as_posix(): path.read_bytes()
        for path in (REPOSITORY / "common").rglob("*.py")
    }
    pipeline = "from common.models import classifier\n"
    if uses_unet:
        pipeline += "from common.models.unet import unet\n"
    entry = {"kernels/start.py": "", "common/used.py": "", "common/deep/__init__.py": ""}
    kept, brought = needed(pipeline, bundled=bundled_packages(), more={**sources, **entry})
    assert "common/models/classifiers.py" in kept
    assert ("common/models/unet.py" in kept) == uses_unet
    assert any("segmentation" in name for name in brought) == uses_unet
