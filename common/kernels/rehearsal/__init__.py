"""Rehearsals: the built kernels run offline as they will on Kaggle, before anything is pushed."""

from common.kernels.rehearsal.rehearse import RehearsalRequest, rehearse

__all__ = ["RehearsalRequest", "rehearse"]
