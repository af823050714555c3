"""kernels.KernelsApiService: push, status, output, pull, quota."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable

from tests.fake_kaggle.blobs import Blob
from tests.fake_kaggle.state import (
    FINISHED,
    Kernel,
    Progress,
    Quota,
    Run,
    Version,
    World,
    page,
    text,
)
from tests.fake_kaggle.wire import Answer, Json, Refused

SOURCE_LIMIT_BYTES = 1_000_000  # the real one is this or 2**20
SLUG_LIMIT = 50
SITE = "https://www.kaggle.com"
METADATA_KEYS = (
    "language",
    "kernelType",
    "isPrivate",
    "enableGpu",
    "enableTpu",
    "enableInternet",
    "machineShape",
    "dockerImage",
    "categoryIds",
)


def slugify(title: str) -> str:
    """The slug that a title gives: `Leaf  CNN, 2` is `leaf-cnn-2`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


class Rejection(Exception):
    """A push that is answered with HTTP 200 and `error`."""


class KernelCalls:
    def __init__(self, world: World) -> None:
        self.world = world

    def save_kernel(self, body: Json) -> Json:
        owner, slug = self._target(body)
        if len((body.get("text") or "").encode()) >= SOURCE_LIMIT_BYTES:
            raise Refused(400, "The kernel source must be less than 1 megabytes in size.")
        try:
            kernel = self.world.kernels.get(f"{owner}/{slug}") or self._create(owner, slug, body)
            sources, invalid = self._sources(body)
            version = Version(len(kernel.versions) + 1, body, sources, *self._run(kernel.ref))
            self._check_capacity(version.accelerator)
        except Rejection as rejection:
            return {"error": str(rejection)}
        kernel.versions.append(version)
        self.world.kernels[kernel.ref] = kernel
        return {
            "ref": f"/code/{kernel.ref}",
            "url": f"{SITE}/code/{kernel.ref}",
            "versionNumber": version.number,
            "kernelId": kernel.id,
            **invalid,
        }

    def _target(self, body: Json) -> tuple[str, str]:
        if body.get("id"):
            found = [kernel for kernel in self.world.kernels.values() if kernel.id == body["id"]]
            if not found:
                raise Refused(404, "Not found")
            return found[0].owner, found[0].slug
        owner, _, slug = (body.get("slug") or "").rpartition("/")
        owner = owner or self.world.user
        if owner != self.world.user:
            raise Refused(403, "Permission 'kernels.update' was denied")
        return owner, slug.lower()

    def _create(self, owner: str, slug: str, body: Json) -> Kernel:
        title = body.get("newTitle") or ""
        if len(slug) > SLUG_LIMIT or len(title) > SLUG_LIMIT:
            raise Refused(400, bare=True)
        sound = re.fullmatch(r"[a-z][a-z0-9-]{4,}", slug) and title.isascii()
        equal = slugify(title) == slug
        if not title or not sound or (not equal and not self.world.unequal_titles_lock):
            raise Rejection("Notebook not found")
        return Kernel(owner, slug, title, next(self.world.numbers), locked=not equal)

    def _sources(self, body: Json) -> tuple[dict[str, list[str]], Json]:
        """The sources that are kept, and the lists of those that are not."""
        usable: dict[str, tuple[str, Callable[[str], bool]]] = {
            "datasetDataSources": ("invalidDatasetSources", self._dataset_usable),
            "competitionDataSources": ("invalidCompetitionSources", self._competition_usable),
            "kernelDataSources": ("invalidKernelSources", self._kernel_usable),
            "modelDataSources": ("invalidModelSources", self.world.models.__contains__),
            "categoryIds": ("invalidTags", self.world.tags.__contains__),
        }
        kept: dict[str, list[str]] = {}
        invalid: Json = {}
        for key, (complaint, test) in usable.items():
            names = body.get(key) or []
            kept[key] = [name for name in names if test(name)]
            if len(kept[key]) < len(names):
                invalid[complaint] = [name for name in names if not test(name)]
        return kept, invalid

    def _dataset_usable(self, name: str) -> bool:
        found = self.world.datasets.get("/".join(name.split("/")[:2]))
        return found is not None and found.versions[-1].progress.now == "READY"

    def _competition_usable(self, name: str) -> bool:
        found = self.world.competitions.get(name)
        return found is not None and found.entered

    def _kernel_usable(self, name: str) -> bool:
        found = self.world.kernels.get("/".join(name.split("/")[:2]))
        return found is not None and any(v.progress.now == "COMPLETE" for v in found.versions)

    def _run(self, ref: str) -> tuple[Run, Progress]:
        run = self.world.take_run(ref)
        return run, Progress(run.statuses)

    def _check_capacity(self, accelerator: str) -> None:
        quota = self.world.gpu_quota
        if accelerator == "GPU" and quota.used >= quota.total:
            raise Rejection(f"Maximum weekly GPU quota of {quota.total:.2f} hours reached.")
        running = [
            version
            for kernel in self.world.kernels.values()
            for version in kernel.versions
            if kernel.owner == self.world.user
            and version.accelerator == accelerator
            and not version.finished
        ]
        limit = self.world.session_limits[accelerator]
        if len(running) >= limit:
            raise Rejection(f"Maximum batch {accelerator} session count of {limit} reached.")

    def _kernel(self, body: Json) -> Kernel:
        """The kernel of a status or output call. Kaggle does not tell unknown from forbidden."""
        ref = f"{body.get('userName')}/{(body.get('kernelSlug') or '').split('/')[0].lower()}"
        found = self.world.kernels.get(ref)
        if found is None or found.locked:
            raise Refused(403, "Permission 'kernels.get' was denied")
        return found

    def get_kernel_session_status(self, body: Json) -> Json:
        version = self._kernel(body).versions[-1]
        status = version.progress.look()
        failure = version.run.failure if status in FINISHED else None
        return {"status": status, **({"failureMessage": failure} if failure else {})}

    def list_kernel_session_output(self, body: Json) -> Json:
        version = self._kernel(body).versions[-1]
        items = [
            {"fileName": name, "url": self.world.blobs.address(Blob(name, data))}
            for name, data in version.files().items()
        ]
        return {**page(items, body, "files"), "log": version.log()}

    def list_kernel_files(self, body: Json) -> Json:
        made = text(self.world.now())
        items = [
            {"name": name, "size": len(data), "creationDate": made}
            for name, data in self._kernel(body).versions[-1].files().items()
        ]
        return page(items, body, "files")

    def get_kernel(self, body: Json) -> Json:
        kernel = self._kernel(body)
        number = (body.get("kernelSlug") or "").partition("/")[2] or body.get("versionLabel")
        latest = kernel.versions[-1]
        if number and not (str(number).isdigit() and 1 <= int(number) <= latest.number):
            raise Refused(404, f"{kernel.ref} has no version {number}")
        request = kernel.versions[int(number) - 1 if number else -1].request
        metadata = {key: request[key] for key in METADATA_KEYS if request.get(key) is not None}
        blob = {key: request.get(key) for key in ("language", "kernelType")}
        return {
            "metadata": {
                "id": kernel.id,
                "ref": kernel.ref,
                "slug": kernel.slug,
                "title": kernel.title,
                "author": kernel.owner,
                "currentVersionNumber": latest.number,
                **metadata,
                **latest.sources,
            },
            "blob": {**blob, "slug": kernel.slug, "source": request.get("text") or ""},
        }

    def get_accelerator_quota_statistics(self, body: Json) -> Json:
        def seconds(quota: Quota) -> Json:
            return {
                "timeUsed": f"{round(quota.used * 3600)}s",
                "totalTimeAllowed": f"{round(quota.total * 3600)}s",
            }

        return {
            "quotaRefreshTime": text(self.world.quota_refresh),
            "gpuQuota": seconds(self.world.gpu_quota),
            "tpuQuota": seconds(self.world.tpu_quota),
        }

    def log_stream(self, owner: str, slug: str) -> Answer:
        """A running session as events, to the end of the run; a finished one as its log.

        A run that never ends keeps the stream open until the fake is released.
        """
        version = self._kernel({"userName": owner, "kernelSlug": slug}).versions[-1]
        if version.finished:
            return Answer(body=version.log().encode())
        version.progress.finish()
        events = json.loads(version.run.log_text() or "[]")
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        if version.finished:
            lines.append("data: END_OF_LOG\n\n")
        body = "".join(lines).encode()
        return Answer(body=body, content_type="text/event-stream", stalls=not version.finished)
