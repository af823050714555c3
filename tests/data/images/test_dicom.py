"""DICOM: stored values of one frame, bright being high."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from common.data.images import ImageHeader, Target, read_header, read_image
from common.errors import DataError
from tests.data.images.pictures import encoded, photo

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
RLE, JPEG, LOSSLESS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
DEFLATED = "1.2.840.10008.1.2.1.99"
TWELVE = photo(20, 30)[:, :, 0].astype(np.uint16) * 16
TWELVE[0, :3] = 0, 4095, 8


def dicom(
    samples: np.ndarray, syntax: str = EXPLICIT, pixels: bytes | None = None, **more: Any
) -> bytes:
    """A file with one frame; `more` overrides what follows from the samples."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    colour = samples.ndim == 3
    facts = {
        "Rows": samples.shape[0],
        "Columns": samples.shape[1],
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "BitsAllocated": 8 * samples.itemsize,
        "BitsStored": 8 * samples.itemsize,
        "PixelRepresentation": 0,
    }
    if colour:
        facts["PlanarConfiguration"] = 0
    for name, value in {**facts, **more}.items():
        setattr(data, name, value)
    data.HighBit = data.BitsStored - 1
    data.add_new("PixelData", "OW" if data.BitsAllocated > 8 else "OB", pixels or samples.tobytes())
    stream = io.BytesIO()
    order = {} if syntax not in (BIG,) else {"little_endian": False, "implicit_vr": False}
    pydicom.dcmwrite(stream, data, enforce_file_format=True, **order)
    return stream.getvalue()


def values(content: bytes) -> np.ndarray:
    return read_image(content, None, channels=1, dtype=np.uint16)[:, :, 0]


def test_the_header_says_the_bits_that_are_stored() -> None:
    assert read_header(dicom(TWELVE, BitsStored=12)) == ImageHeader(20, 30, 1, 12, "grey", "dicom")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_12_bits_are_kept_or_scaled_to_white(syntax: str) -> None:
    own = TWELVE.astype(">u2") if syntax == BIG else TWELVE
    content = dicom(own, syntax, BitsStored=12)
    assert np.array_equal(values(content), TWELVE)
    assert read_image(content, None)[0, :3, 0].tolist() == [0, 255, 0]  # 8 × 255/4095 = 0.498


