#!/usr/bin/env python3
"""Look at every picture of a competition: list those that cannot be read, or may be misread."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    parser.add_argument(
        "--decode", action="store_true", help="also decode them, which finds damage in the middle"
    )
    parser.add_argument("--list", type=Path, metavar="FILE", help="write every finding as CSV")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common import files, paths, registry
    from common.data.images import check
    from common.errors import DataError

    folder = registry.find(args.competition)
    root = args.data or paths.data_dir(folder)
    if not root.is_dir():
        shown = paths.shown(root)
        how = "; ".join(one.how_to_get(shown) for one in registry.load_spec(folder).sources)
        found = "is no folder" if root.exists() else "does not exist"
        raise DataError(f"{shown} {found}; expected the host's files. To download: {how}")
    report = check.check_images(root, decoded=args.decode)
    for line in check.lines_of(report):
        print(line)
    if args.list:
        files.write_text(args.list, check.table_of(report))
    if faults := report.of(check.FAULT):
        raise DataError(
            f"{len(faults):,} of {report.n_files:,} pictures cannot be read; expected none. "
            "Download them again, or leave them out"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
