#!/usr/bin/env python3
"""Download a competition's data from Kaggle, check it, and unpack it in the host's layout.

The same command again goes on where it stopped; what is there already is left.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--out", type=Path, help="folder (default: data/<competition>)")
    parser.add_argument(
        "--file", action="append", default=[], help="one of the host's files; again for another"
    )
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.kaggle import DownloadRequest, download

    download(DownloadRequest(args.competition, args.out, tuple(args.file)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
