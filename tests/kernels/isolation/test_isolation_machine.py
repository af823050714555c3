"""The network, the processes, the rights and the environment of a session."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.kernels.isolation import run
from tests.kernels.isolation.conftest import ENVIRONMENT, Execute, session


@contextlib.contextmanager
def listening(family: int, address: object) -> Iterator[socket.socket]:
    """A server on this machine, outside of every session."""
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind(address)  # type: ignore[arg-type]
        server.listen()
        server.setblocking(False)
        yield server


def test_a_server_of_this_machine_is_out_of_reach(mode: str, execute: Execute) -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as server:
        ran = execute(
            mode,
            f"""
def connecting():
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=5)
print(json.dumps(error_of(connecting)))""",
        )
        assert ran.said == ("ENETUNREACH" if mode == "weak" else "ECONNREFUSED")
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody has come


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_PACKET"])
def test_the_weak_mode_opens_no_socket_to_other_machines(execute: Execute, family: str) -> None:
    ran = execute("weak", f"print(json.dumps(error_of(lambda: socket.socket(socket.{family}))))")
    assert ran.said == "ENETUNREACH"


def test_other_machines_have_no_name_and_no_route(mode: str, execute: Execute) -> None:
    ran = execute(
        mode,
        """
try:
    socket.getaddrinfo("www.example.org", 443)
except socket.gaierror as error:
    name = error.errno == socket.EAI_AGAIN
def connecting():
    socket.create_connection(("192.0.2.1", 443), timeout=5)
print(json.dumps([name, error_of(connecting)]))""",
    )
    assert ran.said == [True, "ENETUNREACH"]  # what Kaggle answers without internet, too


def test_a_hidden_server_in_the_abstract_space_is_out_of_reach(
    strong_mode: str, execute: Execute
) -> None:
    with listening(socket.AF_UNIX, "\0kit-isolation-test") as server:
        ran = execute(
            strong_mode,
            """
def connecting():
    socket.socket(socket.AF_UNIX).connect("\\0kit-isolation-test")
print(json.dumps(error_of(connecting)))""",
        )
        assert ran.said == "ECONNREFUSED"
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_loopback_works_inside(strong_mode: str, execute: Execute, address: str) -> None:
    ran = execute(
        strong_mode,
        f"""
server = socket.create_server(("127.0.0.1", 0))
with socket.create_connection(({address!r}, server.getsockname()[1])) as client:
    client.sendall(b"hello")
print(json.dumps(server.accept()[0].recv(5).decode()))""",
    )
    assert ran.said == "hello"


def test_processes_talk_to_each_other(mode: str, execute: Execute) -> None:
    ran = execute(
        mode,
        """
import multiprocessing
def double(number):
    return 2 * number
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(json.dumps(pool.map(double, [1, 2])))""",
    )
    assert ran.said == [2, 4]


def test_what_a_session_starts_is_isolated_as_well(mode: str, execute: Execute) -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as server:
        ran = execute(
            mode,
            f"""
code = '''
import socket
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=5)
except OSError:
    print("no network")
try:
    open("/usr/kit-isolation-test", "w")
except OSError:
    print("no writing")
'''
done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                      start_new_session=True)
print(json.dumps(done.stdout.splitlines()))""",
        )
        assert ran.said == ["no network", "no writing"]


def test_only_the_session_s_processes_are_visible(strong_mode: str, execute: Execute) -> None:
    ran = execute(
        strong_mode, 'print(json.dumps([int(n) for n in os.listdir("/proc") if n.isdigit()]))'
    )
    assert max(ran.said) < 10


def test_a_session_cannot_end_or_escape_its_supervisor(strong_mode: str, execute: Execute) -> None:
    ran = execute(
        strong_mode,
        """
for process in (1, os.getppid()):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(process, number)
def status(*command):
    return subprocess.run(command, capture_output=True).returncode
print(json.dumps([
    status("mount", "-o", "remount,rw", "/") > 0,
    status("umount", "/kaggle/src/script.py") > 0,
    status("mount", "-t", "tmpfs", "none", "/tmp") > 0,
]))""",
    )
    assert ran.said == [True, True, True]


def test_a_session_is_root_over_its_own_files(strong_mode: str, execute: Execute) -> None:
    ran = execute(
        strong_mode,
        """
open("file", "w").write("text")
os.chmod("file", 0)
print(json.dumps([os.getuid(), open("file").read(), socket.gethostname()]))""",
    )
    assert ran.said == [0, "text", "kaggle"]


def test_the_environment_is_what_was_given(
    mode: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SECRET", "of the caller")
    given = {
        **ENVIRONMENT,
        "UMLAUT": "ä",
        "EMPTY": "",
        "LINES": "a\nb",
        "FILE": "/kaggle/src/a.json",
    }
    ran = execute(mode, "", command=("env", "-0"), environment=given)
    found = dict(entry.split("=", 1) for entry in ran.text.split("\0")[:-1])
    if mode == "weak":
        working, temp = found.pop("KIT_WORKING"), found.pop("KIT_TEMP")
        kit = working.removesuffix("/working")
        assert (found.pop("KIT_INPUT"), temp) == (f"{kit}/input", f"{kit}/temp")
        assert (found.pop("TMPDIR"), found["HOME"]) == (temp, temp)
        assert found["FILE"] == f"{kit}/src/a.json"
        found |= {"HOME": given["HOME"], "FILE": given["FILE"]}
    assert found == given


def test_nothing_is_on_standard_input(mode: str, execute: Execute) -> None:
    ran = execute(
        mode, 'print(json.dumps([sys.stdin.read(), sorted(os.listdir("/proc/self/fd"))]))'
    )
    assert ran.said == ["", ["0", "1", "2", "3"]]  # the last is the listing's own


def test_the_processors_are_counted_as_outside(mode: str, execute: Execute) -> None:
    ran = execute(mode, "print(json.dumps([os.cpu_count(), len(os.sched_getaffinity(0))]))")
    assert ran.said == [os.cpu_count(), len(os.sched_getaffinity(0))]


def test_a_machine_that_lets_users_have_namespaces_has_that_mode(tmp_path: Path) -> None:
    asked = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"]
    try:
        possible = subprocess.run([*asked, "--mount-proc", "true"], capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no program unshare to compare with")
    if possible.returncode:
        pytest.skip(f"this machine forbids namespaces: {possible.stderr.decode().strip()}")
    assert run(session(), tmp_path / "results", "namespaces").mode == "namespaces"
