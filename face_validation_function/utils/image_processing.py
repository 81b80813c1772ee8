"""Images: refused by their header, turned upright, cut out and made small enough to send."""

import math
from dataclasses import dataclass
from io import BytesIO
from threading import BoundedSemaphore

from PIL import Image

from face_validation_function.exceptions.exceptions import ImageTooLargeError, ImageValidationError
from face_validation_function.faces import BoundingBox
from face_validation_function.file_formats import other_format
from face_validation_function.image_files import ImageFileError, OtherFormatError, PlainFile, plain_file
from face_validation_function.image_pixels import UNREADABLE, on_white, opened, turned
from face_validation_function.reasons import Reason

MIN_SIDE = 80
MAX_SIDE = 4096
# A photograph (sides of at most 2:1) may be longer when it has no more pixels: they are what takes memory.
MAX_PROPORTION = 2
MAX_OBJECT_BYTES = 15 * 1024 * 1024
MAX_SENT_BYTES = 5 * 1024 * 1024  # docs.aws.amazon.com/rekognition/latest/dg/limits.html

FACE_MARGIN = 0.5
DOCUMENT_MARGIN = 0.05

# Images that are decoded at the same time; the others wait. One takes up to 270 MB while it is decoded (a progressive
# CMYK JPG of 16 megapixels) and 67 MB from then on; the function has less than two processors.
DECODED_AT_ONCE = 3
_decoding = BoundedSemaphore(DECODED_AT_ONCE)

PixelBox = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels, as `Image.crop` takes them."""


@dataclass(frozen=True, slots=True)
class UprightImage:
    """A photograph as a person would hold it: RGB pixels, and the same as a file that Rekognition takes (5 MB)."""

    pixels: Image.Image
    sendable: bytes


def open_upright(data: bytes) -> UprightImage:
    """Check, decode and turn upright one image file; what it carries beside its pixels goes no further.

    The header is judged before a pixel is decoded, so that a decompression bomb costs nothing. ImageTooLargeError when
    it is outside the limits of pixels or bytes, ImageValidationError when it is not a whole JPG or PNG by content.
    """
    if len(data) > MAX_OBJECT_BYTES:
        raise ImageTooLargeError(
            f"the file has {len(data)} bytes; the limit is {MAX_OBJECT_BYTES} (15 MB).", Reason.FILE_TOO_LARGE
        )
    try:
        file = plain_file(data)
    except ImageFileError as error:
        told = f"{str(error)[:-1]}: {other_format(data)}" if isinstance(error, OtherFormatError) else str(error)
        raise ImageValidationError(told, Reason(error.reason)) from error
    with _decoding:
        pixels, is_plain = _decoded(file)
        pixels = turned(pixels, file.orientation)
        as_it_came = is_plain and file.orientation == 1 and len(file.data) <= MAX_SENT_BYTES
        return UprightImage(pixels, file.data if as_it_came else encoded(pixels))


def crop_pixels(box: BoundingBox, width: int, height: int, margin: float) -> PixelBox:
    """Where to cut so that the face keeps its hair and chin; ImageValidationError when the box is outside the image.

    `box` is in ratios of an image of `width` x `height` pixels (80 at least) and may reach past 0 and 1; `margin` is
    the extra border on each side, as a ratio of the box's own size. A box so thin that scaling it up to 80 pixels
    would make it longer than 4096 is grown.
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


def part_of(image: UprightImage, box: BoundingBox, margin: float) -> tuple[PixelBox, BoundingBox]:
    """The part of an image around a box, as `crop_pixels` has it: in pixels, and in ratios of the image."""
    width, height = image.pixels.size
    left, top, right, bottom = area = crop_pixels(box, width, height, margin)
    return area, BoundingBox(left / width, top / height, (right - left) / width, (bottom - top) / height)


def encoded(pixels: Image.Image) -> bytes:
    """A JPG of at most 5 MB: full size at quality 95 when that fits, else coarser, else smaller."""
    for quality in (95, 85):
        file = BytesIO()
        # 4:4:4: colour at full resolution costs a few bytes and keeps the skin of small faces.
        pixels.save(file, "JPEG", quality=quality, subsampling=0)
        if file.tell() <= MAX_SENT_BYTES:
            return file.getvalue()
    scale = math.sqrt(MAX_SENT_BYTES / file.tell()) * 0.9
    width, height = (max(MIN_SIDE, int(side * scale)) for side in pixels.size)
    return encoded(pixels.resize((width, height), Image.Resampling.BOX))


def _decoded(file: PlainFile) -> tuple[Image.Image, bool]:
    """The pixels in RGB without anything else, and whether the file shows just these as it is."""
    try:
        image = opened(file)
    except UNREADABLE as error:
        raise ImageValidationError(
            f"the file begins like a {file.kind}, but its header cannot be read.", Reason.IMAGE_TRUNCATED
        ) from error
    _check_pixels(*image.size)
    try:
        image.load()
        is_plain = image.mode in {"RGB", "L"} and not image.has_transparency_data
        pixels = on_white(image)
    except UNREADABLE as error:
        raise ImageValidationError(f"the {file.kind} file is truncated or broken.", Reason.IMAGE_TRUNCATED) from error
    # Pillow's encoders take from here what they are not told: a comment, a profile, EXIF.
    pixels.info = {}
    return pixels, is_plain


def _check_pixels(width: int, height: int) -> None:
    short, long = sorted((width, height))
    is_photograph = width * height <= MAX_SIDE**2 and long <= MAX_PROPORTION * short
    if short < MIN_SIDE or not (long <= MAX_SIDE or is_photograph):
        raise ImageTooLargeError(
            f"the image has {width}x{height} pixels; the limits are {MIN_SIDE}x{MIN_SIDE} to {MAX_SIDE}x{MAX_SIDE}, "
            f"or the same number of pixels in a photograph of at most {MAX_PROPORTION}:1.",
            Reason.IMAGE_TOO_SMALL if short < MIN_SIDE else Reason.IMAGE_TOO_LARGE,
        )


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
