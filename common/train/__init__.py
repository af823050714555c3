"""Training: our loop over the parts of a fastai Learner."""

from common.train.history import History, read_rows
from common.train.loop import Steps, Validator, fit
from common.train.settings import TrainSettings

__all__ = ["History", "Steps", "TrainSettings", "Validator", "fit", "read_rows"]
