"""What a file that is neither JPG nor PNG is, by its first bytes, and what its owner can do: words for refusals."""

import re

_CONVERTED = "Save it as a JPG, or send it with the Python client, the command line or the page, which convert it."
_REPLACED = "Send a JPG or PNG instead."

# (what it is, pattern at the file's beginning, what to do); the first that fits counts.
_FORMATS: tuple[tuple[str, "re.Pattern[bytes]", str], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL), advice)
    for advice, formats in (
        (
            _CONVERTED,
            (
                ("an AVIF image", rb"....ftypavi[fs]"),
                ("a HEIC photo", rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)"),
                ("a WebP image", rb"RIFF....WEBP"),
                ("a GIF image", rb"GIF8[79]a"),
                ("a BMP image", rb"BM....\0\0\0\0"),
                ("a TIFF image or a raw photo", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
                ("a PDF document", rb"[\s\0]{0,16}%PDF-"),
            ),
        ),
        (
            _REPLACED,
            (
                ("a raw photo (CR3)", rb"....ftypcrx"),
                ("a video", rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI "),
                ("a JPEG XL image", rb"\xff\x0a|\0\0\0\x0cJXL "),
                ("a JPEG 2000 image", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
                ("a Photoshop file (PSD)", rb"8BPS"),
                ("an SVG drawing", rb"\s*(?:<\?xml.{0,400}?)?<svg"),
                ("an HTML page", rb"\s*<(?i:!doctype html|html)"),
                ("a ZIP archive or an office document", rb"PK\x03\x04"),
                ("a text, perhaps the base64 of an image", rb"[\t\n\r -~]+\Z"),
            ),
        ),
    )
    for name, pattern in formats
)


def other_format(content: bytes) -> str:
    """A sentence about a file that is neither JPG nor PNG: its format and what to do."""
    beginning = content[:512]
    for name, pattern, advice in _FORMATS:
        if pattern.match(beginning):
            return f"it is {name}. {advice}"
    return f"its format is not known. {_REPLACED}"
