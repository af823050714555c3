"""What the tests of several processes share: how they are started, on the loopback alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tests.conftest import REPOSITORY

TIMEOUT = 180  # seconds after which a test that hangs fails


def environment(**more: str) -> dict[str, str]:
    """The environment of a test's own processes."""
    before = os.environ.get("PYTHONPATH")
    found = os.pathsep.join([str(REPOSITORY), before] if before else [str(REPOSITORY)])
    return {
        **os.environ,
        "PYTHONPATH": found,
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def start_together(world: int, module: str, *arguments: str) -> list[subprocess.Popen[str]]:
    """`world` processes as a launcher starts them, on this machine."""
    port = str(free_port())
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(world)}
    return [
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env=environment(**group, RANK=str(rank), LOCAL_RANK=str(rank), GLOO_SOCKET_IFNAME="lo"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each process; kills those that hang, and fails."""
    try:
        said = [process.communicate(timeout=TIMEOUT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    codes = [process.returncode for process in processes]
    return [(code, out, errors) for code, (out, errors) in zip(codes, said, strict=True)]
