"""The facts of CIFAR-10, Object Recognition in Images."""

from common.metrics import accuracy
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    HostFile,
    KernelSpec,
    LabelColumn,
    Ladder,
    Rung,
    SubmissionFormat,
)

LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

SPEC = CompetitionSpec(
    slug="cifar-10",
    title="CIFAR-10, Object Recognition in Images",
    kind="image classification",
    metric=accuracy,
    submission=SubmissionFormat(
        key_columns=("id",),
        targets=(LabelColumn("label", LABELS),),
    ),
    files=(
        HostFile("train", "trainLabels.csv", rows=50_000, key="id", target="label"),
        HostFile("sample_submission", "sampleSubmission.csv", rows=300_000, key="id"),
    ),
    sources=(CompetitionSource("cifar-10"),),
    classes=LABELS,
    image_size=(32, 32),  # height, width in pixels, colour
    id_pattern=r"[1-9][0-9]*",  # the number in the picture's name
    symmetries="left and right may be swapped; up and down not",
    flips=("horizontal",),
    licence="none stated; cite Krizhevsky's technical report of 2009",
    ladder=Ladder(
        (
            Rung("sample submission, one class", 0.10, "one of ten classes of one size"),
            Rung("top ten of 2014", 0.93, "above; interview with the winners"),
            Rung("fifth place", 0.9415, "the participant's blog"),
            Rung("first place", 0.9553, "the host's blog"),
        )
    ),
    kernel=KernelSpec(short_name="cifar-10"),
)
