"""Groups of tokens in one cell per image, and long CSVs read in pieces."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from common.errors import DataError, SubmissionError
from common.judges import prediction_strings
from common.judges.csv_chunks import Codes, cut, read_chunks
from common.judges.prediction_strings import (
    Groups,
    asked_ids,
    cell_fault,
    id_faults,
    read_groups,
    refuse,
)


def laid(folder: Path, text: str | bytes) -> Path:
    path = folder / "given.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def groups_of(folder: Path, *rows: str, size: int = 3) -> Groups:
    text = "\n".join(["ImageId,PredictionString", *rows, ""])
    return read_groups(laid(folder, text), size=size)


def test_groups_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    groups = groups_of(tmp_path, "i2,/m/a 0.5 1 /m/b .25 -2e0", "i1,", "i3,/m/a 1 0 ")
    assert groups.ids == ["i2", "i1", "i3"]
    assert groups.owners.tolist() == [0, 0, 2]
    assert groups.numbers.tolist() == [[0.5, 1.0], [0.25, -2.0], [1.0, 0.0]]
    assert groups.names == ["/m/a", "/m/b"]
    assert groups.words.tolist() == [[0], [1], [0]]
    assert groups.faults == []


def test_words_may_stand_anywhere_in_a_group(tmp_path: Path) -> None:
    path = laid(tmp_path, "ImageId,PredictionString\ni1,0.5 a 1 b 0.25 b 2 a\n")
    groups = read_groups(path, size=4, words=(1, 3))
    assert groups.numbers.tolist() == [[0.5, 1.0], [0.25, 2.0]]
    assert [[groups.names[code] for code in row] for row in groups.words] == [
        ["a", "b"],
        ["b", "a"],
    ]


@pytest.mark.parametrize("n_tokens", [0, 1, 7, 10_000])
def test_pieces_of_any_size_give_the_same(
    n_tokens: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_strings, "_N_TOKENS", n_tokens)
    generator = np.random.default_rng(3)
    counts = generator.integers(0, 4, 500)
    rows = [
        f"i{row}," + " ".join(f"c{k} {row} {k}" for k in range(counts[row])) for row in range(500)
    ]
    groups = groups_of(tmp_path, *rows)
    assert groups.owners.tolist() == np.repeat(np.arange(500), counts).tolist()
    assert groups.numbers[:, 0].tolist() == groups.owners.tolist()
    assert [groups.names[code] for code in groups.words[:, 0]] == [
        f"c{int(k)}" for k in groups.numbers[:, 1]
    ]


def test_rows_whose_tokens_are_no_groups_are_counted_and_left_out(tmp_path: Path) -> None:
    groups = groups_of(tmp_path, "i1,a 1 2", "i2,a 1", "i3,a 1 2", "i4,a 1 2 3")
    assert groups.owners.tolist() == [0, 2]
    assert groups.faults == [
        "2 cells of PredictionString are no groups of 3 tokens, the first has 2 for id 'i2' in "
        "row 2 (line 3); expected a multiple of 3"
    ]


@pytest.mark.parametrize("token", ["nan", "inf", "-Infinity", "1e999", "x", "1_0", "0x1", "1,5"])
def test_what_is_no_finite_number_is_named(token: str, tmp_path: Path) -> None:
    groups = groups_of(tmp_path, "i1,a_b 1 2", f'i2,"a_b 1 2 a_b 3 {token}"', "i3,a_b ? 2")
    assert groups.faults == [
        f"2 values of PredictionString are no finite numbers, the first is {token!r} for id 'i2' "
        "in row 2 (line 3)"
    ]


def test_a_word_may_hold_what_a_number_may_not(tmp_path: Path) -> None:
    groups = groups_of(tmp_path, "i1,/m/061hd_ 1 2 nan 1 2")
    assert groups.names == ["/m/061hd_", "nan"]
    assert groups.faults == []


def test_a_file_with_a_header_only_has_no_groups(tmp_path: Path) -> None:
    groups = groups_of(tmp_path)
    assert groups.ids == []
    assert groups.numbers.shape == (0, 2)


def test_the_first_group_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    groups = groups_of(tmp_path, "i1,a 1 2", "i2,a 3 4 b 5 6", "i3,c 7 8")
    bad = groups.numbers[:, 0] > 4
    assert groups.fault("are big", bad, groups.numbers, "4 at most") == [
        "2 are big, the first is '5.0 6.0' for id 'i2' in row 2 (line 3); expected 4 at most"
    ]
    assert groups.fault("are big", ~bad & bad, groups.numbers, "4 at most") == []


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", ""),
        ("a 1 2", ""),
        ("a 1 2 b 3 4 ", ""),
        ("a 1", "2 tokens, no groups of 3"),
        ("a 1 x", "'x' is no finite number"),
    ],
)
def test_one_cell_is_judged_alone(cell: str, words: str) -> None:
    assert cell_fault(cell, size=3) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; expected a header"),
        ("\n\n", "is empty; expected a header"),
        ("ImageID,PredictionString\na,\n", "lacks ImageId; found ImageID,PredictionString"),
        ("ImageId\na\n", "lacks PredictionString"),
        ("ImageId,PredictionString,x\na,,\n", "a column too many, 'x'"),
        ("ImageId,PredictionString,ImageId\na,,\n", "names 'ImageId' twice"),
        ("ImageId,PredictionString\na,\nb\n", r"row 2 \(line 3\) has 1 of 2 cells"),
        ("ImageId,PredictionString\na,b,c\n", r"row 1 \(line 2\) has 3 of 2 cells"),
        ('ImageId,PredictionString\na,"b\n', "cannot be read as CSV"),
        (b"ImageId,PredictionString\na,\xff\xfe\n", "is no UTF-8 text"),
    ],
)
def test_what_is_no_such_table_is_refused(text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=words):
        read_groups(laid(tmp_path, text), size=3)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="does not exist"):
        read_groups(tmp_path / "none.csv", size=3)
    with pytest.raises(SubmissionError, match="is a folder"):
        read_groups(tmp_path, size=3)


@pytest.mark.parametrize(
    "text",
    [
        "ImageId,PredictionString\ni1,a 1 2\ni2,\n",
        "PredictionString,ImageId\na 1 2,i1\n,i2\n",
        "\ufeffImageId,PredictionString\r\ni1,a 1 2\r\ni2,\r\n",
        '"ImageId","PredictionString"\n"i1","a 1 2"\n\n"i2",""',
        "ImageId,PredictionString\ni1, a  1 2 \ni2, \n",
    ],
)
def test_every_spelling_of_a_table_reads_the_same(text: str, tmp_path: Path) -> None:
    groups = read_groups(laid(tmp_path, text), size=3)
    assert (groups.ids, groups.numbers.tolist()) == (["i1", "i2"], [[1.0, 2.0]])


def test_a_cell_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    groups = groups_of(tmp_path, "i1," + "a 0.5 0.25 " * 50_000)
    assert groups.numbers.shape == (50_000, 2)
    assert csv.field_size_limit() == before


def test_every_fault_of_ids_is_named_with_the_first() -> None:
    assert id_faults(["a", "x", "a", "b", "y", "b"], ["a", "b", "c", "d"]) == [
        "2 of 4 ids are missing, the first is 'c'",
        "2 ids were not asked for, the first is 'x' in row 2 (line 3)",
        "2 ids are repeated, the first is 'a' in row 3 (line 4)",
    ]
    assert id_faults(["b", "a"], ["a", "b"]) == []


def test_all_faults_come_with_one_refusal() -> None:
    refuse(Path("x.csv"), [])
    with pytest.raises(SubmissionError, match=r"x.csv would not be accepted: one") as caught:
        refuse(Path("folder/x.csv"), ["one", "two"])
    assert caught.value.faults == ("one", "two")


def test_a_sample_names_the_ids_that_are_asked_for(tmp_path: Path) -> None:
    path = laid(tmp_path, "ImageId,PredictionString\nb,\na,\n")
    assert asked_ids(path, "ImageId") == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ImageId,PredictionString\n", "a header and no rows"),
        ("ImageId\na\nb\na\n", r"'a' in row 3 \(line 4\) stood there before"),
        ("Id\na\n", "lacks ImageId"),
    ],
)
def test_a_sample_that_asks_for_nothing_sure_is_no_sample(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=words):
        asked_ids(laid(tmp_path, text), "ImageId")


def test_chunks_hold_all_rows_and_pass_other_columns_over(tmp_path: Path) -> None:
    path = laid(tmp_path, "a,b,c\n" + "".join(f"{k},x,{k * k}\n" for k in range(7)))
    chunks = list(read_chunks(path, ("c", "a"), n_rows=3))
    assert [len(chunk[0]) for chunk in chunks] == [3, 3, 1]
    assert [c for chunk in chunks for c in chunk[0]] == [str(k * k) for k in range(7)]
    assert [a for chunk in chunks for a in chunk[1]] == [str(k) for k in range(7)]


def test_rows_are_counted_over_chunks_in_messages(tmp_path: Path) -> None:
    path = laid(tmp_path, "a,b\n" + "1,2\n" * 7 + "1\n")
    with pytest.raises(DataError, match=r"row 8 \(line 9\) has 1 of 2 cells"):
        list(read_chunks(path, ("a",), n_rows=3))


def test_codes_number_texts_as_they_come() -> None:
    codes = Codes()
    assert [codes[text] for text in "abacb"] == [0, 1, 0, 2, 1]


def test_long_and_unprintable_texts_are_cut_in_messages() -> None:
    assert cut("a\x1b[31m") == "a?[31m"
    assert cut("x" * 100) == "x" * 60 + "…"
