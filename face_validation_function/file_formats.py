"""What a file that is neither JPG nor PNG is, by its first bytes, and what its owner can do: words for refusals."""

import re

# What a file is, by a pattern at its beginning, and below what its owner can do; the first that fits counts.
_CONVERTIBLE = {
    rb"....ftypavi[fs]": "an AVIF image",
    rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)": "a HEIC photo",
    rb"RIFF....WEBP": "a WebP image",
    rb"GIF8[79]a": "a GIF image",
    rb"BM....\0\0\0\0": "a BMP image",
    rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]": "a TIFF image or a raw photo",
    rb"[\s\0]{0,16}%PDF-": "a PDF document",
}
_OTHERS = {
    rb"....ftypcrx": "a raw photo (CR3)",
    rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ": "a video",
    rb"\xff\x0a|\0\0\0\x0cJXL ": "a JPEG XL image",
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": "a JPEG 2000 image",
    rb"8BPS": "a Photoshop file (PSD)",
    rb"\s*(?:<\?xml.{0,400}?)?<svg": "an SVG drawing",
    rb"\s*<(?i:!doctype html|html)": "an HTML page",
    rb"PK\x03\x04": "a ZIP archive or an office document",
    rb"[\t\n\r -~]+\Z": "a text, perhaps the base64 of an image",
}
_CONVERTED = "Save it as a JPG, or send it with the Python client, the command line or the page, which convert it."
_REPLACED = "Send a JPG or PNG instead."


def other_format(content: bytes) -> str:
    """A sentence about a file that is neither JPG nor PNG: its format and what to do."""
    for names, advice in ((_CONVERTIBLE, _CONVERTED), (_OTHERS, _REPLACED)):
        for pattern, name in names.items():
            if re.match(pattern, content[:512], re.DOTALL):
                return f"it is {name}. {advice}"
    return f"its format is not known. {_REPLACED}"
