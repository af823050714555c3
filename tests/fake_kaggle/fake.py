"""The fake itself: a world, the server before it, the faults in between and the log."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import TracebackType
from typing import Any

from tests.fake_kaggle.faults import Fault, Faults
from tests.fake_kaggle.server import Server
from tests.fake_kaggle.services import Services
from tests.fake_kaggle.state import World
from tests.fake_kaggle.wire import Answer, Incoming, Json, Refused, Request, matches

USER = "ada"
KEY = "0123456789abcdef0123456789abcdef"


class FakeKaggle:
    """A Kaggle on a loopback port, for as long as the `with` block lasts."""

    def __init__(self, user: str = USER, key: str = KEY) -> None:
        self.world = World(user, key)
        self.requests: list[Request] = []
        self._faults = Faults()
        self._services = Services(self.world)
        self.server = Server(self._respond)
        self._thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> FakeKaggle:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()
        self._thread.join()
        if self.server.crashes and error is None:
            raise self.server.crashes[0]

    @property
    def url(self) -> str:
        """The value of `http_proxy`."""
        return f"http://127.0.0.1:{self.server.port}"

    def fault(self, pattern: str, **how: Any) -> None:
        """Something goes wrong with the next calls of this name; see `Fault`."""
        self._faults.add(Fault(pattern, **how))

    def clear_faults(self) -> None:
        self._faults.clear()

    def release(self) -> None:
        """Ends the connections that hang."""
        self.server.release()

    def calls(self, pattern: str = "*") -> list[str]:
        """The names of all calls so far, in order."""
        return [request.call for request in self.log(pattern)]

    def log(self, pattern: str = "*") -> list[Request]:
        """The requests whose call has this name."""
        return [request for request in list(self.requests) if matches(request.call, pattern)]

    def bodies(self, pattern: str) -> list[Json]:
        """The JSON bodies of the calls of this name, in order."""
        return [request.json or {} for request in self.log(pattern)]

    def _respond(self, incoming: Incoming) -> tuple[Answer | None, Fault | None]:
        call = self._services.call_of(incoming)
        try:
            self.requests.append(incoming.logged(call))
        except (Refused, ValueError):
            return Refused(400, "the body is not a JSON object").answer(), None
        fault = self._faults.take(call)
        if fault is None:
            return self._stamped(self._services.answer(incoming, call)), None
        real = None
        if fault.keep is not None:
            real = self._services.answer(_shortened(incoming, fault.keep), call)
        elif fault.needs_answer:
            real = self._services.answer(incoming, call)
        if fault.drop or (fault.hang and fault.cut is None):
            return None, fault
        return self._stamped(fault.bend(real)), fault

    def _stamped(self, answer: Answer) -> Answer:
        if self.world.api_version is not None:
            answer.headers["X-Kaggle-ApiVersion"] = self.world.api_version
        return answer


def _shortened(incoming: Incoming, size: int) -> Incoming:
    """A PUT of which only the first bytes have come."""
    return replace(incoming, body=incoming.body[:size])
