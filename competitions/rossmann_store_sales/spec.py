"""The facts of Rossmann Store Sales."""

from common.metrics import root_mean_squared_percentage_error
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
    slug="rossmann-store-sales",
    title="Rossmann Store Sales",
    kind="tabular time series",
    metric=root_mean_squared_percentage_error,
    submission=SubmissionFormat(
        key_columns=("Id",),
        targets=(NumberColumn("Sales"),),
    ),
    files=(
        HostFile(
            "train",
            "train.csv",
            rows=1_017_209,
            target="Sales",
            features=(
                "Store",  # 1 to 1,115; with Date it names a row
                "DayOfWeek",  # 1 is Monday
                "Date",  # folds are cut by it
                "Customers",  # not in test.csv
                "Open",
                "Promo",
                "StateHoliday",  # text: 0, a, b, c
                "SchoolHoliday",
            ),
        ),
        HostFile(
            "test",
            "test.csv",
            rows=41_088,
            key="Id",
            features=(
                "Store",
                "DayOfWeek",
                "Date",
                "Open",  # empty in 11 rows of store 622
                "Promo",
                "StateHoliday",
                "SchoolHoliday",
            ),
        ),
        HostFile(
            "stores",
            "store.csv",
            rows=1_115,
            key="Store",
            features=(
                "StoreType",
                "Assortment",
                "CompetitionDistance",
                "CompetitionOpenSinceMonth",
                "CompetitionOpenSinceYear",
                "Promo2",
                "Promo2SinceWeek",
                "Promo2SinceYear",
                "PromoInterval",
            ),
        ),
        HostFile("sample_submission", "sample_submission.csv", rows=41_088, key="Id"),
    ),
    sources=(CompetitionSource("rossmann-store-sales"),),
    id_pattern=r"[1-9][0-9]*",
    symmetries="none",
    groups="Date: the last 48 days, all stores at once",
    licence="the rules of 2015: data for the competition only; not checked",
    ladder=Ladder(
        (
            Rung("all zeros", 1.0, "by the formula"),
            Rung("boosted trees, default", 0.16925, "private board, public project"),
            Rung("embeddings and boosted trees, default", 0.15251, "private board, public project"),
            Rung("boosted trees, tuned", 0.13975, "private board, public project"),
            Rung("embeddings and boosted trees, tuned", 0.13081, "private board, public project"),
            Rung("top 10 %", 0.1177, "about; not checked"),
            Rung("rank 113, silver", 0.11441, "private board, public project"),
            Rung("last of gold", 0.109, "about; not checked"),
            Rung("rank 10", 0.108, "about; private board"),
            Rung("third place", 0.10583, "private board"),
            Rung("second place", 0.1039, "about; not checked"),
            Rung("residual net, after the end", 0.10292, "private board, public project"),
            Rung("first place", 0.10021, "private board"),
        )
    ),
    kernel=KernelSpec(short_name="rossmann-sales"),
)
