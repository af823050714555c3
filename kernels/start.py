"""Where a built kernel begins, once its code is unpacked: the log's head, the checks, the role."""

from __future__ import annotations

import importlib
import io
import sys

from common import files, paths
from common.cli import expected_errors
from common.errors import KitError
from common.kernels.attached import prepare
from common.kernels.config import KernelConfig
from common.kernels.data import mount_of
from common.kernels.missing import missing_named
from common.kernels.rehearsed import read_rehearsal
from common.kernels.startup import check_devices, say_devices, say_facts


class KernelStopped(Exception):
    """An expected error in a notebook, where leaving early counts as a crash."""


def main(config_text: str) -> int:
    """Runs a script kernel; gives its exit code: 2 and one line for expected errors."""

    @expected_errors
    def run_it(_: list[str] | None = None) -> int:
        run(config_text)
        return 0

    return run_it()


def in_notebook(config_text: str) -> None:
    """Runs a notebook kernel.

    Raises: KernelStopped, whose text is the one line, for expected errors.
    """
    try:
        run(config_text)
    except KitError as error:
        raise KernelStopped(f"error: {' '.join(str(error).split())}") from None


def run(config_text: str) -> None:
    """Says what this is and where it runs, checks that it can, and plays its role."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a log shows a line when it is written
    config = KernelConfig.from_json(config_text)
    files.write_text(paths.commit_file(), config.commit + "\n")
    rehearsal = read_rehearsal()
    say_facts(config, rehearsal)
    for source in config.sources:
        mount_of(source)  # what is missing is told before anything slow begins
    prepare(config)  # points caches and paths at what is attached, so it comes before torch
    say_devices()
    check_devices(config)
    role = importlib.import_module(f"kernels.{config.role}")
    with missing_named(config):
        role.run(config, rehearsal)
