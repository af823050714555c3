"""Training: our loop over the parts of a fastai Learner."""

from common.train.history import History, read_rows
from common.train.interrupts import Stopped
from common.train.loop import Company, Validator, fit
from common.train.memory import Memory
from common.train.settings import Phase, TrainSettings
from common.train.stepping import Steps

__all__ = [
    "Company",
    "History",
    "Memory",
    "Phase",
    "Steps",
    "Stopped",
    "TrainSettings",
    "Validator",
    "fit",
    "read_rows",
]