def test_monochrome1_is_turned_over() -> None:
    content = dicom(TWELVE, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(values(content), 4095 - TWELVE)


def test_signed_values_begin_at_zero() -> None:
    content = dicom(np.array([[-2048, 0, 2047]], np.int16), BitsStored=12, PixelRepresentation=1)
    assert values(content).tolist() == [[0, 2048, 4095]]


def test_bits_above_those_stored_are_no_value() -> None:
    assert values(dicom(TWELVE | 0x8000, BitsStored=12)).tolist() == TWELVE.tolist()


def test_8_bits_and_colours_are_read() -> None:
    colours = photo(20, 30)
    assert np.array_equal(read_image(dicom(colours[:, :, 1]), None)[:, :, 2], colours[:, :, 1])
    assert np.array_equal(read_image(dicom(colours), None), colours)
    planes = np.ascontiguousarray(colours.transpose(2, 0, 1)).tobytes()
    content = dicom(colours, pixels=planes, PlanarConfiguration=1)
    assert np.array_equal(read_image(content, None), colours)


def test_baseline_jpeg_inside_is_read_scaled_too() -> None:
    grey = photo(160, 240, soft=16)[:, :, 0]
    frame = encapsulate([encoded(grey, "JPEG", quality=95)])
    content = dicom(grey, JPEG, frame)
    whole = cv2.imdecode(np.frombuffer(encoded(grey, "JPEG", quality=95), np.uint8), 0)
    assert np.array_equal(read_image(content, None, channels=1)[:, :, 0], whole)
    scaled = read_image(content, Target(40, 60), channels=1).astype(int)
    exact = read_image(content, Target(40, 60, scaled=False), channels=1).astype(int)
    assert 0 < np.abs(scaled - exact).mean() < 1


def test_run_lengths_are_read() -> None:
    data = pydicom.dcmread(io.BytesIO(dicom(TWELVE, BitsStored=12)))
    data.compress(pydicom.uid.RLELossless)
    stream = io.BytesIO()
    data.save_as(stream)
    assert np.array_equal(values(stream.getvalue()), TWELVE)


def test_other_compressions_say_what_they_need() -> None:
    content = dicom(TWELVE, LOSSLESS, encapsulate([b"\xff\xd8\xff\xd9"]), BitsStored=12)
    with pytest.raises(DataError, match=r"compressed as 'JPEG Lossless.*Install pylibjpeg"):
        read_image(content, None)


@pytest.mark.parametrize("compressed", [False, True])
def test_cut_pixels_are_an_error(compressed: bool) -> None:
    grey = photo(20, 30)[:, :, 0]
    frame = encapsulate([encoded(grey, "JPEG")])
    content = dicom(grey, JPEG, frame) if compressed else dicom(grey)
    pixels_at = read_pixels_at(content)
    with pytest.raises(DataError, match="without pixels"):
        read_header(content[:pixels_at])
    for end in (pixels_at + 10, pixels_at + 40, len(content) - 10):
        with pytest.raises(DataError, match=r"the picture: .*expected a"):
            read_image(content[:end], None)
        with pytest.raises(DataError, match=r"cannot be understood|pixels end early"):
            read_header(content[:end])  # without decoding, so before anything is trained


@pytest.mark.parametrize("syntax", [EXPLICIT, JPEG])
def test_padding_behind_the_pixels_is_no_damage(syntax: str) -> None:
    grey = photo(20, 30)[:, :, 0]
    pixels = encapsulate([encoded(grey, "JPEG")]) if syntax == JPEG else None
    content = dicom(grey, syntax, pixels)
    padding = b"\xfc\xff\xfc\xffOB\0\0" + (300).to_bytes(4, "little") + bytes(300)
    assert read_header(content + padding) == read_header(content)


def read_pixels_at(content: bytes) -> int:
    return content.index(b"\xe0\x7f\x10\x00")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"NumberOfFrames": 3}, "of 3 frames; expected one"),
        ({"BitsStored": 17}, "17 of 16 bits"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PALETTE COLOR; expected grey or RGB"),
    ],
)
def test_other_kinds_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_header(dicom(TWELVE, **more))


def test_a_deflated_file_is_read_and_a_cut_one_is_an_error() -> None:
    content = dicom(TWELVE, DEFLATED, BitsStored=12)
    assert (values(content) == TWELVE).all()
    with pytest.raises(DataError, match="a DICOM header that cannot be understood"):
        read_header(content[:-40])


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # pydicom on half a word
def test_no_beginning_of_a_file_raises_anything_but_a_data_error() -> None:
    content = dicom(TWELVE, BitsStored=12)
    for end in range(132, len(content), 7):
        try:
            read_image(content[:end], None)
        except DataError as error:
            assert "expected" in str(error)  # noqa: PT017  # the last cuts may lie in padding


@pytest.mark.parametrize("name", ["Rows", "Columns", "BitsStored", "BitsAllocated"])
def test_a_header_without_a_needed_number_names_it(name: str) -> None:
    data = pydicom.dcmread(io.BytesIO(dicom(TWELVE)))
    del data[name]
    stream = io.BytesIO()
    data.save_as(stream)
    with pytest.raises(DataError, match=f"without '{name}'"):
        read_header(stream.getvalue())


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_header_of_an_unknown_kind_of_value_is_an_error() -> None:
    content = dicom(TWELVE)
    at = content.index(b"\x28\0\x10\0US")
    with pytest.raises(DataError, match="cannot be understood"):
        read_header(content[: at + 4] + b"\x55\xed" + content[at + 6 :])
