"""The facts of the Biwi Kinect head pose data, as the fast.ai course has them."""

from common.doubts import AllWithin, AnyAbove
from common.judges import TableJudge
from common.metrics import mean_point_distance, median_point_distance, share_within_10
from common.spec import (
    CompetitionSpec,
    ExternalSource,
    HostFile,
    KernelSpec,
    NumberColumn,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="biwi",
    title="Biwi head pose",
    kind="key point regression, one point per picture",
    metric=mean_point_distance,
    submission=SubmissionFormat(
        key_columns=("Id",),
        targets=(NumberColumn("x"), NumberColumn("y")),
        doubts=(
            AllWithin(("x", "y"), 1.0, "values scaled to -1..1? expected pixels of 640×480"),
            AnyAbove("y", 480.0, "x and y swapped? the frame is 480 pixels high"),
        ),
    ),
    # pictures and text files per person; the sample is our own convention: the frames of folder 13
    files=(HostFile("sample_submission", "sample_submission.csv", key="Id"),),
    sources=(
        ExternalSource(
            "https://s3.amazonaws.com/fast-ai-imagelocal/",
            ("biwi_head_pose.tgz",),
            "non-commercial use such as university research and education",
        ),
    ),
    image_size=(480, 640),  # height, width in pixels
    id_pattern=r"[0-9]{2}/frame_[0-9]{5}",  # folder and the frame's name without _rgb
    symmetries="mirroring left and right moves the point: x becomes 640 - x; not upside down",
    flips=("horizontal",),
    groups="person, who may have two folders",
    licence="non-commercial use such as university research and education",
    judge=TableJudge(beside=(median_point_distance, share_within_10)),
    # no ladder: the published figures are squared errors of scaled coordinates
    kernel=KernelSpec(short_name="biwi-head-pose", data="biwi-head-pose"),
)
