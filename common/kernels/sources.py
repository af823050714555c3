"""What a kernel must have attached, from the spec: as the metadata name it and as it is found."""

from __future__ import annotations

from pathlib import PurePosixPath

from common.errors import UsageError
from common.kernels.config import SourceConfig
from common.spec import CompetitionSource, CompetitionSpec, DatasetSource, ExternalSource

OURS = "sample_submission"  # outside competitions this file is the kit's own


def data_sources(folder: str, spec: CompetitionSpec) -> tuple[SourceConfig, ...]:
    """The sources of the competition's data, in the spec's order.

    Raises: UsageError where data lie outside Kaggle and the spec names no data set for them.
    """
    found: list[SourceConfig] = []
    outside = {name for source in _outside(spec) for name in source.files}
    hosts = [file for file in spec.files if file.name not in outside]
    for source in spec.sources:
        if isinstance(source, CompetitionSource):
            markers = tuple(file.name for file in hosts)
            found.append(SourceConfig("competition", source.slug, markers))
        elif isinstance(source, DatasetSource):
            markers = tuple(file.name for file in hosts if file.role != OURS)
            found.append(SourceConfig("dataset", source.name, markers))
        elif not spec.kernel.data:
            raise UsageError(
                f"the data of {folder} lie outside Kaggle ({source.url}); expected the data set "
                "that holds them: upload them as one and name it in KernelSpec.data of "
                f"competitions/{folder}/spec.py"
            )
    if _outside(spec):
        plain = tuple(sorted(name for name in outside if _is_plain(name)))
        found.append(SourceConfig("dataset", spec.kernel.data, plain))
    return tuple(found)


def _outside(spec: CompetitionSpec) -> list[ExternalSource]:
    return [source for source in spec.sources if isinstance(source, ExternalSource)]


def _is_plain(name: str) -> bool:
    """True for a file that is mounted under its own name: no pattern, and no archive, which Kaggle
    unpacks."""
    return "*" not in name and PurePosixPath(name).suffix not in (".zip", ".tgz", ".gz", ".tar")


def owned(name: str, user: str) -> str:
    """A data set's or kernel's full name: the user's own where no owner is named."""
    return name if "/" in name else f"{user}/{name}"
