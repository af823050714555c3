#!/usr/bin/env python3
"""Pack weights, wheels, code or a run as a data set for kernels, ready for Kaggle's command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "competition", nargs="?", default="", help="packs what its KernelSpec.weights names"
    )
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="NAME", help="such as timm/resnet18.a1_in1k"
    )
    parser.add_argument(
        "--wheels", nargs="+", default=[], metavar="PACKAGE==VERSION", help="for Kaggle's image"
    )
    parser.add_argument("--run", type=Path, help="a finished run folder, for infer to attach")
    parser.add_argument(
        "--code", action="store_true", help="the competition's code, too large for a kernel"
    )
    parser.add_argument(
        "--from", type=Path, dest="given", metavar="DIR", help="take files from here, fetch nothing"
    )
    parser.add_argument(
        "--name", default="", help="slug, or owner/slug (default: from the content)"
    )
    parser.add_argument("--user", default="", help="on Kaggle (default: from its configuration)")
    parser.add_argument("--out", type=Path, help="folder (default: datasets/<slug>)")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder")
    return parser.parse_args(argv)


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.kernels.packing import PackRequest, pack

    request = PackRequest(
        competition=args.competition,
        weights=tuple(args.weights),
        wheels=tuple(args.wheels),
        run=args.run,
        code=args.code,
        given=args.given,
        name=args.name,
        user=args.user,
        out=args.out,
        overwrite=args.overwrite,
    )
    pack(request)
    return 0


if __name__ == "__main__":
    sys.exit(main())
