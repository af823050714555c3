#!/usr/bin/env python3
"""Check that scaled decoding and the cache of pictures, on by default, cost no accuracy."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--side", type=int, default=112, help="pixels a net sees (default: 112)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from benchmarks import accuracy
    from common.errors import UsageError

    if not 32 <= args.side <= 450:
        raise UsageError(f"--side {args.side}; expected 32 to 450, half the pictures' height")
    with tempfile.TemporaryDirectory() as work:
        return 0 if accuracy.check(Path(work), args.side) else 1


if __name__ == "__main__":
    sys.exit(main())
