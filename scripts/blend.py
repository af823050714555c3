#!/usr/bin/env python3
"""Blend finished runs into a new run: predictions, decision, scores, submission and report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="name under runs/<competition>/, or a path"
    )
    parser.add_argument(
        "--method",
        choices=("mean", "rank", "weights"),
        default="mean",
        help="mean, mean of ranks, or weights fitted across folds (default: mean)",
    )
    parser.add_argument(
        "--weights", type=_weights, default=(), help="of a mean, one per run, such as 0.6,0.4"
    )
    parser.add_argument("--run", default="", help="name of the blend (default: blend-<method>)")
    parser.add_argument("--data", type=Path, help="the host's files, where they are needed")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    return parser.parse_args(argv)


def _weights(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are no weights; expected 0.6,0.4") from None


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.blending import BlendRequest, blend

    blend(
        BlendRequest(
            competition=args.competition,
            runs=tuple(args.runs),
            method=args.method,
            weights=args.weights,
            run=args.run,
            data=args.data,
            overwrite=args.overwrite,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
