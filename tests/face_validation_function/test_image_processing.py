"""Images are refused by their header, turned upright, cut with a margin, and never too small or too large to send."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from face_validation_function.exceptions.exceptions import ImageTooLargeError, ImageValidationError
from face_validation_function.faces import BoundingBox
from face_validation_function.utils.image_processing import (
    FACE_MARGIN,
    MAX_SENT_BYTES,
    UprightImage,
    crop_pixels,
    cut,
    encoded,
    open_upright,
    part_of,
)
from tests.fakes import file_of, jpeg, opened, picture

coordinates = st.floats(-1, 2, allow_nan=False)
lengths = st.floats(0, 3, exclude_min=True, allow_nan=False)
sides = st.integers(80, 6000)
boxes = st.builds(BoundingBox, coordinates, coordinates, lengths, lengths)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises many pixels and holds none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "said"),
    [
        pytest.param((79, 80), "79x80", id="narrow"),
        pytest.param((80, 79), "80x79", id="flat"),
        pytest.param((4097, 4096), "4097x4096", id="one-column-too-many"),
        pytest.param((4096, 4097), "4096x4097", id="one-row-too-many"),
        pytest.param((4097, 100), "4097x100", id="wide"),
        pytest.param((100, 4097), "100x4097", id="tall"),
        pytest.param((5600, 2799), "5600x2799", id="a-strip-of-a-photograph"),
    ],
)
def test_pixels_outside_the_limits_are_refused_with_both_limits(size: tuple[int, int], said: str) -> None:
    """(R) Both bounds."""
    with pytest.raises(ImageTooLargeError, match=rf"{said} pixels; the limits are 80x80 to 4096x4096"):
        open_upright(jpeg(size))


@pytest.mark.parametrize("size", [(80, 80), (4096, 80), (80, 4096), (4096, 4096), (4352, 2903), (2896, 5792)])
def test_pixels_at_the_limits_are_taken(size: tuple[int, int]) -> None:
    image = open_upright(jpeg(size))

    assert image.pixels.size == size


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLargeError, match="100000x100000"):
        open_upright(png_header(100_000, 100_000))


def test_a_file_of_15_megabytes_is_read_and_a_byte_more_is_refused_with_its_size() -> None:
    largest = jpeg() + bytes(15 * 1024 * 1024 - len(jpeg()))

    read = open_upright(largest)

    assert read.pixels.size == (200, 160)
    assert len(read.sendable) <= 5 * 1024 * 1024
    with pytest.raises(ImageTooLargeError, match=r"15728641 bytes; the limit is 15728640"):
        open_upright(largest + b"\0")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("GIF", "a GIF image"),
        ("WEBP", "a WebP image"),
        ("BMP", "a BMP image"),
        ("TIFF", "a TIFF image"),
        ("AVIF", "an AVIF image"),
        ("PDF", "a PDF document"),
        ("JPEG2000", "a JPEG 2000 image"),
    ],
)
def test_other_formats_are_refused_by_content_and_by_their_name(kind: str, named: str) -> None:
    """(R) The format is judged by content, not by the extension."""
    with pytest.raises(ImageValidationError, match=f"neither JPG nor PNG: it is {named}.*JPG"):
        open_upright(file_of(picture(), kind))


def test_of_a_multi_picture_jpg_the_first_picture_is_read() -> None:
    red, blue = (Image.new("RGB", (200, 160), colour) for colour in ("red", "blue"))
    both = BytesIO()
    red.save(both, "MPO", save_all=True, append_images=[blue])

    assert np.asarray(open_upright(both.getvalue()).pixels)[80, 100].tolist() == pytest.approx([254, 0, 0], abs=3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="one-byte"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="svg"),
        pytest.param(b"%PDF-1.7", id="pdf"),
        pytest.param(b"\xff\xd8\xff\xd9", id="jpeg-without-a-frame"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="png-signature-alone"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageValidationError):
        open_upright(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused(kind: str, kept: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    data = file_of(noise, kind)

    with pytest.raises(ImageValidationError, match="truncated or broken"):
        open_upright(data[: int(len(data) * kept)])


@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", jpeg()[:300]])
)
def test_no_bytes_whatever_raise_anything_but_our_errors(data: bytes, start: bytes) -> None:
    with pytest.raises((ImageValidationError, ImageTooLargeError)):
        open_upright(start + data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_ends_upright_without_its_tag(kind: str, orientation: int) -> None:
    upright = picture((240, 160))
    turned_by = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that the tag undoes
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(turned_by[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = open_upright(file_of(stored, kind, exif=exif))

    assert image.pixels.size == (240, 160)
    assert image.pixels.getpixel((20, 20)) == pytest.approx((255, 255, 255), abs=6)
    assert image.pixels.getpixel((220, 20))[1] < 180  # type: ignore[index]  # an RGB picture's pixel is a tuple
    sent = opened(image.sendable)
    assert sent.size == (240, 160)
    assert sent.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    if mode == "I;16":
        grey = np.full((160, 200), 128 * 256, dtype=np.uint16)
        image = Image.fromarray(grey)
    else:
        image = picture(mode=mode)

    found = open_upright(file_of(image, "PNG"))

    assert found.pixels.mode == "RGB"
    if mode == "I;16":
        assert found.pixels.getpixel((100, 100)) == (128, 128, 128)


def test_a_cmyk_jpeg_is_read_in_its_colours() -> None:
    found = open_upright(file_of(picture(mode="CMYK")))

    red, green, blue = found.pixels.getpixel((150, 100))  # type: ignore[misc]  # an RGB picture's pixel is a tuple
    assert red < 60
    assert green == pytest.approx(128, abs=25)
    assert blue == pytest.approx(128, abs=25)


def test_a_jpeg_with_more_blocks_of_exif_than_pillow_could_join_is_read() -> None:
    data = file_of(picture())

    assert open_upright(data[:2] + b"\xff\xe1\x00\x09Exif\0\0\0" * 50_000 + data[2:]).pixels.width == 200


def test_a_progressive_jpeg_is_read() -> None:
    assert open_upright(file_of(picture(), progressive=True)).pixels.width == 200


def test_a_progressive_jpeg_that_never_ends_refining_is_refused_before_it_is_decoded() -> None:
    data = file_of(picture(), progressive=True)
    start = data.rindex(b"\xff\xda")
    last_scan = data[start:-2]
    missing = 100 - data.count(b"\xff\xda")
    endless = data[:-2] + last_scan * 20_000 + data[-2:]

    assert open_upright(data[:-2] + last_scan * missing + data[-2:]).pixels.width == 200
    with pytest.raises(ImageValidationError, match="has more than 100 scans"):
        open_upright(endless)


def test_what_follows_the_end_of_an_image_counts_for_nothing() -> None:
    data = file_of(picture(), progressive=True) + b"\xff\xda\x00\x02" * 1000

    assert open_upright(data).pixels.width == 200


def test_what_is_transparent_becomes_white_whatever_colour_hides_there() -> None:
    ghost = Image.new("RGBA", (100, 100), (255, 0, 0, 0))

    assert open_upright(file_of(ghost, "PNG")).pixels.getpixel((50, 50)) == (255, 255, 255)


def test_a_colour_that_stands_for_transparency_is_sent_as_white() -> None:
    ghost = Image.new("RGB", (100, 100), (255, 0, 0))

    image = open_upright(file_of(ghost, "PNG", transparency=(255, 0, 0)))

    assert image.pixels.getpixel((50, 50)) == (255, 255, 255)
    assert opened(image.sendable).getpixel((50, 50)) == (255, 255, 255)


def test_an_upright_file_is_sent_as_it_came() -> None:
    data = jpeg()

    assert open_upright(data).sendable is data


def test_a_broken_exif_block_does_not_refuse_the_pixels() -> None:
    data = jpeg()
    broken = data[:2] + b"\xff\xe1\x00\x10Exif\0\0MM\0*\xff\xff\xff\xff" + data[2:]

    assert open_upright(broken).pixels.width == 200


@given(box=boxes, width=sides, height=sides, margin=st.floats(0, 1))
def test_a_crop_lies_inside_the_image_and_can_be_scaled_to_80_pixels(
    box: BoundingBox, width: int, height: int, margin: float
) -> None:
    try:
        left, top, right, bottom = crop_pixels(box, width, height, margin)
    except ImageValidationError:
        assert box.left >= 1 or box.top >= 1 or box.left + box.width <= 0 or box.top + box.height <= 0
        return

    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    short, long = sorted((right - left, bottom - top))
    assert long * max(1.0, 80 / short) <= max(4096, long)


@settings(max_examples=40, deadline=None)
@given(box=boxes, width=sides, height=sides)
def test_no_crop_is_empty_or_under_80_pixels_or_over_5_megabytes(box: BoundingBox, width: int, height: int) -> None:
    assume(width * height <= 4096 * 4096)
    image = UprightImage(Image.new("RGB", (width, height), "teal"), b"")
    try:
        area = crop_pixels(box, width, height, FACE_MARGIN)
    except ImageValidationError:
        return

    data = cut(image, area)

    assert len(data) <= MAX_SENT_BYTES
    assert min(opened(data).size) >= 80
    assert max(opened(data).size) <= 6000


def test_16_megapixels_of_noise_are_sent_within_5_megabytes() -> None:
    """(R) Bytes sent stay within Rekognition's 5 MB."""
    noise = np.random.default_rng(2).integers(0, 256, (4096, 4096, 3), dtype=np.uint8)

    data = encoded(Image.fromarray(noise))

    assert len(data) <= MAX_SENT_BYTES
    assert min(opened(data).size) >= 80


