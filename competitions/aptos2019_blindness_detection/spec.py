"""The facts of APTOS 2019 Blindness Detection."""

from common.metrics import quadratic_weighted_kappa
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
    slug="aptos2019-blindness-detection",
    title="APTOS 2019 Blindness Detection",
    kind="image classification into ordered grades",
    metric=quadratic_weighted_kappa,
    submission=SubmissionFormat(
        key_columns=("id_code",),
        targets=(IntegerColumn("diagnosis", low=0, high=4),),
    ),
    files=(
        HostFile("train", "train.csv", rows=3_662, key="id_code", target="diagnosis"),
        HostFile("test", "test.csv", rows=1_928, key="id_code"),  # about 13,000 in the hidden run
        HostFile("sample_submission", "sample_submission.csv", rows=1_928, key="id_code"),
    ),
    sources=(CompetitionSource("aptos2019-blindness-detection"),),
    classes=(0, 1, 2, 3, 4),  # none, mild, moderate, severe, proliferative
    image_size=None,  # a few hundred to about 4,000 pixels a side
    value_range=(0, 255),
    id_pattern=r"[0-9a-f]{12}",  # text: some are all digits, some look like 12e45
    symmetries="all flips and turns by any angle: the retina is a disc",
    flips=("horizontal", "vertical", "turns"),
    groups="pictures that are equal or nearly so, by hash",
    licence="the competition's rules; not checked, do not hand the pictures on",
    ladder=Ladder(
        (
            Rung("sample submission, all 0", 0.0, "by the formula; private board"),
            Rung("median team", 0.8889, "private board"),
            Rung("public B5 kernel", 0.910, "about; private board, two groups of 128 teams"),
            Rung("bronze", 0.914492, "private board, rank 292"),
            Rung("silver", 0.919654, "private board, rank 146"),
            Rung("gold", 0.930508, "private board, rank 15"),
            Rung("first place", 0.936129, "private board"),
        )
    ),
    kernel=KernelSpec(short_name="aptos-2019"),
)
