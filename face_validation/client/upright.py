"""Pictures turned upright by their EXIF orientation alone, and PNG files without their texts, as the service does."""

import struct
import zlib

from PIL import ExifTags, Image

# Where Pillow looks for an orientation when there is no EXIF. Browsers, Rekognition and the service do not.
_OTHER_ORIENTATIONS = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
UNREADABLE = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError),
    *(TypeError, ValueError, struct.error, zlib.error),
)
"""What Pillow's readers raise on files that are broken."""
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
MAX_PROFILE_BYTES = 1_000_000
"""Of a colour profile, inflated: more is refused by Pillow, together with the image. Usual ones have some kilobytes."""


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation of an image, 1 to 8; 1 where there is none that can be read."""
    if image.format == "PNG":
        image.load()  # its EXIF may stand behind the pixels; whatever is broken is told here
    hidden = {key: image.info.pop(key) for key in _OTHER_ORIENTATIONS if key in image.info}
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except UNREADABLE:
        return 1  # a broken block says nothing about the pixels
    finally:
        image.info.update(hidden)
    return found if isinstance(found, int) and found in _UPRIGHT else 1


def upright(image: Image.Image) -> Image.Image:
    """The image as it is looked at: turned by its EXIF orientation, and by nothing else."""
    image.load()  # which turns a TIFF by itself
    turn = _UPRIGHT.get(orientation_of(image))
    return image if turn is None else image.transpose(turn)


def without_texts(content: bytes) -> bytes:
    """A PNG file without its texts and without a colour profile of over a megabyte; other files as they are.

    Pillow keeps texts beside its own settings: one called `transparency` would be taken for the transparent colour.
    """
    if not content.startswith(_PNG_START):
        return content
    kept, position = [_PNG_START], len(_PNG_START)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if kind not in _TEXTS and not (kind == b"iCCP" and _is_large(content[position + 8 : end - 4])):
            kept.append(content[position:end])
        position = end
    return b"".join(kept) + content[position:]


def _is_large(profile: bytes) -> bool:
    """Whether the profile of an iCCP chunk (name, method, zlib stream) is larger than is read."""
    try:
        inflated = zlib.decompressobj().decompress(profile[profile.index(b"\0") + 2 :], MAX_PROFILE_BYTES + 1)
    except (zlib.error, ValueError):
        return True
    return len(inflated) > MAX_PROFILE_BYTES
