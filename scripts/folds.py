#!/usr/bin/env python3
"""Show a competition's folds, and what leaks through them, before anything is trained.

Looks for duplicates by file hash and perceptual hash (of pictures; of tables equal rows, of texts
equal words), for groups and ids on both sides of a split, for ids that train and test share, for
rows from the future, and whether train and test can be told apart. Prints the folds and a line for
each finding: a leak (the score cannot be believed), a warning (look at it) or a note (all is well).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors, seed

EXIT_CODES = "exit code: 0 without a leak, 1 where there is one, 2 for data that cannot be read"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--pipeline", default="", help="one of PIPELINES (default: the first)")
    parser.add_argument("--preset", default="baseline", help="named settings (default: baseline)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting"
    )
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="for folds.csv, leaks.json and folds.md (default: "
        "data/work/<competition>/folds/<pipeline>)",
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without bad files, and list them"
    )
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import paths, registry
    from common.leaks import LEAK, leak_report, save_report
    from common.opening import (
        Request,
        chosen_pipeline,
        context_for,
        data_called,
        fold_table,
        test_rows,
        train_items,
    )

    skipped = ["skip_unreadable=true"] * args.skip_unreadable
    request = Request(
        competition=args.competition,
        pipeline=args.pipeline,
        preset=args.preset,
        changes=(*args.set, *skipped),
        data=args.data,
        seed=args.seed,
    )
    folder = registry.find(request.competition)
    name, pipeline = chosen_pipeline(folder, request)
    context, _ = context_for(folder, name, pipeline, request)
    train = train_items(pipeline, context)
    test = test_rows(pipeline, context).items
    title = (
        f"{pipeline.spec.title}, pipeline {name}, preset {args.preset}, seed {args.seed}; data: "
        f"{data_called(context.root)}"
    )
    report = leak_report(pipeline, train, test, args.seed, title)
    for line in report.lines():
        print(line)
    out = args.out or paths.work_dir(folder) / "folds" / name
    save_report(report, fold_table(train, pipeline), out)
    print(f"report: {paths.shown(out)}: folds.md, folds.csv, leaks.json")
    return 1 if report.of(LEAK) else 0


if __name__ == "__main__":
    sys.exit(main())
