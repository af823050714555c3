"""datasets.DatasetApiService and blobs.BlobApiService: uploads, versions, downloads."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from tests.fake_kaggle.blobs import Blob, zip_of
from tests.fake_kaggle.state import (
    Dataset,
    DatasetVersion,
    Files,
    Progress,
    World,
    page,
)
from tests.fake_kaggle.wire import Json, Refused

SITE = "https://www.kaggle.com"
TOP_LEVEL_LIMIT = 50


class DatasetCalls:
    def __init__(self, world: World) -> None:
        self.world = world

    def _dataset(self, body: Json) -> Dataset:
        ref = f"{body.get('ownerSlug')}/{body.get('datasetSlug')}"
        found = self.world.datasets.get(ref)
        if found is None:
            raise Refused(404, "Not found")
        if found.private and found.owner != self.world.user:
            raise Refused(403, "Permission 'datasets.get' was denied")
        return found

    def _version(self, body: Json) -> DatasetVersion:
        found = self._dataset(body)
        number = body.get("datasetVersionNumber") or len(found.versions)
        if not 1 <= number <= len(found.versions):
            raise Refused(404, f"{found.ref} has no version {number}")
        return found.versions[number - 1]

    def get_dataset_status(self, body: Json) -> Json:
        return {"status": self._dataset(body).versions[-1].progress.look()}

    def get_dataset(self, body: Json) -> Json:
        found = self._dataset(body)
        latest = found.versions[-1]
        return {
            "id": found.id,
            "ref": found.ref,
            "title": found.title,
            "isPrivate": found.private,
            "licenseName": found.license,
            "currentVersionNumber": latest.number,
            "totalBytes": sum(map(len, latest.files.values())),
            "url": f"{SITE}/datasets/{found.ref}",
        }

    def get_dataset_metadata(self, body: Json) -> Json:
        found = self._dataset(body)
        info = {
            "datasetId": found.id,
            "datasetSlug": found.slug,
            "ownerUser": found.owner,
            "title": found.title,
            "isPrivate": found.private,
            "licenses": [{"name": found.license}],
            **found.details,
        }
        return {"info": info}

    def list_dataset_files(self, body: Json) -> Json:
        items: list[Json] = [
            {"name": name, "totalBytes": len(data), "creationDate": "2026-01-02T03:04:05Z"}
            for name, data in sorted(self._version(body).files.items())
        ]
        return page(items, body, "datasetFiles")

    def download_dataset(self, body: Json) -> Blob:
        files = self._version(body).files
        name = body.get("fileName")
        if not name:
            return Blob("archive.zip", zip_of(files))
        if name not in files:
            raise Refused(404, "Not found")
        return Blob(name, files[name])

    def start_blob_upload(self, body: Json) -> Json:
        return self.world.blobs.start_upload(body["name"], int(body.get("contentLength") or 0))

    def create_dataset(self, body: Json) -> Json:
        owner, slug = body.get("ownerSlug") or self.world.user, body.get("slug") or ""
        if owner != self.world.user:
            raise Refused(403, "Permission 'datasets.create' was denied")
        if f"{owner}/{slug}" in self.world.datasets:
            return {"status": "error", "error": f"{owner}/{slug} exists already"}
        details = {key: body[key] for key in ("subtitle", "description") if body.get(key)}
        found = Dataset(
            owner,
            slug,
            body.get("title") or "",
            next(self.world.numbers),
            body.get("licenseName") or "unknown",
            bool(body.get("isPrivate")),
            details,
        )
        return self._add_version(found, body, "Initial release")

    def create_dataset_version(self, body: Json) -> Json:
        found = self._dataset(body)
        if found.owner != self.world.user:
            raise Refused(403, "Permission 'datasets.update' was denied")
        return self._next_version(found, body.get("body") or {})

    def create_dataset_version_by_id(self, body: Json) -> Json:
        for found in self.world.datasets.values():
            if found.id == body.get("id") and found.owner == self.world.user:
                return self._next_version(found, body.get("body") or {})
        raise Refused(404, "Not found")

    def _next_version(self, found: Dataset, body: Json) -> Json:
        if found.versions[-1].progress.now != "READY":
            raise Refused(403, "The dataset's last version is still being processed")
        return self._add_version(found, body, body.get("versionNotes") or "")

    def _add_version(self, found: Dataset, body: Json, notes: str) -> Json:
        sent = [
            self.world.blobs.received(item.get("token") or "") for item in body.get("files") or []
        ]
        if len(sent) > TOP_LEVEL_LIMIT:
            return {"status": "error", "error": f"more than {TOP_LEVEL_LIMIT} top-level files"}
        files = unpacked({upload.name: bytes(upload.data) for upload in sent})
        progress = Progress(self.world.dataset_statuses)
        found.versions.append(DatasetVersion(len(found.versions) + 1, files, notes, progress))
        self.world.datasets[found.ref] = found
        url = f"{SITE}/datasets/{found.ref}"
        return {"ref": found.ref, "url": url, "status": "ok"}


def unpacked(files: Mapping[str, bytes]) -> Files:
    """The files as Kaggle keeps them: an archive becomes a folder of its name.

    A single `.gz` becomes the file inside. Wheels stay as they are.
    """
    kept: dict[str, bytes] = {}
    for name, data in files.items():
        for ending, members in (
            (".zip", zip_members),
            (".tar.gz", tar_members),
            (".tar", tar_members),
        ):
            if name.endswith(ending):
                folder = name.removesuffix(ending)
                kept |= {f"{folder}/{member}": inner for member, inner in members(data)}
                break
        else:
            if name.endswith(".gz"):
                kept[name.removesuffix(".gz")] = gzip.decompress(data)
            else:
                kept[name] = data
    return kept


def zip_members(data: bytes) -> Iterable[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, archive.read(member)


def tar_members(data: bytes) -> Iterable[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                yield member.name.removeprefix("./"), content.read()
