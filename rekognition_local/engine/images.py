"""Image files made into upright RGB arrays; other formats and sizes are refused before anything is decoded."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from face_validation_function.image_files import ImageFileError, plain_file
from face_validation_function.image_pixels import UNREADABLE, on_white, opened, turned

MIN_SIDE_PX = 80  # docs.aws.amazon.com/rekognition/latest/dg/limits.html: "for both height and width"

# The service publishes no maximum for faces and labels. This one admits today's 48-megapixel telephones, and one
# decoded image (four bytes a pixel in Pillow, three in the array) stays far below a gigabyte.
MAX_PIXELS = 50_000_000

# The decoder of a progressive JPEG keeps every number of the whole file, however small the image is wanted: two bytes
# each. 50 megapixels of the usual halved colour take 150 MB, 33 megapixels of full colour take this.
MAX_PROGRESSIVE_BYTES = 200_000_000

# Larger images are reduced by a whole factor, as long as their longer side keeps this many pixels. The service itself
# asks for faces of 40 px in an image of 1920 x 1080, and proportionally larger ones in larger images: nothing it
# promises is lost.
KEPT_SIDE_PX = 2048

# Side of the squares that are converted at once, about: whole copies of a large image would take several times its
# memory.
_TILE_SIDE = 1024


class ImageError(ValueError):
    """An image that is refused; `str(error)` says the value beside the limit."""


class InvalidImageFormatError(ImageError):
    """Not a JPEG or PNG by its content, or damaged."""


class ImageTooSmallError(ImageError):
    """A side has fewer pixels than `MIN_SIDE_PX`."""


class ImageTooLargeError(ImageError):
    """More bytes or pixels than are decoded."""


class ImageFile:
    """A JPEG or PNG, without what is beside its pixels, whose header is read and within the limits.

    `width` and `height` are pixels as the header says, before rotation.

    Raises:
        ImageError: one of its three, before any pixel is decoded.
    """

    def __init__(self, image_bytes: bytes) -> None:
        try:
            self._file = plain_file(image_bytes)
            self._image = opened(self._file)
        except ImageFileError as error:
            sentence = str(error)
            raise InvalidImageFormatError(sentence[0].upper() + sentence[1:]) from error
        except UNREADABLE as error:
            raise InvalidImageFormatError(
                "The image's header is damaged. Save the image again, or send another."
            ) from error
        self.width, self.height = width, height = self._image.size
        if min(width, height) < MIN_SIDE_PX:
            raise ImageTooSmallError(
                f"The image is {width}x{height} pixels; the minimum is {MIN_SIDE_PX} on each side."
            )
        if width * height > MAX_PIXELS:
            pixels = f"{width * height} pixels ({width}x{height})"
            raise ImageTooLargeError(f"The image has {pixels}; the maximum is {MAX_PIXELS}.")
        kept = _progressive_bytes(self._image)
        if kept > MAX_PROGRESSIVE_BYTES:
            raise ImageTooLargeError(
                f"The progressive JPEG takes {kept} bytes to decode ({width}x{height}); "
                f"the maximum is {MAX_PROGRESSIVE_BYTES}. Save it without `progressive`, or smaller."
            )

    def pixels(self, kept_side_px: int = KEPT_SIDE_PX) -> NDArray[np.uint8]:
        """(h, w, 3) RGB 0-255, upright, transparent pixels on white; to be asked for once.

        The EXIF orientation is applied to JPEGs and not to PNGs, as the service does; XMP turns nothing. Large images
        come back reduced, their longer side never below `kept_side_px`. InvalidImageFormatError says that the data is
        damaged.

        Source: docs.aws.amazon.com/rekognition/latest/dg/images-orientation.html
        """
        image, is_jpeg = self._image, self._file.kind == "JPG"
        factor = max(1, max(image.size) // kept_side_px)
        try:
            if is_jpeg:
                # The JPEG decoder itself scales down by 2, 4 or 8, which leaves out most of its work.
                image.draft(image.mode, (image.width // factor, image.height // factor))
                factor = 1
            image.load()
            rgb = _rgb(image, factor)
        except UNREADABLE as error:
            raise InvalidImageFormatError(f"The image's data is damaged: {error}") from error
        return np.asarray(turned(rgb, self._file.orientation) if is_jpeg else rgb)


def decode(image_bytes: bytes, kept_side_px: int = KEPT_SIDE_PX) -> NDArray[np.uint8]:
    """A JPEG's or PNG's bytes -> its `ImageFile.pixels`."""
    return ImageFile(image_bytes).pixels(kept_side_px)


def _progressive_bytes(image: Image.Image) -> int:
    """What a progressive JPEG's decoder keeps until its last scan; 0 for every other image."""
    if not (isinstance(image, JpegImagePlugin.JpegImageFile) and image.info.get("progressive")):
        return 0
    full = max((across * down for _, across, down, _ in image.layer), default=0)
    parts = sum(across * down for _, across, down, _ in image.layer)
    return 2 * image.width * image.height * parts // full if full else 0


def _rgb(image: Image.Image, factor: int) -> Image.Image:
    """The image in RGB, reduced by a whole factor, on white; part by part, for whole copies are large."""
    if factor == 1 and image.mode == "RGB" and "transparency" not in image.info:
        return image
    rgb = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    side = -(-_TILE_SIDE // factor) * factor
    for left, top in product(range(0, image.width, side), range(0, image.height, side)):
        tile = image.crop((left, top, min(left + side, image.width), min(top + side, image.height)))
        # Numbers of a palette, bits and 16-bit greys cannot be averaged, and a transparent colour must be found before
        # it is mixed.
        is_opaque = not tile.has_transparency_data or tile.mode.startswith("I")
        reduced = (on_white(tile) if is_opaque else tile.convert("RGBA")).reduce(factor)
        rgb.paste(on_white(reduced), (left // factor, top // factor))
    return rgb
