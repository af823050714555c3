#!/usr/bin/env python3
"""Prove offline that a competition's kernels run on Kaggle: build, train, infer three times."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors

MODES = ("auto", "bubblewrap", "namespaces", "weak")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--data", type=Path, help="the host's files (default: the fixture)")
    parser.add_argument("--user", default="", help="on Kaggle (default: from its configuration)")
    parser.add_argument("--format", choices=("script", "notebook"), default="script")
    parser.add_argument("--pipeline", default="", help="one of PIPELINES (default: the first)")
    parser.add_argument(
        "--folds", action="append", default=[], metavar="0,1", help="as build_kernel.py has it"
    )
    parser.add_argument(
        "--run",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="infer alone, for this fetched or packed run; again for more fold groups",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one setting of the smoke preset, which train takes here",
    )
    parser.add_argument("--isolation", choices=MODES, default="auto", help="default: the strongest")
    parser.add_argument(
        "--working-gib", type=float, default=1.0, help="size of /kaggle/working (default: 1)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: kernels/<competition>)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.kernels.build import BuildRequest
    from common.kernels.folds import fold_groups
    from common.kernels.rehearsal import RehearsalRequest, rehearse

    build = BuildRequest(
        competition=args.competition,
        user=args.user,
        format=args.format,
        pipeline=args.pipeline,
        fold_groups=fold_groups(args.folds),
        runs=tuple(args.run),
        out=args.out,
    )
    rehearse(
        RehearsalRequest(
            build=build,
            data=args.data,
            changes=tuple(args.set),
            mode=args.isolation,
            working_gib=args.working_gib,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
