"""The facts of Digit Recognizer."""

from common.metrics import accuracy
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    HostFile,
    IntegerColumn,
    KernelSpec,
    Ladder,
    Rung,
    SubmissionFormat,
    numbered,
)

SPEC = CompetitionSpec(
    slug="digit-recognizer",
    title="Digit Recognizer",
    kind="image classification",
    metric=accuracy,
    submission=SubmissionFormat(
        key_columns=("ImageId",),
        targets=(IntegerColumn("Label", low=0, high=9),),
    ),
    files=(
        HostFile(
            "train", "train.csv", rows=42_000, target="label", features=numbered("pixel", 784)
        ),
        HostFile("test", "test.csv", rows=28_000, features=numbered("pixel", 784)),
        HostFile("sample_submission", "sample_submission.csv", rows=28_000),
    ),
    sources=(CompetitionSource("digit-recognizer"),),
    classes=tuple(range(10)),
    image_size=(28, 28),  # height, width in pixels
    value_range=(0, 255),  # 0 is background, 255 full ink
    id_pattern=r"[1-9][0-9]*",  # the row number of test.csv, from 1
    symmetries="none: 2 and 5, 6 and 9 turn into each other when mirrored or turned round",
    flips=(),
    licence="MNIST, CC BY-SA 3.0 as the competition's page states it",
    ladder=Ladder(
        (
            Rung("sample submission, all 0", 0.10, "about; one of ten classes"),
            Rung("k-NN benchmark", 0.96557, "the host's benchmark"),
            Rung("random forest benchmark", 0.96829, "the host's benchmark"),
            Rung("decent CNN", 0.990, "public notebooks"),
            Rung("strong single CNN", 0.995, "public notebooks"),
            Rung("15 CNNs with augmentation", 0.9975, "public notebook"),
            Rung("highest that needs no leaked labels", 0.9979, "public notebooks"),
        )
    ),
    kernel=KernelSpec(short_name="digits"),
)
