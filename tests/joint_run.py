"""The digits' net without batch norm and dropout, of which each process has its own: so that
several processes give what one gives. Otherwise this is scripts/train.py."""

from __future__ import annotations

import sys

from torch import nn

from common.pipeline import Context
from competitions.digit_recognizer import pipeline as digits
from scripts.train import main

NAME = "plain"


class PlainNet(digits.DigitNet):
    """One convolution and one hidden step."""

    def model(self, context: Context = digits.DEFAULT_CONTEXT) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(7),
            nn.Flatten(),
            nn.Linear(8 * 49, len(digits.SPEC.classes)),
        )


if __name__ == "__main__":
    digits.PIPELINES[NAME] = PlainNet()
    sys.exit(main())
