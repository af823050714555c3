"""The facts of Bag of Words Meets Bags of Popcorn, the reviews of IMDB."""

from common.metrics import area_under_roc
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
    slug="word2vec-nlp-tutorial",
    title="Bag of Words Meets Bags of Popcorn",
    kind="text classification",
    metric=area_under_roc,
    submission=SubmissionFormat(
        key_columns=("id",),
        targets=(NumberColumn("sentiment"),),  # only the order counts: any finite number
    ),
    # tab-separated, inner quotes behind a backslash
    files=(
        HostFile(
            "train",
            "labeledTrainData.tsv",
            rows=25_000,
            key="id",
            target="sentiment",
            features=("review",),
            separator="\t",
        ),
        HostFile(
            "test", "testData.tsv", rows=25_000, key="id", features=("review",), separator="\t"
        ),
        HostFile(
            "unlabelled",
            "unlabeledTrainData.tsv",
            rows=50_000,
            key="id",
            features=("review",),
            separator="\t",
        ),
        HostFile("sample_submission", "sampleSubmission.csv", rows=25_000, key="id"),
    ),
    sources=(CompetitionSource("word2vec-nlp-tutorial"),),
    classes=("negative", "positive"),  # 0 and 1
    id_pattern=r"[0-9]+_[0-9]+",  # number, _, stars: the answer stands in the id
    symmetries="none",
    groups="film, where it is known",
    licence="research use, cite Maas et al. 2011; the texts belong to those who wrote them",
    ladder=Ladder(
        (
            Rung("constant", 0.5, "by definition"),
            Rung("bag of words and random forest", 0.85, "about; the host's tutorial"),
            Rung("TF-IDF and logistic regression", 0.959, "public project"),
            Rung("NB-SVM, paragraph vectors and gated RNN", 0.9766, "public project"),
            Rung("top of the board", 1.0, "the ids hold the stars: no skill"),
        )
    ),
    kernel=KernelSpec(short_name="imdb-reviews"),
)
