"""The two photographs in the public domain of the demo, the page's samples and the tests, and pictures made of them."""

import io
import math
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

# Where the packages' files lie; importing them would take half a second of each start.
MATPLOTLIB_DATA = Path(str(distribution("matplotlib").locate_file("matplotlib/mpl-data")))
_SKIMAGE_DATA = Path(str(distribution("scikit-image").locate_file("skimage/data")))
_SCENE_PX, _PERSON_PX = (1600, 1200), 960


@cache
def eileen_collins() -> Image.Image:
    """Eileen Collins, astronaut: 512 x 512 RGB, carried by scikit-image (NASA, public domain)."""
    return _photograph(_SKIMAGE_DATA / "astronaut.png")


@cache
def grace_hopper() -> Image.Image:
    """Rear Admiral Grace Hopper: 512 x 600 RGB, carried by matplotlib (US Navy, public domain)."""
    return _photograph(MATPLOTLIB_DATA / "sample_data" / "grace_hopper.jpg")


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


def held(person: Image.Image, document: Image.Image) -> Image.Image:
    """A picture of 1600 x 1200 pixels: the person (head and shoulders) at the left, beside it the document, tilted."""
    width, height = _SCENE_PX
    figure = ImageOps.fit(person.convert("RGB"), (_PERSON_PX,) * 2, Image.Resampling.LANCZOS, centering=(0.5, 0.3))
    card = ImageOps.contain(document.convert("RGB"), (width - _PERSON_PX, height), Image.Resampling.LANCZOS)
    card = card.convert("RGBA").rotate(-6.0, Image.Resampling.BICUBIC, expand=True)
    # Something plain that is not one colour.
    wave = Image.new("L", (64, 48))
    wave.putdata([150 + round(30 * math.sin(x / 9) * math.cos(y / 11)) for y in range(48) for x in range(64)])
    wall = wave.resize(_SCENE_PX, Image.Resampling.BICUBIC)
    scene = ImageOps.colorize(wall, (70, 80, 90), (210, 205, 196))
    scene.paste(figure, (0, height - _PERSON_PX))
    scene.paste(card, (min(_PERSON_PX, width - card.width), (height - card.height) // 2), card)
    return scene


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """The image as a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _photograph(file: Path) -> Image.Image:
    photograph = Image.open(io.BytesIO(file.read_bytes())).convert("RGB")
    photograph.info = {}  # Pillow's encoder would put the file's own comment into every picture made of it
    return photograph
