"""Pixels of image files: turned upright, in RGB on white; the service, the client and the engine mean the same."""

import struct
import zlib
from io import BytesIO

from PIL import Image, JpegImagePlugin, PngImagePlugin

from face_validation_function.image_files import PlainFile

UNREADABLE = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError),
    *(TypeError, ValueError, struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow's readers raise on broken files: the file is at fault. Only that memory has run out is ours."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Rows that are laid on white at once: a band of the largest image takes four megabytes.
_BAND_ROWS = 256


def opened(file: PlainFile) -> Image.Image:
    """The image with its header read, nothing more, however large it is; raises what `UNREADABLE` lists."""
    # `Image.open` would try every format that it knows.
    reader = JpegImagePlugin.JpegImageFile if file.kind == "JPG" else PngImagePlugin.PngImageFile
    return reader(BytesIO(file.data))


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image as it is looked at, by its EXIF orientation (1 to 8); the very image when nothing turns it."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def on_white(image: Image.Image) -> Image.Image:
    """RGB pixels; what is transparent becomes white, 16-bit greys keep their upper byte. RGB is returned as it is."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    # Band by band: whole copies with an alpha channel would take twice the memory of the image.
    white = Image.new("RGB", image.size, "white")
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height))).convert("RGBA")
        white.paste(band, (0, top), band)
    return white
