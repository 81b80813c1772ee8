"""Image files made into upright RGB arrays; other formats and sizes are refused before anything is decoded."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MIN_SIDE_PX = 80  # docs.aws.amazon.com/rekognition/latest/dg/limits.html: "for both height and width"

# The service publishes no maximum for faces and labels. This one admits today's 48-megapixel telephones, and one
# decoded image (four bytes a pixel in Pillow, three in the array) stays far below a gigabyte.
MAX_PIXELS = 50_000_000

# A JPEG is decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many pixels. The service itself asks for
# faces of 40 px in an image of 1920 x 1080, and proportionally larger ones in larger images, so nothing that it
# promises is lost.
KEPT_SIDE_PX = 2048

# What Pillow's JPEG and PNG readers raise for damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, KeyError, TypeError, IndexError, EOFError, struct.error, zlib.error)

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
        kept_side_px: large JPEGs may come back reduced, their longer side never below this; None keeps every pixel.

    Raises:
        InvalidImageFormatError, ImageTooSmallError, ImageTooLargeError: before any pixel is decoded, except for
        damaged data.

    Source: docs.aws.amazon.com/rekognition/latest/dg/images-orientation.html
    """
    image = _checked(image_bytes)
    if image.format != "PNG" and kept_side_px is not None:
        _reduce(image, kept_side_px)
    return _pixels(image)


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
    try:
        return Image.open(io.BytesIO(image_bytes), formats=("JPEG", "PNG"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"{error}; the maximum is {MAX_PIXELS} pixels.") from error
    except UnidentifiedImageError as error:
        raise InvalidImageFormatError("The image is neither a JPEG nor a PNG.") from error
    except _DAMAGED as error:
        raise InvalidImageFormatError(f"The image's header is damaged: {error}") from error


def _reduce(image: Image.Image, kept_side_px: int) -> None:
    """Let the JPEG decoder itself scale down, which leaves out most of its work."""
    width, height = image.size
    shrink = max(width, height) / kept_side_px
    if shrink >= 2:
        image.draft(image.mode, (int(width / shrink), int(height / shrink)))


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    try:
        orientation = 1 if image.format == "PNG" else _orientation(image)
        image.load()
    except _DAMAGED as error:
        raise InvalidImageFormatError(f"The image's data is damaged: {error}") from error
    rgb = _rgb(image)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    return np.asarray(rgb)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1-8; 1 where the tag is missing or unreadable: damaged metadata do not spoil an image."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DAMAGED:
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion cuts off at 255 instead of scaling.
        return Image.fromarray((np.asarray(image, dtype=np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("RGB")
