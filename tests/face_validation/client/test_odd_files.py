"""What the client, the annotated picture and the thumbnails make of a file with something odd beside its pixels."""

import base64
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from face_validation.client import Box, Boxes, Face, ImageAnalysis, ValidationResult
from face_validation.client.annotation import annotate
from face_validation.client.image_preparation import prepare
from face_validation.evaluation.report.gallery import thumbnail
from tests.fakes import file_of, opened, picture
from tests.odd_files import (
    PILLOWS_WORDS,
    exif,
    with_broken_pixels,
    with_chunk,
    with_segment,
    with_xmp,
)

SIZE = (240, 160)


def answer_about(size: tuple[int, int]) -> ValidationResult:
    side = ImageAnalysis(*size, (Face(Box(0.2, 0.2, 0.4, 0.4), 99.0),), 0, None)
    return ValidationResult("x", True, 95.0, 80.0, Boxes(side, side))


def thumbnail_of(file: bytes, folder: Path) -> bytes:
    path = folder / "photo"
    path.write_bytes(file)
    address = thumbnail(path, None)
    assert address is not None
    return base64.b64decode(address.partition(",")[2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_orientation_in_xmp_turns_no_picture(kind: str, tmp_path: Path) -> None:
    file = with_xmp(file_of(picture(SIZE), kind), 6)

    prepared = prepare(file)

    assert (prepared.width, prepared.height) == SIZE
    assert annotate(file, file, answer_about(SIZE)).mode == "RGB"  # the size is the one that the service answered for
    assert opened(thumbnail_of(file, tmp_path)).size == SIZE


@pytest.mark.parametrize("number", [float("inf"), 6.0])
def test_an_orientation_that_is_a_float_turns_no_picture(number: float, tmp_path: Path) -> None:
    block = b"Exif\0\0" + exif(6, form=11, value=struct.pack("<f", number))
    file = with_segment(file_of(picture(SIZE)), 0xE1, block)

    assert (prepare(file).width, prepare(file).height) == SIZE
    assert annotate(file, file, answer_about(SIZE)).mode == "RGB"
    assert opened(thumbnail_of(file, tmp_path)).size == SIZE


@pytest.mark.parametrize("word", PILLOWS_WORDS)
@pytest.mark.parametrize("text", [b"hello", b"\xe9" * 32_766], ids=["short", "longer-in-utf8"])
@pytest.mark.timeout(30)
def test_a_text_is_text_whatever_pillow_calls_by_its_keyword(word: str, text: bytes, tmp_path: Path) -> None:
    file = with_chunk(file_of(picture(SIZE, mode="RGBA"), "PNG"), b"tEXt", word.encode() + b"\0" + text)

    shown = np.asarray(opened(prepare(file).content), int)

    assert np.abs(shown - np.asarray(picture(SIZE), int)).max() < 12
    assert annotate(file, file, answer_about(SIZE)).mode == "RGB"
    assert len(thumbnail_of(file, tmp_path)) < 5000


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt"])
def test_a_side_chunk_of_megabytes_does_not_refuse_a_picture(kind: bytes) -> None:
    file = with_chunk(file_of(picture(SIZE), "PNG"), kind, b"comment\0\0" + zlib.compress(bytes(3_000_000)))

    assert prepare(file).width == SIZE[0]


def test_a_comment_reaches_no_thumbnail(tmp_path: Path) -> None:
    made = thumbnail_of(file_of(picture(SIZE), comment=b"her name"), tmp_path)

    assert b"her name" not in made


def test_what_is_broken_has_no_thumbnail(tmp_path: Path) -> None:
    broken = with_broken_pixels(file_of(picture(SIZE, mode="RGBA"), "PNG"), how="filter")
    (tmp_path / "photo").write_bytes(broken)

    assert thumbnail(tmp_path / "photo", None) is None


def test_a_picture_that_is_open_already_keeps_what_it_carries() -> None:
    image = Image.open(BytesIO(with_xmp(file_of(picture(SIZE)), 6)))

    annotate(image, image, answer_about(SIZE))

    assert "xmp" in image.info
