"""The facts of the Oxford-IIIT Pet data set."""

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
    slug="the-oxfordiiit-pet-dataset",
    title="Oxford-IIIT Pet",
    kind="fine-grained image classification, 37 breeds",
    metric=accuracy,
    submission=SubmissionFormat(key_columns=("id",), targets=(LabelColumn("label"),)),
    # the split files are lists without a header; the sample is our own convention
    files=(HostFile("sample_submission", "sample_submission.csv", rows=3_669, key="id"),),
    sources=(DatasetSource("tanlikesmath/the-oxfordiiit-pet-dataset"),),
    id_pattern=r".+_[0-9]+",  # the picture's name without .jpg; breeds hold underscores
    symmetries="mirroring left and right; not upside down",
    flips=("horizontal",),
    licence="CC BY-SA 4.0",
    judge=TableJudge(beside=(mean_class_accuracy,)),
    # the official split only; random splits of all pictures are easier and are in the README
    ladder=Ladder(
        (
            Rung("most frequent class", 0.027, "about; one of 37 classes"),
            Rung("best automatic method of 2012", 0.5921, "the data set's paper"),
            Rung("fine-tuned ResNet-50, long schedule", 0.92, "about; not checked"),
            Rung("large pretrained transformer", 0.95, "about; not checked"),
        )
    ),
    kernel=KernelSpec(short_name="oxford-pets"),
)
