"""The facts of MovieLens 100K, which is no competition: file form and ladder are our own."""

from common.judges import TableJudge
from common.metrics import mean_absolute_error, root_mean_squared_error
from common.spec import (
    CompetitionSpec,
    ExternalSource,
    HostFile,
    KernelSpec,
    Ladder,
    NumberColumn,
    Rung,
    SubmissionFormat,
)

SPEC = CompetitionSpec(
    slug="movielens",
    title="MovieLens 100K",
    kind="collaborative filtering",
    metric=root_mean_squared_error,
    submission=SubmissionFormat(
        key_columns=("user", "item"),
        targets=(NumberColumn("rating"),),  # outside the scale of stars too
    ),
    # tab-separated and without a header: the columns are user, item, rating, timestamp
    files=(
        HostFile(
            "train",
            "ml-100k/u1.base",
            rows=80_000,
            target="rating",
            features=("user", "item", "timestamp"),
        ),
        HostFile("test", "ml-100k/u1.test", rows=20_000, features=("user", "item", "timestamp")),
        HostFile(
            "ratings",
            "ml-100k/u.data",
            rows=100_000,
            target="rating",
            features=("user", "item", "timestamp"),
        ),
        HostFile("sample_submission", "sample_submission.csv", rows=20_000),  # our own convention
    ),
    sources=(
        ExternalSource(
            url="https://grouplens.org/datasets/movielens/100k/",
            files=("ml-100k.zip",),
            licence="research use, no redistribution without permission",
        ),
    ),
    id_pattern=r"[1-9][0-9]*",
    symmetries="none",
    licence="research use, cite Harper and Konstan 2015; no redistribution without permission",
    judge=TableJudge(beside=(mean_absolute_error,)),
    ladder=Ladder(
        (
            Rung("random from the normal fit", 1.517, "mean over u1 to u5, measured"),
            Rung("global mean", 1.126, "mean over u1 to u5, measured"),
            Rung("user mean", 1.044, "mean over u1 to u5, measured"),
            Rung("item mean", 1.025, "mean over u1 to u5, measured"),
            Rung("user and item bias", 0.942, "mean over u1 to u5, measured"),
            Rung("SVD, the library's defaults", 0.938, "mean over u1 to u5, measured"),
            Rung("dot model of fastai, 50 factors", 0.928, "mean over u1 to u5, measured"),
            Rung("k-NN over items, with baseline", 0.920, "mean over u1 to u5, measured"),
            Rung("SVD, 200 factors, tuned", 0.911, "mean over u1 to u5, measured"),
            Rung("Bayesian factorisation", 0.900, "mean over u1 to u5, measured"),
            Rung("Bayesian, with the lists of rated items", 0.895, "mean over u1 to u5, measured"),
        )
    ),
    kernel=KernelSpec(short_name="movielens-100k", data="movielens-100k"),
)
