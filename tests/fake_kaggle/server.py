"""HTTP/1.1 on a loopback port: what a proxy would get, a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.wire import Answer, Incoming

# A request in, an answer and the fault that bends its way out; no answer where none is sent.
Respond = Callable[[Incoming], tuple[Answer | None, Fault | None]]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens as soon as it is made; `serve_forever` answers, `close` ends every connection.

    `crashes` holds what went wrong in a handler; a client that went away is not a crash.
    """

    allow_reuse_address = True
    daemon_threads = False  # so that closing waits for the handlers
    request_queue_size = 64

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.crashes: list[BaseException] = []
        self.closing = False
        self._gate = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def hang(self) -> None:
        """Waits until `release` or the end."""
        gate = self._gate
        if not self.closing:
            gate.wait()

    def release(self) -> None:
        """Lets every request go that hangs now."""
        gate, self._gate = self._gate, threading.Event()
        gate.set()

    def close(self) -> None:
        self.shutdown()
        self.closing = True
        self.release()
        with self._lock:
            for connection in self._open:
                end(connection)
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.crashes.append(error)


def end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have gone already
        connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        if self.connection.family == socket.AF_INET:
            # a head and its body are two writes: neither may wait for the other side
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_any(self) -> None:
        incoming = Incoming(
            self.command,
            urlsplit(self.path).path,  # a proxy gets http://host/path, a server /path
            {name.lower(): value for name, value in self.headers.items()},
            self._body(),
        )
        answer, fault = self.server.respond(incoming)
        if answer is None:
            if fault is not None and fault.hang:
                self.server.hang()
            self._hang_up()
        else:
            self._send(answer, fault)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = handle_any

    def _body(self) -> bytes:
        """The body, whether its length is announced or it comes in chunks.

        A client that hangs up in the middle leaves what has come so far.
        """
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailing headers
        return b"".join(chunks)

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        chunked = fault is not None and fault.chunked
        endless = answer.stalls or (fault is not None and fault.without_length)
        cut = fault.cut if fault is not None else None
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif endless:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = answer.body if cut is None else answer.body[:cut]
        if self.command != "HEAD":
            self._write(body, chunked, whole=cut is None)
        if answer.stalls or (fault is not None and fault.hang):
            self.server.hang()
        if endless or cut is not None:
            self._hang_up()

    def _write(self, body: bytes, chunked: bool, *, whole: bool) -> None:
        if not chunked:
            self.wfile.write(body)
            return
        half = len(body) // 2
        for part in (body[:half], body[half:]):
            if part:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if whole:
            self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self) -> None:
        self.close_connection = True
        end(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the fake keeps its own log."""
