"""Of an image file the engine sees the pixels, and of a JPEG the EXIF orientation; nothing else that it carries."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from rekognition_local.engine import images
from tests.odd_files import (
    PILLOWS_WORDS,
    exif,
    with_broken_pixels,
    with_chunk,
    with_segment,
    with_xmp,
    without_palette,
)
from tests.rekognition_local.fakes import file_of

NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (160, 200, 3), dtype=np.uint8))


@pytest.mark.parametrize("word", PILLOWS_WORDS)
def test_a_text_is_text_whatever_pillow_calls_by_its_keyword(word: str) -> None:
    file = with_chunk(file_of(NOISE, "PNG"), b"tEXt", word.encode() + b"\0hello")

    assert np.array_equal(images.decode(file), np.asarray(NOISE))


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        pytest.param(b"iCCP", b"scanner\0\0", id="profile"),
        pytest.param(b"zTXt", b"comment\0\0", id="compressed-text"),
        pytest.param(b"iTXt", b"note\0\1\0\0\0", id="compressed-international-text"),
    ],
)
def test_a_large_side_chunk_does_not_matter(kind: bytes, start: bytes) -> None:
    file = with_chunk(file_of(NOISE, "PNG"), kind, start + zlib.compress(bytes(3_000_000)))

    assert np.array_equal(images.decode(file), np.asarray(NOISE))


def test_a_transparency_longer_than_its_palette_is_left_out() -> None:
    indexed = NOISE.quantize(8)

    pixels = images.decode(with_chunk(file_of(indexed, "PNG"), b"tRNS", bytes(769)))

    assert np.array_equal(pixels, np.asarray(indexed.convert("RGB")))


@pytest.mark.parametrize("how", ["filter", "checksum"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_a_png_whose_pixels_are_broken_is_refused_in_every_mode(mode: str, how: str) -> None:
    with pytest.raises(images.InvalidImageFormatError):
        images.decode(with_broken_pixels(file_of(NOISE.convert(mode), "PNG"), how=how))


def test_an_indexed_png_without_its_palette_is_refused() -> None:
    with pytest.raises(images.InvalidImageFormatError, match="a palette that is missing"):
        images.decode(without_palette())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_orientation_in_xmp_turns_nothing(kind: str) -> None:
    assert images.decode(with_xmp(file_of(NOISE, kind), 6)).shape == (160, 200, 3)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 6.0])
def test_an_orientation_that_is_a_float_turns_nothing(number: float) -> None:
    block = b"Exif\0\0" + exif(6, form=11, value=struct.pack("<f", number))

    assert images.decode(with_segment(file_of(NOISE), 0xE1, block)).shape == (160, 200, 3)


@pytest.mark.parametrize(
    ("mode", "side", "is_read"),
    [
        pytest.param("RGB", 5770, True, id="full-colour-of-33.3-megapixels"),
        pytest.param("RGB", 5780, False, id="full-colour-of-33.4"),
        pytest.param("CMYK", 5000, True, id="cmyk-of-25.0"),
        pytest.param("CMYK", 5010, False, id="cmyk-of-25.1"),
    ],
)
def test_a_progressive_jpeg_is_refused_by_the_memory_that_its_decoder_takes(
    mode: str, side: int, is_read: bool
) -> None:
    # Only the header counts here, so the pixels are those of a small image.
    small = file_of(Image.new(mode, (96, 96)), progressive=True, subsampling=0)
    frame = small.index(b"\xff\xc2")
    file = small[: frame + 5] + struct.pack(">HH", side, side) + small[frame + 9 :]

    if is_read:
        assert images.ImageFile(file).width == side
    else:
        with pytest.raises(images.ImageTooLargeError, match=r"bytes to decode.*the maximum is 200000000"):
            images.ImageFile(file)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
@pytest.mark.parametrize("size", [(1500, 801), (640, 1300)])
def test_an_image_reduced_in_bands_is_the_image_reduced_at_once(size: tuple[int, int], mode: str) -> None:
    rgb = NOISE.resize(size)
    image = Image.fromarray(np.asarray(rgb.convert("L"), np.uint16) << 8) if mode == "I;16" else rgb.convert(mode)
    if mode in {"RGBA", "LA"}:
        image.putalpha(rgb.getchannel("R"))
    factor = max(size) // 400

    pixels = images.decode(file_of(image, "PNG"), kept_side_px=400)

    at_once = rgb.convert("L") if mode == "I;16" else image
    if mode in {"P", "1"}:
        at_once = image.convert("RGB")
    at_once = at_once.reduce(factor)
    white = Image.new("RGBA", at_once.size, "white")
    expected = np.asarray(Image.alpha_composite(white, at_once.convert("RGBA")).convert("RGB"))
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 1
