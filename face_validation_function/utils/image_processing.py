"""Images: refused by their header, turned upright, cut out and made small enough to send. The home of Pillow."""

import math
import re
import struct
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from face_validation_function.exceptions.exceptions import ImageTooLargeError, ImageValidationError
from face_validation_function.faces import BoundingBox
from face_validation_function.reasons import Reason

MIN_SIDE = 80
MAX_SIDE = 4096
# A photograph (sides of at most 2:1) may be longer when it has no more pixels: they are what takes memory.
MAX_PROPORTION = 2
MAX_OBJECT_BYTES = 15 * 1024 * 1024
MAX_SENT_BYTES = 5 * 1024 * 1024  # docs.aws.amazon.com/rekognition/latest/dg/limits.html

FACE_MARGIN = 0.5
DOCUMENT_MARGIN = 0.05

# Encoders write about ten.
MAX_SCANS = 100
# As many of 64 kB fill the largest file. Pillow copies all that it has for each further one: a million took 49 s.
MAX_EXIF_BLOCKS = 256

_ORIENTATION_TAG = 0x0112
# A marker of a JPG: in the pixels' own data an FF byte is followed by 00 or by a restart marker (D0-D7).
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on bytes that are no image, or only the beginning of one.
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, OverflowError)

PixelBox = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels, as `Image.crop` takes them."""


@dataclass(frozen=True, slots=True)
class UprightImage:
    """A photograph as a person would hold it: RGB pixels, and the same as a file that Rekognition takes (5 MB)."""

    pixels: Image.Image
    sendable: bytes

    @property
    def width(self) -> int:
        """Pixels, after EXIF rotation."""
        return self.pixels.width

    @property
    def height(self) -> int:
        """Pixels, after EXIF rotation."""
        return self.pixels.height


def open_upright(data: bytes) -> UprightImage:
    """Check, decode and turn upright one image file.

    The header is judged before a pixel is decoded, so that a decompression bomb costs nothing.

    Args:
        data: a whole JPG or PNG file.

    Raises:
        ImageValidationError: neither JPG nor PNG by content, truncated or broken.
        ImageTooLargeError: outside 80x80 to 4096x4096 pixels (or as many in a photograph), or more than 15 MB.
    """
    if len(data) > MAX_OBJECT_BYTES:
        raise ImageTooLargeError(
            f"the file has {len(data)} bytes; the limit is {MAX_OBJECT_BYTES} (15 MB).", Reason.FILE_TOO_LARGE
        )
    image = _header(data)
    _check_pixels(image.width, image.height)
    _check_scans(image, data)
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except _UNREADABLE:
        orientation = None  # a broken tag says nothing about the pixels
    try:
        image.load()
        pixels = _rgb(image)
    except _UNREADABLE as error:
        raise ImageValidationError(
            f"the {image.format} file is truncated or broken.", Reason.IMAGE_TRUNCATED
        ) from error
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    if turn is not None:
        pixels = pixels.transpose(turn)
    plain = image.mode in {"RGB", "L"} and not image.has_transparency_data
    as_it_came = plain and turn is None and len(data) <= MAX_SENT_BYTES
    return UprightImage(pixels, data if as_it_came else encoded(pixels))


def crop_pixels(box: BoundingBox, width: int, height: int, margin: float) -> PixelBox:
    """Where to cut so that the face keeps its hair and chin.

    Args:
        box: ratios of the image's size, origin top left; may reach past 0 and 1.
        width: the image's, in pixels after EXIF rotation; at least 80.
        height: likewise.
        margin: extra border on each side, as a ratio of the box's own size.

    Returns:
        A box inside the image. One so thin that scaling it up to 80 pixels would make it longer than 4096 is grown.

    Raises:
        ImageValidationError: no part of the box lies inside the image.

    Source: docs.aws.amazon.com/rekognition/latest/APIReference/API_BoundingBox.html
    """
    left, right = _span(box.left, box.width, width, margin)
    top, bottom = _span(box.top, box.height, height, margin)
    if left >= right or top >= bottom:
        raise ImageValidationError("the face lies outside the image.")
    shortest = math.ceil(max(right - left, bottom - top) * MIN_SIDE / MAX_SIDE)
    left, right = _at_least(min(shortest, width), left, right, width)
    top, bottom = _at_least(min(shortest, height), top, bottom, height)
    return left, top, right, bottom


def cut(image: UprightImage, area: PixelBox) -> bytes:
    """The part of an image inside `area`, as a JPG of at least 80 pixels a side and at most 5 MB."""
    crop = image.pixels.crop(area)
    short = min(crop.size)
    if short < MIN_SIDE:
        scale = MIN_SIDE / short
        size = (max(MIN_SIDE, round(crop.width * scale)), max(MIN_SIDE, round(crop.height * scale)))
        crop = crop.resize(size, Image.Resampling.BICUBIC)
    return encoded(crop)


def relative(area: PixelBox, width: int, height: int) -> BoundingBox:
    """A box in pixels as ratios of an image of `width` x `height` pixels."""
    left, top, right, bottom = area
    return BoundingBox(left / width, top / height, (right - left) / width, (bottom - top) / height)


def encoded(pixels: Image.Image) -> bytes:
    """A JPG of at most 5 MB: full size at quality 95 when that fits, else coarser, else smaller."""
    for quality in (95, 85):
        data = _jpeg(pixels, quality)
        if len(data) <= MAX_SENT_BYTES:
            return data
    scale = math.sqrt(MAX_SENT_BYTES / len(data)) * 0.9
    smaller = pixels.resize(
        (max(MIN_SIDE, int(pixels.width * scale)), max(MIN_SIDE, int(pixels.height * scale))), Image.Resampling.BOX
    )
    return encoded(smaller)


def _header(data: bytes) -> ImageFile.ImageFile:
    """The file's header, read by the two readers that we allow; `Image.open` would try every format."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            _check_exif(data)
            return JpegImagePlugin.JpegImageFile(BytesIO(data))
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return PngImagePlugin.PngImageFile(BytesIO(data))
    except _UNREADABLE as error:
        raise ImageValidationError(
            "the file begins like a JPG or PNG, but its header cannot be read.", Reason.IMAGE_TRUNCATED
        ) from error
    raise ImageValidationError(
        f"the content is neither JPG nor PNG: it begins with the bytes {data[:8].hex(' ') or '(none)'}.",
        Reason.FORMAT_NOT_SUPPORTED,
    )


