"""How soon the scripts answer: whole processes, in CPU seconds."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from benchmarks.runner import Case, Process
from common import paths

N_ROWS = 3_662  # as many as a middling competition's train set
PEER = """
import sys
import pandas as pd
from sklearn.metrics import accuracy_score
submission, solution = (pd.read_csv(path) for path in sys.argv[1:])
both = solution.merge(submission, on="ImageId", suffixes=("_true", "_pred"), validate="1:1")
print("score:", accuracy_score(both["Label_true"], both["Label_pred"]))
"""


def cases(work: Path) -> list[Case]:
    """`--help` of a script, and `score` on a small file beside pandas and scikit-learn."""
    scripts = paths.repository() / "scripts"
    submission, solution = work / "submission.csv", work / "solution.csv"
    _write(submission, seed=1)
    _write(solution, seed=2)
    python = sys.executable
    score = [python, str(scripts / "score.py"), "digit-recognizer"]
    return [
        Case("help", Process((python, str(scripts / "train.py"), "--help"))),
        Case(
            "score",
            Process((*score, "--submission", str(submission), "--solution", str(solution))),
            peers={
                "pandas + scikit-learn": Process(
                    (python, "-c", PEER, str(submission), str(solution))
                )
            },
        ),
    ]


def _write(path: Path, seed: int) -> None:
    """Labels of which most agree between seeds; the rows in another order each time."""
    shared, own = random.Random(0), random.Random(seed)
    labels = [shared.randrange(10) for _ in range(N_ROWS)]
    rows = [(name, label if own.random() < 0.95 else 0) for name, label in enumerate(labels, 1)]
    own.shuffle(rows)
    lines = [f"{name},{label}" for name, label in rows]
    path.write_text("\n".join(["ImageId,Label", *lines, ""]), encoding="utf-8")
