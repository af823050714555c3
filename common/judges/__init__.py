"""Judges: what reads, checks and scores a submission of one form."""

from common.judges.base import Checked, Judge, Verdict
from common.judges.table import TableJudge

__all__ = ["Checked", "Judge", "TableJudge", "Verdict"]
