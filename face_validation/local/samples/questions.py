"""The questions that the demo asks and the page offers: drawn documents, photographs in the public domain."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image

from face_validation.local.samples.documents import drawn
from face_validation.local.samples.photographs import (
    another_picture,
    eileen_collins,
    grace_hopper,
    held,
    jpeg,
    portrait_of_collins,
    portrait_of_hopper,
)

IMAGES: dict[str, Callable[[], Image.Image]] = {
    "passport-collins": lambda: drawn("passport", portrait_of_collins()),
    "licence-hopper": lambda: drawn("driving_licence", portrait_of_hopper()),
    "collins": eileen_collins,
    "collins-again": lambda: another_picture(eileen_collins()),
    # Nearer than in the photograph: a person's face is larger than a passport.
    "collins-with-passport": lambda: held(
        another_picture(eileen_collins().crop((40, 0, 380, 340))), drawn("passport", portrait_of_collins())
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
