"""The archive: the same files give the same bytes, and what cannot travel is named."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from common.errors import DataError, UsageError
from common.kernels.bundle import check_size, pack
from common.kernels.listing import LARGEST_MEMBER, Member, commit_of, members
from tests.kernels.desk import commit, run_git

FILES = (Member("b/two.py", b"2\n"), Member("a.py", b"1\n"), Member("b/ä.md", b"\xc3\xa4\n"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with two sources and an ignored file."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/one.py").write_text("1\n")
    (tmp_path / "code/two.py").write_text("2\n")
    (tmp_path / "code/notes.log").write_text("no\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    run_git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def names_in(tree: Path) -> list[str]:
    return [member.name for member in members(tree, ("code",))]


def test_the_order_of_the_files_does_not_matter() -> None:
    assert pack(FILES) == pack(FILES[::-1])


def test_nothing_of_this_machine_is_in_the_archive() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == ["a.py", "b/two.py", "b/ä.md"]
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime, e.mode) for e in entries} == {
        (0, 0, "", "", 0, 0o644)
    }


def test_one_byte_more_is_too_large_and_the_largest_are_named() -> None:
    files = [Member(f"m{size}.bin", bytes(size)) for size in (3_000, 70_000, 10, 500_000)]
    check_size(900_000, "x.py", files)
    with pytest.raises(UsageError, match=r"m500000\.bin \(500,000\), m70000\.bin .*pack_dataset"):
        check_size(900_001, "x.py", files)


def test_files_are_taken_as_they_lie_on_disk(tree: Path) -> None:
    (tree / "code/one.py").write_text("changed\n")
    (tree / "code/new.py").write_text("new\n")
    (tree / "code/two.py").unlink()
    found = {member.name: member.content for member in members(tree, ("code",))}
    assert found == {"code/new.py": b"new\n", "code/one.py": b"changed\n"}


def test_the_commit_says_whether_the_tree_is_clean(tree: Path) -> None:
    clean = commit_of(tree)
    assert (len(clean.name), clean.dirty) == (12, False)
    (tree / "code/new.py").write_text("new\n")
    assert commit_of(tree).name == clean.name + "+changes"
    assert commit_of(tree).dirty


def test_before_the_first_commit_the_commit_is_unknown(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    assert commit_of(tmp_path).name == "unknown"


def test_a_repository_that_git_cannot_read_is_told(tree: Path) -> None:
    (tree / ".git/index").write_bytes(b"broken")
    with pytest.raises(DataError, match="git cannot read"):
        names_in(tree)


def test_without_git_caches_and_hidden_files_stay(tree: Path) -> None:
    (tree / ".git").rename(tree / "elsewhere")
    (tree / "code/__pycache__").mkdir()
    (tree / "code/__pycache__/one.cpython-312.pyc").write_bytes(b"\0")
    (tree / "code/.hidden").write_text("x")
    assert names_in(tree) == ["code/notes.log", "code/one.py", "code/two.py"]
    assert commit_of(tree).name == "unknown"


def test_a_link_is_refused(tree: Path) -> None:
    (tree / "code/three.py").symlink_to(tree / "code/one.py")
    with pytest.raises(DataError, match=r"code/three\.py is a link"):
        names_in(tree)


def test_a_repository_inside_is_refused(tree: Path) -> None:
    (tree / "code/other").mkdir()
    (tree / "code/other/x.py").write_text("1\n")
    run_git(tree / "code/other", "init", "--quiet")
    commit(tree / "code/other")
    with pytest.raises(DataError, match="a repository inside the repository"):
        names_in(tree)


def test_a_name_that_is_no_utf_8_is_refused(tree: Path) -> None:
    Path(os.fsdecode(os.fsencode(tree) + b"/code/\xff.py")).write_text("1\n")
    with pytest.raises(DataError, match=r"\\xff\.py is no UTF-8; rename"):
        names_in(tree)


@pytest.mark.parametrize("name", ["kaggle.json", "access_token", ".env"])
def test_credentials_do_not_travel(tree: Path, name: str) -> None:
    (tree / "code" / name).write_text("secret")
    with pytest.raises(DataError, match="looks like credentials") as raised:
        names_in(tree)
    assert "secret" not in str(raised.value)


def test_an_outsized_file_is_refused_without_being_read(tree: Path) -> None:
    with (tree / "code/weights.bin").open("wb") as file:
        file.truncate(LARGEST_MEMBER + 1)
    with pytest.raises(DataError, match=r"weights\.bin has .* bytes, too many.*pack_dataset"):
        names_in(tree)


def test_names_with_spaces_and_other_letters_are_found(tree: Path) -> None:
    (tree / "code/mit Umlaut ä\n.md").write_text("1\n")
    assert "code/mit Umlaut ä\n.md" in names_in(tree)
