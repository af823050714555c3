#!/usr/bin/env python3
"""The main job on real handwritten digits: train, validate, predict, score, report, kernels."""

from __future__ import annotations

import argparse
import sys

from common.cli import Parser, expected_errors, seed

COMPETITION = "digit-recognizer"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.demo import run_demo

    run_demo(COMPETITION, rung_pipeline="svc", seed=args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
