#!/usr/bin/env python3
"""Measure the kit against its peers in one run, and check the goals of bench_goals.toml."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors

GOALS = Path(__file__).with_name("bench_goals.toml")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("area", nargs="*", help="areas to run (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="repeats per case (default: 7)")
    parser.add_argument("--quick", action="store_true", help="3 repeats; ratios only, no clocks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one JSON line per case")
    parser.add_argument("--check", action="store_true", help="exit 1 where a goal is missed")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from benchmarks.runner import run_areas

    rounds = 3 if args.quick else max(1, args.rounds)
    missed = run_areas(args.area, GOALS, rounds, clocks=not args.quick, json_file=args.json)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
