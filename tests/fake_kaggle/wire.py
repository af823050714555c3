"""What goes over the wire: a request, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Json = dict[str, Any]
SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One request as the log keeps it: secrets are cut out of it.

    `call` names what was asked for: `kernels.KernelsApiService/SaveKernel` for an RPC,
    `blob/<file name>` for a download, `upload/<file name>` for a PUT, `logs/<owner>/<slug>` for a
    log stream. `json` is the body of an RPC, `size` the bytes of any body.
    """

    method: str
    path: str
    call: str
    json: Json | None
    headers: Mapping[str, str]
    size: int


@dataclass(frozen=True)
class Incoming:
    """One request as it came, with lower-case header names."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as an object; an empty body is an empty object."""
        found = json.loads(self.body or b"{}")
        if not isinstance(found, dict):
            raise Refused(400, "the body is not a JSON object")
        return found

    def logged(self, call: str) -> Request:
        """The record for the log. Of an Authorization header only the scheme is kept."""
        headers = {
            name: value.split(" ")[0] if name in SECRET_HEADERS else value
            for name, value in self.headers.items()
        }
        found: Json | None = None
        if self.method == "POST":
            found = self.json()
            if call.endswith("/IntrospectToken"):
                found = {**found, "token": "(cut out)"}
        return Request(self.method, self.path, call, found, headers, len(self.body))


@dataclass
class Answer:
    """A whole answer, before a fault cuts it.

    `stalls`: the connection stays open after the body until the fake is released.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    stalls: bool = False


class Refused(Exception):
    """A call that the server refuses with an HTTP status.

    `bare`: without the JSON body that such answers usually have.
    """

    def __init__(self, status: int, message: str = "", *, bare: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.bare = bare

    def answer(self) -> Answer:
        if self.bare:
            return Answer(self.status, content_type="text/plain")
        return json_answer({"code": self.status, "message": self.message}, self.status)


def json_answer(content: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def matches(call: str, pattern: str) -> bool:
    """Whether a call has this name. The service may be left out, and `*` stands for anything."""
    return fnmatchcase(call, pattern) or fnmatchcase(call.rpartition("/")[2], pattern)
