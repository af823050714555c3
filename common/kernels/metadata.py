"""kernel-metadata.json: every switch written out, every rule of Kaggle's command checked here.

The command ignores unknown keys, takes an absent `enable_internet` for true, and does not look at
what a title makes of a slug, so nothing is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import UsageError, unknown_name

SHORTEST, LONGEST = 5, 50  # characters of a slug and of a title
METADATA_FILE = "kernel-metadata.json"
# whom a rehearsal builds for where no user is known; nothing of theirs is pushed
NOBODY = "your-kaggle-name"
TEXTS = ("id", "title", "code_file", "language", "kernel_type", "machine_shape")
SWITCHES = ("is_private", "enable_gpu", "enable_tpu", "enable_internet")
LISTS = (
    "dataset_sources",
    "competition_sources",
    "kernel_sources",
    "model_sources",
    "keywords",
)
KEYS = (*TEXTS, *SWITCHES, *LISTS, "docker_image_pinning_type")
# what Kaggle adds when a kernel is pulled, and its command takes back
OPTIONAL: dict[str, type] = {"id_no": int, "docker_image": str}
CHOICES = {
    "language": ("python",),
    "kernel_type": ("script", "notebook"),
    "docker_image_pinning_type": ("original", "latest"),
}
# what Kaggle is known to take; "" is none
MACHINE_SHAPES = (
    "",
    "NvidiaTeslaT4",
    "NvidiaL4",
    "NvidiaL4X1",
    "NvidiaRtxPro6000",
    "NvidiaTeslaA100",
    "NvidiaH100",
)
NO_LONGER = {"NvidiaTeslaP100": "the image's torch has no code for it"}
_SLUG = re.compile(r"[a-z](?:-?[a-z0-9])*")
_ANY_SLUG = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_OWNER = re.compile(_ANY_SLUG)
FORMS = {
    "dataset_sources": (rf"{_ANY_SLUG}/{_ANY_SLUG}(?:/[0-9]+)?", "owner/slug"),
    "competition_sources": (_ANY_SLUG, "a competition's slug alone"),
    "kernel_sources": (rf"{_ANY_SLUG}/{_ANY_SLUG}(?:/[0-9]+)?", "owner/slug"),
    "model_sources": (
        rf"{_ANY_SLUG}/{_ANY_SLUG}/{_ANY_SLUG}/[A-Za-z0-9._-]+/[0-9]+",
        "owner/model/framework/variation/version",
    ),
}


def slugified(title: str) -> str:
    """The slug that Kaggle makes of a title."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def title_of(slug: str) -> str:
    """A title that makes this slug."""
    return slug.replace("-", " ")


def check_slug(slug: str, what: str = "the kernel's slug") -> None:
    """Raises UsageError for a slug that Kaggle would refuse, or accept and then not find."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(
            f"{what} is {slug!r}; expected lower-case letters, digits and single -, a letter first"
        )
    if not SHORTEST <= len(slug) <= LONGEST:
        raise UsageError(
            f"{what} is {slug!r}, {len(slug)} characters; expected {SHORTEST} to {LONGEST}: change "
            "KernelSpec.short_name in spec.py"
        )


def check_user(user: str) -> None:
    """Raises UsageError for what is no user name."""
    if not _OWNER.fullmatch(user):
        raise UsageError(
            f"the user is {user!r}; expected the name in the address of the Kaggle profile, "
            "letters, digits and -"
        )


def check_metadata(values: object, where: str = METADATA_FILE) -> dict[str, Any]:
    """The metadata, if Kaggle's command would take them and every switch is there.

    Used for what is built and for what was edited by hand.

    Raises: UsageError that names the key, what was found and what was expected.
    """
    if not isinstance(values, dict):
        raise UsageError(f"{where} is no JSON object; build the kernel again")
    for name in values:
        if name not in KEYS and name not in OPTIONAL:
            raise UsageError(f"{where}: {unknown_name('key', str(name), KEYS)}")
    missing = [name for name in KEYS if name not in values]
    if missing:
        raise UsageError(
            f"{where} has no {missing[0]}; every switch is written out, as Kaggle's own defaults "
            "differ from its pages: build the kernel again"
        )
    _check_types(values, where)
    _check_names(values, where)
    _check_sources(values, where)
    return values


def _check_types(values: Mapping[str, Any], where: str) -> None:
    for name in SWITCHES:
        if not isinstance(values[name], bool):
            raise UsageError(f"{where}: {name} is {values[name]!r}; expected true or false")
    for name in (*TEXTS, "docker_image_pinning_type"):
        if not isinstance(values[name], str):
            raise UsageError(f"{where}: {name} is {values[name]!r}; expected a text")
    for name in LISTS:
        entries = values[name]
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise UsageError(f"{where}: {name} is {entries!r}; expected a list of texts")
    for name, kind in OPTIONAL.items():
        if name in values and type(values[name]) is not kind:
            raise UsageError(f"{where}: {name} is {values[name]!r}; expected a {kind.__name__}")
    for name, known in CHOICES.items():
        if values[name] not in known:
            raise UsageError(f"{where}: {name} is {values[name]!r}; expected {' or '.join(known)}")


def _check_names(values: Mapping[str, Any], where: str) -> None:
    owner, slash, slug = values["id"].partition("/")
    if not slash or "/" in slug:
        raise UsageError(f"{where}: id is {values['id']!r}; expected owner/slug")
    check_user(owner)
    check_slug(slug, f"{where}: the slug in id")
    title = values["title"]
    if slugified(title) != slug or not SHORTEST <= len(title) <= LONGEST:
        raise UsageError(
            f"{where}: the title {title!r} makes the slug {slugified(title)!r}; expected the id's, "
            f"{slug!r}: take {title_of(slug)!r}"
        )
    code_file, kind = values["code_file"], values["kernel_type"]
    suffix = {"script": ".py", "notebook": ".ipynb"}[kind]
    if "/" in code_file or "\\" in code_file or not code_file.endswith(suffix):
        raise UsageError(
            f"{where}: code_file is {code_file!r}; expected a {suffix} file beside it, as "
            f"kernel_type is {kind}"
        )
    check_machine_shape(values["machine_shape"], where)
    asked = values["machine_shape"].startswith("Nvidia")
    if values["enable_gpu"] is not asked:
        raise UsageError(
            f"{where}: enable_gpu is {str(values['enable_gpu']).lower()} and machine_shape "
            f"{values['machine_shape']!r}; expected both for a GPU, or false and ''"
        )


def check_machine_shape(shape: str, where: str) -> None:
    """Raises UsageError for an accelerator that is unknown or of no use."""
    if shape in NO_LONGER:
        raise UsageError(f"{where}: machine_shape is {shape!r}: {NO_LONGER[shape]}; take T4s")
    if shape not in MACHINE_SHAPES:
        known = unknown_name("machine_shape", shape, filter(None, MACHINE_SHAPES))
        raise UsageError(
            f"{where}: {known}; for a name that it does not know Kaggle gives any machine. A new "
            "one goes into common/kernels/metadata.py"
        )


def _check_sources(values: Mapping[str, Any], where: str) -> None:
    for name, (form, called) in FORMS.items():
        entries: Sequence[str] = values[name]
        for entry in entries:
            if not re.fullmatch(form, entry):
                raise UsageError(f"{where}: {name} has {entry!r}; expected {called}")
        if len({entry.lower() for entry in entries}) < len(entries):
            raise UsageError(f"{where}: {name} names a source twice: {', '.join(entries)}")
