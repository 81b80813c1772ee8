"""Pictures of a person who holds an identity document, composed of a photograph and a document."""

import math
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

SIZE = (1600, 1200)
Place = Literal["beside", "below", "behind"]

# The part of the picture's height that the person takes, and what of the document the person may cover from behind.
_PERSON = {"beside": 0.8, "below": 0.72, "behind": 0.8}
_COVERED = 0.05


Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, and where in it the person's photograph and the document are: left, top, right, bottom in pixels."""

    image: Image.Image
    person: Box
    document: Box


def held(
    person: Image.Image,
    document: Image.Image,
    place: Place = "beside",
    *,
    width: float = 0.45,
    tilt: float = -6.0,
    mirrored: bool = False,
) -> Scene:
    """A picture of 1600 x 1200 pixels in which a person holds a document.

    Args:
        person: head and shoulders, any size.
        document: flat, its portrait at the left.
        place: the document beside the face, below it, or partly behind the person.
        width: of the document, as a part of the picture's width.
        tilt: degrees, anticlockwise.
        mirrored: the person stands at the right.
    """
    scene = _wall()
    card = ImageOps.contain(document.convert("RGB"), (round(width * SIZE[0]), 3 * SIZE[1]), Image.Resampling.LANCZOS)
    card = card.convert("RGBA").rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    side = round(_PERSON[place] * SIZE[1])
    if place != "below":
        # Beside a wide document there is less room for the person.
        side = min(side, round(SIZE[0] * (1 - width) + (_COVERED * card.width if place == "behind" else 0)))
    figure = ImageOps.fit(person.convert("RGB"), (side, side), Image.Resampling.LANCZOS, centering=(0.5, 0.3))
    if place == "below":
        at = ((SIZE[0] - side) // 2, 0)
        card_at = ((SIZE[0] - card.width) // 2, min(round(0.62 * SIZE[1]), SIZE[1] - card.height))
        card_at = (card_at[0], max(card_at[1], round(0.55 * SIZE[1])))
    else:
        at = (SIZE[0] - side if mirrored else 0, SIZE[1] - side)
        x = round(_COVERED * card.width) if place == "behind" else 0
        left = side - x if not mirrored else SIZE[0] - side + x - card.width
        card_at = (min(max(left, 0), max(0, SIZE[0] - card.width)), (SIZE[1] - card.height) // 2)
    if place == "behind":
        scene.paste(card, card_at, card)
        scene.paste(figure, at)
    else:
        scene.paste(figure, at)
        scene.paste(card, card_at, card)
    ends = (at[0] + side, at[1] + side, card_at[0] + card.width, card_at[1] + card.height)
    return Scene(scene, (*at, *ends[:2]), (*card_at, *ends[2:]))


def _wall() -> Image.Image:
    """Something plain that is not one colour."""
    wave = Image.new("L", (64, 48))
    wave.putdata([150 + round(30 * math.sin(x / 9) * math.cos(y / 11)) for y in range(48) for x in range(64)])
    return ImageOps.colorize(wave.resize(SIZE, Image.Resampling.BICUBIC), (70, 80, 90), (210, 205, 196))
