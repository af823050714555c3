"""A fake Kaggle on a loopback port, to which the real `kaggle` command talks.

    pytest_plugins = ["tests.fake_kaggle.fixtures"]   # gives fake_kaggle and kaggle_cli

    def test_a_push(fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path) -> None:
        world = fake_kaggle.world
        world.add_competition("leaf-2", {"train.csv": b"id\\n1\\n"})
        world.next_run("ada/leaf-cnn", Run(output={"submission.csv": b"id,label\\n1,a\\n"}))
        fake_kaggle.fault("SaveKernel", status=429, retry_after=1, times=2)
        ended = kaggle_cli.run("kernels", "push", "-p", tmp_path)
        assert fake_kaggle.bodies("SaveKernel")[0]["newTitle"] == "Leaf CNN"

The parts:

- `FakeKaggle`: the server. `world` is what it knows; `fault(call, ...)` makes something go wrong
  (fields of `Fault`); `release()` ends the connections that hang; `calls()`, `bodies(call)` and
  `log(call)` show what was asked. A call is named `SaveKernel` (or in full,
  `kernels.KernelsApiService/SaveKernel`); a download `blob/<file name>`, an upload
  `upload/<file name>`, a log stream `logs/<owner>/<slug>`; `*` stands for anything.
- `World`: `add_competition`, `add_dataset`, `add_kernel`, `next_run`, and the fields of the
  account: `tokens`, `session_limits`, `gpu_quota`, `dataset_statuses`, `now`, ...
- `Run`, `Outcome`: how a pushed kernel runs, what becomes of a submission. Statuses come one
  after the other, one for each look; the last one stays.
- `KaggleCli`: `run(...)` starts the real console script with a time limit, `environment()` gives
  the variables of such a child, `enter(monkeypatch)` sets them in this process; `start(...)` is
  for tests that kill it in the middle.
- `kernel_folder`, `dataset_folder`: what the command pushes.

The account is `ada`. Kernels, datasets and competitions of others can be added to the world.
Rules that hold: a new kernel's title must give its slug, of 5 to 50 characters; sources of
1,000,000 bytes are refused; sources that the account may not use are dropped with a warning;
5 CPU and 2 GPU sessions at once; competition data and submissions need the rules to be accepted;
so many submissions a day; a dataset takes a new version only when the last one is ready, and
unpacks archives. Where the wording of a real refusal is not known, ours is made up: match on the
status, not on the words.
"""

from tests.fake_kaggle.blobs import SIGNATURE
from tests.fake_kaggle.cli import Finished, KaggleCli
from tests.fake_kaggle.fake import FakeKaggle
from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.folders import dataset_folder, kernel_folder
from tests.fake_kaggle.state import Competition, Dataset, Kernel, Outcome, Run, Version, World
from tests.fake_kaggle.wire import Request

__all__ = [
    "SIGNATURE",
    "Competition",
    "Dataset",
    "FakeKaggle",
    "Fault",
    "Finished",
    "KaggleCli",
    "Kernel",
    "Outcome",
    "Request",
    "Run",
    "Version",
    "World",
    "dataset_folder",
    "kernel_folder",
]
