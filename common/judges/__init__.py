"""Judges: what reads, checks and scores a submission of one form."""

from common.judges.base import Breakdown, Checked, Judge, Verdict
from common.judges.boxes import BoxesJudge
from common.judges.folders import LabelFolderJudge
from common.judges.relationships import RelationshipsJudge
from common.judges.segments import SegmentsJudge
from common.judges.table import TableJudge

__all__ = [
    "BoxesJudge",
    "Breakdown",
    "Checked",
    "Judge",
    "LabelFolderJudge",
    "RelationshipsJudge",
    "SegmentsJudge",
    "TableJudge",
    "Verdict",
]