def test_the_margin_keeps_hair_and_chin_and_stops_at_the_border() -> None:
    """(R) Crops keep a margin around the box and are clipped to the image."""
    assert crop_pixels(BoundingBox(0.4, 0.4, 0.2, 0.2), 1000, 500, 0.5) == (300, 150, 700, 350)
    assert crop_pixels(BoundingBox(-0.1, 0.9, 0.3, 0.3), 1000, 500, 0.5) == (0, 375, 350, 500)


@pytest.mark.parametrize("left", [1.0, -0.3])
def test_a_box_without_any_part_in_the_image_is_refused(left: float) -> None:
    with pytest.raises(ImageValidationError, match="outside"):
        crop_pixels(BoundingBox(left, 0.2, 0.3, 0.3), 400, 400, 0.5)


def test_a_box_too_thin_to_be_scaled_up_is_grown_on_both_sides() -> None:
    assert crop_pixels(BoundingBox(0.5, 0.0, 0.001, 1.0), 4000, 4000, 0.0) == (1963, 0, 2042, 4000)


@given(box=st.builds(BoundingBox, *[st.floats(0.01, 0.4)] * 4), width=sides, height=sides)
def test_a_box_seen_from_its_crop_and_back_is_the_same_box(box: BoundingBox, width: int, height: int) -> None:
    _, area = part_of(UprightImage(Image.new("1", (width, height)), b""), box, 0.3)

    back = box.relative_to(area).within(area)

    assert back.left == pytest.approx(box.left)
    assert back.top == pytest.approx(box.top)
    assert back.width == pytest.approx(box.width)
    assert back.height == pytest.approx(box.height)


def test_a_small_crop_is_scaled_up_in_proportion() -> None:
    image = UprightImage(picture((400, 400)), b"")

    assert opened(cut(image, (100, 100, 140, 160))).size == (80, 120)


def test_a_crop_keeps_the_colour_of_every_pixel() -> None:
    crop = opened(cut(open_upright(jpeg()), (0, 0, 100, 100)))

    assert JpegImagePlugin.get_sampling(crop) == 0  # 4:4:4
