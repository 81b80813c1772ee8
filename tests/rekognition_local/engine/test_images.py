"""Which files are decoded, and into what."""

import os
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from csv import DictReader
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from rekognition_local.engine import images
from tests.rekognition_local.fakes import file_of, picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def quarters(width: int = 200, height: int = 120) -> Image.Image:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), GREEN)
    draw.rectangle((0, height // 2, width // 2, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), WHITE)
    return image


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The colours near the four corners, rounded to 0 or 255: above left and right, below left and right."""
    height, width = pixels.shape[:2]
    places = [(10, 10), (10, width - 11), (height - 11, 10), (height - 11, width - 11)]
    return [tuple(255 if value > 127 else 0 for value in pixels[place]) for place in places]


def with_orientation(image: Image.Image, orientation: int, image_format: str) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return file_of(image, image_format, exif=exif)


# What a camera writes so that the picture is upright once the tag is applied: the inverse of the correction.
STORED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_jpegs_exif_orientation_is_applied(orientation: int) -> None:
    file = with_orientation(STORED[orientation](quarters()), orientation, "JPEG")

    pixels = images.decode(file)

    assert pixels.shape == (120, 200, 3)
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_out_of_range_changes_nothing(orientation: int) -> None:
    assert corners(images.decode(with_orientation(quarters(), orientation, "JPEG"))) == [RED, GREEN, BLUE, WHITE]


def test_a_pngs_exif_orientation_is_not_applied() -> None:
    file = with_orientation(STORED[6](quarters()), 6, "PNG")

    pixels = images.decode(file)

    assert pixels.shape == (200, 120, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\x00\x00garbage", id="garbage"),
        pytest.param(b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", id="offset"),
    ],
)
def test_a_damaged_exif_block_does_not_spoil_the_image(exif: bytes) -> None:
    assert corners(images.decode(file_of(quarters(), exif=exif))) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA"])
def test_every_mode_of_png_becomes_rgb(mode: str) -> None:
    pixels = images.decode(file_of(quarters().convert(mode), "PNG"))

    assert pixels.shape == (120, 200, 3)
    assert pixels.dtype == np.uint8


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    assert corners(images.decode(file_of(quarters().convert("CMYK")))) == [RED, GREEN, BLUE, WHITE]


def test_sixteen_bits_of_grey_are_scaled_not_cut_off() -> None:
    ramp = np.tile(np.linspace(0, 65535, 160).astype(np.uint16), (120, 1))

    pixels = images.decode(file_of(Image.fromarray(ramp), "PNG"))

    assert np.abs(pixels[0, :, 0].astype(int) - np.linspace(0, 255, 160)).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA", "I;16"])
def test_every_mode_keeps_its_picture_when_it_is_reduced(mode: str) -> None:
    image = Image.new("L", (4200, 500), 255)
    ImageDraw.Draw(image).rectangle((0, 0, 2099, 499), 0)
    pixels = np.asarray(image).astype(np.uint16) * 257
    stored = Image.fromarray(pixels) if mode == "I;16" else image.convert(mode)

    reduced = images.decode(file_of(stored, "PNG"))

    assert reduced.shape == (250, 2100, 3)
    assert (reduced[:, :1040] == 0).all()
    assert (reduced[:, 1060:] == 255).all()


def test_transparent_pixels_lie_on_white() -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    palette = Image.new("P", (100, 100), 0)

    assert (images.decode(file_of(image, "PNG")) == 255).all()
    assert (images.decode(file_of(palette, "PNG", transparency=0)) == 255).all()


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    ("size", "is_accepted"),
    [((80, 80), True), ((79, 80), False), ((80, 79), False), ((79, 79), False), ((4000, 80), True)],
)
def test_eighty_pixels_a_side_are_the_least(image_format: str, size: tuple[int, int], is_accepted: bool) -> None:
    file = picture(*size, image_format)

    if is_accepted:
        assert images.decode(file, kept_side_px=10_000).shape[1::-1] == size
    else:
        with pytest.raises(images.ImageTooSmallError, match=f"{size[0]}x{size[1]}.*minimum is 80"):
            images.decode(file)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with next to no data behind it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"),
    [pytest.param(10_000, 5_001, id="just-above"), pytest.param(10_000, 9_500, id="pillow-warns"), (50_000, 50_000)],
)
def test_too_many_pixels_are_refused_by_the_header_alone(width: int, height: int) -> None:
    with pytest.raises(images.ImageTooLargeError, match="maximum is 50000000"):
        images.decode(png_claiming(width, height))


def test_a_size_at_the_maximum_is_decoded_as_far_as_the_data_goes() -> None:
    with pytest.raises(images.InvalidImageFormatError, match="truncated"):
        images.decode(png_claiming(10_000, 5_000))


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused(image_format: str) -> None:
    with pytest.raises(images.InvalidImageFormatError, match="neither JPG nor PNG"):
        images.decode(picture(image_format=image_format))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.95])
def test_a_truncated_file_is_refused(image_format: str, kept: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8))
    file = file_of(noise, image_format)

    with pytest.raises(images.InvalidImageFormatError):
        images.decode(file[: int(len(file) * kept)])


def test_a_damaged_header_is_refused_in_words_of_the_caller() -> None:
    file = bytearray(file_of(quarters(), "PNG"))
    file[24] = 3  # a bit depth that no PNG has
    file[29:33] = struct.pack(">I", zlib.crc32(file[12:29]))

    with pytest.raises(images.InvalidImageFormatError, match=r"^The image's header is damaged\. Save the image again"):
        images.decode(bytes(file))


@given(st.integers(0, 4000), st.binary(min_size=1, max_size=40), st.sampled_from(["JPEG", "PNG"]))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_anywhere_is_either_survived_or_refused_by_name(at: int, damage: bytes, image_format: str) -> None:
    file = bytearray(file_of(quarters(), image_format))
    at %= len(file)
    file[at : at + len(damage)] = damage

    with suppress(images.ImageError):
        assert images.decode(bytes(file)).shape[2] == 3


@pytest.mark.parametrize(("image_format", "orientation"), [("JPEG", 1), ("JPEG", 6), ("PNG", 1)])
def test_a_large_image_is_reduced_but_never_below_the_side_that_is_kept(image_format: str, orientation: int) -> None:
    file = with_orientation(STORED[orientation](quarters(7000, 5000)), orientation, image_format)

    pixels = images.decode(file)

    assert 2048 <= max(pixels.shape[:2]) < 2 * 2048
    assert pixels.shape[1] / pixels.shape[0] == pytest.approx(1.4, abs=0.01)
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]
    assert images.decode(file, kept_side_px=10_000).shape == (5000, 7000, 3)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_an_image_under_twice_that_side_keeps_every_pixel(image_format: str) -> None:
    assert images.decode(picture(4095, 200, image_format)).shape == (200, 4095, 3)


def test_a_jpeg_with_more_blocks_of_exif_than_pillow_could_join_is_decoded() -> None:
    file = file_of(quarters())

    assert images.decode(file[:2] + b"\xff\xe1\x00\x09Exif\0\0\0" * 50_000 + file[2:]).ndim == 3


def progressive(extra_scans: int) -> bytes:
    """A progressive JPEG whose last scan is written again and again."""
    file = file_of(quarters(), progressive=True)
    last, end = file.rindex(b"\xff\xda"), file.rindex(b"\xff\xd9")
    return file[:end] + file[last:end] * extra_scans + file[end:]


def test_a_progressive_jpeg_of_ordinary_length_is_decoded() -> None:
    assert corners(images.decode(progressive(80))) == [RED, GREEN, BLUE, WHITE]


def test_a_progressive_jpeg_of_thousands_of_scans_is_refused_unread() -> None:
    with pytest.raises(images.InvalidImageFormatError, match="more than 100 scans"):
        images.decode(progressive(5000))


def test_scans_of_a_thumbnail_and_bytes_behind_the_image_do_not_count() -> None:
    exif = b"Exif\x00\x00" + b"\xff\xda" * 200

    for file in (file_of(quarters(), exif=exif), file_of(quarters(), progressive=True) + b"\xff\xda" * 200):
        assert corners(images.decode(file)) == [RED, GREEN, BLUE, WHITE]


DEVELOPMENT_DATA = os.environ.get("FACE_DATA", "")


@pytest.mark.slow
@pytest.mark.skipif(not DEVELOPMENT_DATA, reason="FACE_DATA is not set: the hostile files are not decoded")
def test_every_hostile_file_is_decoded_or_refused_in_little_memory_and_time() -> None:
    """Runs apart, under a limit of memory: a bomb that goes off must not take the tests with it."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        "from pathlib import Path; from tests.rekognition_local.engine.test_images import decode_all;"
        "decode_all(Path(sys.argv[1]))"
    )

    ran = subprocess.run([sys.executable, "-c", code, DEVELOPMENT_DATA], capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr


def decode_all(folder: Path) -> None:
    with (folder / "hostile" / "hostile.csv").open() as file:
        rows = list(DictReader(file))
    for row in rows:
        content = (folder / row["file"]).read_bytes()
        try:
            pixels = images.decode(content)
        except images.ImageError:
            assert row["category"] not in {"exif_orientation", "huge", "multi_face", "no_face"}, row
        else:
            assert row["category"] not in {"tiny", "unsupported_format", "decompression_bomb"}, row
            assert pixels.dtype == np.uint8
