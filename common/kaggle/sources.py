"""Whether what a kernel reads is there: looked at before a push, because Kaggle drops what is not
and runs the kernel without it."""

from __future__ import annotations

from common.errors import KaggleError
from common.kaggle import kernels
from common.kaggle.built import Built
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Kind, rules_page

_PAGES = 3  # of a search for a competition by its own slug


def check_sources(kaggle: Kaggle, built: Built) -> None:
    """Raises KaggleError where a source would be dropped, with what is to be done."""
    for slug in built.competitions:
        _check_rules(kaggle, slug)
    for ref in built.metadata["kernel_sources"]:
        _check_kernel(kaggle, built, "/".join(str(ref).split("/")[:2]))
    for ref in built.metadata["dataset_sources"]:
        _check_dataset(kaggle, built, "/".join(str(ref).split("/")[:2]))


def has_entered(kaggle: Kaggle, slug: str) -> bool | None:
    """Whether the rules of a competition are accepted; None where Kaggle's list does not show it.

    Raises: KaggleError.
    """
    rows, _ = kaggle.table(
        *("competitions", "list", "--search", slug),
        subject=f"competition {slug}",
        pages=_PAGES,
    )
    for row in rows:
        if str(row.get("ref", "")).rstrip("/").rpartition("/")[2].lower() == slug.lower():
            return bool(row.get("userHasEntered"))
    return None


def _check_rules(kaggle: Kaggle, slug: str) -> None:
    if has_entered(kaggle, slug) is False:
        raise KaggleError(
            f"the rules of {slug} are not accepted, so Kaggle would run the kernel without its "
            f"data; nothing was pushed: accept them at {rules_page(slug)} and run the same "
            "command again",
            Kind.FORBIDDEN,
        )


def _check_kernel(kaggle: Kaggle, built: Built, ref: str) -> None:
    """The run that infer reads must have ended well."""
    try:
        found = kaggle.patiently(lambda: kernels.status(kaggle, ref)).word
    except KaggleError as error:
        if error.kind not in (Kind.FORBIDDEN, Kind.MISSING):
            raise
        found = "not there"
    if found != "COMPLETE":
        raise KaggleError(
            f"{built.ref} reads the output of {ref}, which is {found}; expected COMPLETE: push it "
            "first, and wait for its end",
            Kind.MISSING,
        )


def _check_dataset(kaggle: Kaggle, built: Built, ref: str) -> None:
    answer = kaggle.read("datasets", "status", ref, subject=f"data set {ref}")
    found = answer.stdout.split()[-1].lower() if answer.stdout.strip() else "of unknown state"
    if found != "ready":
        raise KaggleError(
            f"{built.ref} reads the data set {ref}, which is {found}; expected ready: wait for "
            "Kaggle to take it in, and run the same command again",
            Kind.MISSING,
        )
