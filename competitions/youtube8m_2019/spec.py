"""The facts of The 3rd YouTube-8M Video Understanding Challenge."""

from common.judges import SegmentsJudge
from common.judges.segments import segments_fault
from common.metrics import segments_map
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
    slug="youtube8m-2019",
    title="The 3rd YouTube-8M Video Understanding Challenge",
    kind="video segment retrieval on frame features",
    metric=segments_map,
    submission=SubmissionFormat(
        key_columns=("Class",),
        targets=(
            TextColumn(
                "Segments",
                fault=segments_fault,
                form="<video>:<start second>, best first, single blanks between, no id twice",
            ),
        ),
    ),
    # the records are no tables: frames of 1,024 + 128 uint8 per second, in 3,844 shards each
    files=(
        HostFile("vocabulary", "vocabulary.csv", rows=1_000, key="Index", features=("Name",)),
        HostFile(
            "sample_submission", "sample_submission.csv", rows=1_000, key="Class", target="Segments"
        ),
    ),
    sources=(
        CompetitionSource("youtube8m-2019"),
        ExternalSource(
            "https://research.google.com/youtube8m/download.html",
            (
                "yt8m/2/frame/train/train*.tfrecord",
                "yt8m/3/frame/validate/validate*.tfrecord",
                "yt8m/3/frame/test/test*.tfrecord",
            ),
            "CC BY 4.0",
        ),
    ),
    id_pattern=r"0|[1-9][0-9]*",  # a class: `Index` of vocabulary.csv, 3 to 1831
    symmetries="features, no pixels: nothing to mirror; starts may move by one or two seconds",
    groups="video",
    licence="CC BY 4.0, features and labels",
    judge=SegmentsJudge(),
    ladder=Ladder(  # the private board
        (
            Rung("21st, an MLP on rated segments alone", 0.75, "about; writeup: 0.761 public"),
            Rung("9th", 0.7871, "README of its code"),
            Rung("8th", 0.7888, "abstract of its paper"),
            Rung("7th", 0.8010, "paper"),
        )
    ),
    kernel=KernelSpec(short_name="youtube8m-2019", data="youtube8m-2019-frames"),
)
