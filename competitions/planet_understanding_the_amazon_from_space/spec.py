"""The facts of Planet: Understanding the Amazon from Space."""

from common.doubts import no_tags, nothing_wrong, repeated_tags, unknown_tags
from common.metrics import mean_f2
from common.spec import (
    CompetitionSource,
    CompetitionSpec,
    HostFile,
    KernelSpec,
    Ladder,
    Rung,
    SubmissionFormat,
    TextColumn,
)

TAGS = (
    # exactly one of these four, the weather, on nearly every picture
    "clear",
    "partly_cloudy",
    "cloudy",
    "haze",
    # any number of these
    "agriculture",
    "artisinal_mine",  # spelt so
    "bare_ground",
    "blooming",
    "blow_down",
    "conventional_mine",
    "cultivation",
    "habitation",
    "primary",
    "road",
    "selective_logging",
    "slash_burn",
    "water",
)

SPEC = CompetitionSpec(
    slug="planet-understanding-the-amazon-from-space",
    title="Planet: Understanding the Amazon from Space",
    kind="image classification with several labels",
    metric=mean_f2,
    submission=SubmissionFormat(
        key_columns=("image_name",),
        targets=(TextColumn("tags", fault=nothing_wrong, form="tags with one blank between them"),),
        doubts=(unknown_tags("tags", TAGS), repeated_tags("tags"), no_tags("tags")),
    ),
    files=(
        HostFile("train", "train_v2.csv", rows=40_479, key="image_name", target="tags"),
        HostFile("sample_submission", "sample_submission_v2.csv", rows=61_191, key="image_name"),
        # only the TIFs are named wrongly
        HostFile("file_mapping", "test_v2_file_mapping.csv", features=("old", "new")),
    ),
    sources=(CompetitionSource("planet-understanding-the-amazon-from-space"),),
    classes=TAGS,
    image_size=(256, 256),  # height, width in pixels
    value_range=(0, 255),  # of the JPGs; the TIFs have 16 bits
    id_pattern=r"(test|file)_[0-9]+",  # without .jpg
    symmetries="all eight flips and turns: the pictures are taken from above",
    flips=("horizontal", "vertical", "turns"),
    groups="equal chips, or nearly so, by hash",
    licence="the competition's rules; do not hand the pictures on",
    ladder=Ladder(
        (
            Rung("VGG-16 baseline", 0.9015, "private board, public repository, rank 519"),
            Rung("bronze", 0.929, "about; private board, rank 100 of 938"),
            Rung("fastai lesson 3", 0.9296, "private board, about rank 80"),
            Rung("silver", 0.930, "rounded; private board, rank 50"),
            Rung("gold", 0.932, "about; interpolated, not checked"),
            Rung("first place", 0.933, "about; not checked"),
        )
    ),
    kernel=KernelSpec(short_name="planet-amazon"),
)
