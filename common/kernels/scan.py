"""Reads Python sources as trees: what they import, and which of their texts are paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from common.errors import DataError
from common.kernels.listing import Member

# Paths that lead somewhere on one machine or in one mount layout only, and into the temporary
# folder, whose files are no output. An address such as https://…/content/ is none.
_HARD_CODED = re.compile(
    r"/(?:kaggle|home|Users|root|content|mnt|tmp)/|/(?:kaggle|tmp)$|[A-Za-z]:\\\w"
    r"|(?:\.\./)+(?:kaggle|input|working)(?:/|$)"
)
_CATCHING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Import:
    """One imported name.

    Args:
        module: absolute, such as "common.spec".
        names: what is taken from it; each may be a module of its own.
        line: counted from 1.
        guarded: whether an ImportError is caught, so that the module may be missing.
    """

    module: str
    names: tuple[str, ...]
    line: int
    guarded: bool


def parse(member: Member) -> ast.Module:
    """The tree of a source.

    Raises: DataError where it is no Python.
    """
    try:
        return ast.parse(member.content)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", None) or str(error)
        raise DataError(f"{member.name}:{line} is no Python ({reason}); mend it") from None


def imports_in(member: Member, tree: ast.Module) -> list[Import]:
    """What a source imports when it runs, in functions and by import_module("…") too; what only
    the type checker imports is left out."""
    found = [
        made
        for node, guarded in _statements(tree.body, guarded=False)
        for made in _from_statement(member, node, guarded)
    ]
    if b"import_module" in member.content or b"__import__" in member.content:
        found += _from_calls(tree)
    return found


def _statements(body: list[ast.stmt], *, guarded: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """All statements, however deep, and whether an ImportError in them is caught."""
    for node in body:
        yield node, guarded
        if isinstance(node, ast.If) and _asks_for_types(node.test):
            yield from _statements(node.orelse, guarded=guarded)
            continue
        if isinstance(node, ast.Try | ast.TryStar):
            caught = guarded or any(map(_catches, node.handlers))
            yield from _statements(node.body, guarded=caught)
        else:
            yield from _statements(getattr(node, "body", []), guarded=guarded)
        for part in ("orelse", "finalbody"):
            yield from _statements(getattr(node, part, []), guarded=guarded)
        for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            yield from _statements(inner.body, guarded=guarded)


def _asks_for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in _CATCHING for kind in kinds)


def _from_statement(member: Member, node: ast.stmt, guarded: bool) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(alias.name, (), node.lineno, guarded) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = _absolute(member, node)
        names = tuple(alias.name for alias in node.names)
        return [Import(module, names, node.lineno, guarded)]
    return []


def _absolute(member: Member, node: ast.ImportFrom) -> str:
    """The module's full name; a leading dot stands for the package that the source lies in."""
    if not node.level:
        return node.module or ""
    package = member.name.split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def _from_calls(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = called or getattr(node.func, "id", "")
        first = node.args[0]
        name = first.value if isinstance(first, ast.Constant) else None
        is_absolute = isinstance(name, str) and not name.startswith(".")
        if called in ("import_module", "__import__") and is_absolute:
            yield Import(str(name), (), node.lineno, guarded=False)


def hard_coded_paths(tree: ast.Module) -> list[tuple[int, str]]:
    """The texts that are paths of some machine, with their lines; docstrings are none."""
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
    return sorted((line, text) for line, text in texts if _HARD_CODED.match(text))
