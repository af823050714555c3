#!/usr/bin/env python3
"""Check a submission against the sample file: what the competition would refuse, before it does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--submission", type=Path, required=True, help="the file to be checked")
    parser.add_argument(
        "--sample",
        type=Path,
        help="the host's sample submission (default: the one under data/<competition>)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.judging import check_files

    return check_files(args.competition, args.submission, args.sample, as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
