"""Reading sources: which modules they import, which of their texts are paths."""

from __future__ import annotations

import textwrap

import pytest

from common.errors import DataError
from common.kernels.listing import Member
from common.kernels.scan import hard_coded_paths, imports_in, parse


def imported(text: str, name: str = "competitions/x/pipeline.py") -> list[tuple[str, int, bool]]:
    member = Member(name, textwrap.dedent(text).encode())
    return [(made.module, made.line, made.guarded) for made in imports_in(member, parse(member))]


def paths_in(text: str) -> list[tuple[int, str]]:
    return hard_coded_paths(parse(Member("x.py", textwrap.dedent(text).encode())))


def test_imports_are_found_however_deep() -> None:
    text = """
        import a.b, c
        class K:
            def f(self):
                with x:
                    for i in y:
                        from d.e import g
        match x:
            case 1:
                import h
        async def z():
            while True:
                import i
    """
    assert imported(text) == [
        ("a.b", 2, False),
        ("c", 2, False),
        ("d.e", 7, False),
        ("h", 10, False),
        ("i", 13, False),
    ]


def test_an_import_in_a_call_is_found_where_its_name_is_written_out() -> None:
    text = """
        import importlib
        importlib.import_module("a.b")
        import_module("c")
        __import__("d")
        importlib.import_module(name)
        importlib.import_module(f"e.{name}")
    """
    assert [name for name, _, _ in imported(text)] == ["importlib", "a.b", "c", "d"]


def test_what_may_be_missing_is_marked() -> None:
    text = """
        try:
            import a
        except ImportError:
            import b
        try:
            import c
        except (ValueError, ModuleNotFoundError):
            pass
        try:
            import d
        except ValueError:
            pass
        else:
            import e
        finally:
            import f
    """
    marks = {name: guarded for name, _, guarded in imported(text)}
    assert marks == {"a": True, "b": False, "c": True, "d": False, "e": False, "f": False}


def test_what_only_the_type_checker_imports_is_left_out() -> None:
    text = """
        if TYPE_CHECKING:
            import a
        else:
            import b
        if typing.TYPE_CHECKING:
            import c
    """
    assert [name for name, _, _ in imported(text)] == ["b"]


def test_dots_stand_for_the_package() -> None:
    text = "from . import a\nfrom .b import c\nfrom ..d import e\n"
    names = [name for name, _, _ in imported(text, "pack/inner/module.py")]
    assert names == ["pack.inner", "pack.inner.b", "pack.d"]


def test_what_is_no_python_is_named_with_its_line() -> None:
    with pytest.raises(DataError, match=r"^x\.py:2 is no Python"):
        parse(Member("x.py", b"a = 1\nb = (\n"))
    with pytest.raises(DataError, match="is no Python"):
        parse(Member("x.py", b"a = '\0'\n"))


@pytest.mark.parametrize(
    "text",
    [
        "/kaggle/input/x/train.csv",
        "/kaggle",
        "/home/me/data",
        "/Users/me/data",
        "/root/data",
        "/content/drive",
        "/mnt/disk/x",
        r"C:\Users\me",
        "/tmp",
        "/tmp/cache.bin",
        "../input/digit-recognizer/train.csv",
        "../../kaggle/input",
        "../working",
    ],
)
def test_a_path_of_one_machine_is_found(text: str) -> None:
    assert paths_in(f"import os\nx = {text!r}\n") == [(2, text)]


def test_a_path_is_found_in_a_format_string() -> None:
    assert paths_in('x = f"/kaggle/input/{slug}"\n') == [(1, "/kaggle/input/")]


@pytest.mark.parametrize(
    "text",
    [
        '"""Reads /kaggle/input/x: see /home/me."""\n',
        'def f():\n    """/kaggle/working is the output."""\n',
        'x = "https://www.kaggle.com/content/x"\n',
        'x = "see /kaggle/input"\n',
        'x = "../inputs/x", "../data", "input/x", "/tmpfs/x"\n',
        'x = "/homes/x", "/mnt", "/contents/y", "home/x", "a:b", "c:/d"\n',
        "# /kaggle/input\n",
        'x = b"/kaggle/input"\n',
    ],
)
def test_what_is_no_path_of_one_machine_is_let_pass(text: str) -> None:
    assert paths_in(text) == []
