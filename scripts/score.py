#!/usr/bin/env python3
"""Score a submission at home, exactly as the competition would."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--submission", type=Path, required=True, help="the file to be scored")
    parser.add_argument(
        "--solution", type=Path, required=True, help="the true answers: a file or a folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.judging import score_files

    return score_files(args.competition, args.submission, args.solution, as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
