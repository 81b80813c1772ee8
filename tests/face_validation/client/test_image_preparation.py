"""Clients convert image files to what the service takes; the refusal of an unreadable file names its format."""

import contextlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from face_validation.client import FaceValidationClient, ImageTooLargeError, ImageValidationError
from face_validation.client import image_preparation as preparation
from face_validation.client.image_preparation import prepare
from face_validation_function.file_formats import format_of
from tests.face_validation.client.fake_api import FakeApi
from tests.odd_files import display_p3

ORIENTATION = 0x0112
RED, BLUE = (200, 30, 30), (30, 30, 200)


def picture(size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", size, RED)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill=BLUE)
    return image


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = BytesIO()
    if kind == "HEIF":
        # pi-heif, which the service's users install, only decodes.
        pytest.importorskip("pillow_heif").from_pillow(image).save(content)
        return content.getvalue()
    image.save(content, kind, **options)
    return content.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content), formats=("JPEG",))


def colour(image: Image.Image, x: float, y: float = 0.5) -> tuple[int, ...]:
    return tuple(np.asarray(image)[int(y * image.height), int(x * image.width)].tolist())


def near(one: tuple[int, ...], other: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", "JPG"),
        ("PNG", "PNG"),
        ("WEBP", "WebP"),
        ("AVIF", "AVIF"),
        ("TIFF", "TIFF or raw"),
        ("GIF", "GIF"),
        ("BMP", "BMP"),
        ("HEIF", "HEIC"),
    ],
)
def test_every_format_becomes_a_jpg_with_the_same_picture(kind: str, name: str) -> None:
    prepared = prepare(file_of(picture(), kind))

    assert prepared.format == name
    assert (prepared.width, prepared.height) == opened(prepared.content).size == (160, 120)
    assert near(colour(opened(prepared.content), 0.25), RED)
    assert near(colour(opened(prepared.content), 0.75), BLUE)


def test_the_first_page_of_a_pdf_is_the_picture() -> None:
    pytest.importorskip("pypdfium2")
    document = file_of(picture((300, 200)), "PDF", save_all=True, append_images=[Image.new("RGB", (300, 200), "green")])

    prepared = prepare(document)

    assert (prepared.format, prepared.width, prepared.height) == ("PDF", 3072, 2048)
    assert near(colour(opened(prepared.content), 0.25), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_exif_orientation_turns_the_picture_and_is_gone(kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: the left side is the top

    prepared = opened(prepare(file_of(picture(), kind, exif=exif)).content)

    assert prepared.size == (120, 160)
    assert near(colour(prepared, 0.5, 0.25), RED)
    assert ORIENTATION not in prepared.getexif()


def test_nothing_but_pixels_is_sent() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 70_000)
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    prepared = opened(prepare(file_of(picture(), "PNG", pnginfo=text, exif=exif, icc_profile=profile)).content)

    assert set(prepared.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_larger_picture_is_made_smaller_and_a_smaller_one_is_left() -> None:
    large = prepare(file_of(Image.new("L", (5712, 4284), 128), "JPEG"))
    small = prepare(file_of(picture((90, 81)), "PNG"))

    assert (large.width, large.height) == (3072, 2304)
    assert (small.width, small.height) == (90, 81)


def test_what_is_transparent_becomes_white() -> None:
    image = picture().convert("RGBA")
    image.putalpha(0)

    assert near(colour(opened(prepare(file_of(image, "PNG")).content), 0.25), (255, 255, 255))


def test_a_16_bit_grey_keeps_its_shades() -> None:
    grey = Image.fromarray(np.full((100, 100), 40_000, np.uint16))

    assert near(colour(opened(prepare(file_of(grey, "PNG")).content), 0.5), (156, 156, 156), by=3)


def test_a_wide_gamut_is_converted_not_reinterpreted() -> None:
    # CIE Lab's profile maps the same numbers to other colours than sRGB does: any conversion moves them.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = display_p3()
    as_srgb = opened(prepare(file_of(picture(), "PNG", icc_profile=lab.tobytes())).content)
    as_p3 = opened(prepare(file_of(picture(), "PNG", icc_profile=swapped)).content)

    assert near(colour(as_srgb, 0.25), RED, by=4)
    assert colour(as_p3, 0.25)[0] > colour(as_srgb, 0.25)[0] + 5  # P3's red is stronger than sRGB's


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"hello", "it is not an image", id="text"),
        pytest.param(b"PK\x03\x04" + bytes(60), "it is a ZIP file", id="zip"),
        pytest.param(bytes(4) + b"ftypmp42" + bytes(60), "it is a video file", id="video"),
        pytest.param(b"<svg xmlns='x'/>", "it is an SVG file", id="svg"),
        pytest.param(b"\xff\xd8\xff\xe0 not a whole one", r"\(JPG\) is truncated or broken", id="jpg"),
        pytest.param(bytes(4) + b"ftypavif" + bytes(60), r"\(AVIF\) is truncated or broken", id="avif"),
    ],
)
def test_what_no_decoder_opens_is_refused_by_its_name(content: bytes, said: str) -> None:
    with pytest.raises(ImageValidationError, match=said):
        prepare(content)


def test_a_truncated_photo_is_refused_by_the_name_of_its_file(tmp_path: Path) -> None:
    photo = tmp_path / "selfie.jpg"
    photo.write_bytes(file_of(picture((640, 480)), "JPEG")[:2000])

    with pytest.raises(ImageValidationError, match=r"selfie\.jpg \(JPG\) is truncated or broken"):
        prepare(photo)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MAX_PIXELS", 160 * 120 - 1)

    with pytest.raises(ImageTooLargeError, match="160x120 pixels"):
        prepare(file_of(picture(), "JPEG"))


def test_heic_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pi_heif", None)

    with pytest.raises(Exception, match=r"HEIC photo.*face-validation\[images\]"):
        prepare(bytes(4) + b"ftypheic" + bytes(60))


@given(st.binary(max_size=600))
def test_no_bytes_make_it_fail_in_another_way(content: bytes) -> None:
    with contextlib.suppress(ImageValidationError, ImageTooLargeError):
        prepare(content)


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"]), st.data())
def test_flipped_bytes_are_refused_or_read(kind: str, data: st.DataObject) -> None:
    content = bytearray(file_of(picture((64, 48)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(ImageValidationError, ImageTooLargeError):
        prepared = prepare(bytes(content))

        assert opened(prepared.content).size == (prepared.width, prepared.height)


def test_the_format_is_told_by_content() -> None:
    assert [format_of(content) for content in (b"%PDF-1.7", b"\0\0\0\x0cJXL \r\n", b"")] == [
        "PDF",
        "JPEG XL",
        "unknown",
    ]


def test_the_client_sends_prepared_images(api: FakeApi) -> None:
    with FaceValidationClient(**api.settings) as client:
        client.validate_files(file_of(picture(), "WEBP"), file_of(picture(), "PNG"), "FACE_TO_FACE", keep=True)

    assert len(api.objects) == 2
    assert all(b"\xff\xd8\xff" in content for content in api.objects.values())


def test_nothing_is_sent_when_one_of_two_images_cannot_be_read(api: FakeApi) -> None:
    with FaceValidationClient(**api.settings) as client, pytest.raises(ImageValidationError, match="broken"):
        client.validate_files(file_of(picture(), "PNG"), b"\xff\xd8\xff\xe0 not whole", "FACE_TO_FACE")

    assert [call.method for call in api.calls if call.path != "/oauth2/token"] == []
