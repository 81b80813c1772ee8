"""The questions that the demo asks and the page offers, and their pictures.

These are drawn documents, and two photographs in the public domain with pictures made of them.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from face_validation.local.samples.documents import MATPLOTLIB_DATA, drawn

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


IMAGES: dict[str, Callable[[], Image.Image]] = {
    # Head and shoulders, as a document's photograph shows them.
    "passport-collins": lambda: drawn("passport", eileen_collins().crop((118, 0, 332, 275))),
    "licence-hopper": lambda: drawn("driving_licence", grace_hopper().crop((108, 30, 405, 412))),
    "collins": eileen_collins,
    "collins-again": lambda: another_picture(eileen_collins()),
    # Nearer than in the photograph: a person's face is larger than a passport.
    "collins-with-passport": lambda: held(
        another_picture(eileen_collins().crop((40, 0, 380, 340))), IMAGES["passport-collins"]()
    ),
    "hopper": grace_hopper,
    "hopper-again": lambda: another_picture(grace_hopper()),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One question: its images (keys of `IMAGES`; ID_IN_FACE has no source), its type, and the right answer."""

    name: str
    title: str
    type: str
    source: str | None
    target: str
    expected: str


SAMPLES = (
    Sample("passport-match", "Passport, its holder", "ID_TO_FACE", "passport-collins", "collins-again", "match"),
    Sample("passport-no-match", "Passport, someone else", "ID_TO_FACE", "passport-collins", "hopper", "no match"),
    Sample("licence-match", "Driving licence, its holder", "ID_TO_FACE", "licence-hopper", "hopper-again", "match"),
    Sample("held-match", "Holder with the passport", "ID_IN_FACE", None, "collins-with-passport", "match"),
    Sample("faces-match", "Two pictures, one person", "FACE_TO_FACE", "hopper", "hopper-again", "match"),
    Sample("faces-no-match", "Two pictures, two people", "FACE_TO_FACE", "collins", "hopper", "no match"),
    Sample("no-document", "No document in the picture", "ID_TO_FACE", "collins", "collins-again", "refusal"),
)


@cache
def sample_jpeg(name: str) -> bytes:
    """One of `IMAGES` as a JPEG file; drawn once. Raises KeyError: there is no such image."""
    return jpeg(IMAGES[name]())


@cache
def sample_files() -> dict[str, bytes]:
    """Every sample by its key in the buckets: the images, and files that the service refuses."""
    images = {f"samples/{name}.jpg": sample_jpeg(name) for name in IMAGES}
    return images | {
        "samples/no-face.jpg": jpeg(Image.linear_gradient("L").convert("RGB")),
        "samples/too-small.jpg": jpeg(eileen_collins().resize((79, 79))),
        "samples/not-an-image.jpg": b"<svg xmlns='http://www.w3.org/2000/svg' width='200' height='200'/>",
        "samples/empty.jpg": b"",
    }
