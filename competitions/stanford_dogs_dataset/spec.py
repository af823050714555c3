"""The facts of the Stanford Dogs data set."""

from common.judges import TableJudge
from common.metrics import accuracy, mean_class_accuracy
from common.spec import (
    CompetitionSpec,
    DatasetSource,
    HostFile,
    KernelSpec,
    LabelColumn,
    Ladder,
    Rung,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="stanford-dogs-dataset",
    title="Stanford Dogs",
    kind="fine-grained image classification, 120 breeds",
    metric=accuracy,
    submission=SubmissionFormat(key_columns=("id",), targets=(LabelColumn("label"),)),
    # the copy on Kaggle has no split; the sample is our own convention, its rows are the split's
    files=(HostFile("sample_submission", "sample_submission.csv", key="id"),),
    sources=(DatasetSource("jessicali9530/stanford-dogs-dataset"),),
    id_pattern=r"n[0-9]{8}_[0-9]+",  # the picture's name without .jpg
    symmetries="mirroring left and right; not upside down",
    flips=("horizontal",),
    groups="pictures with the same bytes, by hash",
    licence="research use; the pictures are ImageNet's (not checked)",
    judge=TableJudge(beside=(mean_class_accuracy,)),
    # no board and no split that all share: the names say where a figure comes from
    ladder=Ladder(
        (
            Rung("constant, about", 0.01, "shares of the classes"),
            Rung("baselines of 2011, about", 0.2, "the official split; not checked"),
            Rung("MobileNetV2, 70/15/15", 0.80, "a public audit project"),
            Rung("ResNet-50, split unknown", 0.84, "a public study; split not checked"),
            Rung("transformer, split unknown", 0.91, "a public study; split not checked"),
        )
    ),
    kernel=KernelSpec(short_name="stanford-dogs"),
)