def _check_pixels(width: int, height: int) -> None:
    short, long = sorted((width, height))
    is_photograph = width * height <= MAX_SIDE**2 and long <= MAX_PROPORTION * short
    if short < MIN_SIDE or not (long <= MAX_SIDE or is_photograph):
        raise ImageTooLargeError(
            f"the image has {width}x{height} pixels; the limits are {MIN_SIDE}x{MIN_SIDE} to {MAX_SIDE}x{MAX_SIDE}, "
            f"or as many pixels in a photograph of at most {MAX_PROPORTION}:1.",
            Reason.IMAGE_TOO_SMALL if short < MIN_SIDE else Reason.IMAGE_TOO_LARGE,
        )


def _check_exif(data: bytes) -> None:
    blocks = data.count(b"Exif\0\0")
    if blocks > MAX_EXIF_BLOCKS:
        raise ImageValidationError(
            f"the JPG has {blocks} blocks of EXIF; the limit is {MAX_EXIF_BLOCKS}.", Reason.IMAGE_UNSAFE
        )


def _check_scans(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse a progressive JPG that refines itself for ever: each scan costs the time of a whole decode."""
    if not image.info.get("progressive"):
        return
    scans, position = 0, 2
    while (marker := _MARKER.search(data, position)) and marker[1] != _END_OF_IMAGE:
        scans += marker[1] == _START_OF_SCAN
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    if scans > MAX_SCANS:
        raise ImageValidationError(
            f"the progressive JPG has {scans} scans; the limit is {MAX_SCANS}.", Reason.IMAGE_UNSAFE
        )


def _rgb(image: Image.Image) -> Image.Image:
    """RGB pixels; what is transparent becomes white, 16-bit greys keep their upper byte."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _span(start: float, length: float, size: int, margin: float) -> tuple[int, int]:
    """The pixels from `start` to `start + length` (ratios) with margin, clipped to 0 .. `size`; empty when outside."""
    if start >= 1 or start + length <= 0:
        return 0, 0
    border = length * margin
    first = min(max(0, round((start - border) * size)), size - 1)
    last = min(size, round((start + length + border) * size))
    return first, max(first + 1, last)


def _at_least(pixels: int, first: int, last: int, size: int) -> tuple[int, int]:
    """Grow `first` .. `last` about its middle to `pixels`, inside 0 .. `size`."""
    missing = pixels - (last - first)
    if missing <= 0:
        return first, last
    first = min(max(0, first - missing // 2), size - pixels)
    return first, first + pixels


def _jpeg(pixels: Image.Image, quality: int) -> bytes:
    # 4:4:4: colour at full resolution costs a few bytes and keeps the skin of small faces.
    out = BytesIO()
    pixels.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()
