"""The facts of Fruits-360."""

from common.judges import TableJudge
from common.metrics import accuracy, mean_class_accuracy
from common.spec import (
    CompetitionSpec,
    DatasetSource,
    HostFile,
    KernelSpec,
    LabelColumn,
    Ladder,
    Rung,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="fruits",
    title="Fruits-360",
    kind="image classification, 131 to 207 classes by version",
    metric=accuracy,
    submission=SubmissionFormat(key_columns=("id",), targets=(LabelColumn("label"),)),
    # pictures only; the sample is our own convention, 25,746 rows in the version of March 2025
    files=(HostFile("sample_submission", "sample_submission.csv", rows=25_746, key="id"),),
    sources=(DatasetSource("moltean/fruits"),),
    image_size=(100, 100),  # height, width in pixels, in the branch 100x100
    id_pattern=r"[^/]+/(?:r2?_)?[0-9]+_100\.jpg",  # path below Test: class folder and file
    symmetries="all flips and turns: the objects lie on a turntable, on white",
    flips=("horizontal", "vertical", "turns"),
    groups="film of a fruit on the turntable, in blocks",
    licence="CC BY-SA 4.0 (older versions MIT, not checked)",
    judge=TableJudge(beside=(mean_class_accuracy,)),
    # classes and pictures differ between the versions: the name says which
    ladder=Ladder(
        (
            Rung("constant, at most", 0.02, "shares of the classes"),
            Rung("authors' CNN, 131 classes", 0.9866, "the data set's paper"),
            Rung("transfer learning, about", 0.99, "not checked"),
        )
    ),
    kernel=KernelSpec(short_name="fruits-360"),
)
