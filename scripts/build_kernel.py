#!/usr/bin/env python3
"""Build a competition's kernels: folders that `kaggle kernels push -p` takes as they are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors, hours, seed


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--role", choices=("train", "infer", "both"), default="both")
    parser.add_argument("--user", default="", help="on Kaggle (default: from its configuration)")
    parser.add_argument("--format", choices=("script", "notebook"), default="script")
    parser.add_argument("--pipeline", default="", help="one of PIPELINES (default: the first)")
    parser.add_argument("--preset", default="baseline", help="named settings (default: baseline)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting"
    )
    parser.add_argument(
        "--folds",
        action="append",
        default=[],
        metavar="0,1",
        help="a train kernel for these folds; again for another (default: one kernel for all)",
    )
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        type=Path,
        help="build infer for this run, or packed run; again for another fold group",
    )
    parser.add_argument(
        "--resume", action="store_true", help="train goes on from its own last output on Kaggle"
    )
    parser.add_argument(
        "--hours", type=hours, help="of train's session (default: the spec's, mostly 11.5)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: kernels/<competition>)")
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import paths
    from common.kernels.build import BuildRequest, build
    from common.kernels.folds import fold_groups

    request = BuildRequest(
        competition=args.competition,
        roles=("train", "infer") if args.role == "both" else (args.role,),
        user=args.user,
        format=args.format,
        pipeline=args.pipeline,
        preset=args.preset,
        changes=tuple(args.set),
        fold_groups=fold_groups(args.folds),
        runs=tuple(args.run),
        out=args.out,
        seed=args.seed,
        hours=args.hours,
        resume=args.resume,
    )
    for built in build(request):
        print(f"{paths.shown(built.folder)}: {built.metadata['id']}, {built.size:,} bytes")
        if built.own_datasets:
            print(f"  needs your data set {', '.join(built.own_datasets)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
