"""The answer as a picture: both images side by side with what was seen drawn on them."""

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from face_validation.client.buckets import Photo, content_of
from face_validation.client.image_preparation import orientation_of, upright, without_texts
from face_validation.client.people import EverybodyResult
from face_validation.client.validation_result import Box, ImageAnalysis, ValidationResult

Colour = tuple[int, int, int]
Picture = Photo | Image.Image
"""An image file, its bytes, or an image that is open already."""
_Rectangle = tuple[int, int, int, int]

# Every picture is brought to about the same size, so that text and lines can have one size whatever came in.
PANEL_PX = 720
SMALLEST_PANEL_PX = 420
MARGIN_PX = 24
HEADER_PX = 84
CAPTION_PX = 30
TAG_PX = 30
LINE_PX = 4

FIRST_TURNED_ORIENTATION = 5  # EXIF 5 to 8 lie on their side

BACKGROUND: Colour = (250, 250, 248)
INK: Colour = (33, 37, 41)
PALE_INK: Colour = (92, 99, 106)
MATCH: Colour = (21, 128, 61)
NO_MATCH: Colour = (200, 30, 30)
DOCUMENT: Colour = (37, 99, 235)
OTHER_FACE: Colour = (140, 140, 140)
WHITE: Colour = (255, 255, 255)


class _Mark(NamedTuple):
    """One rectangle to draw: where, in which colour, and what its tag says (nothing when empty)."""

    box: Box
    colour: Colour
    tag: str = ""


def annotate(source: Picture, target: Picture, answer: ValidationResult) -> Image.Image:
    """Both pictures upright, side by side, under the verdict: RGB, at most 1528 x 896 px.

    With `answer.boxes` the document is outlined in blue, the compared face in green with its similarity when it matched
    and in red when not, the other faces in grey.

    Raises:
        ValueError: a picture is not the one that was validated, by its size.
        OSError: a picture cannot be read (JPEG and PNG are).
    """
    seen = (answer.boxes.source, answer.boxes.target) if answer.boxes else (None, None)
    panels = [
        _panel(name, picture, side, [] if side is None else _marks(side, answer))
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


def annotate_people(photo: Picture, answer: EverybodyResult) -> Image.Image:
    """The photo upright, with each face's person beside it, green where somebody was found: RGB, at most 728 x 788 px.

    Raises OSError when the photo cannot be read (JPEG and PNG are).
    """
    # The largest last, so that no smaller face's line lies on its name.
    marks = [
        _Mark(face.box, MATCH, f"{face.person} {face.similarity:.1f}")
        if face.person is not None
        else _Mark(face.box, OTHER_FACE, "not found")
        for face in reversed(answer.faces)
    ]
    return _panel("Photo", photo, None, marks)


def _write_verdict(canvas: Image.Image, answer: ValidationResult) -> None:
    draw = ImageDraw.Draw(canvas)
    colour, sign, verdict = (MATCH, ">=", "Match") if answer.matched else (NO_MATCH, "<", "No match")
    middle = HEADER_PX // 2
    draw.text((MARGIN_PX, middle), verdict, colour, ImageFont.load_default(40), anchor="lm")
    left = MARGIN_PX + ImageFont.load_default(40).getlength(verdict) + MARGIN_PX
    line = f"similarity {answer.similarity_text}  {sign}  threshold {answer.threshold:g}"
    draw.text((left, middle + 4), line, INK, ImageFont.load_default(26), anchor="lm")


def _panel(name: str, picture: Picture, side: ImageAnalysis | None, wanted: Sequence[_Mark]) -> Image.Image:
    image, size = _upright(picture, side, name)
    # Enlarging stops at a panel's size, shrinking too: an 80 px face and a 12-megapixel one are as legible.
    image = ImageOps.contain(image, (PANEL_PX, PANEL_PX), Image.Resampling.LANCZOS)
    width = max(image.width + 2 * LINE_PX, SMALLEST_PANEL_PX)
    # Around the image there is room for a line, and above it for a tag: neither has to cover what it points at.
    left, top = (width - image.width) // 2, CAPTION_PX + TAG_PX + LINE_PX
    panel = Image.new("RGB", (width, top + image.height + LINE_PX), BACKGROUND)
    panel.paste(image, (left, top))
    draw = ImageDraw.Draw(panel)
    caption = f"{name}, {size[0]} x {size[1]} px"
    if side is not None:
        caption += ", 1 face" if len(side.faces) == 1 else f", {len(side.faces)} faces"
    draw.text((0, 0), caption, PALE_INK, ImageFont.load_default(20))
    place = (left, top, image.width, image.height)
    marks = [(mark, ring) for mark in wanted if (ring := _ring(mark.box, place))]
    for mark, ring in marks:
        # A white edge keeps every colour visible on every picture.
        draw.rectangle(ring, outline=WHITE, width=LINE_PX + 1)
        draw.rectangle(ring, outline=mark.colour, width=LINE_PX)
    for mark, ring in marks:
        if mark.tag:
            _tag(panel, ring, mark)
    return panel


def _upright(picture: Picture, side: ImageAnalysis | None, name: str) -> tuple[Image.Image, tuple[int, int]]:
    """The picture as it is looked at, perhaps smaller, and the size in pixels that it really has."""
    if isinstance(picture, Image.Image):
        image = picture
    else:
        image = Image.open(BytesIO(without_texts(content_of(picture))), formats=("JPEG", "PNG"))
    turned = orientation_of(image) >= FIRST_TURNED_ORIENTATION
    width, height = image.size[::-1] if turned else image.size
    if side is not None and (side.width, side.height) != (width, height):
        raise ValueError(
            f"The {name.lower()} picture has {width} x {height} px, but the answer is about one of "
            f"{side.width} x {side.height} px: it is not the picture that was validated."
        )
    if image is not picture:
        # A JPEG of ours is decoded at the size that is needed: twelve megapixels would be thrown away again.
        image.draft("RGB", (PANEL_PX, PANEL_PX))
    return upright(image).convert("RGB"), (width, height)


def _marks(side: ImageAnalysis, answer: ValidationResult) -> list[_Mark]:
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


def _ring(box: Box, place: _Rectangle) -> _Rectangle | None:
    """The outermost pixels (left, top, right, bottom) of the line around `box` on an image at (left, top, size).

    None when no part of the box is on the image. The line is not on the box, so that a small face stays visible.
    """
    left, right = sorted(min(1.0, max(0.0, edge)) for edge in (box.left, box.left + box.width))
    top, bottom = sorted(min(1.0, max(0.0, edge)) for edge in (box.top, box.top + box.height))
    if left == right or top == bottom:
        return None
    x, y, width, height = place
    return (
        x + round(left * width) - LINE_PX,
        y + round(top * height) - LINE_PX,
        x + round(right * width) + LINE_PX - 1,
        y + round(bottom * height) + LINE_PX - 1,
    )


def _tag(panel: Image.Image, ring: _Rectangle, mark: _Mark) -> None:
    """The mark's words on its colour, above its ring."""
    font = ImageFont.load_default(22)
    width = round(font.getlength(mark.tag)) + 10
    left = max(0, min(ring[0], panel.width - width))
    draw = ImageDraw.Draw(panel)
    draw.rectangle((left, ring[1] - TAG_PX, left + width - 1, ring[1] - 1), fill=mark.colour)
    draw.text((left + 5, ring[1] - TAG_PX // 2), mark.tag, WHITE, font, anchor="lm")
