#!/usr/bin/env python3
"""Begin a competition: fork a folder under another name, or enter a competition from its files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors
from common.errors import UsageError


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("name", help="of the new folder, such as my-digits; becomes lower case")
    parser.add_argument(
        "--from", dest="source", required=True, help="folder under competitions/ to begin with"
    )
    parser.add_argument("--slug", help="what Kaggle calls a competition that is new here")
    parser.add_argument("--data", type=Path, help="its train, test and sample files (with --slug)")
    parser.add_argument("--target", help="train's column with the answers (default: found)")
    args = parser.parse_args(argv)
    if args.slug is not None and args.data is None:
        raise UsageError(f"--slug {args.slug} needs --data: the folder with the host's files")
    for option in ("data", "target"):
        if getattr(args, option) is not None and args.slug is None:
            raise UsageError(f"--{option} needs --slug: what Kaggle calls the competition")
    return args


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.slug is None:
        from common.forking import fork

        fork(args.name, args.source)
    else:
        from common.entering import enter

        enter(args.name, args.source, args.slug, args.data, target=args.target or "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
