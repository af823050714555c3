"""Runs a command as a kernel session would: alone with its inputs, capped, without a network."""

from common.kernels.isolation.running import MODES, run
from common.kernels.isolation.session import Outcome, Session, interpreter_paths

__all__ = ["MODES", "Outcome", "Session", "interpreter_paths", "run"]
