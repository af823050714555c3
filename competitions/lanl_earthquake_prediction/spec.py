"""The facts of LANL Earthquake Prediction."""

from common.metrics import mean_absolute_error
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
    slug="LANL-Earthquake-Prediction",
    title="LANL Earthquake Prediction",
    kind="regression on a long signal",
    metric=mean_absolute_error,
    submission=SubmissionFormat(
        key_columns=("seg_id",),
        targets=(NumberColumn("time_to_failure"),),  # seconds, at the segment's last row
    ),
    # the test segments are files of their own: test/<seg_id>.csv, 150,000 rows each
    files=(
        HostFile(
            "train",
            "train.csv",
            rows=629_145_480,
            target="time_to_failure",
            features=("acoustic_data",),
        ),
        HostFile("sample_submission", "sample_submission.csv", rows=2_624, key="seg_id"),
    ),
    sources=(CompetitionSource("LANL-Earthquake-Prediction"),),
    value_range=(-5515, 5444),  # of acoustic_data, int16; not checked
    id_pattern=r"seg_[0-9a-f]{6}",
    symmetries="none; the sign of the signal may be turned as augmentation",
    groups="quake cycle",
    licence="the competition's rules; not checked",
    ladder=Ladder(
        (
            Rung("sample submission, all 0", 6.32, "about; the mean of the private part"),
            Rung("best constant", 3.3, "about; from the lengths of the cycles"),
            Rung("rank 19, last of gold", 2.401, "write-up, private board"),
            Rung("one model of the 7th place", 2.348, "write-up, private board"),
            Rung("one model of the 3rd place", 2.33, "write-up, private board"),
            Rung("four features, boosted trees", 2.279, "first place's public code, private board"),
            Rung("first place", 2.265, "about; not checked"),
            Rung("blend of two small models", 2.2599, "first place's public code, private board"),
        )
    ),
    kernel=KernelSpec(short_name="lanl-earthquakes"),
)
