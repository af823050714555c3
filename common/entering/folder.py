"""Enters a competition: a folder with what its files tell, and a list of what they do not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from common import paths
from common.entering.host import Host, read_host
from common.entering.readme import readme_text
from common.entering.texts import (
    answers_classes,
    fits_the_source,
    fixture_text,
    metric_name,
    spec_text,
)
from common.errors import UsageError
from common.forking import (
    Source,
    first_commands,
    new_folder,
    read_source,
    renamed,
    typed,
    write_folder,
)

Say = Callable[[str], None]

PIPELINE = "pipeline.py"
_SLUG = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_WRITTEN = {"spec.py", "fixture.py", "README.md"}


def enter(
    name: str, source_name: str, slug: str, data: Path, *, target: str = "", say: Say = print
) -> Path:
    """Writes a folder for a competition that nobody here has seen; gives its place.

    spec.py, fixture.py and README.md come from the host's files; the other modules are those of
    the source.

    Args:
        data: the host's train, test and sample files.
        target: the train column with the answers; "" to find it.

    Raises: UsageError for a name, slug or source that cannot be used, DataError for files that
    are missing, malformed or could mean two things; nothing is written then.
    """
    if not _SLUG.fullmatch(slug):
        raise UsageError(
            f"{slug!r} is no slug of Kaggle's; expected letters and digits with '-' between them, "
            "as in the address of the competition's page"
        )
    folder = new_folder(name)
    source = read_source(source_name)
    if PIPELINE not in source.texts:
        raise UsageError(
            f"competitions/{source.folder} has no {PIPELINE} to begin with; name another folder "
            "with --from"
        )
    host = read_host(slug, data, target)
    place = write_folder(folder, _texts(host, folder, source))
    for line in report(host, folder, source, data):
        say(line)
    return place


def _texts(host: Host, folder: str, source: Source) -> dict[str, str]:
    modules = {
        path: renamed(text, source, folder)
        for path, text in source.texts.items()
        if path.endswith(".py") and path not in _WRITTEN
    }
    return {
        **modules,
        "spec.py": spec_text(host),
        "fixture.py": fixture_text(host, folder),
        "README.md": readme_text(host, folder),
    }


# ---- what is printed ----------------------------------------------------------------------------


def report(host: Host, folder: str, source: Source, data: Path) -> list[str]:
    """What was read, what could not be known, what to edit, and what to run."""
    shown = paths.shown(paths.competitions_dir() / folder)
    host_files = f"--data {shlex.quote(paths.shown(data))}"
    sample = shlex.quote(paths.shown(data / host.file("sample_submission").name))
    commands = [
        *first_commands(folder),
        f"python scripts/train.py {typed(folder)} {host_files} --run first",
        f"python scripts/check_submission.py {typed(folder)} --submission runs/{folder}/first/"
        f"submission.csv --sample {sample}",
    ]
    sections = {
        f"{shown}: {host.title}, from {paths.shown(data)}": _read(host),
        f"not known, to be edited in {shown}/spec.py": _not_known(host),
        f"the answers in {shown}/{PIPELINE}, copied from {source.folder}": _to_edit(host),
        "next" if fits_the_source(host) else f"next, when {PIPELINE} is edited": commands,
    }
    lines = []
    for title, entries in sections.items():
        lines += [f"{title}:", *(f"  {entry}" for entry in entries)]
    return lines


def _read(host: Host) -> list[str]:
    lines = [f"{file.role}: {file.name}, {file.rows:,} rows" for file in host.files]
    key = host.file("test").key
    named = "the row number, from 1" if key is None else f"the column {key!r} of the test file"
    lines.append(f"key: {', '.join(host.submission.key_columns)} ({named})")
    column = host.file("train").target
    for target in host.submission.targets[:3]:
        answered = f", answered by {column!r} in train" if column else ""
        lines.append(f"target: {target.name}, {target.expected()}{answered}")
    if len(host.submission.targets) > 3:
        lines.append(f"  … {len(host.submission.targets)} targets in all")
    if host.classes:
        lines.append(f"classes: {_short([str(name) for name in host.classes])}")
    features = host.file("train").features
    shape = "{}×{} pictures".format(*host.image_size) if host.image_size else "a table"
    inside = "whole numbers of 0–255" if host.value_range else "any numbers"
    read = f"{len(features)} columns ({shape}, {inside})"
    lines.append(f"features: {read if features else 'none in the tables'}")
    if host.left_out:
        lines.append(f"left out of the features: {_short(host.left_out)}")
    return lines


def _not_known(host: Host) -> list[str]:
    return [
        f"metric: {metric_name(host)} is a stand-in (metric=)",
        "ladder: scores to compare with (ladder=)",
        "symmetries: which flips and turns leave the answer as it is (symmetries=)",
        "licence: what the host allows with the data (licence=)",
        "groups: whether rows belong together or follow each other in time (`group` in items() of "
        f"{PIPELINE}, or splits())",
        *host.doubts,
    ]


def _to_edit(host: Host) -> list[str]:
    lines = []
    if not host.file("train").features:
        lines.append("items(): the tables have no feature columns, so say where the data are")
    if not answers_classes(host):
        lines.append(
            "items(), model(), learner(), submission(): written for one class per row, where this "
            "host asks for numbers"
        )
    return [
        *lines,
        "items(): one row per sample, with the column `group` where rows belong together",
        "loaders(), model(), learner(): what the net sees, what it is, what it is trained on",
        "presets: `smoke` for the fixture, `baseline` for the host's data",
    ]


def _short(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (f", … ({len(names)} in all)" if len(names) > 10 else "")
