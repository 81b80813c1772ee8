"""What a file is by its first bytes, and words for the refusal of one that is neither JPG nor PNG."""

import re

# A name, words and how such a file begins; the first that fits counts.
_FORMATS = (
    ("JPG", "a JPG image", rb"\xff\xd8\xff"),
    ("PNG", "a PNG image", rb"\x89PNG\r\n\x1a\n"),
    ("AVIF", "an AVIF image", rb"....ftypavi[fs]"),
    ("HEIC", "a HEIC photo", rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)"),
    ("CR3 raw", "a raw photo (CR3)", rb"....ftypcrx"),
    ("video", "a video", rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI "),
    ("WebP", "a WebP image", rb"RIFF....WEBP"),
    ("GIF", "a GIF image", rb"GIF8[79]a"),
    ("BMP", "a BMP image", rb"BM....\0\0\0\0"),
    ("TIFF or raw", "a TIFF image or a raw photo", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    ("JPEG XL", "a JPEG XL image", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG 2000", "a JPEG 2000 image", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("PDF", "a PDF document", rb"[\s\0]{0,16}%PDF-"),
    ("PSD", "a Photoshop file (PSD)", rb"8BPS"),
    ("SVG", "an SVG drawing", rb"\s*(?:<\?xml.{0,400}?)?<svg"),
    ("HTML", "an HTML page", rb"\s*<(?i:!doctype html|html)"),
    ("ZIP", "a ZIP archive or an office document", rb"PK\x03\x04"),
    ("unknown", "a text, perhaps the base64 of an image", rb"[\t\n\r -~]+\Z"),
    ("unknown", "", b""),
)
_CONVERTED = "Save it as a JPG, or send it with the Python client, the command line or the page, which convert it."
_CONVERTED_BY_CLIENTS = {"AVIF", "HEIC", "WebP", "GIF", "BMP", "TIFF or raw", "PDF"}


def format_of(content: bytes) -> str:
    """What a file is by its first bytes: "JPG", "HEIC", "PDF", ...; "unknown" when none of them fits."""
    return _format(content)[0]


def other_format(content: bytes) -> str:
    """A sentence about a file that is neither JPG nor PNG: its format and what to do."""
    name, words = _format(content)
    told = f"it is {words}" if words else "its format is not known"
    return f"{told}. {_CONVERTED if name in _CONVERTED_BY_CLIENTS else 'Send a JPG or PNG instead.'}"


def _format(content: bytes) -> tuple[str, str]:
    beginning = content[:512]
    return next((name, words) for name, words, start in _FORMATS if re.match(start, beginning, re.DOTALL))
