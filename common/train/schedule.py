"""Learning rate and momentum, step by step, as tables made before the first step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WARM_UP = 0.25  # share of the steps in which the rate rises
START = 1 / 25  # of the highest rate
END = 1e-5  # of the highest rate
MOMENTUM_HIGH = 0.95  # unless the settings say otherwise
MOMENTUM_DIP = 0.1  # by how much it is lower where the rate is highest


@dataclass(frozen=True)
class Schedule:
    """Rates and momenta, (n_steps,) each."""

    rates: np.ndarray
    momenta: np.ndarray


def make_schedule(
    kind: str, learning_rate: float, n_steps: int, momentum: float = MOMENTUM_HIGH
) -> Schedule:
    """The schedule of a kind over `n_steps` steps.

    "one_cycle": the rate rises along a cosine from START to its height and falls along a cosine
    to END; momentum goes the other way, from `momentum` to MOMENTUM_DIP below it and back.
    "constant": both stay.

    Source: Smith, "Super-Convergence", https://arxiv.org/abs/1708.07120
    """
    if kind == "constant":
        return Schedule(np.full(n_steps, learning_rate), np.full(n_steps, momentum))
    n_up = max(1, round(WARM_UP * n_steps))
    rates = _up_and_down(n_steps, n_up, START, 1.0, END) * learning_rate
    momenta = _up_and_down(n_steps, n_up, momentum, momentum - MOMENTUM_DIP, momentum)
    return Schedule(rates, momenta)


def _up_and_down(n_steps: int, n_up: int, start: float, height: float, end: float) -> np.ndarray:
    up = _cosine(start, height, n_up)
    down = _cosine(height, end, n_steps - n_up + 1)[1:]
    return np.concatenate([up, down])[:n_steps]


def _cosine(start: float, end: float, n: int) -> np.ndarray:
    share = np.linspace(0.0, 1.0, max(n, 1))
    return end + (start - end) * (1 + np.cos(np.pi * share)) / 2
