"""Faults, credentials and the wire: what the real command makes of them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_kaggle import FakeKaggle, KaggleCli, kernel_folder
from tests.fake_kaggle.blobs import Blob

pytest_plugins = ["tests.fake_kaggle.fixtures"]

TOKEN = "a-token-that-no-log-may-show"
AUTH_HELP = "Authentication required to call the Kaggle API."


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 403, "message": "no access"}, "no access\n"),
        ({"status": 429, "retry_after": 0}, "a fault on demand\n"),
        ({"status": 500, "html": True}, "500 Server Error: Internal Server Error for url: "),
        ({"html": True}, "Expecting value: line 1 column 1 (char 0)\n"),
        ({"cut": 9, "without_length": True}, "Unterminated string starting at"),
        ({"cut": 9, "chunked": True}, "Response ended prematurely\n"),
        ({"answer": {"code": 409, "message": "under 200"}}, "under 200\n"),
        ({"drop": True}, "Remote end closed connection without response"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_an_ordinary_call_fails_at_once(
    fake_kaggle: FakeKaggle,
    kaggle_cli: KaggleCli,
    fault: dict[str, object],
    message: str,
) -> None:
    fake_kaggle.fault("kernels.KernelsApiService/GetAcceleratorQuotaStatistics", **fault)
    ended = kaggle_cli.run("quota")
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err
    assert len(fake_kaggle.calls("GetAcceleratorQuotaStatistics")) == 1  # never tried again


def test_a_body_shorter_than_its_length_is_noticed(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli
) -> None:
    fake_kaggle.fault("GetAcceleratorQuotaStatistics", cut=9)
    ended = kaggle_cli.run("quota")
    assert (ended.code, "9 bytes read" in ended.err) == (1, True)
    # a warning on stdout, before what a program would want to parse
    fake_kaggle.world.api_version = "99.0.0"
    fake_kaggle.world.gpu_quota.used = 1.5
    warned = kaggle_cli.run("quota", "--csv")
    assert warned.out.startswith("Warning: Looks like you're using an outdated")
    assert kaggle_cli.run("-W", "quota", "--csv").out.splitlines()[1].startswith("GPU,1.50h,28.50h")


def test_a_push_can_be_done_although_its_answer_is_lost(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    folder = kernel_folder(tmp_path / "kernel")
    fake_kaggle.fault("SaveKernel", drop=True, acts=True)
    ended = kaggle_cli.run("kernels", "push", "-p", folder)
    assert (ended.code, ended.out) == (1, "")
    assert fake_kaggle.world.version("ada/leaf-cnn").number == 1
    # an answer without the number; after it, one that is as it should be
    fake_kaggle.fault("SaveKernel", change={"versionNumber": None}, times=None, after=1)
    assert "Kernel version 2 successfully" in kaggle_cli.run("kernels", "push", "-p", folder).out
    assert "Kernel version successfully" in kaggle_cli.run("kernels", "push", "-p", folder).out
    assert fake_kaggle.world.version("ada/leaf-cnn").number == 3


def test_a_server_that_never_answers_holds_the_command_until_it_is_released(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli
) -> None:
    fake_kaggle.fault("GetAcceleratorQuotaStatistics", hang=True, times=None)
    with pytest.raises(subprocess.TimeoutExpired):
        kaggle_cli.run("quota", timeout=2)
    with kaggle_cli.start("quota") as process:
        while process.poll() is None:
            fake_kaggle.release()
            time.sleep(0.02)
        assert "Remote end closed connection" in process.communicate()[1]


def test_a_wrong_key_prints_the_help_on_stdout_once_and_no_key_twice(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli
) -> None:
    environment = kaggle_cli.environment(KAGGLE_KEY="wrong")
    wrong = kaggle_cli.run("quota", environment=environment)
    assert (wrong.code, wrong.err, wrong.out.count(AUTH_HELP)) == (1, "", 1)
    del environment["KAGGLE_KEY"]
    none = kaggle_cli.run("quota", environment=environment)
    assert (none.code, none.err, none.out.count(AUTH_HELP)) == (1, "", 2)
    assert len(fake_kaggle.requests) == 1


def test_a_stale_token_beats_a_good_key(fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli) -> None:
    environment = kaggle_cli.environment(KAGGLE_API_TOKEN=TOKEN)
    stale = kaggle_cli.run("quota", environment=environment)
    assert (stale.code, AUTH_HELP in stale.out) == (1, True)
    introspected, asked = fake_kaggle.requests
    assert introspected.call == "security.OAuthService/IntrospectToken"
    assert asked.headers["authorization"] == "Bearer"
    assert TOKEN not in repr(fake_kaggle.requests)

    fake_kaggle.world.tokens.add(TOKEN)
    assert kaggle_cli.run("quota", environment=environment).code == 0


def test_the_environment_holds_the_fake_and_nothing_of_the_host(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KAGGLE_CONFIG_DIR", "NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.setenv(name, "localhost")
    kaggle_cli.enter(monkeypatch)
    script = "import os; print(*sorted(os.environ))"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    names = set(child.stdout.split())
    assert set(kaggle_cli.environment()) <= names
    assert not names & {"KAGGLE_CONFIG_DIR", "NO_PROXY", "no_proxy", "https_proxy"}
    assert Path(kaggle_cli.environment()["TMPDIR"]).is_relative_to(kaggle_cli.folder)


def said(fake: FakeKaggle, request: bytes) -> bytes:
    """The answer to one request, byte for byte, through a pair of sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        fake.server.finish_request(theirs, ("", 0))
        theirs.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: ours.recv(65536), b""))


