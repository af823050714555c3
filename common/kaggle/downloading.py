"""Brings a competition's data home: whole, checked, and in the host's layout."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, paths, registry
from common.errors import DataError, KaggleError, UsageError
from common.kaggle import archives, seven_zip, unpacking
from common.kaggle.archives import DamagedError
from common.kaggle.cli import Kaggle, Say, size_shown
from common.kaggle.faults import Kind
from common.kaggle.kernels import SAFE_NAME
from common.kaggle.listing import Listing, Remote, listing_of, remote_of
from common.kaggle.locks import claimed
from common.kaggle.patience import Patience
from common.spec import ExternalSource

_TRIES = 2  # of a download that comes cut although the command says that it is whole


@dataclass(frozen=True)
class DownloadRequest:
    """What `download` was asked for.

    Args:
        out: in place of data/<competition>.
        names: single files of the host; empty for all.
    """

    competition: str
    out: Path | None = None
    names: tuple[str, ...] = ()


def download(request: DownloadRequest, say: Say = print, patience: Patience | None = None) -> Path:
    """Downloads what a competition's spec names as its sources; gives the folder.

    What is there already is left. A second call goes on where the first one stopped. What lies
    outside Kaggle is told, and left to a person.

    Raises: KaggleError where Kaggle does not give it; DataError where it does not come whole, must
    not be trusted, or does not fit.
    """
    folder = registry.find(request.competition)
    spec = registry.load_spec(folder)
    target = (request.out or paths.data_dir(folder)).resolve()
    kaggle = Kaggle(say, patience)
    wanted = _checked(request.names)
    with claimed(kaggle, target, f"a download into {paths.shown(target)}"):
        for source in spec.sources:
            if isinstance(source, ExternalSource):
                say(f"by hand: {source.how_to_get(paths.shown(target))} ({source.licence})")
                continue
            one = _Download(kaggle, remote_of(source), target)
            if request.names:
                wanted = one.some(wanted)
            else:
                one.all()
    if wanted:
        raise UsageError(
            f"Kaggle has no file {wanted[0]!r} for {spec.slug}; `kaggle competitions "
            f"files {spec.slug}` lists them"
        )
    return target


@dataclass(frozen=True)
class _Download:
    """One source on its way into a folder. Beside that stands a hidden folder with what is on
    its way, and with state.json, which says what was brought."""

    kaggle: Kaggle
    remote: Remote
    target: Path

    @property
    def beside(self) -> Path:
        return self.target.with_name(f".{self.target.name}.download")

    @property
    def state_file(self) -> Path:
        return self.beside / f"{self.remote.name.replace('/', '-')}.json"

    @property
    def scratch(self) -> Path:
        return self.beside / "unpacking"

    # ---- all files -----------------------------------------------------------------------------

    def all(self) -> None:
        """Brings the whole source, or what of it is not done yet."""
        state = self._state()
        if state.get("done"):
            missing = Listing(state["files"], whole=True).differences(self.target)
            if not missing:
                self._say_done(len(state["files"]))
                return
            self.kaggle.say(f"{missing[0]}; downloading {self.remote.called} again")
        elif state:
            self._finish(state)
            return
        listing = listing_of(self.kaggle, self.remote)
        if listing.whole and listing.sizes and not listing.differences(self.target):
            files.write_json(self.state_file, {"files": listing.sizes, "done": True})
            self._say_done(len(listing.sizes))
            return
        self._check_room(listing)
        self._finish(self._brought(listing))

    def _brought(self, listing: Listing) -> dict[str, Any]:
        """Downloads the zip and puts its files into place; gives what state.json says then."""
        archive = self._whole_zip()
        self.kaggle.say(f"unpacking {archive.name}, {size_shown(archive.stat().st_size)}")
        try:
            names = unpacking.unpack_into(archive, self.target, self.scratch)
        except DamagedError:
            archive.unlink()  # whole by its directory and not by its checksums: fetch it anew
            raise
        for line in listing.differences(self.target):
            self.kaggle.say(f"warning: {line}; the zip itself is whole")
        sizes = {name: (self.target / name).stat().st_size for name in names}
        state = {"files": sizes, "done": False}
        files.write_json(self.state_file, state)
        archive.unlink()
        return state

    def _finish(self, state: dict[str, Any]) -> None:
        """Unpacks the archives among the files."""
        inner = [name for name in state["files"] if "/" not in name and unpacking.kind_of(name)]
        for name in inner:
            self.kaggle.say(f"unpacking {name}")
        unpacking.unpack_inner(self.target, inner, self.scratch)
        files.write_json(self.state_file, {**state, "done": True})
        self._say_done(len(state["files"]))

    def _whole_zip(self) -> Path:
        """The source's zip, with its directory: what is cut has none.

        The command takes a cut answer without Content-Length for a whole one, so its word is not
        enough.
        """
        archive = self.beside / self.remote.zip_name
        marker = archive.with_name(f"{archive.name}.kaggle-partial")
        for _ in range(_TRIES):
            if not archive.is_file() or marker.exists():
                self._fetch(self.beside)
            if not archive.is_file():
                raise KaggleError(
                    f"Kaggle gives {self.remote.called} in another form than a zip; name single "
                    "files with --file",
                    Kind.REFUSED,
                )
            try:
                archives.zip_entries(archive)
                return archive
            except DamagedError:
                archive.unlink()
                self.kaggle.say(f"{archive.name} came cut; downloading it again")
        raise KaggleError(
            f"{archive.name} came cut {_TRIES} times, or is a page and no zip; look at the "
            "connection, then run the same command again",
            Kind.GARBLED,
        )

    def _check_room(self, listing: Listing) -> None:
        """Raises DataError where the files cannot fit; what they need packed is not known."""
        files.make_folder(self.beside)
        free = shutil.disk_usage(self.beside).free
        if listing.total > free:
            raise DataError(
                f"{self.remote.called} has {size_shown(listing.total)} and more, and "
                f"{paths.shown(self.target)} has room for {size_shown(free)}; free some, or name "
                "another folder with --out"
            )
        if 2 * listing.total > free:
            self.kaggle.say("room is scarce: the zip and its files stand side by side for a time")
        packed = [name for name in listing.sizes if name.lower().endswith(".7z")]
        if packed and seven_zip.tool() is None:
            self.kaggle.say(f"warning: {seven_zip.missing_tool(self.target / packed[0])}")

    # ---- single files --------------------------------------------------------------------------

    def some(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Brings single files; gives the names that the source does not have."""
        listing = listing_of(self.kaggle, self.remote)
        for name in names:
            if not listing.lacks(name):
                self._one(name, listing.sizes.get(name) or None)
        return tuple(name for name in names if listing.lacks(name))

    def _one(self, name: str, size: int | None) -> None:
        """Brings one file, of `size` bytes where that is known."""
        place = self.target / name
        if not Listing({name: size or 0}, whole=True).differences(self.target):
            self.kaggle.say(f"{paths.shown(place)} is here")
            return
        folder = self.beside / "file"
        for _ in range(_TRIES):
            self._fetch(folder, "-f", name)
            found = next(path for path in folder.iterdir() if path.suffix != ".kaggle-partial")
            if found.name == f"{place.name}.zip":  # Kaggle packs large tables
                unpacking.unpack_into(found, place.parent, self.scratch)
            elif size is None or found.stat().st_size == size:
                files.make_folder(place.parent)
                found.replace(place)
            found.unlink(missing_ok=True)
            if place.is_file() and size in (None, place.stat().st_size):
                unpacking.unpack_inner(place.parent, [place.name], self.scratch)
                self.kaggle.say(f"{paths.shown(place)}")
                return
            self.kaggle.say(f"{name} came cut; downloading it again")
        raise KaggleError(
            f"{name} of {self.remote.called} came cut {_TRIES} times; look at the connection, then "
            "run the same command again",
            Kind.GARBLED,
        )

    # ---- both ----------------------------------------------------------------------------------

    def _fetch(self, folder: Path, *more: str) -> None:
        """One download by the command, which goes on where it was cut."""
        files.make_folder(folder)
        self.kaggle.say(f"downloading {self.remote.called}{' '.join(('', *more[1:]))}")
        self.kaggle.read(
            *(self.remote.group, "download", self.remote.name, "-p", str(folder), "-q", *more),
            subject=self.remote.called,
            competition=self.remote.competition,
            watch=folder,
        )

    def _state(self) -> dict[str, Any]:
        if not self.state_file.is_file():
            return {}
        state = files.read_json(self.state_file)
        return state if isinstance(state, dict) and isinstance(state.get("files"), dict) else {}

    def _say_done(self, n_files: int) -> None:
        shown = paths.shown(self.target)
        self.kaggle.say(f"{shown}: {self.remote.called} is here, {n_files:,} files")


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    """Raises UsageError for a name that would leave the folder."""
    for name in names:
        if not re.search(SAFE_NAME, name):
            raise UsageError(f"{name!r} is no file of a host; expected a name such as train.csv")
    return names
