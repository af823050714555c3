#!/usr/bin/env python3
"""Write a PNG with train pictures as the model sees them, augmented, their targets drawn in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors, seed


def rows(text: str) -> int:
    """A number of rows from the command line."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 50):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows; expected 1 to 50")
    return int(text)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--pipeline", default="", help="one of PIPELINES (default: the first)")
    parser.add_argument("--preset", default="baseline", help="named settings (default: baseline)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting"
    )
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    parser.add_argument(
        "--policy", default="", help="a policy of common.augment (default: the pipeline's own)"
    )
    parser.add_argument("--rows", type=rows, default=4, help="rows of eight (default: 4)")
    parser.add_argument(
        "--out", type=Path, help="PNG to write (default: data/work/<competition>/batch.png)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import paths
    from common.batch_page import write_page
    from common.opening import Request

    request = Request(
        competition=args.competition,
        pipeline=args.pipeline,
        preset=args.preset,
        changes=tuple(args.set),
        data=args.data,
        seed=args.seed,
    )
    written = write_page(request, policy=args.policy, n_rows=args.rows, out=args.out)
    print(f"batch: {paths.shown(written)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
