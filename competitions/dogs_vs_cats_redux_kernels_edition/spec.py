"""The facts of Dogs vs. Cats Redux: Kernels Edition."""

from common.metrics import log_loss
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    HostFile,
    KernelSpec,
    Ladder,
    NumberColumn,
    Rung,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="dogs-vs-cats-redux-kernels-edition",
    title="Dogs vs. Cats Redux: Kernels Edition",
    kind="image classification with probabilities",
    metric=log_loss,
    submission=SubmissionFormat(
        key_columns=("id",),
        targets=(NumberColumn("label", low=0, high=1),),
    ),
    # the training pictures bear their label in their name; there is no table of them
    files=(HostFile("sample_submission", "sample_submission.csv", rows=12_500, key="id"),),
    sources=(CompetitionSource("dogs-vs-cats-redux-kernels-edition"),),
    classes=("cat", "dog"),  # 0 and 1
    image_size=None,  # from about 40 to 1,000 pixels a side, often 375×500; colour
    id_pattern=r"[1-9][0-9]*",  # the number in the picture's name
    symmetries="left and right may be swapped; up and down not",
    flips=("horizontal",),
    licence="Asirra pictures of Microsoft Research: non-commercial research, no re-publication",
    ladder=Ladder(
        (
            Rung("constant 0.5", 0.69315, "ln 2; 41 teams on the board"),
            Rung("median team", 0.122, "leaderboard file, rank 657"),
            Rung("top 25 %", 0.0903, "leaderboard file, rank 328"),
            Rung("top 10 %", 0.06127, "leaderboard file, rank 131"),
            Rung("top 5 %", 0.05038, "leaderboard file, rank 65"),
            Rung("rank 12", 0.03882, "leaderboard file"),
            Rung("third place", 0.03483, "leaderboard file"),
            Rung("second place", 0.03305, "leaderboard file"),
            Rung("first place", 0.03302, "leaderboard file"),
        )
    ),
    kernel=KernelSpec(short_name="dogs-vs-cats-redux"),
)
