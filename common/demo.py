"""The main job from end to end, as the README's first command runs it: data to kernels."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

from common import judging, paths, registry
from common.fixtures import write_fixture
from common.kernels.build import BuildRequest
from common.kernels.rehearsal import RehearsalRequest, rehearse
from common.opening import Request
from common.run import train
from common.runfolder import RunFolder


def run_demo(competition: str, *, rung_pipeline: str, seed: int) -> RunFolder:
    """Trains a simple pipeline as a rung, then the default one, scores what was held out, and
    rehearses the default one's kernels offline.

    The held-out answers are opened by the judge alone; nothing is chosen by them.
    """
    started = time.perf_counter()
    folder = registry.find(competition)
    data = write_fixture(paths.fixture_dir(folder), registry.load_fixture(folder).write, seed=0)
    names = [f"demo-{rung_pipeline}-seed{seed}", f"demo-seed{seed}"]
    request = Request(competition=folder, data=data, seed=seed, overwrite=True, run=names[0])
    _say(f"1. A rung to pass: {rung_pipeline}")
    train(replace(request, pipeline=rung_pipeline))
    _say("2. The baseline")
    run = train(replace(request, run=names[1], beside=names[0]))
    _say("3. The judge opens the held-out answers")
    judging.score_files(folder, run / "submission.csv", data / "solution.csv", as_json=False)
    _say("4. Both kernels, built and rehearsed offline")
    if sys.platform == "linux":
        rehearse(RehearsalRequest(BuildRequest(folder)))
    else:
        print(f"not here: a rehearsal needs Linux, and this is {sys.platform}; WSL will do")
    seconds, report = time.perf_counter() - started, paths.shown(run / "report.html")
    print(f"\n{seconds:.0f} s, {_peak_gigabytes():.1f} GB at most; look at {report}")
    return run


def _say(title: str) -> None:
    print(f"\n{title}\n")


def _peak_gigabytes() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(one.ru_maxrss for one in used) / 1e6
