#!/usr/bin/env python3
"""Join the runs of fold groups into one run: all models, one decision, scores and a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="name under runs/<competition>/, or a path"
    )
    parser.add_argument("--out", required=True, metavar="NAME", help="of the joined run, likewise")
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import registry
    from common.errors import RunError
    from common.merging import merge_runs
    from common.opening import run_path
    from common.runfolder import RunFolder

    folder = registry.find(args.competition)
    runs = [RunFolder(run_path(folder, name)) for name in args.runs]
    for run in runs:
        found = run.open_finished()["competition"]
        if found != folder:
            raise RunError(f"{run.shown} is a run of {found}; expected {folder}")
    merge_runs([run.path for run in runs], run_path(folder, args.out), data=args.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
