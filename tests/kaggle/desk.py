"""What the tests of the transport share: built kernels, their output, and a clock of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import files
from common.kaggle.built import open_built
from common.kaggle.journal import WAITING, Journal
from common.kaggle.patience import Patience
from common.kernels.metadata import title_of
from common.runfolder import RunFolder
from tests.fake_kaggle import FakeKaggle, Run

SLUG = "digit-recognizer"
SECRETS = ("keep-this-secret", "0123456789abcdef0123456789abcdef", "X-Goog-Signature")


class Clock:
    """Time that passes when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **changes: Any) -> Patience:
        """The usual patience, by this clock."""
        return replace(Patience(sleep=self.sleep, clock=lambda: self.now), **changes)


def config(role: str, **changes: Any) -> dict[str, Any]:
    """The config of a kernel of the digits, as far as the transport reads it."""
    facts = {
        "competition": "digit_recognizer",
        "slug": SLUG,
        "role": role,
        "kernel": f"digits-{role}",
        "code": "c0de" * 16,
        "commit": "abc123",
    }
    return {**facts, **changes}


def write_built(
    folder: Path, role: str = "train", source: str = "print('trained')\n", **metadata: Any
) -> Path:
    """A built kernel of `ada`, as scripts/build_kernel.py leaves it."""
    slug = f"digits-{role}"
    switches = {
        "id": f"ada/{slug}",
        "title": title_of(slug),
        "code_file": f"{slug}.py",
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": False,
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": "",
        "dataset_sources": [],
        "competition_sources": [SLUG],
        "kernel_sources": [],
        "model_sources": [],
        "keywords": [],
        "docker_image_pinning_type": "original",
    }
    files.write_json(folder / "kernel-metadata.json", {**switches, **metadata})
    code = files.write_text(folder / f"{slug}.py", source)
    facts = {
        "commit": "abc123",
        "code_file": {"sha256": files.sha256(code), "bytes": code.stat().st_size},
        "config": config(role),
    }
    files.write_json(folder / "build.json", facts)
    return folder


def run_output(scratch: Path, **changes: Any) -> dict[str, bytes]:
    """What a train kernel leaves in /kaggle/working, by name."""
    run = RunFolder(scratch / "run")
    facts = {
        "competition": "digit_recognizer",
        "pipeline": "cnn",
        "settings": {},
        "seed": 0,
        "folds": [0],
        "data": {},
    }
    run.begin(facts, overwrite=False, resume=False)
    files.write_json(run / "scores.json", {"pooled": 0.98765})
    files.write_json(run / "kernel.json", record("train", **changes))
    files.write_bytes(run / "fold0" / "weights.safetensors", bytes(range(256)) * 8)
    run.record([run.path / name for name in ("scores.json", "kernel.json", "fold0")])
    run.finish()
    written = {
        f"run/{path.relative_to(run.path)}": path.read_bytes()
        for path in sorted(run.path.rglob("*"))
        if path.is_file()
    }
    return {**written, "__results__.html": b"<html>the page of the run</html>"}


def record(role: str, **changes: Any) -> dict[str, Any]:
    """kernel.json of a run on Kaggle."""
    facts = {
        "role": role,
        "commit": "abc123",
        "code": "c0de" * 16,
        "rehearsal": None,
        "config": config(role),
    }
    return {**facts, **changes}


def infer_output() -> dict[str, bytes]:
    """What an infer kernel leaves in /kaggle/working, by name."""
    return {
        "submission.csv": b"ImageId,Label\n1,7\n2,0\n3,9\n",
        "kernel.json": json.dumps(record("infer")).encode(),
    }


def ends_well(fake: FakeKaggle, role: str, output: Mapping[str, bytes], **more: Any) -> None:
    """The world in which the next push of a kernel runs to its end."""
    fake.world.add_competition(SLUG, {"train.csv": b"label\n7\n"})
    statuses = ("QUEUED", "RUNNING", "RUNNING", "COMPLETE")
    run = Run(**{"statuses": statuses, "output": output, "log": "one\ntwo\n", **more})
    fake.world.next_run(f"ada/digits-{role}", run)


def pushed(fake: FakeKaggle, built: Path, role: str = "train", **run: Any) -> Path:
    """A built kernel that an earlier call has pushed, and that has ended well since."""
    opened = open_built(SLUG, role, built)
    run = {"statuses": ("COMPLETE",), **run}
    fake.world.add_kernel(opened.ref, Run(**run), text=opened.source)
    Journal(opened.ref, opened.content, WAITING, sent=0.0, before=0, version=1).write(built)
    return built


def left_over(folder: Path) -> list[str]:
    """Hidden and unfinished files below a folder."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.startswith(".") or path.name.endswith(".part")
    ]
