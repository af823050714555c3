"""The facts of Recursion Cellular Image Classification."""

from common.doubts import never_right
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
)

SPEC = CompetitionSpec(
    slug="recursion-cellular-image-classification",
    title="Recursion Cellular Image Classification",
    kind="image classification",
    metric=accuracy,
    submission=SubmissionFormat(
        key_columns=("id_code",),
        # 0 to 1107 are the treatments, 1108 to 1137 positive controls, 1138 the negative one
        targets=(IntegerColumn("sirna", low=0, high=1138),),
        doubts=(never_right("sirna", 1108, 1138, because="they are those of controls"),),
    ),
    files=(
        HostFile(
            "train",
            "train.csv",
            rows=36_515,
            key="id_code",
            target="sirna",
            features=("experiment", "plate", "well"),
        ),
        HostFile(
            "test",
            "test.csv",
            rows=19_897,
            key="id_code",
            features=("experiment", "plate", "well"),
        ),
        HostFile(
            "train_controls",
            "train_controls.csv",
            rows=4_097,
            key="id_code",
            target="sirna",
            features=("experiment", "plate", "well", "well_type"),
        ),
        HostFile(
            "test_controls",
            "test_controls.csv",
            rows=2_246,
            key="id_code",
            target="sirna",
            features=("experiment", "plate", "well", "well_type"),
        ),
        HostFile("sample_submission", "sample_submission.csv", rows=19_897, key="id_code"),
    ),
    sources=(CompetitionSource("recursion-cellular-image-classification"),),
    classes=tuple(range(1108)),
    image_size=(512, 512),  # height, width in pixels; six grey files make one image
    value_range=(0, 255),
    id_pattern=r"(HEPG2|HUVEC|RPE|U2OS)-[0-9]{2}_[1-4]_[B-O](0[2-9]|1[0-9]|2[0-3])",
    symmetries="all eight flips and turns: cells lie in any direction",
    flips=("horizontal", "vertical", "turns"),
    groups="experiment",
    licence="RxRx1, CC BY-NC-SA 4.0",
    ladder=Ladder(
        (
            Rung("constant guess", 0.0009, "one of 1,108 classes"),
            Rung("place 117", 0.718, "private board, write-up"),
            Rung("place 41", 0.959, "private board, write-up"),
            Rung("place 26", 0.97757, "private board, write-up"),
            Rung("place 16", 0.98871, "private board, write-up"),
            Rung("gold", 0.99, "about; private board, rank 11"),
            Rung("first place", 0.99763, "private board, the winner's post"),
        )
    ),
    kernel=KernelSpec(short_name="recursion-cells"),
)
