#!/usr/bin/env python3
"""Write a competition's fixture: its data in small, in the host's layout, without a download."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors, seed


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument(
        "--out", type=Path, help="folder to fill (default: data/fixtures/<competition>)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import paths, registry
    from common.fixtures import write_fixture

    folder = registry.find(args.competition)
    out = args.out or paths.fixture_dir(folder)
    write_fixture(out, registry.load_fixture(folder).write, args.seed)
    print(f"fixture: {paths.shown(out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
