#!/usr/bin/env python3
"""Train a competition's pipeline fold by fold, score it out of fold, and write the submission."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser, expected_errors, hours, seconds, seed


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("competition", help="folder under competitions/, or its slug")
    parser.add_argument("--pipeline", default="", help="one of PIPELINES (default: the first)")
    parser.add_argument("--preset", default="baseline", help="named settings (default: baseline)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting"
    )
    parser.add_argument("--fold", default="", help="such as 0,1; all: one model on every row")
    parser.add_argument("--data", type=Path, help="the host's files (default: data/<competition>)")
    parser.add_argument("--run", default="", help="name under runs/<competition>/, or a path")
    parser.add_argument("--beside", default="", help="a run on the same folds to compare with")
    parser.add_argument(
        "--devices", default="", help="such as cuda:0,cuda:1; all: folds beside each other"
    )
    parser.add_argument("--track", default="", help="tensorboard, wandb or trackio")
    parser.add_argument("--hours", type=hours, help="end in time: scores and submission included")
    parser.add_argument("--seed", type=seed, default=0, help="of every draw (default: 0)")
    parser.add_argument(
        "--checkpoint-seconds",
        type=seconds,
        help="between two (default: 60, or more where one is slow to write)",
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without bad files, and list them"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="decode every picture in every epoch"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--overwrite", action="store_true", help="replace the run folder")
    again.add_argument("--resume", action="store_true", help="go on where the run was cut short")
    return parser.parse_args(argv)


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


@expected_errors
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from common.opening import Request
    from common.run import train

    request = Request(
        competition=args.competition,
        pipeline=args.pipeline,
        preset=args.preset,
        changes=(
            *args.set,
            *["skip_unreadable=true"] * args.skip_unreadable,
            *["cache=false"] * args.no_cache,
        ),
        folds=listed(args.fold),
        devices=listed(args.devices),
        data=args.data,
        run=args.run,
        beside=args.beside,
        seed=args.seed,
        overwrite=args.overwrite,
        resume=args.resume,
        hours=args.hours,
        track=args.track,
        checkpoint_every=args.checkpoint_seconds,
    )
    train(request)
    return 0


if __name__ == "__main__":
    sys.exit(main())