def test_targets_with_and_without_a_host_and_both_prefixes_are_answered(
    fake_kaggle: FakeKaggle,
) -> None:
    for target in (
        b"http://localhost/api/v1/",
        b"/api/v1/",
        b"https://api.kaggle.com/v1/",
        b"/v1/",
    ):
        for name, status in (
            (b"security.OAuthService/IntrospectToken", b"200"),
            (b"datasets.DatasetApiService/GetDataset", b"401"),
            (b"x.Y/Z", b"501"),
        ):
            body = b'{"token": "x"}'
            head = b"POST %b%b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (target, name, len(body))
            answer = said(fake_kaggle, head + body)
            assert answer.startswith(b"HTTP/1.1 " + status), answer
    assert set(fake_kaggle.calls("x.*")) == {"x.Y/Z"}
    assert said(fake_kaggle, b"GET /blob/none HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_a_body_in_chunks_is_put_together(fake_kaggle: FakeKaggle) -> None:
    blobs = fake_kaggle.world.blobs
    started = blobs.start_upload("a.csv", 9)
    target = started["createUrl"].encode()
    head = b"PUT %b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" % target
    answer = said(fake_kaggle, head + b"4\r\nid,x\r\n5;why=not\r\n\n1,2\n\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert bytes(blobs.received(started["token"]).data) == b"id,x\n1,2\n"
    assert fake_kaggle.calls() == ["upload/a.csv"]


def test_an_upload_says_how_much_of_it_is_there(fake_kaggle: FakeKaggle) -> None:
    blobs = fake_kaggle.world.blobs
    upload = blobs.upload("/upload/" + blobs.start_upload("a.csv", 9)["token"])
    probe = {"content-range": "bytes */9"}
    nothing = upload.put(probe, b"")
    assert (nothing.status, "Range" in nothing.headers) == (308, False)
    part = upload.put({}, b"id,x")
    assert (part.status, part.headers["Range"]) == (308, "bytes=0-3")
    assert upload.put({"content-range": "bytes 4-8/9"}, b"\n1,2\n").status == 200
    assert upload.put(probe, b"").status == 200
    assert bytes(upload.data) == b"id,x\n1,2\n"


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 200, b"0123456789"),
        ({"range": "bytes=4-"}, 206, b"456789"),
        ({"range": "bytes=4-5"}, 206, b"45"),
        ({"range": "bytes=4-99"}, 206, b"456789"),
        ({"range": "bytes=10-"}, 416, b""),
        ({"range": "bytes=4-", "if-range": '"781e5e245d69b566979b86e28d23f2c7"'}, 206, b"456789"),
        ({"range": "bytes=4-", "if-range": "Fri, 02 Jan 2026 03:04:05 GMT"}, 206, b"456789"),
        ({"range": "bytes=4-", "if-range": '"of another file"'}, 200, b"0123456789"),
    ],
)
def test_a_range_is_sent_while_the_file_is_the_same(
    headers: dict[str, str], status: int, body: bytes
) -> None:
    answer = Blob("ten", b"0123456789").answer(headers)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["Accept-Ranges"] == "bytes"
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */10"


def test_a_crash_of_the_fake_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: object) -> None:
        raise RuntimeError("a mistake of ours")

    def use() -> None:
        ours, theirs = socket.socketpair()
        with ours, FakeKaggle() as fake:
            monkeypatch.setattr(fake.server, "respond", crash)
            ours.sendall(b"GET / HTTP/1.1\r\n\r\n")
            fake.server.process_request_thread(theirs, ("", 0))

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        use()
