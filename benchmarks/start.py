"""How soon the scripts answer: whole processes, in CPU seconds."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from benchmarks.runner import Case, Process
from common import paths

SMALL = 3_662  # as many as a middling competition's train set
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
    helps = Process((sys.executable, str(scripts / "train.py"), "--help"))
    return [Case("help", helps), _score(work, "score", SMALL), _score(work, "score_million", 10**6)]


def _score(work: Path, name: str, n_rows: int) -> Case:
    """`score` on two files of some length."""
    submission, solution = work / f"{name}_submission.csv", work / f"{name}_solution.csv"
    _write(submission, n_rows, seed=1, shuffled=n_rows == SMALL)
    _write(solution, n_rows, seed=2, shuffled=False)
    script = str(paths.repository() / "scripts" / "score.py")
    both = ("--submission", str(submission), "--solution", str(solution))
    peer = Process((sys.executable, "-c", PEER, str(submission), str(solution)))
    return Case(
        name,
        Process((sys.executable, script, "digit-recognizer", *both)),
        peers={"pandas + scikit-learn": peer},
    )


def _write(path: Path, n_rows: int, *, seed: int, shuffled: bool) -> None:
    """Labels of which most agree between seeds."""
    shared, own = random.Random(0), random.Random(seed)
    labels = [shared.randrange(10) for _ in range(n_rows)]
    rows = [(name, label if own.random() < 0.95 else 0) for name, label in enumerate(labels, 1)]
    if shuffled:
        own.shuffle(rows)
    lines = [f"{name},{label}" for name, label in rows]
    path.write_text("\n".join(["ImageId,Label", *lines, ""]), encoding="utf-8")
