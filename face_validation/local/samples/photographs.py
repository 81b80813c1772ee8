"""The two photographs in the public domain of the demo, the page's samples and the tests, and pictures made of them."""

import io
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageEnhance, ImageOps


@cache
def eileen_collins() -> Image.Image:
    """Eileen Collins, astronaut: 512 x 512 RGB, carried by scikit-image (NASA, public domain)."""
    return _photograph(resources.files("skimage.data") / "astronaut.png")


@cache
def grace_hopper() -> Image.Image:
    """Rear Admiral Grace Hopper: 512 x 600 RGB, carried by matplotlib (US Navy, public domain)."""
    return _photograph(Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg")


def portrait_of_collins() -> Image.Image:
    """Head and shoulders, as a document's photograph shows them."""
    return eileen_collins().crop((118, 0, 332, 275))


def portrait_of_hopper() -> Image.Image:
    """Head and shoulders, as a document's photograph shows them."""
    return grace_hopper().crop((108, 30, 405, 412))


def another_picture(photograph: Image.Image) -> Image.Image:
    """A different picture made of the same photograph: mirrored, tilted by 5 degrees, cropped, relit, larger, softer.

    There is one photograph of each person, so this shows that the service does not compare pixels; it is easier than
    a second photograph of the person taken on another day would be.
    """
    width, height = photograph.size
    tilted = ImageOps.mirror(photograph).rotate(5, Image.Resampling.BICUBIC, expand=False)
    cropped = tilted.crop((round(width * 0.08), round(height * 0.045), round(width * 0.9), round(height * 0.86)))
    relit = ImageEnhance.Color(ImageEnhance.Brightness(cropped).enhance(0.82)).enhance(0.6)
    return relit.resize((round(relit.width * 1.6), round(relit.height * 1.6)), Image.Resampling.BILINEAR)


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """The image as a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _photograph(file: Traversable | Path) -> Image.Image:
    photograph = Image.open(io.BytesIO(file.read_bytes())).convert("RGB")
    photograph.info = {}  # Pillow's encoder would put the file's own comment into every picture made of it
    return photograph
