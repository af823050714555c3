#!/usr/bin/env python3
"""Push a built kernel to Kaggle, wait for its end, and fetch what it wrote.

The same command again goes on where it stopped and does not push twice.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--role", choices=("train", "infer"), default="train")
    parser.add_argument(
        "--folder", type=Path, help="a built kernel (default: kernels/<competition>/<role>)"
    )
    parser.add_argument(
        "--run", default="", help="name under runs/<competition>/, or a path, for what is fetched"
    )
    parser.add_argument("--no-wait", action="store_true", help="push only")
    parser.add_argument(
        "--again", action="store_true", help="push this build even where Kaggle holds it already"
    )
    parser.add_argument(
        "--timeout", type=_hours, default=13.0, metavar="HOURS", help="to wait (default: 13)"
    )
    return parser.parse_args(argv)


def _hours(text: str) -> float:
    """A time to wait, from the command line."""
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 < hours < 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected hours above 0")
    return hours


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.kaggle import PushRequest, push

    request = PushRequest(
        competition=args.competition,
        role=args.role,
        folder=args.folder,
        run=args.run,
        wait=not args.no_wait,
        again=args.again,
        hours=args.timeout,
    )
    push(request)
    return 0


if __name__ == "__main__":
    sys.exit(main())
