"""From a repository to folders for `kaggle kernels push -p`: the same bytes for the same commit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.kernels.config import KernelConfig
from common.kernels.metadata import KEYS, check_metadata
from scripts import build_kernel
from tests.kernels.desk import build, copy_repository, run, run_notebook

USER = "somebody-else"
KEY = "0123456789abcdef0123456789abcdef"
SMALL = {"train": "digits-train.py", "infer": "digits-infer.py"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean repository that no test changes."""
    return copy_repository(tmp_path_factory.mktemp("clean") / "repository")


@pytest.fixture
def repository(clean: Path, tmp_path: Path) -> Path:
    """One of its own for a test that changes it."""
    return Path(shutil.copytree(clean, tmp_path / "repository"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def built(repository: Path, *arguments: str, **options: Any) -> Path:
    """The folder with the built kernels."""
    done = build(repository, "--user", USER, *arguments, **options)
    assert done.returncode == 0, done.stderr
    return repository / "kernels/digit-recognizer"


def refusal(repository: Path, *arguments: str, user: str = USER) -> str:
    """The one line on stderr of a build that is refused; nothing may have been written."""
    done = build(repository, "--user", user, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert not (repository / "kernels/digit-recognizer").exists()
    return line


def config_in(script: Path) -> KernelConfig:
    text = script.read_text().partition('CONFIG = r"""\n')[2].partition('"""')[0]
    return KernelConfig.from_json(text)


def test_two_folders_are_ready_for_a_push(repository: Path) -> None:
    out = built(repository)
    for role, name in SMALL.items():
        assert sorted(contents(out / role)) == sorted([name, "build.json", "kernel-metadata.json"])
        values = json.loads((out / role / "kernel-metadata.json").read_text())
        assert set(check_metadata(values)) == set(KEYS)
        assert values["id"] == f"{USER}/digits-{role}"
        assert (values["is_private"], values["machine_shape"]) == (True, "NvidiaTeslaT4")
        assert values["enable_internet"] is (role == "train")
        assert values["competition_sources"] == ["digit-recognizer"]
        expected = [f"{USER}/digits-train"] if role == "infer" else []
        assert values["kernel_sources"] == expected


def test_train_ends_by_itself_before_the_session_does(repository: Path) -> None:
    out = built(repository)
    assert config_in(out / "train/digits-train.py").hours == 11.5  # a session lasts 12 hours
    assert config_in(out / "infer/digits-infer.py").hours is None
    built(repository, "--hours", "8.5")
    assert config_in(out / "train/digits-train.py").hours == 8.5


def test_train_goes_on_from_its_own_output_where_asked(repository: Path) -> None:
    out = built(repository, "--folds", "0", "--folds", "1,2")
    first = config_in(out / "train-folds-0/digits-train-folds-0.py")
    assert not first.resume
    built(repository, "--folds", "0", "--folds", "1,2", "--resume")
    for part in ("folds-0", "folds-1-2"):
        values = json.loads((out / f"train-{part}/kernel-metadata.json").read_text())
        assert values["kernel_sources"] == [f"{USER}/digits-train-{part}"]
    again = config_in(out / "train-folds-0/digits-train-folds-0.py")
    assert again.resume
    assert again.code == first.code  # or the run would not fit
    reads = json.loads((out / "infer/kernel-metadata.json").read_text())["kernel_sources"]
    assert reads == [f"{USER}/digits-train-folds-0", f"{USER}/digits-train-folds-1-2"]


def test_the_same_commit_gives_the_same_bytes(clean: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "first", tmp_path / "again"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    built(clean, "--out", str(outs[0]))
    environment = {
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "HOME": str(elsewhere),
    }
    before = os.umask(0o077)
    try:
        built(clean, "--out", str(outs[1]), cwd=elsewhere, environment=environment)
    finally:
        os.umask(before)
    first, again = map(contents, outs)
    assert first == again
    assert len(first) == 6


def test_another_clone_at_another_time_gives_the_same_bytes(clean: Path, tmp_path: Path) -> None:
    other = tmp_path / "a clone with a space"
    subprocess.run(["git", "clone", "--quiet", str(clean), str(other)], check=True)
    for path in other.rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o755)
    subprocess.run(["git", "-C", str(other), "config", "core.fileMode", "false"], check=True)
    first = contents(built(clean, "--out", str(tmp_path / "first")) and tmp_path / "first")
    again = contents(built(other, "--out", str(tmp_path / "again")) and tmp_path / "again")
    assert first == again


def test_a_clean_tree_is_named_by_its_commit_and_a_changed_one_says_so(repository: Path) -> None:
    head = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "--short=12", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    out = built(repository)
    config = config_in(out / "train/digits-train.py")
    assert (config.commit, config.dirty) == (head, False)
    code = config.code
    with (repository / "competitions/digit_recognizer/pipeline.py").open("a") as file:
        file.write("# changed\n")
    built(repository)
    for role, name in SMALL.items():
        config = config_in(out / role / name)
        assert (config.commit, config.dirty) == (f"{head}+changes", True)
        facts = json.loads((out / role / "build.json").read_text())
        assert (facts["commit"], facts["dirty"]) == (f"{head}+changes", True)
    assert config.code != code


def test_what_serves_at_home_only_does_not_change_the_code(repository: Path) -> None:
    out = built(repository)
    code = config_in(out / "train/digits-train.py").code
    with (repository / "common/forking.py").open("a") as file:
        file.write("# changed\n")
    built(repository)
    assert config_in(out / "train/digits-train.py").code == code


def test_both_roles_and_all_fold_groups_share_their_code(repository: Path) -> None:
    out = built(repository, "--folds", "0,1", "--folds", "2")
    names = {
        "train-folds-0-1": "digits-train-folds-0-1.py",
        "train-folds-2": "digits-train-folds-2.py",
        "infer": "digits-infer.py",
    }
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    configs = {part: config_in(out / part / name) for part, name in names.items()}
    assert len({config.code for config in configs.values()}) == 1
    assert configs["train-folds-0-1"].folds == ("0", "1")
    assert configs["train-folds-2"].folds == ("2",)
    runs = [(run.kernel, run.folds, run.run) for run in configs["infer"].runs]
    assert runs == [
        ("digits-train-folds-0-1", ("0", "1"), None),
        ("digits-train-folds-2", ("2",), None),
    ]
    values = json.loads((out / "infer/kernel-metadata.json").read_text())
    assert values["kernel_sources"] == [
        f"{USER}/digits-train-folds-0-1",
        f"{USER}/digits-train-folds-2",
    ]


def test_the_hashes_of_build_json_are_those_of_the_files(repository: Path) -> None:
    out = built(repository)
    facts = json.loads((out / "train/build.json").read_text())
    content = (out / "train/digits-train.py").read_bytes()
    assert facts["code_file"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert facts["code_file"]["bytes"] == len(content)
    member = facts["members"]["common/errors.py"]
    errors = (repository / "common/errors.py").read_bytes()
    assert member == {"sha256": hashlib.sha256(errors).hexdigest(), "bytes": len(errors)}


def test_nothing_of_the_user_or_the_machine_is_in_what_travels(
    repository: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home-of-a-person"
    (home / ".kaggle").mkdir(parents=True)
    (home / ".kaggle/kaggle.json").write_text(json.dumps({"username": USER, "key": KEY}))
    for form in ("script", "notebook"):
        done = build(repository, "--format", form, environment={"HOME": str(home)})
        assert done.returncode == 0, done.stderr
    out = repository / "kernels/digit-recognizer"
    unpacked = tmp_path / "unpacked"
    build(repository, environment={"HOME": str(home)})
    text = (out / "train/digits-train.py").read_text()
    (tmp_path / "unpack.py").write_text(
        text.partition("if __name__")[0] + f"unpack({str(unpacked)!r})\n"
    )
    assert run(sys.executable, tmp_path / "unpack.py", cwd=tmp_path).returncode == 0
    assert (unpacked / "common/run.py").is_file()
    metadata = json.loads((out / "train/kernel-metadata.json").read_text())
    assert metadata["id"] == f"{USER}/digits-train"
    for folder, secrets in (
        (out, (KEY, str(tmp_path), "home-of-a-person")),
        (unpacked, (KEY, str(tmp_path), USER, "home-of-a-person")),
    ):
        for name, content in contents(folder).items():
            found = [secret for secret in secrets if secret.encode() in content]
            assert not found, f"{name} holds {found}"
    assert USER not in text


def test_without_a_user_the_line_says_where_it_was_looked_for(repository: Path) -> None:
    line = refusal(repository, user="")
    assert line.startswith("error: no Kaggle user: found neither KAGGLE_USERNAME nor a username in")
    assert ".kaggle/kaggle.json" in line
    assert "--user" in line
    assert "expected the name in the address" in refusal(repository, user="some body")


def test_a_notebook_takes_the_place_of_a_script_and_back(repository: Path) -> None:
    out = built(repository)
    assert "digits-train.py" in contents(out / "train")
    built(repository, "--format", "notebook")
    assert sorted(contents(out / "train")) == [
        "build.json",
        "digits-train.ipynb",
        "kernel-metadata.json",
    ]
    values = check_metadata(json.loads((out / "train/kernel-metadata.json").read_text()))
    assert values["kernel_type"] == "notebook"
    notebook = (out / "train/digits-train.ipynb").read_bytes()
    built(repository, "--format", "notebook")
    assert (out / "train/digits-train.ipynb").read_bytes() == notebook
    built(repository)
    assert "digits-train.ipynb" not in contents(out / "train")


def test_both_formats_hold_the_same_modules_unchanged(repository: Path) -> None:
    out = built(repository)
    script = json.loads((out / "train/build.json").read_text())
    built(repository, "--format", "notebook")
    notebook = json.loads((out / "train/build.json").read_text())
    assert notebook["members"] == script["members"]
    assert notebook["code"] == script["code"]
    cells = json.loads((out / "train/digits-train.ipynb").read_text(encoding="utf-8"))["cells"]
    magic = "%%writefile {KIT}/code/"
    given = {}
    for cell in cells:
        text = "".join(cell["source"])
        if text.startswith(magic):
            name, _, body = text.removeprefix(magic).partition("\n")
            given[name] = body + "\n"
    assert set(given) == {name for name, facts in script["members"].items() if facts["bytes"]}
    for name, text in given.items():
        assert text.encode() == (repository / name).read_bytes()


def test_an_outsized_kernel_names_its_largest_files(repository: Path) -> None:
    noise = b"".join(hashlib.sha256(bytes([n // 256, n % 256])).digest() for n in range(25_000))
    place = repository / "competitions/digit_recognizer/table.bin"
    place.write_bytes(noise)
    line = refusal(repository)
    assert "Kaggle takes 900,000" in line
    assert "competitions/digit_recognizer/table.bin (800,000)" in line
    assert "scripts/pack_dataset.py" in line
    place.write_bytes(noise[:100_000])
    built(repository)


def test_a_dependency_that_the_image_lacks_stops_the_build(repository: Path) -> None:
    plant(repository, "import albucatastrophe\n")
    line = refusal(repository)
    assert line.startswith("error: competitions/digit_recognizer/extra.py:1 imports albucatastro")


def test_a_hard_coded_path_stops_the_build(repository: Path) -> None:
    plant(repository, 'PLACE = "/kaggle/input/digit-recognizer/train.csv"\n')
    line = refusal(repository)
    expected = "digit_recognizer/extra.py:1 has the hard-coded path '/kaggle/input/digit-recognizer"
    assert expected in line


def test_credentials_in_the_competition_s_folder_stop_the_build(repository: Path) -> None:
    secret = repository / "competitions/digit_recognizer/kaggle.json"
    secret.write_text(json.dumps({"username": USER, "key": KEY}))
    line = refusal(repository)
    assert "competitions/digit_recognizer/kaggle.json looks like credentials" in line
    assert KEY not in line


def plant(repository: Path, text: str) -> None:
    (repository / "competitions/digit_recognizer/extra.py").write_text(text)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--pipeline", "nett"), "did you mean 'net'"),
        (("--preset", "smok"), "did you mean 'smoke'"),
        (("--set", "epoch=2"), "did you mean 'epochs'"),
        (("--set", "epochs=two"), "expected a value of type int"),
        (("--folds", "a"), "--folds is 'a'; expected numbers such as 0,1, or all"),
        (("--folds", "0,1", "--folds", "1"), "fold 1 is named twice"),
        (("--folds", "01"), "--folds is '01'; expected numbers such as 0,1, or all"),
        (("--folds", "0,5"), "no fold '5'; there are 0 to 4, or all"),
        (("--folds", "4", "--set", "folds=3"), "no fold '4'; there are 0 to 2, or all"),
        (("--folds", "all", "--folds", "1"), "expected no other group beside it"),
        (("--run", "absent"), "absent holds 0 runs"),
        (("--rol", "train"), "unrecognized arguments"),
    ],
)
def test_what_does_not_exist_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    out = tmp_path / "out"
    argv = ["digit-recognizer", "--user", USER, "--out", str(out), *arguments]
    assert build_kernel.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert not out.exists()


def test_another_pipeline_has_kernels_of_its_own(tmp_path: Path) -> None:
    argv = ["digit-recognizer", "--user", USER, "--out", str(tmp_path)]
    other = ["--pipeline", "svc", "--set", "cost=5", "--seed", "3"]
    assert build_kernel.main([*argv, *other]) == 0
    config = config_in(tmp_path / "infer-svc/digits-infer-svc.py")
    assert (config.pipeline, config.changes, config.seed) == ("svc", ("cost=5",), 3)
    assert [run.kernel for run in config.runs] == ["digits-train-svc"]
    assert build_kernel.main([*argv, "--pipeline", "net"]) == 0  # the default, by its name
    assert config_in(tmp_path / "train/digits-train.py").pipeline == ""


def test_a_competition_without_a_pipeline_cannot_be_built(repository: Path) -> None:
    (repository / "competitions/digit_recognizer/pipeline.py").unlink()
    assert "has no pipeline.py; it can only judge so far" in refusal(repository)


# ---- infer for one run --------------------------------------------------------------------------


def write_run(folder: Path, config: KernelConfig | None, **facts: Any) -> str:
    """A finished run as far as a build looks at it; gives its hash."""
    from common import files
    from common.runfolder import RunFolder

    values = {
        "competition": "digit_recognizer",
        "pipeline": "net",
        "preset": "baseline",
        "settings": {"folds": 5},
        "seed": 3,
        "folds": [0, 1],
        "data": {"train": "0"},
        **facts,
    }
    written = [files.write_json(folder / "settings.json", values)]
    if config is not None:
        record = {"kernel": config.kernel, "rehearsal": None, "config": config.as_dict()}
        written.append(files.write_json(folder / "kernel.json", record))
    run_folder = RunFolder(folder)
    run_folder.record(written)
    return run_folder.identity()


def a_train_config(repository: Path, *arguments: str) -> KernelConfig:
    out = repository.parent / "trained"
    built(repository, "--role", "train", "--out", str(out), *arguments)
    return config_in(next(out.glob("*/*.py")))


def test_infer_is_built_for_one_run_of_a_kernel(repository: Path, tmp_path: Path) -> None:
    trained = a_train_config(repository, "--folds", "0,1")
    identity = write_run(tmp_path / "fetched/run", trained)
    out = built(repository, "--run", str(tmp_path / "fetched"))
    assert [path.name for path in out.iterdir()] == ["infer"]
    config = config_in(out / "infer/digits-infer.py")
    (expected,) = config.runs
    assert (expected.kernel, expected.run) == ("digits-train-folds-0-1", identity)
    assert (config.seed, config.pipeline) == (3, "")
    values = json.loads((out / "infer/kernel-metadata.json").read_text())
    assert values["kernel_sources"] == [f"{USER}/digits-train-folds-0-1"]
    assert values["dataset_sources"] == []


def test_infer_is_built_for_a_run_that_is_packed_as_a_data_set(
    repository: Path, tmp_path: Path
) -> None:
    identity = write_run(tmp_path / "packed/run", None)
    described = tmp_path / "packed/dataset-metadata.json"
    described.write_text(json.dumps({"id": f"{USER}/digits-run"}))
    out = built(repository, "--run", str(tmp_path / "packed"))
    (expected,) = config_in(out / "infer/digits-infer.py").runs
    assert (expected.kernel, expected.dataset, expected.run) == ("", "digits-run", identity)
    values = json.loads((out / "infer/kernel-metadata.json").read_text())
    assert values["dataset_sources"] == [f"{USER}/digits-run"]
    assert values["kernel_sources"] == []


def test_a_run_that_was_trained_here_must_be_packed_first(repository: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run", None)
    line = refusal(repository, "--run", str(tmp_path / "run"))
    assert "was not made by a kernel" in line
    assert "python scripts/pack_dataset.py --run" in line


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"settings": {"folds": 4}}, "the runs differ in settings"),
        ({"seed": 4}, "the runs differ in seed"),
        ({"folds": [1, 2]}, "fold 1 is in two of the runs"),
        ({"competition": "other"}, "is a run of other; expected digit_recognizer"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(
    repository: Path, tmp_path: Path, facts: dict[str, Any], expected: str
) -> None:
    trained = a_train_config(repository)
    write_run(tmp_path / "one", trained)
    write_run(tmp_path / "two", trained, **{"folds": [2, 3], **facts})
    runs = [word for name in ("one", "two") for word in ("--run", str(tmp_path / name))]
    assert expected in refusal(repository, *runs)


def test_a_run_has_its_own_settings(repository: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run", a_train_config(repository))
    for more in (("--set", "epochs=2"), ("--pipeline", "net"), ("--role", "train")):
        line = refusal(repository, "--run", str(tmp_path / "run"), *more)
        assert "a run has its own pipeline, settings and folds" in line


def test_a_run_that_changed_is_refused(repository: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run", a_train_config(repository))
    (tmp_path / "run/settings.json").write_text("{}")
    assert "does not belong together" in refusal(repository, "--run", str(tmp_path / "run"))


# ---- what a kernel says that cannot run ---------------------------------------------------------

NOT_MOUNTED = "error: the competition 'digit-recognizer' is not mounted: found neither"


def test_a_script_without_its_data_ends_with_one_line_and_exit_code_2(
    repository: Path, tmp_path: Path
) -> None:
    out = built(repository, "--role", "train")
    (tmp_path / "input/competitions/titanic").mkdir(parents=True)
    environment = {"KIT_INPUT": str(tmp_path / "input"), "KIT_WORKING": str(tmp_path / "working")}
    (tmp_path / "working").mkdir()
    done = run(
        *(sys.executable, out / "train/digits-train.py"),
        cwd=tmp_path / "working",
        environment=environment,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(NOT_MOUNTED)
    assert "competitions/titanic" in line
    assert "kernel: digits-train, train, of digit_recognizer" in done.stdout
    assert not list((tmp_path / "working").iterdir())


def test_a_notebook_without_its_data_ends_with_that_line_as_its_exception(
    repository: Path, tmp_path: Path
) -> None:
    out = built(repository, "--role", "train", "--format", "notebook")
    text = (out / "train/digits-train.ipynb").read_text(encoding="utf-8")
    done = run_notebook(text, tmp_path, {"KIT_INPUT": str(tmp_path / "input")})
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"kernels.start.KernelStopped: {NOT_MOUNTED}")


# ---- on the fixture -----------------------------------------------------------------------------


def test_the_built_scripts_train_and_infer_without_the_repository(
    repository: Path, digits: Path, tmp_path: Path
) -> None:
    out = built(repository)
    inputs, temp = tmp_path / "input", tmp_path / "temp"
    temp.mkdir()
    shutil.copytree(digits, inputs / "competitions/digit-recognizer")
    rehearsal = tmp_path / "rehearsal.json"
    rehearsal.write_text(json.dumps({"preset": "smoke", "changes": ["epochs=1"], "device": "cpu"}))
    environment = {
        "KIT_INPUT": str(inputs),
        "KIT_TEMP": str(temp),
        "KIT_REHEARSAL": str(rehearsal),
    }

    def play(role: str) -> Path:
        working = tmp_path / role
        working.mkdir()
        script = out / role / SMALL[role]
        done = run(
            *(sys.executable, script),
            cwd=working,
            environment={**environment, "HOME": str(tmp_path), "KIT_WORKING": str(working)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return working

    trained = play("train")
    made = json.loads((trained / "run/environment.json").read_text())
    assert made["commit"] == config_in(out / "train/digits-train.py").commit
    record = json.loads((trained / "run/kernel.json").read_text())
    assert record["rehearsal"]["changes"] == ["epochs=1"]
    manifest = json.loads((trained / "run/manifest.json").read_text())
    assert "kernel.json" in manifest
    shutil.copytree(trained, inputs / "notebooks" / USER / "digits-train")
    inferred = play("infer")
    assert sorted(contents(inferred)) == ["kernel.json", "submission.csv"]
    expected = (trained / "run/submission.csv").read_bytes()
    assert (inferred / "submission.csv").read_bytes() == expected
    assert not list(temp.iterdir())
