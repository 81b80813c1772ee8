"""A refused file is named in words, never by its bytes, and its owner is told what to do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.file_formats import format_of, other_format

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("content", "named", "advice"),
    [
        pytest.param(HEIC, "a HEIC photo", "convert it", id="heic"),
        pytest.param(b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP image", "convert it", id="webp"),
        pytest.param(b"%PDF-1.7", "a PDF document", "convert it", id="pdf"),
        pytest.param(b"MM\0*\0\0\0\x08", "a TIFF image or a raw photo", "convert it", id="tiff"),
        pytest.param(b"\0\0\0\x18ftypmp42", "a video", "Send a JPG or PNG instead", id="video"),
        pytest.param(b"<?xml version='1.0'?><svg/>", "an SVG drawing", "Send a JPG or PNG instead", id="svg"),
        pytest.param(b"<!DOCTYPE html><p>Not found", "an HTML page", "Send a JPG or PNG instead", id="html"),
        pytest.param(b"/9j/4AAQSkZJRg==", "a text, perhaps the base64 of an image", "JPG or PNG", id="base64"),
        pytest.param(bytes(64), "not known", "Send a JPG or PNG instead", id="zeros"),
    ],
)
def test_the_format_and_what_to_do_are_said(content: bytes, named: str, advice: str) -> None:
    sentence = other_format(content)

    assert named in sentence
    assert advice in sentence


@given(st.binary(max_size=64))
def test_the_bytes_of_a_file_are_never_told(content: bytes) -> None:
    assert re.fullmatch(r"(it is|its format is) [\w ,.()]+", other_format(content))


@pytest.mark.parametrize("start", [HEIC, b"GIF89a", b"%PDF-1.4", b"8BPS", b"PK\x03\x04", b"\xff\x0a"])
def test_the_client_and_the_service_mean_the_same_files(start: bytes) -> None:
    assert format_of(start).split()[0].lower() in other_format(start).lower()
