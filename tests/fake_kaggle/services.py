"""Which call is answered by what, and to whom."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from tests.fake_kaggle.blobs import Blob
from tests.fake_kaggle.competition_calls import CompetitionCalls
from tests.fake_kaggle.dataset_calls import DatasetCalls
from tests.fake_kaggle.kernel_calls import KernelCalls
from tests.fake_kaggle.state import World
from tests.fake_kaggle.wire import Answer, Incoming, Json, Refused, json_answer

Call = Callable[[Json], Json | Blob]
INTROSPECT = "security.OAuthService/IntrospectToken"
SERVICES = {
    "kernels.KernelsApiService": (
        "SaveKernel",
        "GetKernelSessionStatus",
        "ListKernelSessionOutput",
        "ListKernelFiles",
        "GetKernel",
        "GetAcceleratorQuotaStatistics",
    ),
    "competitions.CompetitionApiService": (
        "ListCompetitions",
        "ListDataFiles",
        "DownloadDataFiles",
        "DownloadDataFile",
        "ListSubmissions",
        "StartSubmissionUpload",
        "CreateSubmission",
        "CreateCodeSubmission",
        "GetSubmissionLimits",
    ),
    "datasets.DatasetApiService": (
        "GetDatasetStatus",
        "GetDataset",
        "GetDatasetMetadata",
        "ListDatasetFiles",
        "DownloadDataset",
        "CreateDataset",
        "CreateDatasetVersion",
        "CreateDatasetVersionById",
    ),
    "blobs.BlobApiService": ("StartBlobUpload",),
}
# What a dataset that is public shows to everybody.
ANONYMOUS = {
    f"datasets.DatasetApiService/{name}"
    for name in ("GetDatasetMetadata", "ListDatasetFiles", "DownloadDataset")
}


class Services:
    """Answers requests from the world, one at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = threading.Lock()
        self._kernels = KernelCalls(world)
        owners = {
            "kernels.KernelsApiService": self._kernels,
            "competitions.CompetitionApiService": CompetitionCalls(world),
            "datasets.DatasetApiService": (datasets := DatasetCalls(world)),
            "blobs.BlobApiService": datasets,
        }
        self._calls: dict[str, Call] = {
            f"{service}/{name}": getattr(owners[service], snake_case(name))
            for service, names in SERVICES.items()
            for name in names
        }

    def call_of(self, request: Incoming) -> str:
        """The name of what is asked for, as `Request.call` and faults have it."""
        path = unquote(request.path)
        if path.startswith("/blob/"):
            return "blob/" + "/".join(path.split("/")[3:])
        if path.startswith("/upload/"):
            try:
                return f"upload/{self.world.blobs.upload(path).name}"
            except Refused:
                return "upload/"
        if stream := re.fullmatch(r"(?:/api)?/v1/kernels/logs/stream/([^/]+)/([^/]+)", path):
            return f"logs/{stream[1]}/{stream[2]}"
        rpc = re.fullmatch(r"(?:/api)?/v1/([\w.]+/\w+)", path)
        return rpc[1] if rpc else path

    def answer(self, request: Incoming, call: str) -> Answer:
        """What the server does and says, without any fault."""
        with self._lock:
            try:
                return self._answer(request, call)
            except Refused as refused:
                return refused.answer()

    def _answer(self, request: Incoming, call: str) -> Answer:
        kind, _, rest = call.partition("/")
        if kind == "blob" and request.method == "GET":
            return self.world.blobs.blob(request.path).answer(request.headers)
        if kind == "upload" and request.method == "PUT":
            return self.world.blobs.upload(request.path).put(request.headers, request.body)
        if call == INTROSPECT:
            return json_answer(self._introspect(request.json()))
        known = self._authorised(request.headers)
        if kind == "logs" and request.method == "GET":
            self._require(known)
            owner, _, slug = rest.partition("/")
            return self._kernels.log_stream(owner, slug)
        if call not in self._calls or request.method != "POST":
            raise Refused(501, f"the fake has no such call: {request.method} {request.path}")
        body = request.json()
        self._require(known or (call in ANONYMOUS and self._is_public(body)))
        found = self._calls[call](body)
        if isinstance(found, Blob):
            return Answer(302, headers={"Location": self.world.blobs.address(found)})
        return json_answer(found)

    def _introspect(self, body: Json) -> Json:
        if body.get("token") in self.world.tokens:
            return {"active": True, "username": self.world.user}
        return {"active": False}

    def _authorised(self, headers: Mapping[str, str]) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return value in self.world.tokens
        pair = f"{self.world.user}:{self.world.key}".encode()
        return scheme == "Basic" and value == base64.b64encode(pair).decode()

    def _is_public(self, body: Json) -> bool:
        found = self.world.datasets.get(f"{body.get('ownerSlug')}/{body.get('datasetSlug')}")
        return found is not None and not found.private

    @staticmethod
    def _require(allowed: bool) -> None:
        if not allowed:
            raise Refused(401, "Unauthenticated")


def snake_case(name: str) -> str:
    """`GetKernel` as `get_kernel`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
