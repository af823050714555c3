"""The facts of Open Images 2019, object detection."""

from common.judges import BoxesJudge
from common.judges.boxes import FORM, boxes_fault
from common.metrics import open_images_map
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    ExternalSource,
    HostFile,
    KernelSpec,
    Ladder,
    Rung,
    SubmissionFormat,
    TextColumn,
)

SPEC = CompetitionSpec(
    slug="open-images-2019-object-detection",
    title="Open Images 2019 - Object Detection",
    kind="object detection, 500 classes in a hierarchy",
    metric=open_images_map,
    submission=SubmissionFormat(
        key_columns=("ImageId",),
        targets=(TextColumn("PredictionString", fault=boxes_fault, form=FORM),),
    ),
    files=(
        HostFile(
            "train",
            "challenge-2019-train-detection-bbox.csv",
            rows=12_195_144,
            key="ImageID",
            target="LabelName",
            features=("XMin", "XMax", "YMin", "YMax", "IsGroupOf"),
        ),
        HostFile(
            "train_labels",
            "challenge-2019-train-detection-human-imagelabels.csv",
            key="ImageID",
            target="LabelName",
            features=("Confidence",),
        ),
        HostFile(
            "validation",
            "challenge-2019-validation-detection-bbox.csv",
            key="ImageID",
            target="LabelName",
            features=("XMin", "XMax", "YMin", "YMax", "IsGroupOf"),
        ),
        HostFile(
            "validation_labels",
            "challenge-2019-validation-detection-human-imagelabels.csv",
            key="ImageID",
            target="LabelName",
            features=("Confidence",),
        ),
        HostFile("sample_submission", "sample_submission.csv", rows=99_999, key="ImageId"),
    ),
    sources=(
        CompetitionSource("open-images-2019-object-detection"),
        ExternalSource(
            "https://storage.googleapis.com/openimages/web/challenge2019.html",
            (
                "challenge-2019-classes-description-500.csv",
                "challenge-2019-label500-hierarchy.json",
                "challenge-2019-train-detection-bbox.csv",
                "challenge-2019-train-detection-human-imagelabels.csv",
                "challenge-2019-validation-detection-bbox.csv",
                "challenge-2019-validation-detection-human-imagelabels.csv",
            ),
            "annotations CC BY 4.0, images CC BY 2.0 (not checked)",
        ),
    ),
    id_pattern=r"[0-9a-f]{16}",
    symmetries="mirroring left to right, with the boxes; the other turns make odd photographs",
    flips=("horizontal",),
    groups="ImageID",
    licence="images CC BY 2.0, annotations CC BY 4.0 (not checked); no training on test images",
    ladder=Ladder(
        (
            Rung("no boxes at all", 0.0, "follows from the metric"),
            Rung("RetinaNet R101 per level, 129th of 559", 0.3985, "competitor's README, private"),
            Rung("one FPN X152 of the 6th place", 0.5637, "write-up, private"),
            Rung("6th place", 0.6023, "write-up, private"),
            Rung("3rd place", 0.6421, "abstract of the paper, private"),
        )
    ),
    judge=BoxesJudge(),
    kernel=KernelSpec(short_name="open-images-2019-detection", data="open-images-2019-boxes"),
)
