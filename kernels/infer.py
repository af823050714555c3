"""The infer kernel: reads the run that it was built for and writes submission.csv."""

from __future__ import annotations

from common import paths
from common.kernels.attached_runs import attached_runs
from common.kernels.config import KernelConfig
from common.kernels.data import data_root
from common.kernels.record import KERNEL_FILE, write_record
from common.kernels.rehearsed import Rehearsal
from common.merging import merge_runs
from common.run import predict
from common.runfolder import RunFolder


def run(config: KernelConfig, rehearsal: Rehearsal | None) -> None:
    """Predicts the test set with the attached run and writes working/submission.csv."""
    run_folder = _joined(attached_runs(config, rehearsal), config)
    print(f"run: {run_folder.shown}, {run_folder.identity()}")
    predict(
        config.competition,
        str(run_folder.path),
        data_root(config),
        paths.working_dir() / "submission.csv",
        device=rehearsal.device if rehearsal else "",
    )
    write_record(paths.working_dir() / KERNEL_FILE, config, rehearsal)


def _joined(runs: list[RunFolder], config: KernelConfig) -> RunFolder:
    """The one run, or the fold groups' runs joined into one."""
    if len(runs) == 1:
        return runs[0]
    joined = paths.home() / "merged-run"
    folders = [run.path for run in runs]
    return merge_runs(
        folders, joined, decision=config.decision, data=data_root(config), scored=False
    )
