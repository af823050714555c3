#!/usr/bin/env python3
"""List the runs, best first: CV with its interval, public and private score, minutes, commit."""

from __future__ import annotations

import argparse
import json
import sys

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "competition", nargs="?", default="", help="folder, or slug (default: all with runs)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from dataclasses import asdict

    from common import registry
    from common.standings import competitions, entries_of, listing

    folders = [registry.find(args.competition)] if args.competition else competitions()
    found = [entry for folder in folders for entry in entries_of(folder)]
    if args.json:
        print(json.dumps([asdict(entry) for entry in found], indent=2))
    elif found:
        print("\n".join(listing(found)))
    else:
        print("there are no runs yet; scripts/train.py makes one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
