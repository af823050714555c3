"""Files that are fetched and files that are sent: ranges, validators, resumable uploads."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

from tests.fake_kaggle.wire import Answer, Refused

HOST = "http://localhost"
# The secret part of a signed address: no log and no message may show it.
SIGNATURE = "X-Goog-Signature=keep-this-secret"
MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Blob:
    """One file behind an address."""

    name: str
    data: bytes
    modified: datetime = MODIFIED

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'

    def answer(self, headers: Mapping[str, str]) -> Answer:
        """The file, or the part of it that `Range` asks for, if `If-Range` still holds."""
        common = {
            "Accept-Ranges": "bytes",
            "ETag": self.etag,
            "Last-Modified": format_datetime(self.modified, usegmt=True),
        }
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        valid = headers.get("if-range", self.etag) in (self.etag, common["Last-Modified"])
        if not wanted or not valid:
            return Answer(200, self.data, "application/octet-stream", common)
        size, start = len(self.data), int(wanted[1])
        if start >= size:
            return Answer(416, b"", "text/plain", {**common, "Content-Range": f"bytes */{size}"})
        last = min(int(wanted[2] or size), size - 1)
        common["Content-Range"] = f"bytes {start}-{last}/{size}"
        return Answer(206, self.data[start : last + 1], "application/octet-stream", common)


@dataclass
class Upload:
    """One file on its way in. `size` is what was announced."""

    name: str
    size: int
    data: bytearray = field(default_factory=bytearray)

    @property
    def complete(self) -> bool:
        return len(self.data) == self.size

    def put(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Takes the bytes of one PUT, or says how many are there already.

        308 with `Range: bytes=0-k` asks for the rest; without `Range` nothing is there yet.
        """
        placed = re.fullmatch(r"bytes (\d+)-\d+/\d+", headers.get("content-range", ""))
        if not headers.get("content-range", "").startswith("bytes */"):
            start = int(placed[1]) if placed else 0
            if start > len(self.data):
                raise Refused(400, f"bytes from {start}, but only {len(self.data)} are here")
            self.data[start:] = body
        if self.complete:
            return Answer(200, b"{}")
        if len(self.data) > self.size:
            raise Refused(400, f"{len(self.data)} bytes, but {self.size} were announced")
        headers_out = {"Range": f"bytes=0-{len(self.data) - 1}"} if self.data else {}
        return Answer(308, b"", "text/plain", headers_out)


class BlobStore:
    """Every address that the fake hands out."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._blobs: dict[str, Blob] = {}
        self._uploads: dict[str, Upload] = {}

    def address(self, blob: Blob) -> str:
        """A signed address of the file; its path ends with the file's name."""
        token = f"b{next(self._numbers)}"
        self._blobs[token] = blob
        # dots and a leading slash would be tidied away by whoever reads the address
        name = "/".join(part for part in blob.name.split("/") if part not in ("", ".", ".."))
        return f"{HOST}/blob/{token}/{quote(name)}?{SIGNATURE}"

    def blob(self, path: str) -> Blob:
        """The file behind `/blob/<token>/<name>`."""
        found = self._blobs.get(path.split("/")[2])
        if found is None:
            raise Refused(404, f"no file at {unquote(path)}")
        return found

    def start_upload(self, name: str, size: int) -> dict[str, str]:
        """What a client is told that wants to send a file."""
        token = f"u{next(self._numbers)}"
        self._uploads[token] = Upload(name, size)
        return {"token": token, "createUrl": f"{HOST}/upload/{token}?{SIGNATURE}"}

    def upload(self, path: str) -> Upload:
        """The upload behind `/upload/<token>`."""
        found = self._uploads.get(path.split("/")[2])
        if found is None:
            raise Refused(404, "no such upload")
        return found

    def received(self, token: str) -> Upload:
        """The upload with this token, whole."""
        found = self._uploads.get(token)
        if found is None or not found.complete:
            raise Refused(400, "a file was not uploaded")
        return found


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """An archive of these files, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()
