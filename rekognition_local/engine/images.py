"""Image files made into upright RGB arrays; other formats and sizes are refused before anything is decoded."""

import io
import re
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MIN_SIDE_PX = 80  # docs.aws.amazon.com/rekognition/latest/dg/limits.html: "for both height and width"

# The service publishes no maximum for faces and labels. This one admits today's 48-megapixel telephones, and one
# decoded image (four bytes a pixel in Pillow, three in the array) stays far below a gigabyte.
MAX_PIXELS = 50_000_000

# Larger images are reduced by a whole factor, as long as their longer side keeps this many pixels. The service itself
# asks for faces of 40 px in an image of 1920 x 1080, and proportionally larger ones in larger images: nothing it
# promises is lost.
KEPT_SIDE_PX = 2048

# A progressive JPEG goes over the whole image once for each scan; encoders write about ten. Some kilobytes can hold
# thousands.
MAX_SCANS = 100

# As many of 64 kB fill the largest file that is read. Pillow copies all that it has for each further one.
MAX_EXIF_BLOCKS = 256

# What Pillow's JPEG and PNG readers raise for damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, KeyError, TypeError, IndexError, EOFError, struct.error, zlib.error)

# Within a scan's data, 0xFF is followed by 0 or a restart marker; any other byte begins a segment.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)

_ORIENTATION_TAG = 0x0112
_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """An image that is refused; `str(error)` says the value beside the limit."""


class InvalidImageFormatError(ImageError):
    """Not a JPEG or PNG by its content, or damaged."""


class ImageTooSmallError(ImageError):
    """A side has fewer pixels than `MIN_SIDE_PX`."""


class ImageTooLargeError(ImageError):
    """More bytes or pixels than are decoded."""


def decode(image_bytes: bytes, kept_side_px: int | None = KEPT_SIDE_PX) -> NDArray[np.uint8]:
    """A JPEG's or PNG's bytes -> (h, w, 3) RGB 0-255, upright.

    The EXIF orientation is applied to JPEGs and not to PNGs, as the service does. Transparent pixels lie on white.

    Args:
        image_bytes: the file.
        kept_side_px: large images come back reduced, their longer side never below this; None keeps every pixel.

    Raises:
        InvalidImageFormatError, ImageTooSmallError, ImageTooLargeError: before any pixel is decoded, except for
        damaged data.

    Source: docs.aws.amazon.com/rekognition/latest/dg/images-orientation.html
    """
    image = _checked(image_bytes)
    factor = 1 if kept_side_px is None else max(1, max(image.size) // kept_side_px)
    if image.format != "PNG":
        if image.info.get("progressive") and scans(image_bytes) > MAX_SCANS:
            raise InvalidImageFormatError(f"The JPEG has more than {MAX_SCANS} scans.")
        # The JPEG decoder itself scales down by 2, 4 or 8, which leaves out most of its work.
        image.draft(image.mode, (image.width // factor, image.height // factor))
    return _pixels(image, factor)


def stored_size(image_bytes: bytes) -> tuple[int, int]:
    """Width and height in pixels as the header says, before rotation; raises what `decode` raises for the header."""
    return _checked(image_bytes).size


def _checked(image_bytes: bytes) -> Image.Image:
    image = _opened(image_bytes)
    width, height = image.size
    if min(width, height) < MIN_SIDE_PX:
        raise ImageTooSmallError(f"The image is {width}x{height} pixels; the minimum is {MIN_SIDE_PX} on each side.")
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(
            f"The image has {width * height} pixels ({width}x{height}); the maximum is {MAX_PIXELS}."
        )
    return image


def _opened(image_bytes: bytes) -> Image.Image:
    """The image with its header read, nothing more."""
    if image_bytes.startswith(b"\xff\xd8") and image_bytes.count(b"Exif\0\0") > MAX_EXIF_BLOCKS:
        raise InvalidImageFormatError(f"The JPEG has more than {MAX_EXIF_BLOCKS} blocks of EXIF.")
    try:
        return Image.open(io.BytesIO(image_bytes), formats=("JPEG", "PNG"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"{error}; the maximum is {MAX_PIXELS} pixels.") from error
    except UnidentifiedImageError as error:
        raise InvalidImageFormatError("The image is neither a JPEG nor a PNG.") from error
    except _DAMAGED as error:
        raise InvalidImageFormatError(f"The image's header is damaged: {error}") from error


def scans(jpeg: bytes) -> int:
    """How often a JPEG goes over its image; segments are skipped by their length, so thumbnails do not count."""
    place, found = 2, 0
    while (marker := _MARKER.search(jpeg, place)) and marker[1] != b"\xd9" and found <= MAX_SCANS:
        length = int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
        place = marker.end() + length
        found += marker[1] == b"\xda"
    return found


def _pixels(image: Image.Image, factor: int) -> NDArray[np.uint8]:
    try:
        orientation = 1 if image.format == "PNG" else _orientation(image)
        image.load()
    except _DAMAGED as error:
        raise InvalidImageFormatError(f"The image's data is damaged: {error}") from error
    rgb = _rgb(image, factor if image.format == "PNG" else 1)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    return np.asarray(rgb)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1-8; 1 where the tag is missing or unreadable: damaged metadata do not spoil an image."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DAMAGED:
        return 1


def _rgb(image: Image.Image, factor: int) -> Image.Image:
    """The image in RGB, reduced by a whole factor as early as its mode allows: whole copies of it are large."""
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion cuts off at 255 instead of scaling.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in {"P", "1"} or "transparency" in image.info:
        # Neither numbers of a palette nor bits can be averaged, and a transparent colour must be found before it is
        # mixed.
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if factor > 1:
        image = image.reduce(factor)
    if image.mode in {"LA", "RGBA"}:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    return image.convert("RGB")
