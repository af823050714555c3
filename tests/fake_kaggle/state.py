"""The world behind the calls: kernels, datasets, competitions of one account."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fake_kaggle.blobs import BlobStore
from tests.fake_kaggle.wire import Json, Refused

Files = Mapping[str, bytes]
FINISHED = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


class Progress:
    """Statuses one after the other: each look moves on, the last one stays."""

    def __init__(self, statuses: Iterable[str]) -> None:
        self._left = list(statuses)

    @property
    def now(self) -> str:
        return self._left[0]

    @property
    def end(self) -> str:
        return self._left[-1]

    def look(self) -> str:
        seen = self._left[0]
        if len(self._left) > 1:
            del self._left[0]
        return seen

    def finish(self) -> None:
        """Jumps to the last status."""
        del self._left[:-1]


@dataclass(frozen=True)
class Run:
    """How a pushed version runs.

    `statuses` are what the status calls see, one after the other; a run whose last status is
    QUEUED or RUNNING never ends. `output` are the files by name, or a function that makes them
    from the version. A log of lines is sent as the JSON array that Kaggle keeps; `raw_log` is
    sent as it is.
    """

    statuses: tuple[str, ...] = ("QUEUED", "RUNNING", "COMPLETE")
    output: Files | Callable[[Version], Files] = field(default_factory=dict)
    log: str = ""
    raw_log: str | None = None
    failure: str | None = None

    def log_text(self) -> str:
        if self.raw_log is not None:
            return self.raw_log
        events = [
            {"stream_name": "stdout", "time": float(second), "data": line}
            for second, line in enumerate(self.log.splitlines(keepends=True), start=1)
        ]
        return json.dumps(events) if events else ""


@dataclass
class Version:
    """One version of a kernel: what was pushed, which sources it kept, and its run.

    `sources` has the keys of the request (`competitionDataSources`, …) without what was refused.
    """

    number: int
    request: Json
    sources: dict[str, list[str]]
    run: Run
    progress: Progress
    _files: Files | None = None

    @property
    def finished(self) -> bool:
        return self.progress.now in FINISHED

    def files(self) -> Files:
        """The output: nothing before the end; what was written so far after an error."""
        if not self.finished:
            return {}
        if self._files is None:
            self._files = self.run.output(self) if callable(self.run.output) else self.run.output
        return self._files

    def log(self) -> str:
        return self.run.log_text() if self.finished else ""

    @property
    def accelerator(self) -> str:
        """GPU, TPU or CPU."""
        shape = self.request.get("machineShape") or ""
        if shape.startswith("Nvidia") or self.request.get("enableGpu"):
            return "GPU"
        return "TPU" if shape.startswith("Tpu") or self.request.get("enableTpu") else "CPU"


@dataclass
class Kernel:
    """`locked`: exists, but every status and output call answers 403, for good."""

    owner: str
    slug: str
    title: str
    id: int
    versions: list[Version] = field(default_factory=list)
    locked: bool = False

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"


@dataclass
class DatasetVersion:
    number: int
    files: Files
    notes: str
    progress: Progress


@dataclass
class Dataset:
    owner: str
    slug: str
    title: str
    id: int
    license: str = "CC0-1.0"
    private: bool = True
    details: Json = field(default_factory=dict)
    versions: list[DatasetVersion] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"


@dataclass(frozen=True)
class Outcome:
    """What becomes of a submission. Scores are text, as Kaggle sends them."""

    statuses: tuple[str, ...] = ("PENDING", "COMPLETE")
    public: str = "0.5"
    private: str = ""
    error: str = ""


@dataclass
class Submission:
    ref: int
    file_name: str
    description: str
    date: datetime
    data: bytes
    outcome: Outcome
    progress: Progress


@dataclass
class Competition:
    """One competition.

    `entered`: the account has accepted the rules. `outcomes` are used one after the other, the
    last one stays; `judge`, if given, makes the outcome from the submitted bytes instead.
    `code_only`: takes kernels, no files. `zipped`: files that are sent as `<name>.zip` when asked
    for alone.
    """

    slug: str
    title: str
    files: Files
    entered: bool = True
    code_only: bool = False
    daily_limit: int = 5
    zipped: tuple[str, ...] = ()
    outcomes: list[Outcome] = field(default_factory=lambda: [Outcome()])
    judge: Callable[[bytes], Outcome] | None = None
    submissions: list[Submission] = field(default_factory=list)


@dataclass
class Quota:
    """Hours of the week."""

    used: float = 0.0
    total: float = 30.0


class World:
    """Everything the account sees. Tests write it, calls read and change it."""

    def __init__(self, user: str, key: str) -> None:
        self.user = user
        self.key = key
        self.tokens: set[str] = set()  # valid access tokens
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.api_version: str | None = None  # X-Kaggle-ApiVersion of every answer
        self.short_refs = False  # competitions list: the slug instead of an address
        self.blobs = BlobStore()
        self.numbers = itertools.count(1000)
        self.kernels: dict[str, Kernel] = {}
        self.datasets: dict[str, Dataset] = {}
        self.competitions: dict[str, Competition] = {}
        self.models: set[str] = set()  # owner/model/framework/variation/version
        self.tags = {"utility script", "computer vision", "tabular", "nlp"}
        self.runs: dict[str, list[Run]] = {}  # by kernel: the runs of the next pushes
        self.dataset_statuses: tuple[str, ...] = ("BLOBS_RECEIVED", "READY")
        self.unequal_titles_lock = False  # make the kernel and lock it, instead of refusing
        self.session_limits = {"CPU": 5, "GPU": 2, "TPU": 1}
        self.gpu_quota = Quota()
        self.tpu_quota = Quota(total=20.0)
        self.quota_refresh = datetime.now(UTC) + timedelta(days=3)

    def add_competition(self, slug: str, files: Files, **more: Any) -> Competition:
        found = Competition(slug, more.pop("title", slug.title()), dict(files), **more)
        self.competitions[slug] = found
        return found

    def add_dataset(
        self, ref: str, files: Files, *, statuses: tuple[str, ...] = ("READY",), **more: Any
    ) -> Dataset:
        owner, slug = ref.split("/")
        found = Dataset(owner, slug, more.pop("title", slug), next(self.numbers), **more)
        found.versions.append(DatasetVersion(1, dict(files), "Initial release", Progress(statuses)))
        self.datasets[ref] = found
        return found

    def add_kernel(self, ref: str, run: Run | None = None, **request: Any) -> Kernel:
        """A kernel with one version, finished unless `run` says otherwise."""
        owner, slug = ref.split("/")
        run = run or Run(statuses=("COMPLETE",))
        request = {"language": "python", "kernelType": "script", "text": "", **request}
        kernel = Kernel(owner, slug, slug, next(self.numbers))
        kernel.versions.append(Version(1, request, {}, run, Progress(run.statuses)))
        self.kernels[ref] = kernel
        return kernel

    def next_run(self, ref: str, *runs: Run) -> None:
        """How the next pushes of this kernel run; the last one stays for all that follow."""
        self.runs[ref] = list(runs)

    def take_run(self, ref: str) -> Run:
        waiting = self.runs.get(ref) or [Run()]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def version(self, ref: str) -> Version:
        """The latest version of a kernel."""
        return self.kernels[ref].versions[-1]


def page(items: list[Json], body: Json, key: str) -> Json:
    """One page of the items under `key`, with the token of the next page if there is one."""
    size = int(body.get("pageSize") or 20)
    token = body.get("pageToken") or "page-0"
    if not token.startswith("page-") or not token[5:].isdigit():
        raise Refused(400, f"no page {token}")
    start = int(token[5:])
    found: Json = {key: items[start : start + size]}
    if start + size < len(items):
        found["nextPageToken"] = f"page-{start + size}"
    return found


def text(moment: datetime) -> str:
    """A date as Kaggle writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
