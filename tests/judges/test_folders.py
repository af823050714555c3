"""Folders of label PNGs: what is refused, and in which words."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.judges.label_png import read_labels
from tests.competitions.judged import Judged, judged_fixture
from tests.competitions.label_pngs import (
    GOOD,
    ROAD,
    TRUTH,
    A,
    B,
    frames_fixture,
    grey,
    palette,
    write,
)

judged = judged_fixture("camvid")
solution = frames_fixture("testannot", TRUTH)
submission = frames_fixture("answers", GOOD)


# what is refused


Spoil = Callable[[Path], object]


def cut(path: Path, share: float) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])


def flip(path: Path) -> None:
    """Damages the pixels and leaves the file's length as it is."""
    raw = bytearray(path.read_bytes())
    place = raw.index(b"IDAT") + 6
    raw[place] ^= 0xFF
    path.write_bytes(bytes(raw))


FORM = "expected one class number per pixel, 8-bit grey or palette"
CUT = "1 frames are cut or damaged, the first is '0001TP_008550.png'; expected whole PNG files"
NO_PNG = "1 frames are no PNG, the first is '0001TP_008550.png'; expected label PNGs"
SPOILT: dict[str, tuple[Spoil, str]] = {
    "missing": (
        lambda frame: frame.unlink(),
        "1 of 2 frames are missing, the first is '0001TP_008550.png' (frame 1 of the frames",
    ),
    "empty": (lambda frame: frame.write_bytes(b""), NO_PNG),
    "text": (lambda frame: frame.write_text("3,3,8\n"), NO_PNG),
    "JPEG": (lambda frame: grey(GOOD[A]).save(frame, format="JPEG"), NO_PNG),
    "GIF": (lambda frame: grey(GOOD[A]).save(frame, format="GIF"), NO_PNG),
    "a folder": (lambda frame: (frame.unlink(), frame.mkdir()), NO_PNG),
    "cut in the header": (lambda frame: frame.write_bytes(frame.read_bytes()[:20]), CUT),
    "cut in the pixels": (lambda frame: cut(frame, 0.75), CUT),
    "cut at the end": (lambda frame: frame.write_bytes(frame.read_bytes()[:-12]), CUT),
    "damaged": (flip, CUT),
    "RGB": (lambda frame: grey(GOOD[A]).convert("RGB").save(frame), f"(8-bit RGB); {FORM}"),
    "RGBA": (lambda frame: grey(GOOD[A]).convert("RGBA").save(frame), "(8-bit RGB with alpha)"),
    "grey and alpha": (
        lambda frame: grey(GOOD[A]).convert("LA").save(frame),
        f"1 frames are no index masks, the first is '{A}' (8-bit grey with alpha); {FORM}",
    ),
    "16 bits": (
        lambda frame: Image.fromarray(np.array(GOOD[A], dtype=np.uint16)).save(frame),
        f"1 frames are no index masks, the first is '{A}' (16-bit grey); {FORM}",
    ),
    "1 bit": (lambda frame: grey(GOOD[A]).convert("1").save(frame), f"(1-bit grey); {FORM}"),
    "other size": (
        lambda frame: grey([[ROAD] * 2] * 3).save(frame),
        f"1 frames have another size than was asked for, the first is '{A}' with 3 rows and 2 "
        "columns of pixels; expected 2 rows and 3 columns of pixels",
    ),
    "value 12": (
        lambda frame: grey([[0, 0, 0], [0, 12, 13]]).save(frame),
        f"1 frames hold values above 11, the first is '{A}' with 12 at row 1, column 1 (counted "
        "from 0); expected class numbers from 0 to 11",
    ),
    "value 255": (lambda frame: grey([[255] * 3] * 2).save(frame), "with 255 at row 0, column 0"),
    "palette index 12": (
        lambda frame: palette([[0, 0, 12], [0, 0, 0]]).save(frame),
        "with 12 at row 0, column 2",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT)
def test_a_bad_frame_is_refused_by_score_and_by_check(
    judged: Judged, submission: Path, solution: Path, spoil: Spoil, words: str
) -> None:
    spoil(submission / A)
    (fault,) = judged.refused_by_both(submission, solution)
    assert words in fault


def test_the_line_names_the_folder(judged: Judged, submission: Path, solution: Path) -> None:
    (submission / B).unlink()
    _, _, err = judged.score(submission, solution)
    assert err == (
        "error: answers would not be accepted: 1 of 2 frames are missing, the first is "
        f"'{B}' (frame 2 of the frames asked for)\n"
    )


@pytest.mark.parametrize("name", ["extra.png", "notes.txt", "a folder"])
def test_what_was_not_asked_for_is_refused(
    judged: Judged, submission: Path, solution: Path, name: str
) -> None:
    if name == "a folder":
        (submission / name).mkdir()
    else:
        grey(GOOD[A]).save(submission / name, format="PNG")
    (fault,) = judged.refused(submission, solution)
    assert fault.startswith(f"1 frames were not asked for, the first is {name!r}; expected the 2")


def test_names_in_capitals_are_other_names(
    judged: Judged, submission: Path, solution: Path
) -> None:
    (submission / A).rename(submission / A.replace(".png", ".PNG"))
    missing, extra = judged.refused(submission, solution)
    assert f"'{A}'" in missing
    assert "'0001TP_008550.PNG'" in extra


def test_all_faults_are_told_at_once_with_the_first_frame_of_each(
    judged: Judged, tmp_path: Path
) -> None:
    names = [f"{letter}.png" for letter in "abcdefghi"]
    truth = write(tmp_path / "truth", {name: [[0, 1], [2, 3]] for name in names})
    answers = write(tmp_path / "answers", {name: [[0, 1], [2, 3]] for name in names[1:]})
    write(answers, {"z.png": [[0]], "b.png": [[0, 12], [0, 0]], "c.png": [[13, 0], [0, 0]]})
    grey([[0]]).convert("RGB").save(answers / "d.png")
    grey([[0]]).save(answers / "e.png")
    (answers / "f.png").write_bytes(b"")
    cut(answers / "g.png", 0.8)
    faults = judged.refused(answers, truth)
    assert [fault.split("; expected")[0] for fault in faults] == [
        "1 of 9 frames are missing, the first is 'a.png' (frame 1 of the frames asked for)",
        "1 frames were not asked for, the first is 'z.png'",
        "2 frames hold values above 11, the first is 'b.png' with 12 at row 0, column 1 (counted "
        "from 0)",
        "1 frames are no index masks, the first is 'd.png' (8-bit RGB)",
        "2 frames have another size than was asked for, the first is 'd.png' with 1 rows and 1 "
        "columns of pixels",
        "1 frames are no PNG, the first is 'f.png'",
        "1 frames are cut or damaged, the first is 'g.png'",
    ]
    code, out, _ = judged.score(answers, truth, "--json")
    assert (code, json.loads(out)["faults"]) == (2, faults)


def test_an_empty_folder_is_refused(judged: Judged, solution: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (fault,) = judged.refused(tmp_path / "empty", solution)
    assert fault.endswith("is an empty folder; expected 2 label PNGs")


def test_a_folder_that_is_not_there_is_refused(judged: Judged, solution: Path) -> None:
    (fault,) = judged.refused(judged.folder / "nothing", solution)
    assert fault.endswith("nothing does not exist; check the path")


def test_a_file_in_place_of_the_folder_is_refused(judged: Judged, solution: Path) -> None:
    (fault,) = judged.refused(judged.path("answers.zip", b"PK"), solution)
    assert fault.endswith("answers.zip is a file; expected a folder of label PNGs")


def test_a_picture_that_claims_to_be_huge_is_refused_unread(
    judged: Judged, submission: Path, solution: Path
) -> None:
    # the header says 65,535 by 65,535: four gigabytes
    raw = bytearray((submission / A).read_bytes())
    raw[16:24] = (65_535).to_bytes(4, "big") * 2
    (submission / A).write_bytes(bytes(raw))
    tracemalloc.start()
    (fault,) = judged.refused(submission, solution)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "with 65535 rows and 65535 columns" in fault
    assert peak < 50e6


# solutions and samples that are none


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda frame: frame.write_bytes(b""), "frames are no PNG, the first is"),
        (lambda frame: cut(frame, 0.8), "frames are cut or damaged, the first is"),
        (lambda frame: grey([[0, 30]]).save(frame), "hold values above 11, the first is"),
        (lambda frame: grey(TRUTH[A]).convert("RGB").save(frame), "no index masks, the first is"),
    ],
    ids=["no PNG", "cut", "void as 30", "RGB"],
)
def test_a_bad_frame_of_the_solution_is_named(
    judged: Judged, submission: Path, solution: Path, spoil: Spoil, words: str
) -> None:
    spoil(solution / A)
    line = judged.solution_refused(submission, solution)
    assert "error: the solution cannot be used: " in line
    assert words in line
    assert A in line


def test_a_solution_without_masks_is_named(judged: Judged, submission: Path) -> None:
    (judged.folder / "empty").mkdir()
    line = judged.solution_refused(submission, judged.folder / "empty")
    assert "holds no PNG; expected one per frame" in line


def test_a_solution_that_is_a_file_is_named(judged: Judged, submission: Path) -> None:
    line = judged.solution_refused(submission, "id,label\n")
    assert "is a file; expected a folder of label PNGs" in line


def test_no_cut_and_no_flipped_bit_is_read_as_other_numbers(tmp_path: Path) -> None:
    labels = np.array(GOOD[A] * 3, dtype=np.uint8)
    path = tmp_path / A
    grey(labels).save(path)
    raw = path.read_bytes()
    cuts = [raw[:length] for length in range(len(raw))]
    flips = [
        raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :]
        for place in range(len(raw))
        for bit in range(8)
    ]
    for spoilt in cuts + flips:
        path.write_bytes(spoilt)
        found = read_labels(path, highest=11, size=(labels.shape[0], labels.shape[1]))
        # what follows the pixels may be spoilt without a word
        assert isinstance(found, list) or (found == labels).all()
