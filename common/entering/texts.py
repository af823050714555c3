"""The spec.py and fixture.py of a competition that was entered from its files."""

from __future__ import annotations

import math
import re

from common.entering.host import Host
from common.entering.layout import Code, call, literal, named, pattern, sequence, text
from common.spec import Column, HostFile, IntegerColumn, LabelColumn, TextColumn

NOT_KNOWN = "not known yet"
_ENDS_IN_NUMBER = re.compile(r"(.*?)(0|[1-9][0-9]*)")


# of common.metrics none takes several columns at once
_OVER_COLUMNS = '''
def mean_distance_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """A STAND-IN: the mean distance over all rows and columns."""
    return float(np.mean(np.abs(y_true - y_pred)))


mean_distance = Metric("mean distance", higher_is_better=False, score=mean_distance_score)

'''


def metric_name(host: Host) -> str:
    """The stand-in for the host's metric."""
    if answers_classes(host):
        return "accuracy"
    return "mean_absolute_error" if len(host.submission.targets) == 1 else "mean_distance"


def answers_classes(host: Host) -> bool:
    """True where the submission names a class in each row."""
    (first, *others) = host.submission.targets
    return bool(host.classes) and not others and isinstance(first, IntegerColumn | LabelColumn)


def kind(host: Host) -> str:
    """A few words for the kind of competition."""
    what = "classification" if host.classes else "regression"
    if not host.file("train").features:
        return what
    return f"image {what}" if host.image_size else f"table {what}"


def fits_the_source(host: Host) -> bool:
    """True where a pipeline that tells one class from a row of numbers can be left as it is."""
    return answers_classes(host) and bool(host.file("train").features)


def spec_text(host: Host) -> str:
    """The whole spec.py."""
    several = len(host.submission.targets) > 1
    metric = "Metric" if several else metric_name(host)
    used = {"CompetitionSource", "CompetitionSpec", "HostFile", "Ladder", "SubmissionFormat"}
    used |= {type(column).__name__ for column in host.submission.targets}
    body = "\n".join(_spec_lines(host))
    if "numbered(" in body:
        used.add("numbered")
    names = sorted(used, key=lambda name: (name.islower(), name))
    imports = f"from common.spec import {', '.join(names)}"
    if len(imports) > 100:
        spread = "".join(f"    {name},\n" for name in names)
        imports = f"from common.spec import (\n{spread})"
    return (
        f'"""The facts of the competition, as far as the host\'s files tell them."""\n\n'
        f"{'import numpy as np' + chr(10) * 2 if several else ''}"
        f"from common.metrics import {metric}\n{imports}\n\n"
        f"{_OVER_COLUMNS if several else ''}SPEC = CompetitionSpec(\n{body}\n)\n"
    )


def _spec_lines(host: Host) -> list[str]:
    form = host.submission
    submission = call(
        "SubmissionFormat",
        named("key_columns", literal(form.key_columns)),
        named("targets", sequence([_target(column) for column in form.targets])),
    )
    stand_in = "a STAND-IN until the host's metric is read from the competition's page"
    files = sequence([_file(file) for file in host.files])
    source = call("CompetitionSource", literal(host.slug))
    parts: list[tuple[str, str, Code]] = [
        ("", "slug", literal(host.slug)),
        ("", "title", literal(host.title)),
        ("", "kind", literal(kind(host))),
        (stand_in, "metric", Code(metric_name(host))),
        ("", "submission", submission),
        ("", "files", files),
        ("", "sources", sequence([source])),
        ("", "classes", literal(host.classes)),
        ("height, width in pixels", "image_size", literal(host.image_size)),
        ("lowest and highest value of a feature", "value_range", literal(host.value_range)),
        ("", "id_pattern", Code(pattern(host.naming.pattern))),
        ("which flips and turns leave the answer as it is", "symmetries", literal(NOT_KNOWN)),
        ("see the competition's rules", "licence", literal(NOT_KNOWN)),
        ("scores to compare with, from the board and from public work", "ladder", call("Ladder")),
    ]
    lines = []
    for comment, name, value in parts:
        if comment:
            lines.append(f"    # {comment}")
        lines += named(name, value).lines(1, ",")
    return lines


def _target(column: Column) -> Code:
    assert not isinstance(column, TextColumn), "no sample says how such a column is checked"
    if isinstance(column, LabelColumn):
        return call("LabelColumn", literal(column.name), named("classes", literal(column.classes)))
    ends: list[Code] = []
    if math.isfinite(column.low) and math.isfinite(column.high):
        ends = [named("low", literal(column.low)), named("high", literal(column.high))]
    return call(type(column).__name__, literal(column.name), *ends)


def _file(file: HostFile) -> Code:
    arguments = [literal(file.role), literal(file.name), named("rows", literal(file.rows))]
    if file.key is not None:
        arguments.append(named("key", literal(file.key)))
    if file.target is not None:
        arguments.append(named("target", literal(file.target)))
    if file.features:
        arguments.append(named("features", _features(file.features)))
    return call("HostFile", *arguments)


def _features(names: tuple[str, ...]) -> Code:
    """Column names: a running number in few words, anything else one by one."""
    found = _ENDS_IN_NUMBER.fullmatch(names[0])
    if found and len(names) > 2:
        prefix, first = found[1], int(found[2])
        if names == tuple(f"{prefix}{first + k}" for k in range(len(names))):
            if first == 0:
                return call("numbered", literal(prefix), literal(len(names)))
            shown = text(prefix + "{k}") if "{" not in prefix else ""
            if shown:
                last = first + len(names)
                return Code(f"tuple(f{shown} for k in range({first}, {last}))")
    return literal(names)


def fixture_text(host: Host, folder: str) -> str:
    """The whole fixture.py."""
    form = "" if host.naming.form == "{}" else f", id_form={text(host.naming.form)}"
    return f'''"""Synthetic data in the layout of the host's files: all that a first run needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.fixtures import table_fixture
from competitions.{folder}.spec import SPEC


def write(folder: Path, seed: int) -> dict[str, Any]:
    """Writes train, test and sample file, and the solution that goes with them."""
    return table_fixture(SPEC, folder, seed{form})
'''
