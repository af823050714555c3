"""The leak report: what could make the score at home better than the score on the host's board.

report        the checks together: the table of the folds, the lines, the files
sides         groups and ids on both sides of a split, rows from the future, ids in train and test
repeats       equal and nearly equal items across splits, and between train and test
adversarial   whether the rows of test can be told from those of train
sizes         the folds' rows and classes
findings      a leak, a warning or a note
"""

from common.leaks.adversarial import area
from common.leaks.findings import LEAK, NOTE, WARNING, Finding
from common.leaks.report import LeakReport, leak_report, save_report
from common.leaks.sides import Split, cheap_findings, splits_of

__all__ = [
    "LEAK",
    "NOTE",
    "WARNING",
    "Finding",
    "LeakReport",
    "Split",
    "area",
    "cheap_findings",
    "leak_report",
    "save_report",
    "splits_of",
]
