"""The data of a competition as a kernel finds them: one folder, whatever is mounted where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import files, paths
from common.kernels.config import KernelConfig, SourceConfig


def data_root(config: KernelConfig) -> Path:
    """The folder of the host's files.

    One source is read where it is mounted. Several are laid over each other by links, below the
    kernel's home: what `data/<competition>` is at home. Of two files with one name the first
    source's counts.

    Raises: DataError, with what is mounted, where a source is missing.
    """
    places = [mount_of(source) for source in config.sources]
    if len(places) == 1:
        return places[0]
    joined = paths.data_dir(config.competition)
    files.make_folder(joined)
    _lay_over(joined, places)
    return joined


def mount_of(source: SourceConfig) -> Path:
    """Where a source is mounted."""
    find = paths.competition_input if source.kind == "competition" else paths.dataset_input
    return find(source.name, source.markers)


def _lay_over(target: Path, places: Sequence[Path]) -> None:
    """Links what the places hold into the target; a folder that several have is made and filled
    from each."""
    names = dict.fromkeys(path.name for place in places for path in sorted(place.iterdir()))
    for name in names:
        holders = [place / name for place in places if (place / name).exists()]
        if len(holders) > 1 and all(path.is_dir() for path in holders):
            files.make_folder(target / name)
            _lay_over(target / name, holders)
        elif not (target / name).exists():
            (target / name).symlink_to(holders[0])
