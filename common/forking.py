"""Forks a competition folder: its own name inside, the host's slug kept, all of it or nothing."""

from __future__ import annotations

import importlib
import keyword
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common import paths, registry
from common.errors import UsageError
from common.spec import short_kernel_name

Say = Callable[[str], None]

LARGEST_TEXT = 1_000_000  # bytes; what is larger is data, not source
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_SHORT_NAME = re.compile(r"""(\bKernelSpec\(\s*short_name=)["'][^"']*["']""")
# a script and its arguments, over lines that end in a backslash, up to the end of the command
_COMMAND = re.compile(r"\bscripts[/.]\w+(?:\\\r?\n|[^\r\n`;&|])*")


@dataclass(frozen=True)
class Source:
    """A competition folder as text.

    Args:
        folder: its name.
        slug: what Kaggle is told; "" where its spec names none.
        texts: its source files by their path inside the folder.
        left_out: what is no source: data, pictures, links.
    """

    folder: str
    slug: str
    texts: dict[str, str]
    left_out: tuple[str, ...] = ()


def fork(name: str, source_name: str, say: Say = print) -> Path:
    """Copies a competition folder under another name; gives the new folder.

    Raises: UsageError for a name that cannot be used or is taken, and for an unknown source;
    nothing is written then.
    """
    folder = new_folder(name)
    source = read_source(source_name)
    texts = {path: renamed(text, source, folder) for path, text in source.texts.items()}
    place = write_folder(folder, texts)
    told = f"; Kaggle is still told {source.slug}" if source.slug else ""
    say(f"{paths.shown(place)}: {len(texts)} files from competitions/{source.folder}{told}")
    if source.left_out:
        say(f"left out, being no source: {', '.join(source.left_out)}")
    say("next:")
    for line in first_commands(folder):
        say(f"  {line}")
    say(f"  put the host's files into data/{folder}, or name their folder with --data")
    return place


def typed(folder: str) -> str:
    """A folder's name as a person types it."""
    return folder.replace("_", "-")


def first_commands(folder: str) -> tuple[str, ...]:
    """What to run in a new folder, before anything is edited."""
    return (
        f"python scripts/fixture.py {typed(folder)}",
        f"python scripts/train.py {typed(folder)} --preset smoke --data data/fixtures/{folder}",
    )


# ---- the name -----------------------------------------------------------------------------------


def new_folder(name: str) -> str:
    """The folder that a name stands for: lower case, `-` as `_`, a leading digit behind `c_`.

    Raises: UsageError where Python could not import it, where it exists, or where the name is
    the slug of another folder.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a competition; expected letters, digits and '-', with a letter "
            "or digit at both ends, such as my-digits"
        )
    folder = registry.folder_name(name)
    if keyword.iskeyword(folder):
        raise UsageError(
            f"{name!r} is a word of Python's, so competitions.{folder} cannot be imported; choose "
            f"another name, such as my-{folder}"
        )
    _check_free(name, folder)
    return folder


def _check_free(name: str, folder: str) -> None:
    for place in paths.competitions_dir().iterdir():
        if place.name.lower() == folder:
            raise UsageError(
                f"competitions/{place.name} exists; nothing was written: choose another name than "
                f"{name!r}"
            )
    for other in registry.folders():
        if registry.folder_name(registry.slug_of(other)) == folder:
            raise UsageError(
                f"{name!r} is the slug that competitions/{other} has, and would no longer find "
                "it; choose another name"
            )


# ---- the source ---------------------------------------------------------------------------------


def read_source(name: str) -> Source:
    """The competition folder that a person means.

    Raises: UsageError for an unknown name, with the nearest.
    """
    folder = registry.find(name)
    place = registry.directory(folder)
    texts: dict[str, str] = {}
    left_out: list[str] = []
    for path in sorted(place.rglob("*")):
        inside = path.relative_to(place)
        if any(part.startswith(".") or part == "__pycache__" for part in inside.parts):
            continue
        if path.is_dir() and not path.is_symlink():
            continue
        text = _text_of(path)
        if text is None:
            left_out.append(inside.as_posix())
        else:
            texts[inside.as_posix()] = text
    return Source(folder, registry.slug_of(folder), texts, tuple(left_out))


def _text_of(path: Path) -> str | None:
    """A file's text with its line ends; None for what is large, a link, or no text."""
    if path.is_symlink() or path.stat().st_size > LARGEST_TEXT:
        return None
    content = path.read_bytes()
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


# ---- names inside the files ---------------------------------------------------------------------


def renamed(text: str, source: Source, folder: str) -> str:
    """The text of a source file as the new folder has it.

    What names the folder on this machine is changed: the package, paths under competitions/,
    data/, runs/ and kernels/, and the competition in a script's command; so is the name that its
    kernels begin with, or they would replace the source's. What Kaggle is told of the competition
    stays: the slug in spec.py, links, `kaggle` commands, and the origin after --from.
    """
    text = _SHORT_NAME.sub(rf'\g<1>"{short_kernel_name(folder)}"', text)
    old, names = source.folder, {source.folder, typed(source.folder), source.slug} - {""}
    place = r"(?:competitions[./]|from competitions import |data/(?:fixtures/|work/)?|runs/)"
    text = re.sub(rf"(?<![\w-])(?<!\w/)({place}){re.escape(old)}(?![\w-])", rf"\g<1>{folder}", text)
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    kernel = re.compile(rf"(?<![\w-])(?<!\w/)(kernels/)({either})(?!\w)")
    word = re.compile(rf"(?<!--slug[ =])(?<!--from[ =])(?<![\w./-])({either})(?![\w/-]|\.\w)")

    def new(found: str) -> str:
        return folder if found == old and "_" in old else typed(folder)

    text = kernel.sub(lambda match: match[1] + new(match[2]), text)
    return _COMMAND.sub(
        lambda command: word.sub(lambda match: new(match[1]), command.group()), text
    )


# ---- the new folder -----------------------------------------------------------------------------


def write_folder(folder: str, texts: Mapping[str, str]) -> Path:
    """Writes a competition folder whole, or not at all; gives its place.

    The files are written two levels deep, where no folder is looked for, and moved when all of
    them stand: of two processes that write one name, the second is refused.

    Raises: UsageError where the folder has come into being meanwhile.
    """
    target = registry.directory(folder)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    try:
        for name, text in texts.items():
            path = beside / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        try:
            (beside / folder).rename(target)
        except OSError:
            if not target.exists():
                raise
            raise UsageError(
                f"competitions/{folder} was written by somebody else meanwhile; nothing was "
                "changed: choose another name"
            ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    importlib.invalidate_caches()
    return target
