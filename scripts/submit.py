#!/usr/bin/env python3
"""Submit a run, a file or a kernel's version to its competition, and keep the score.

The file is checked first, and the slots left today are shown before one is spent.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--run", default="", help="name under runs/<competition>/, or a path")
    parser.add_argument("--file", type=Path, help="a submission without a run")
    parser.add_argument("--kernel", default="", help="owner/slug, for a code competition")
    parser.add_argument("--version", type=int, default=0, help="of the kernel")
    parser.add_argument("--message", default="", help="words to remember it by")
    parser.add_argument(
        "--sample", type=Path, help="the host's sample (default: the one under data/)"
    )
    parser.add_argument("--yes", action="store_true", help="spend a slot without asking")
    parser.add_argument("--again", action="store_true", help="submit what was submitted before")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the score")
    parser.add_argument(
        "--refresh", action="store_true", help="submit nothing; read the scores that are missing"
    )
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.kaggle import SubmitRequest, submit

    request = SubmitRequest(
        competition=args.competition,
        run=args.run,
        file=args.file,
        kernel=args.kernel,
        version=args.version,
        message=args.message,
        sample=args.sample,
        yes=args.yes,
        again=args.again,
        wait=not args.no_wait,
        refresh=args.refresh,
    )
    submit(request)
    return 0


if __name__ == "__main__":
    sys.exit(main())
