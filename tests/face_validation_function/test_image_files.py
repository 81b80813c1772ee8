"""Of an image file its pixels and its EXIF orientation are read; nothing else that it carries is seen or sent."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from face_validation_function.exceptions.exceptions import ImageTooLargeError, ImageValidationError
from face_validation_function.image_files import EndlessFileError, plain_file
from face_validation_function.utils.image_processing import cut, open_upright
from tests.fakes import file_of, jpeg, opened, picture
from tests.odd_files import (
    PILLOWS_WORDS,
    chunk,
    chunks_of,
    exif,
    png_of,
    segment,
    with_broken_pixels,
    with_chunk,
    with_segment,
    with_xmp,
    without_palette,
)

NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (160, 200, 3), dtype=np.uint8))
SECRET = b"the owner's name and home"


def carrying(kind: str) -> bytes:
    """A file with everything beside its pixels that a file can have."""
    if kind == "JPEG":
        file = file_of(picture(), quality=90, comment=SECRET, icc_profile=SECRET, dpi=(72, 72))
        file = with_segment(file, 0xED, b"Photoshop 3.0\0" + SECRET)
        return with_segment(with_xmp(file, 1), 0xE1, b"Exif\0\0" + exif(1) + SECRET) + SECRET
    file = file_of(picture(), "PNG", icc_profile=SECRET, dpi=(72, 72))
    for word in PILLOWS_WORDS:
        file = with_chunk(file, b"tEXt", word.encode() + b"\0" + SECRET)
        file = with_chunk(file, b"zTXt", word.encode() + b"\0\0" + zlib.compress(SECRET))
        file = with_chunk(file, b"iTXt", word.encode() + b"\0\0\0\0\0" + SECRET, before=b"IEND")
    return with_chunk(file, b"eXIf", exif(1) + SECRET) + SECRET


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_nothing_beside_the_pixels_reaches_what_is_sent(kind: str) -> None:
    plain = open_upright(file_of(picture(), kind, **({"quality": 90} if kind == "JPEG" else {})))

    image = open_upright(carrying(kind))

    assert image.pixels.info == {}
    assert image.pixels.tobytes() == plain.pixels.tobytes()
    assert image.sendable == plain.sendable
    assert cut(image, (0, 0, 100, 100)) == cut(plain, (0, 0, 100, 100))


@pytest.mark.parametrize("word", PILLOWS_WORDS)
@pytest.mark.parametrize("text", [b"x" * 66_000, b"\xe9" * 32_766, b"hello"], ids=["long", "longer-in-utf8", "short"])
@pytest.mark.timeout(20)
def test_a_text_is_text_whatever_pillow_calls_by_its_keyword(word: str, text: bytes) -> None:
    file = with_chunk(file_of(picture(mode="RGBA"), "PNG"), b"tEXt", word.encode() + b"\0" + text)

    image = open_upright(file)

    assert image.pixels.tobytes() == picture().tobytes()
    assert len(cut(image, (0, 0, 100, 100))) < 5000


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        pytest.param(b"iCCP", b"scanner\0\0", id="profile"),
        pytest.param(b"zTXt", b"comment\0\0", id="compressed-text"),
        pytest.param(b"iTXt", b"note\0\1\0\0\0", id="compressed-international-text"),
    ],
)
def test_a_side_chunk_that_inflates_to_many_megabytes_is_not_inflated(kind: bytes, start: bytes) -> None:
    file = with_chunk(file_of(picture(), "PNG"), kind, start + zlib.compress(bytes(80_000_000)))

    assert open_upright(file).pixels.tobytes() == picture().tobytes()


@pytest.mark.parametrize("how", ["filter", "checksum"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "I;16"])
def test_a_png_whose_pixels_are_broken_is_refused_in_every_mode(mode: str, how: str) -> None:
    image = Image.fromarray(np.asarray(NOISE.convert("L"), np.uint16)) if mode == "I;16" else NOISE.convert(mode)

    with pytest.raises(ImageValidationError, match="the PNG file is truncated or broken"):
        open_upright(with_broken_pixels(file_of(image, "PNG"), how=how))


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum() -> None:
    file = bytearray(file_of(NOISE.convert("RGBA"), "PNG"))
    file[len(file) // 2] ^= 1

    with pytest.raises(ImageValidationError, match="truncated or broken: wrong checksum of IDAT"):
        open_upright(bytes(file))


def test_an_indexed_png_without_its_palette_is_refused() -> None:
    with pytest.raises(ImageValidationError, match="its pixels use a palette that is missing"):
        open_upright(without_palette())


@pytest.mark.parametrize("transparency", [bytes(769), b"", bytes(range(255))], ids=["too-long", "empty", "fits-not"])
def test_a_transparency_that_does_not_fit_its_palette_is_left_out(transparency: bytes) -> None:
    indexed = picture().quantize(8)
    file = with_chunk(file_of(indexed, "PNG"), b"tRNS", transparency)

    assert open_upright(file).pixels.tobytes() == indexed.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1"])
@given(content=st.binary(max_size=12))
def test_no_transparency_chunk_whatever_makes_a_good_png_unreadable(mode: str, content: bytes) -> None:
    image = open_upright(with_chunk(file_of(picture(mode=mode), "PNG"), b"tRNS", content))

    assert image.pixels.size == (200, 160)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_orientation_in_xmp_turns_nothing(kind: str) -> None:
    image = open_upright(with_xmp(file_of(picture((240, 160)), kind), 6))

    assert image.pixels.size == (240, 160)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(exif(6, form=11, value=struct.pack("<f", float("inf"))), id="float-infinity"),
        pytest.param(exif(6, form=11, value=struct.pack("<f", 6.0)), id="float"),
        pytest.param(exif(6, form=12), id="double"),
        pytest.param(exif(6, form=2, value=b"6\0\0\0"), id="text"),
        pytest.param(exif(9), id="no-orientation"),
        pytest.param(exif(0), id="zero"),
        pytest.param(exif(6)[:20], id="cut-short"),
        pytest.param(exif(6)[:9], id="without-entries"),
        pytest.param(b"II*\0" + b"\xff" * 40, id="directory-outside"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_orientation_that_is_none_turns_nothing(kind: str, block: bytes) -> None:
    plain = file_of(picture((240, 160)), kind)
    file = with_chunk(plain, b"eXIf", block) if kind == "PNG" else with_segment(plain, 0xE1, b"Exif\0\0" + block)

    image = open_upright(file)

    assert image.pixels.size == (240, 160)


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_the_exif_of_a_png_counts_before_and_behind_the_pixels(before: bytes) -> None:
    image = open_upright(with_chunk(file_of(picture((240, 160)), "PNG"), b"eXIf", exif(6), before=before))

    assert image.pixels.size == (160, 240)


@pytest.mark.parametrize("lost", [1, 4, 12])
def test_a_png_whose_end_is_cut_off_is_refused(lost: int) -> None:
    with pytest.raises(ImageValidationError, match="truncated"):
        open_upright(file_of(picture((240, 160)), "PNG")[:-lost])


def test_of_an_animation_its_first_image_is_read() -> None:
    frames = [picture((240, 160), colour) for colour in ("teal", "olive")]
    file = file_of(frames[0], "PNG", save_all=True, append_images=frames[1:])

    image = open_upright(file)

    assert image.pixels.tobytes() == frames[0].tobytes()
    assert [kind for kind, _ in chunks_of(image.sendable)] == [b"IHDR", b"IDAT", b"IEND"]


def test_a_second_picture_behind_the_end_is_neither_read_nor_sent() -> None:
    assert open_upright(jpeg() + jpeg((800, 800))).sendable == jpeg()


def test_the_colours_of_a_jpg_survive_the_loss_of_its_blocks() -> None:
    file = file_of(NOISE, quality=95, keep_rgb=True)  # numbers that are red, green and blue, which Adobe's block says

    assert open_upright(with_segment(file, 0xFE, SECRET)).pixels.tobytes() == opened(file).convert("RGB").tobytes()


@pytest.mark.parametrize("option", ["quality", "progressive", "restart_marker_rows", "optimize"])
def test_every_kind_of_scan_is_read_as_it_was(option: str) -> None:
    file = file_of(NOISE, "JPEG", **{option: 1})

    image = open_upright(with_segment(file, 0xFE, SECRET))

    assert image.sendable == file
    assert image.pixels.tobytes() == opened(file).convert("RGB").tobytes()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(jpeg()[:2] + segment(0xFE, b"") * 100_001 + jpeg()[2:], id="segments"),
        pytest.param(png_of([chunks_of(file_of(picture(), "PNG"))[0], *[(b"IDAT", b"")] * 100_001]), id="chunks"),
    ],
)
def test_a_file_of_parts_without_end_is_refused(file: bytes) -> None:
    with pytest.raises(EndlessFileError, match="more than 100000"):
        plain_file(file)


@given(place=st.integers(0, 10**6), change=st.binary(max_size=30), kind=st.sampled_from(["JPEG", "PNG"]))
def test_a_file_changed_anywhere_is_read_or_refused_in_our_words(place: int, change: bytes, kind: str) -> None:
    data = file_of(picture(mode="L"), kind)
    place %= len(data)

    try:
        image = open_upright(data[:place] + change + data[place + len(change) :])
    except (ImageValidationError, ImageTooLargeError):
        return

    assert image.pixels.mode == "RGB"
    assert image.pixels.info == {}


def test_a_crop_of_a_noisy_jpg_keeps_full_colour() -> None:
    assert JpegImagePlugin.get_sampling(opened(cut(open_upright(file_of(NOISE)), (0, 0, 100, 100)))) == 0


def test_a_chunk_that_says_more_than_the_file_has_is_refused() -> None:
    png = file_of(picture(), "PNG")
    endless = png.replace(chunk(b"IEND", b""), struct.pack(">I", 2**31 - 1) + b"IDAT" + bytes(40))

    with pytest.raises(ImageValidationError, match="the PNG file is truncated or broken: its pixels end at byte"):
        open_upright(endless)
