"""The answer as a picture: both images side by side with what was seen drawn on them."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps

from face_validation_client.results import Box, Side, ValidationResult

Colour = tuple[int, int, int]
Picture = str | Path | bytes | Image.Image
"""An image file, its bytes, or an image that is open already."""

# Every picture is brought to about the same size, so that text and lines can have one size whatever came in.
PANEL_PX = 720
SMALLEST_PANEL_PX = 420
MARGIN_PX = 24
HEADER_PX = 84
CAPTION_PX = 34
LINE_PX = 4

FIRST_TURNED_ORIENTATION = 5  # EXIF 5 to 8 lie on their side

BACKGROUND: Colour = (250, 250, 248)
INK: Colour = (33, 37, 41)
PALE_INK: Colour = (92, 99, 106)
MATCH: Colour = (21, 128, 61)
NO_MATCH: Colour = (200, 30, 30)
DOCUMENT: Colour = (37, 99, 235)
OTHER_FACE: Colour = (140, 140, 140)
HALO: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class _Mark:
    """One rectangle to draw: where, in which colour, and what its tag says (nothing when empty)."""

    box: Box
    colour: Colour
    tag: str = ""


def annotate(source: Picture, target: Picture, answer: ValidationResult) -> Image.Image:
    """Both pictures upright, side by side, under a line that says the verdict, the similarity and the threshold.

    With `answer.boxes` the document is outlined in blue, the compared face in green with its similarity when it matched
    and in red when not, the other faces in grey. Without, the pictures are shown as they are.

    Returns:
        RGB, at most 1512 x 862 px whatever the size of the pictures.

    Raises:
        ValueError: a picture is not the one that was validated, by its size.
        OSError: a picture cannot be read (JPEG and PNG are).
    """
    seen = (answer.boxes.source, answer.boxes.target) if answer.boxes else (None, None)
    panels = [
        _panel(name, picture, side, answer)
        for name, picture, side in zip(("Source", "Target"), (source, target), seen, strict=True)
    ]
    width = sum(panel.width for panel in panels) + 3 * MARGIN_PX
    canvas = Image.new("RGB", (width, HEADER_PX + max(panel.height for panel in panels) + MARGIN_PX), BACKGROUND)
    _write_verdict(canvas, answer)
    left = MARGIN_PX
    for panel in panels:
        canvas.paste(panel, (left, HEADER_PX))
        left += panel.width + MARGIN_PX
    return canvas


def _write_verdict(canvas: Image.Image, answer: ValidationResult) -> None:
    draw = ImageDraw.Draw(canvas)
    colour, sign, verdict = (MATCH, ">=", "Match") if answer.matched else (NO_MATCH, "<", "No match")
    middle = HEADER_PX // 2
    draw.text((MARGIN_PX, middle), verdict, colour, ImageFont.load_default(40), anchor="lm")
    left = MARGIN_PX + ImageFont.load_default(40).getlength(verdict) + MARGIN_PX
    line = f"similarity {answer.similarity_text}  {sign}  threshold {answer.threshold:g}"
    draw.text((left, middle + 4), line, INK, ImageFont.load_default(26), anchor="lm")


def _panel(name: str, picture: Picture, side: Side | None, answer: ValidationResult) -> Image.Image:
    image = _upright(picture, side, name)
    caption = f"{name}, {image.width} x {image.height} px" if side is None else _caption(name, side)
    # Enlarging stops at a panel's size, shrinking too: an 80 px face and a 12-megapixel one are as legible.
    image = ImageOps.contain(image, (PANEL_PX, PANEL_PX), Image.Resampling.LANCZOS)
    if side is not None:
        for mark in _marks(side, answer):
            _outline(image, mark)
        for mark in _marks(side, answer):
            _tag(image, mark)
    panel = Image.new("RGB", (max(image.width, SMALLEST_PANEL_PX), image.height + CAPTION_PX), BACKGROUND)
    panel.paste(image, ((panel.width - image.width) // 2, CAPTION_PX))
    ImageDraw.Draw(panel).text((0, 0), caption, PALE_INK, ImageFont.load_default(20))
    return panel


def _upright(picture: Picture, side: Side | None, name: str) -> Image.Image:
    ours = not isinstance(picture, Image.Image)
    image = picture if isinstance(picture, Image.Image) else _open(picture)
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= FIRST_TURNED_ORIENTATION
    width, height = image.size[::-1] if turned else image.size
    if side is not None and (side.width, side.height) != (width, height):
        raise ValueError(
            f"The {name.lower()} picture has {width} x {height} px, but the answer is about one of "
            f"{side.width} x {side.height} px: it is not the picture that was validated."
        )
    if ours:
        # A JPEG of ours is decoded at the size that is needed: twelve megapixels would be thrown away again.
        image.draft("RGB", (PANEL_PX, PANEL_PX))
    return ImageOps.exif_transpose(image).convert("RGB")


def _open(picture: str | Path | bytes) -> Image.Image:
    return Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture, formats=("JPEG", "PNG"))


def _caption(name: str, side: Side) -> str:
    faces = "1 face" if len(side.faces) == 1 else f"{len(side.faces)} faces"
    return f"{name}, {side.width} x {side.height} px, {faces}"


def _marks(side: Side, answer: ValidationResult) -> list[_Mark]:
    """What to draw, the most important last: it lies on top."""
    others = [face for index, face in enumerate(side.faces) if index != side.compared]
    marks = [_Mark(face.box, OTHER_FACE) for face in others]
    if side.document is not None:
        tag = f"{side.document.label} {side.document.confidence:.0f} %"
        marks.append(_Mark(side.document.box, DOCUMENT, tag))
    if 0 <= side.compared < len(side.faces):
        colour, verdict = (MATCH, "match") if answer.matched else (NO_MATCH, "no match")
        tag = f"{verdict} {answer.similarity_text}"
        marks.append(_Mark(side.faces[side.compared].box, colour, tag))
    return marks


def _pixels(box: Box, image: Image.Image) -> tuple[int, int, int, int] | None:
    """The part of `box` inside `image`: left, top, right, bottom of its outermost pixels; None when none is inside."""
    left, right = sorted(min(1.0, max(0.0, edge)) for edge in (box.left, box.left + box.width))
    top, bottom = sorted(min(1.0, max(0.0, edge)) for edge in (box.top, box.top + box.height))
    if left == right or top == bottom:
        return None
    return (
        round(left * (image.width - 1)),
        round(top * (image.height - 1)),
        round(right * (image.width - 1)),
        round(bottom * (image.height - 1)),
    )


def _outline(image: Image.Image, mark: _Mark) -> None:
    place = _pixels(mark.box, image)
    if place is None:
        return
    left, top, right, bottom = place
    # Around the box, not on it: a small face stays visible. Pushed back inside where the box meets the border.
    ring = (
        max(0, left - LINE_PX),
        max(0, top - LINE_PX),
        min(image.width - 1, right + LINE_PX),
        min(image.height - 1, bottom + LINE_PX),
    )
    draw = ImageDraw.Draw(image)
    # A white halo keeps every colour visible on every picture.
    draw.rectangle(ring, outline=HALO, width=LINE_PX + 2)
    draw.rectangle(ring, outline=mark.colour, width=LINE_PX)


def _tag(image: Image.Image, mark: _Mark) -> None:
    """The mark's words on its colour: above its box, below where there is no room, inside where there is neither."""
    place = _pixels(mark.box, image)
    if place is None or not mark.tag:
        return
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(22)
    pad = 5
    box = draw.textbbox((0, 0), mark.tag, font)
    width, height = round(box[2]) + 2 * pad, round(box[3]) + 2 * pad
    left = max(0, min(place[0] - LINE_PX, image.width - width))
    above, below = place[1] - LINE_PX - height, place[3] + LINE_PX + 1
    top = above if above >= 0 else below if below + height <= image.height else place[1]
    draw.rectangle((left, top, left + width, top + height), fill=mark.colour)
    draw.text((left + pad, top + pad), mark.tag, HALO, font)
