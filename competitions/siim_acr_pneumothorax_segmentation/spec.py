"""The facts of SIIM-ACR Pneumothorax Segmentation."""

from functools import partial

from common.metrics import mean_dice
from common.rle import RunLength
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    DatasetSource,
    HostFile,
    KernelSpec,
    Ladder,
    Rung,
    SubmissionFormat,
    TextColumn,
)

SIZE = (1024, 1024)  # height, width in pixels
MASKS = RunLength(relative=True, column_major=True, first_pixel=0, empty=("-1",))

SPEC = CompetitionSpec(
    slug="siim-acr-pneumothorax-segmentation",
    title="SIIM-ACR Pneumothorax Segmentation",
    kind="image segmentation",
    metric=mean_dice(MASKS, SIZE, both_empty=1.0),
    submission=SubmissionFormat(
        key_columns=("ImageId",),
        targets=(
            TextColumn(
                "EncodedPixels",
                fault=partial(MASKS.fault, shape=SIZE),
                form="-1, or pairs of a gap from the end of the run before and a length, down the "
                "columns and inside 1024×1024 pixels",
                merge=partial(MASKS.merge, shape=SIZE),
                faulty=partial(MASKS.faulty, shape=SIZE),
            ),
        ),
    ),
    files=(
        # one row per instance: several rows of one image are one mask
        HostFile("train", "stage_2_train.csv", key="ImageId", target="EncodedPixels"),
        HostFile("sample_submission", "stage_2_sample_submission.csv", rows=3_205, key="ImageId"),
    ),
    sources=(
        CompetitionSource("siim-acr-pneumothorax-segmentation"),
        # the pictures of stage 1, which the host no longer has; whoever shares them may stop
        DatasetSource("seesee/siim-train-test"),
    ),
    classes=("pneumothorax",),
    image_size=SIZE,
    value_range=(0, 255),
    id_pattern=r"ID_[0-9a-f]{9}",  # of stage 2; those of stage 1 are DICOM numbers with dots
    symmetries="left-right for training; the heart lies on one side, so it is no true symmetry",
    flips=("horizontal",),
    groups="pictures whose pixels are equal",
    licence="NIH ChestX-ray pictures with new labels; terms not checked, do not hand them on",
    ladder=Ladder(
        (
            Rung("all -1", 0.7740, "stage-2 private board; 17 teams have it"),
            Rung("most copied public kernel", 0.8249, "stage-2 private board; 22 teams have it"),
            Rung("median of the stage-2 teams", 0.827, "stage-2 private board"),
            Rung("bronze", 0.8317, "about; stage-2 private board, rank 147 of 1,475"),
            Rung("silver", 0.8460, "stage-2 private board, rank 73"),
            Rung("gold", 0.8612, "stage-2 private board, rank 12"),
            Rung("third place", 0.8651, "stage-2 private board"),
            Rung("second place", 0.8665, "stage-2 private board"),
            Rung("first place", 0.8679, "stage-2 private board"),
        )
    ),
    kernel=KernelSpec(short_name="siim-pneumothorax"),
)
