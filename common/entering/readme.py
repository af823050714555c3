"""The README of a competition that was entered from its files: what is known, and what is not."""

from __future__ import annotations

import math

from common.entering.host import Host
from common.entering.texts import NOT_KNOWN, answers_classes, kind, metric_name
from common.forking import first_commands, typed
from common.spec import HostFile, NumberColumn

SHOWN = 8  # names of a long list
SHARE = 0.3  # of what the sample submission lacks, that a smoke run has to gain on the fixture


def margin(host: Host) -> str:
    """What a smoke run should gain over the sample submission on the fixture, in the unit of the
    stand-in for the metric."""
    if answers_classes(host):
        return f"{SHARE:.2f}"
    n_columns, first = len(host.submission.targets), host.submission.targets[0]
    if isinstance(first, NumberColumn) and math.isfinite(first.high):
        # the error of one share for each class, or of 0.5
        error = 2 * (n_columns - 1) / n_columns**2 if n_columns > 1 else 0.5
    else:
        error = 0.8  # of 0 for a standard normal draw, the square root of 2 / π
    return f"{SHARE * error:.5f}"


def readme_text(host: Host, folder: str) -> str:
    """The whole README.md."""
    page = f"https://www.kaggle.com/competitions/{host.slug}"
    form = host.submission
    sample, commands = host.file("sample_submission"), "\n".join(first_commands(folder))
    folds = "Stratified by class, by the seed." if host.classes else "Shuffled by the seed."
    left_out = f"\n\nLeft out of the features: {_cells(host.left_out)}." if host.left_out else ""
    doubts = "".join(f"- {doubt}\n" for doubt in host.doubts)
    open_questions = f"\n\nWhat the files do not tell:\n\n{doubts.rstrip()}" if doubts else ""
    targets = "\n".join(
        f"- `{column.name}`: {column.expected()}" for column in form.targets[:SHOWN]
    )
    more = len(form.targets) - SHOWN
    return f"""# {host.title}

## Task

{kind(host).capitalize()}, as far as the files tell: <{page}>.
{NOT_KNOWN.capitalize()}: what the rows are, and what the answer is good for.

## Data

| file | rows | columns |
| --- | --- | --- |
{_file_row(host.file("train"))}
{_file_row(host.file("test"))}
| `{sample.name}` | {sample.rows:,} | {_cells([f"`{name}`" for name in form.header])} |

{_features_line(host)}{left_out}{open_questions}

## Metric

{NOT_KNOWN.capitalize()}: `{metric_name(host)}` in `spec.py` is a stand-in. The host's own stands on
the competition's page under Overview, Evaluation; before it is in `spec.py`, no score means much.

## Submission

{_cells([f"`{name}`" for name in form.header])}: one row per id, {sample.rows:,} rows. Ids match
`{host.naming.pattern}`.

{targets}{f"{chr(10)}- and {more} more" if more > 0 else ""}

## Folds

{folds} {NOT_KNOWN.capitalize()}: whether rows belong together (one patient,
one place, one day) or follow each other in time. If so, give a column `group` in `items()`, or
answer `splits()`.

## Baseline

{NOT_KNOWN.capitalize()}: no run on the host's data has been entered here.

Margin over the constant submission on the fixture: {margin(host)}

## Commands

```
{commands}
python scripts/train.py {typed(folder)}
```

The last one reads the host's files in `data/{folder}`
(`kaggle competitions download {host.slug} -p data/{folder}`, unzip there).

## What to try next

- Put the host's metric, its ladder and the symmetries into `spec.py`.
- Ask which rows belong together, and make the folds by it.
- Read the report of the first run: the rows that are most wrong, the classes that are confused.

## Sources

- The host's files: {_cells([f"`{file.name}`" for file in host.files])}.
- {NOT_KNOWN.capitalize()}: what the competition's page, its rules and its licence say.
"""


def _file_row(file: HostFile) -> str:
    named = [f"`{name}`" for name in (file.key, file.target) if name is not None]
    return f"| `{file.name}` | {file.rows:,} | {_cells([*named, _span(file.features)])} |"


def _span(names: tuple[str, ...]) -> str:
    if len(names) > 4:
        return f"`{names[0]}` … `{names[-1]}` ({len(names)} columns)"
    return _cells([f"`{name}`" for name in names]) if names else "no feature columns"


def _features_line(host: Host) -> str:
    if host.image_size:
        height, width = host.image_size
        shape = f"{height * width} feature columns, taken as pictures of {height}×{width}"
    elif host.file("train").features:
        shape = f"{len(host.file('train').features)} feature columns, taken as a table"
    else:
        shape = "No feature columns, so the data are somewhere else in the host's folder"
    if host.value_range:
        shape += f", whole numbers from {host.value_range[0]} to {host.value_range[1]}"
    return f"{shape}. Ids: {'row numbers from 1' if host.file('test').key is None else 'a column'}."


def _cells(names: list[str] | tuple[str, ...]) -> str:
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    shown = ", ".join(names[:SHOWN]) + more
    return shown.replace("|", "\\|").replace("\n", " ")
