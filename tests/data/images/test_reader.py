"""Reading pictures: the same as Pillow and fastai show, of the size and type that is asked for."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastai.vision.augment import Resize
from fastai.vision.core import PILImage
from PIL import Image, ImageOps

from common.data.images import Target, read_header, read_image
from common.data.images.decode import decode
from common.data.images.resize import Box, resize
from common.errors import DataError, UsageError
from tests.data.images.pictures import encoded, photo, png16, shown, tiff, turned

PHOTO = photo(150, 203)
IMAGE = Image.fromarray(PHOTO)
GREY = PHOTO[:, :, 0]
DEEP = photo(60, 80)[:, :, 0].astype(np.uint16) * 257 + 100
KINDS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
FRAMES = [(method, size) for method in ("squish", "crop", "pad") for size in ((64, 64), (40, 97))]


def by_fastai(content: bytes, method: str, size: tuple[int, int]) -> np.ndarray:
    """What validation rows become."""
    return np.asarray(Resize(size, method=method)(PILImage.create(content), split_idx=1))


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference in grey levels."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(("method", "size"), FRAMES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_unscaled_reading_equals_fastais_resize(
    kind: str, method: Any, size: tuple[int, int]
) -> None:
    content = encoded(PHOTO, kind)
    ours = read_image(content, Target(*size, method=method, scaled=False))
    assert gap(ours, by_fastai(content, method, size)) <= 0.01


def test_enlarging_equals_fastais_resize_up_to_rounding() -> None:
    content = encoded(PHOTO, "JPEG")
    ours = read_image(content, Target(300, 350, scaled=False))
    theirs = by_fastai(content, "squish", (300, 350)).astype(int)
    assert np.abs(ours.astype(int) - theirs).max() <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_pillows(kind: str) -> None:
    content = encoded(PHOTO, kind)
    assert gap(read_image(content, None), shown(content)) <= 0.05  # WebP's decoders round apart


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_rotation_is_honoured_once(kind: str, orientation: int) -> None:
    how = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": turned(orientation)}
    content = encoded(PHOTO, kind, **how)
    upright = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert gap(read_image(content, None), upright) <= 0.05
    assert gap(read_image(content, Target(150, 203)), resize(upright, (150, 203))) <= 0.05


def test_a_rotated_picture_is_framed_as_it_is_shown() -> None:
    content = encoded(PHOTO, "JPEG", exif=turned(6))
    upright = encoded(shown(encoded(PHOTO, "JPEG"))[::-1].swapaxes(0, 1).astype(np.uint8), "PNG")
    ours = read_image(content, Target(64, 40, method="crop", scaled=False))
    assert gap(ours, by_fastai(upright, "crop", (64, 40))) <= 0.01


@pytest.mark.parametrize(
    ("method", "size", "scale"),
    [
        ("squish", (100, 100), 8),  # 800/8 = 100 and 1200/8 = 150 cover it
        ("squish", (101, 100), 4),
        ("squish", (100, 151), 4),
        ("crop", (100, 100), 8),  # the middle 800×800
        ("crop", (50, 150), 8),  # the middle 400×1200
        ("crop", (50, 151), 4),
        ("pad", (150, 150), 8),  # padded to 1200×1200
        ("pad", (401, 401), 2),
        ("squish", (401, 100), 1),
        ("squish", (1000, 1500), 1),
    ],
)
def test_a_jpeg_is_decoded_no_smaller_than_the_target(
    method: Any, size: tuple[int, int], scale: int
) -> None:
    assert Target(*size, method=method).scale_for(800, 1200) == scale
    assert Target(*size, method=method, scaled=False).scale_for(800, 1200) == 1


@pytest.mark.parametrize("side", [75, 100, 300])
def test_scaled_decoding_is_nearly_the_same_picture(side: int) -> None:
    content = encoded(photo(600, 792, soft=16), "JPEG", quality=95)
    scaled = read_image(content, Target(side, side, method="crop"))
    whole = read_image(content, Target(side, side, method="crop", scaled=False))
    assert 0 < gap(scaled, whole) < 1


def test_scaled_decoding_frames_to_the_nearest_pixel() -> None:
    # at 1/8: the middle 601×601 of 813×601 begins at 106/8 = 13.25 and is 75.125 wide
    assert Target(75, 75, method="crop").box(601, 813).at_scale(8) == Box(0, 13, 75, 75)
    content = encoded(photo(601, 813), "JPEG")
    whole = decode(content, read_header(content), 3, scale=8)
    middle = read_image(content, Target(75, 75, method="crop"))
    assert np.array_equal(middle, whole[:75, 13:88])


def test_only_jpegs_are_scaled() -> None:
    content = encoded(PHOTO, "PNG")
    scaled, whole = (read_image(content, Target(18, 18, scaled=on)) for on in (True, False))
    assert np.array_equal(scaled, whole)


def test_a_margin_keeps_more_than_the_model_takes() -> None:
    target = Target(100, 60, margin=1.25)
    assert target.size == (125, 75)
    assert read_image(encoded(PHOTO, "PNG"), target).shape == (125, 75, 3)


def test_grey_is_repeated_or_stays_single() -> None:
    for content in (encoded(GREY, "PNG"), encoded(GREY, "JPEG", quality=100)):
        three = read_image(content, Target(50, 50))
        single = read_image(content, Target(50, 50), channels=1)
        assert single.shape == (50, 50, 1)
        assert np.array_equal(three, np.repeat(single, 3, axis=2))


def test_colours_become_grey_by_luma() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 0] = 200  # 0.299 × 200 = 59.8
    assert read_image(encoded(red, "PNG"), None, channels=1).ravel().tolist() == [60] * 16


def test_alpha_is_dropped_or_kept() -> None:
    own = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 7, np.uint8)])
    content = encoded(own, "PNG")
    assert np.array_equal(read_image(content, None), PHOTO)
    assert np.array_equal(read_image(content, None, channels=4), own)
    two = encoded(Image.fromarray(own).convert("LA"), "PNG")
    assert np.array_equal(read_image(two, None, channels=1)[:, :, 0], shown(two, "L"))


def test_a_palette_becomes_its_colours() -> None:
    image = IMAGE.quantize(20)
    content = encoded(image, "PNG", transparency=3)
    assert np.array_equal(read_image(content, None), shown(encoded(image, "PNG")))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_spread_to_white(bits: int) -> None:
    top = 2**bits - 1
    rows = np.array([[0, top, 1, top]], np.uint8)
    image = Image.fromarray(rows).convert("P")
    image.putpalette([value for level in range(top + 1) for value in [level * 255 // top] * 3])
    read = read_image(encoded(image, "PNG", bits=bits), None, channels=1)
    assert read.ravel().tolist() == [0, 255, 255 // top, 255]


def test_an_interlaced_png_is_read() -> None:
    # 2×2 grey pixels 10, 20 / 30, 40: Adam7 stores them in the passes 1, 6 and 7
    import struct
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1))
    passes = zlib.compress(b"\0\x0a" + b"\0\x14" + b"\0\x1e\x28")
    content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", passes) + chunk(b"IEND", b"")
    assert read_image(content, None, channels=1).ravel().tolist() == [10, 20, 30, 40]


def test_16_bits_are_kept_or_scaled_with_rounding() -> None:
    rows = np.array([[0, 128, 129, 65535, 256]], np.uint16)  # 129/257 rounds up, 128/257 down
    content = png16(rows)
    kept = read_image(content, None, channels=1, dtype=np.uint16)
    assert kept.dtype == np.uint16
    assert kept.ravel().tolist() == rows.ravel().tolist()
    assert read_image(content, None, channels=1).ravel().tolist() == [0, 0, 1, 255, 1]


def test_8_bits_become_16_with_white_staying_white() -> None:
    content = encoded(np.array([[0, 1, 255]], np.uint8), "PNG")
    read = read_image(content, None, channels=1, dtype=np.uint16)
    assert read.ravel().tolist() == [0, 257, 65535]


def test_16_bit_colours_keep_their_order() -> None:
    samples = photo(9, 7).astype(np.uint16) * 250
    assert np.array_equal(read_image(png16(samples), None, dtype=np.uint16), samples)


def test_16_bits_are_resized_as_8_are() -> None:
    deep = read_image(png16(DEEP), Target(25, 25, scaled=False), channels=1, dtype=np.uint16)
    flat = encoded((DEEP // 257).astype(np.uint8), "PNG")
    shallow = read_image(flat, Target(25, 25, scaled=False), channels=1)
    assert np.abs((deep - 100) / 257 - shallow).max() <= 1.1


@pytest.mark.parametrize("transform", [0, 2], ids=["cmyk", "ycck"])
def test_cmyk_becomes_what_pillow_shows(transform: int) -> None:
    content = bytearray(encoded(IMAGE.convert("CMYK"), "JPEG", quality=95))
    content[content.index(b"Adobe") + 11] = transform
    assert read_header(bytes(content)).mode == ("ycck" if transform else "cmyk")
    assert np.abs(read_image(bytes(content), None) - shown(bytes(content))).max() <= 3


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_a_cut_file_is_an_error_and_not_half_a_picture(kind: str, options: dict[str, Any]) -> None:
    content = encoded(PHOTO, kind, **options)
    for share in (0.3, 0.6, 0.9, 0.99):
        for target in (None, Target(16, 16)):
            with pytest.raises(DataError, match=r"the picture: .*(cut|decoded|byte|header)"):
                read_image(content[: int(len(content) * share)], target)


def test_zeros_in_place_of_the_second_half_are_an_error() -> None:
    content = encoded(PHOTO, "JPEG")
    half = len(content) // 2
    for rest in (bytes(half), content[half:-2] + bytes(70_000)):
        with pytest.raises(DataError, match="is cut"):
            read_image(content[:half] + rest, Target(16, 16))


def test_bytes_behind_the_end_do_no_harm() -> None:
    content = encoded(PHOTO, "JPEG")
    whole = read_image(content, None)
    assert np.array_equal(read_image(content + bytes(100_000), None), whole)
    assert np.array_equal(read_image(content + content, None), whole)


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    content = encoded(PHOTO, "JPEG")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"half.jpg: the file of .* bytes is cut; expected a whole"):
        read_image(path, None)


def test_damage_that_the_checksum_tells_is_an_error() -> None:
    content = bytearray(encoded(PHOTO, "PNG"))
    content[len(content) // 2] ^= 255
    with pytest.raises(DataError, match="the pixels cannot be decoded"):
        read_image(bytes(content), None)


def test_a_wrong_name_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(PHOTO, "PNG"))
    assert np.array_equal(read_image(path, None), PHOTO)


def test_four_channels_are_not_made_up() -> None:
    with pytest.raises(DataError, match="has 3 channels; expected 4"):
        read_image(encoded(PHOTO, "PNG"), None, channels=4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(64, 48), (150, 203), (75, 29)])
def test_a_slot_of_a_batch_is_written(channels: int, size: tuple[int, int]) -> None:
    content = encoded(PHOTO, "JPEG")
    batch = np.zeros((3, *size, channels), np.uint8)
    given = read_image(content, Target(*size), channels=channels, out=batch[1])
    assert np.shares_memory(given, batch)
    assert np.array_equal(batch[1], read_image(content, Target(*size), channels=channels))
    assert not batch[[0, 2]].any()


def test_a_slot_of_another_shape_is_refused() -> None:
    with pytest.raises(UsageError, match=r"out is uint8 \(5, 5, 3\); expected uint8 \(6, 6, 3\)"):
        read_image(encoded(PHOTO, "PNG"), Target(6, 6), out=np.zeros((5, 5, 3), np.uint8))


def test_one_file_per_channel_is_stacked_in_order(tmp_path: Path) -> None:
    planes = [photo(40, 50, seed)[:, :, 0] for seed in range(6)]
    sources = tuple(tmp_path / f"{number}.png" for number in range(6))
    for path, plane in zip(sources, planes, strict=True):
        path.write_bytes(encoded(plane, "PNG"))
    assert np.array_equal(read_image(sources, None, channels=6), np.stack(planes, axis=2))
    small = read_image(sources, Target(21, 17), channels=6)
    alone = read_image(sources[4], Target(21, 17), channels=1)
    assert np.array_equal(small[:, :, 4:5], alone)


def test_channels_of_other_sizes_are_refused(tmp_path: Path) -> None:
    sources = (tmp_path / "w1.png", tmp_path / "w2.png")
    for path, width in zip(sources, (50, 51), strict=True):
        path.write_bytes(encoded(photo(40, width)[:, :, 0], "PNG"))
    with pytest.raises(DataError, match=r"w2.png has 51×40 pixels; expected 50×40"):
        read_image(sources, None, channels=2)
    with pytest.raises(UsageError, match="2 files for 3 channels"):
        read_image(sources, None)


def test_the_limit_holds_for_all_channels_together() -> None:
    content = encoded(GREY, "PNG")
    samples = GREY.size
    assert read_image((content, content), None, channels=2, max_pixels=2 * samples).ndim == 3
    with pytest.raises(DataError, match="samples; expected at most"):
        read_image((content, content), None, channels=2, max_pixels=2 * samples - 2)


def test_threads_read_what_one_thread_reads(tmp_path: Path) -> None:
    files = {
        "a.jpg": encoded(PHOTO, "JPEG"),
        "b.png": png16(DEEP),
        "c.tif": tiff(np.dstack([PHOTO, GREY])),
        "d.gif": encoded(PHOTO, "GIF"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    target = Target(33, 44, method="crop")
    alone = {name: read_image(tmp_path / name, target) for name in files}
    with ThreadPoolExecutor(8) as pool:
        names = [*files] * 40
        together = pool.map(lambda name: read_image(tmp_path / name, target), names)
        for name, picture in zip(names, together, strict=True):
            assert np.array_equal(picture, alone[name])


@pytest.mark.parametrize("size", [(20, 20), (7, 61), (90, 90), (40, 5), (13, 50)])
def test_a_plane_is_resized_as_pillow_does(size: tuple[int, int]) -> None:
    plane = photo(41, 50)[:, :, 0]
    theirs = np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR))
    ours = resize(plane[:, :, None], size, whole_ratios=False)[:, :, 0]
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_a_whole_ratio_averages_blocks() -> None:
    plane = np.array([[0, 2, 10, 10], [4, 6, 10, 50]], np.uint8)[:, :, None]
    assert resize(plane, (1, 2)).ravel().tolist() == [3, 20]


@pytest.mark.parametrize(
    "options", [{"height": 0}, {"margin": 0.9}, {"method": "fit"}, {"padding": "wrap"}]
)
def test_a_target_that_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected"):
        Target(**{"height": 8, "width": 8, **options})


# ---- trimming ----------------------------------------------------------------------------------


def right_half(picture: np.ndarray) -> np.ndarray:
    return picture[:, picture.shape[1] // 2 :]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_is_trimmed_off_is_not_in_the_picture(kind: str) -> None:
    halves = np.zeros((64, 128, 3), np.uint8)
    halves[:, 64:] = 255
    content = encoded(halves, kind)
    assert read_image(content, Target(16, 16), trim=right_half).min() > 240
    assert read_image(content, None, trim=right_half).shape == (64, 64, 3)


def test_one_file_per_channel_is_not_trimmed() -> None:
    content = encoded(photo(), "PNG")
    with pytest.raises(UsageError, match="one file per picture"):
        read_image((content, content), None, channels=2, trim=right_half)
