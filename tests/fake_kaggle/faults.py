"""Faults on demand: what goes wrong with which call, and how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.fake_kaggle.wire import Answer, json_answer, matches

PAGE = b"<!DOCTYPE html><html><body><h1>Something is not right</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. Fields combine, as far as that makes sense.

    What is said:

    - `status`: an error of this status with a JSON body that holds `message`
    - `html`: a page of HTML, under `status` or 200
    - `answer`: this JSON object in place of the real answer, under `status` or 200
    - `body`: these bytes in place of the real ones
    - `change`: keys of the real answer that are replaced; None takes one out
    - `retry_after`: the header of that name: seconds, or an HTTP date
    - `headers`: further headers

    How it travels:

    - `cut`: only so many bytes of the body, then the connection is closed
    - `without_length`: no Content-Length; the end of the connection is the end of the body
    - `chunked`: the body in chunks; when cut, the last chunk is missing
    - `hang`: nothing is answered (or, with `cut`, nothing more) until `FakeKaggle.release()`
    - `drop`: the connection is closed without an answer
    - `keep`: of an upload, so many bytes are kept, although the answer is an error

    When:

    - `acts`: the server does what was asked before it fails. Faults that bend the real answer
      always act; the others do nothing unless told to
    - `after`: how many calls pass unharmed first
    - `times`: how many calls are hit; None is every one
    """

    pattern: str
    status: int | None = None
    message: str = "a fault on demand"
    html: bool = False
    answer: Mapping[str, Any] | None = None
    body: bytes | None = None
    change: Mapping[str, Any] | None = None
    retry_after: int | str | None = None
    headers: Mapping[str, str] | None = None
    cut: int | None = None
    without_length: bool = False
    chunked: bool = False
    hang: bool = False
    drop: bool = False
    keep: int | None = None
    acts: bool = False
    after: int = 0
    times: int | None = 1

    @property
    def says(self) -> bool:
        """Whether the answer is the fault's own."""
        return self.html or any(
            given is not None for given in (self.status, self.answer, self.body)
        )

    @property
    def needs_answer(self) -> bool:
        """Whether the server does what was asked."""
        silent = self.drop or (self.hang and self.cut is None)
        return self.acts or not (self.says or silent)

    def bend(self, real: Answer | None) -> Answer:
        """The answer as the fault leaves it; `real` is None where the server did not act."""
        answer = self._own() if self.says or real is None else replace(real)
        if self.change is not None:
            content = {**json.loads(answer.body), **self.change}
            answer.body = json.dumps(
                {key: value for key, value in content.items() if value is not None}
            ).encode()
        answer.headers = {**answer.headers, **(self.headers or {})}
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        return answer

    def _own(self) -> Answer:
        status = self.status or 200
        if self.html:
            return Answer(status, PAGE, "text/html; charset=utf-8")
        if self.body is not None:
            return Answer(status, self.body, "application/octet-stream")
        if self.answer is not None:
            return json_answer(self.answer, status)
        return json_answer({"code": status, "message": self.message}, status)


class Faults:
    """The faults that are still to come, first come first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, call: str) -> Fault | None:
        """The fault that hits this call, counted; None if the call passes."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if not matches(call, fault.pattern):
                    continue
                if fault.after:
                    self._waiting[place] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    self._waiting[place : place + 1] = (
                        [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    )
                return fault
        return None
