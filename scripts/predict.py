#!/usr/bin/env python3
"""Predict the test set with a run's saved models and write the submission."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--run", required=True, help="name under runs/<competition>/, or a path")
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    parser.add_argument("--out", type=Path, help="the file (default: submission.csv in the run)")
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="answer bad files from black pictures, and list them",
    )
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.run import predict

    predict(args.competition, args.run, args.data, args.out, skip_unreadable=args.skip_unreadable)
    return 0


if __name__ == "__main__":
    sys.exit(main())
