"""The real command-line tool, in an environment that knows the fake and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fake_kaggle.fake import FakeKaggle

CONSOLE_SCRIPT = Path(sysconfig.get_path("scripts")) / "kaggle"
# What the tool, its HTTP library or its configuration would read.
READ_BY_THE_TOOL = re.compile(r"KAGGLE_.*|.*_PROXY|REQUESTS_CA_BUNDLE|XDG_.*|NETRC", re.IGNORECASE)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class KaggleCli:
    """The console script against one fake, with a home of its own under `folder`."""

    fake: FakeKaggle
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """All variables of a child process; `more` adds to them or replaces some."""
        home, scratch = self.folder / "home", self.folder / "scratch"
        for path in (home, scratch):
            path.mkdir(parents=True, exist_ok=True)
        return {
            "HOME": str(home),
            "TMPDIR": str(scratch),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": self.fake.url,
            "KAGGLE_USERNAME": self.fake.world.user,
            "KAGGLE_KEY": self.fake.world.key,
            **more,
        }

    def run(
        self,
        *words: str | Path,
        timeout: float = 60,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Finished:
        """Runs `kaggle <words>` to its end.

        Raises `subprocess.TimeoutExpired` after `timeout` seconds; the process is killed then.
        """
        with self.start(*words, cwd=cwd, environment=environment) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Finished(process.returncode, out, err)

    def start(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """A running `kaggle <words>`: for tests that end it in the middle."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [CONSOLE_SCRIPT, *words],
            env=self.environment() if environment is None else environment,
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Gives this process the same variables, for code that starts the tool by itself."""
        for name in list(os.environ):
            if READ_BY_THE_TOOL.fullmatch(name):
                monkeypatch.delenv(name)
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)
