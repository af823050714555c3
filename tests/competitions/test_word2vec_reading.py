"""The reviews' files: what is read, what is refused, and the layouts that are turned into them."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

from common.errors import DataError
from competitions.word2vec_nlp_tutorial.layouts import convert, main, write_tsv
from competitions.word2vec_nlp_tutorial.reviews import fingerprint, plain, read_reviews

HEADER = "id\tsentiment\treview\n"
GOOD = '"5814_8"\t1\t"With \\"all\\" this, <br />fun"\n'
BAD = '"7759_3"\t0\t"The film starts"\n'


def reviews_of(tmp_path: Path, content: str | bytes) -> dict[str, tuple[int, str]]:
    path = tmp_path / "labeledTrainData.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_reviews(tmp_path, "train")
    cells = zip(table["sentiment"], table["review"], strict=True)
    return dict(zip(table["id"], cells, strict=True))


def refused(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        reviews_of(tmp_path, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_quotes_and_backslashes_are_unescaped_and_tags_stay(tmp_path: Path) -> None:
    row = '"1_9"\t1\t"\\"Quoted\\" and \\\\ back"\n'
    found = reviews_of(tmp_path, HEADER + GOOD + BAD + row)
    assert found["5814_8"] == (1, 'With "all" this, <br />fun')
    assert found["1_9"] == (1, '"Quoted" and \\ back')


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('"1_9"\t1\t"He said ""so"" twice"\n', 'He said "so" twice'),  # as pandas writes it
        ("1_9\t1\tbare words\n", "bare words"),
        ('"1_9"\t1\t"It ends in a \\"\n', "It ends in a \\"),
        ('"1_9"\t1\t""\n', ""),
        ('"1_9"\t1\t"a\ttab"\n', "a\ttab"),
        ('"1_9"\t1\t"two\nlines"\n', "two\nlines"),
        ('"1_9"\t1\t"dash \x96 and \x85 and \x81 and \x00"\n', "dash – and … and   and  "),
        ('"1_9"\t1\t"caf\u00e9"', "café"),  # no line end at the file's end
    ],
)
def test_other_forms_of_a_row_are_read(tmp_path: Path, row: str, text: str) -> None:
    assert reviews_of(tmp_path, HEADER + BAD + row)["1_9"] == (1, text)


@pytest.mark.parametrize("name", ["12e456789012", "007", "NaN", "tt0111161"])
@pytest.mark.parametrize("quote", ['"', ""])
def test_an_id_of_another_form_stays_the_text_that_it_is(
    tmp_path: Path, name: str, quote: str
) -> None:
    row = f'{quote}{name}{quote}\t1\t"Fun"\n'
    assert reviews_of(tmp_path, HEADER + BAD + row + GOOD)[name] == (1, "Fun")


def test_a_line_of_a_text_that_looks_like_a_row_is_none(tmp_path: Path) -> None:
    row = '"1_9"\t1\t"two\nlines\tand a tab"\n'
    assert reviews_of(tmp_path, HEADER + BAD + row)["1_9"] == (1, "two\nlines\tand a tab")


def test_a_mark_at_the_start_and_windows_line_ends_are_no_part_of_the_texts(
    tmp_path: Path,
) -> None:
    content = "\ufeff" + (HEADER + GOOD + BAD).replace("\n", "\r\n")
    assert reviews_of(tmp_path, content)["7759_3"] == (0, "The film starts")


def test_the_hosts_zip_is_read_where_the_file_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "labeledTrainData.tsv.zip", "w") as archive:
        archive.writestr("labeledTrainData.tsv", HEADER + GOOD + BAD)
    assert len(read_reviews(tmp_path, "train")) == 2
    (tmp_path / "labeledTrainData.tsv.zip").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"does not hold labeledTrainData\.tsv whole"):
        read_reviews(tmp_path, "train")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (HEADER, "a header and no rows"),
        ("id\treview\n" + BAD, "has no column 'sentiment'"),
        (HEADER + BAD + '"1_9"\t1\t"cut in the mid', "line 3 begins a text with a quote and does"),
        (HEADER + BAD + '"1_9"\t1\n', "line 3 has 2 of 3 cells"),
        (HEADER + BAD + GOOD + BAD, "line 4 holds the id '7759_3' for the second time"),
        (HEADER + BAD + GOOD.replace("\t1\t", "\t7\t"), "column 'sentiment' holds '7'; expected 0"),
        (HEADER + GOOD, "all 1 reviews have sentiment 1"),
        (HEADER + 'no id\t1\t"x"\n', "line 2 begins with"),
        (HEADER + BAD + '"1_9"\t1\t"a"\n"x" and "b"\n', "line 3 holds a quote without a backslash"),
        (HEADER + BAD + '"1_9"\t1\t"cut\n"x"\t0\t"b"\n', "line 3 holds a quote without a"),
        ((HEADER + BAD).encode() + b'"1_9"\t1\t"\xff"\n', "line 3 is not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_in_one_line_that_names_the_place(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    assert words in refused(tmp_path, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"testData\.tsv does not exist"):
        read_reviews(tmp_path, "test")


def test_repeats_are_known_by_their_words() -> None:
    first = fingerprint('Not <br />"dull", at all!')
    assert fingerprint("NOT dull -- at ALL") == first
    assert fingerprint("dull not at all") != first
    assert plain("Tom &amp; Ann<br />WON</p>") == "tom & ann won "
    assert plain("2 < 3 and 5 > 4 <3 ever>") == "2 < 3 and 5 > 4 <3 ever>"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    texts = ['say "so" \\ or \\" not', "", "a\nb\tc", "ends \\"]
    rows = [(f"{k}_9", k % 2, text) for k, text in enumerate(texts)]
    write_tsv(tmp_path / "labeledTrainData.tsv", ("id", "sentiment", "review"), rows)
    found = read_reviews(tmp_path, "train")["review"].tolist()
    assert found == ['say "so" \\ or \\" not', "", "a b c", "ends \\"]


# ---- the other layouts --------------------------------------------------------------------------


def folders(place: Path) -> Path:
    """aclImdb in small: one number in both classes, and a part without labels."""
    for name, text in {
        "train/pos/200_8.txt": "good <br />",
        "train/neg/200_3.txt": "bad",
        "train/unsup/0_0.txt": "who knows",
        "train/urls_pos.txt": "http",
        "test/pos/200_9.txt": "fine",
        "test/neg/1_1.txt": "poor",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def test_folders_become_the_hosts_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert(folders(tmp_path / "aclImdb"), out) == 5
    train = read_reviews(out, "train").itertuples(index=False, name=None)
    assert sorted(train) == [("200_3", 0, "bad"), ("200_8", 1, "good <br />")]
    assert read_reviews(out, "unlabelled")["review"].tolist() == ["who knows"]
    assert (out / "solution.csv").read_text() == "id,sentiment\n200_9,1\n1_1,0\n"
    with pytest.raises(DataError, match="is there already"):
        convert(tmp_path / "aclImdb", out)


def test_the_sample_of_fastai_becomes_the_hosts_files(tmp_path: Path) -> None:
    rows = [
        ("label", "text", "is_valid"),
        ("positive", 'He said "so", and\nleft', "False"),
        ("negative", "dull", "False"),
        ("positive", "x" * 200_000, "True"),
    ]
    with (tmp_path / "texts.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    out = tmp_path / "out"
    assert main([str(tmp_path), "--out", str(out)]) == 0
    assert read_reviews(out, "train")["review"].tolist() == ['He said "so", and left', "dull"]
    assert read_reviews(out, "test")["review"].str.len().tolist() == [200_000]


def test_a_folder_of_neither_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither texts\.csv nor train/pos"):
        convert(tmp_path, tmp_path / "out")
