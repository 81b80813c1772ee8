"""Which official documents an image shows, as Rekognition's DetectLabels would name them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.lines import TextLine
from rekognition_local.engine.documents.page import Page, Rectangle
from rekognition_local.engine.documents.text import TextReader
from rekognition_local.engine.faces.detection import DetectedFace

PASSPORT = "Passport"
# Rekognition's taxonomy has no national identity card: it says this of every identity card with a photograph.
DRIVING_LICENSE = "Driving License"

# Longest side in pixels at which text is looked for: in the whole image, then in the part where a document may be.
FIRST_LOOK = 640
CLOSER_LOOK = 960
# A closer look costs twice a first one or more: it must show the text this much larger.
WORTHWHILE_GAIN = 1.3
# Pixels: text in less cannot be read; a face beyond the border leaves nothing.
LEAST_PART = 32
# A face no larger than this part of the image can be a portrait on a card that is too far away for the first look.
SMALL_FACE = 0.15
# Where a portrait is looked for: so far about the text, in parts of the text's longer side.
AROUND_TEXT = 0.6

# Percent: what needs no closer look, what needs no further lines, and what is worth reporting.
CERTAIN = 90.0
BEYOND_DOUBT = 97.0
LEAST_CONFIDENCE = 20.0

LINES_AT_A_TIME = 10
MAX_LINES_READ = 40
# A page that gives no hint of a document in so many of its largest lines is read no further.
MAX_LINES_WITHOUT_HINT = 20
HINT = 10.0


@dataclass(frozen=True, slots=True)
class DetectedDocument:
    """One document: Rekognition's label, confidence in percent, and its box in ratios of the image, clipped to it."""

    label: str
    confidence: float
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """What the text of an image says about documents; confidences in percent (0-100), 0 where there is nothing.

    `documents` has the official document, if there is one. `id_cards`, `document` and `text` are the confidences of
    Rekognition's more general labels of those names.
    """

    documents: tuple[DetectedDocument, ...] = ()
    id_cards: float = 0.0
    document: float = 0.0
    text: float = 0.0


def read_documents(
    text: TextReader,
    image: NDArray[np.uint8],
    faces: Sequence[DetectedFace],
    find_faces: Callable[[NDArray[np.uint8]], Sequence[DetectedFace]],
) -> DocumentReading:
    """Documents in an upright RGB image (h, w, 3).

    `faces` are those found in the image, `find_faces` looks for more in a part of it.
    """
    height, width = image.shape[:2]
    whole = Rectangle(0, 0, width, height)
    places = _places(faces, whole)
    page = _look(text, image, whole, FIRST_LOOK, places)
    if page.confidence < CERTAIN and (part := _worth_a_closer_look(page, places, whole)):
        closer = _look(text, image, part, CLOSER_LOOK, places)
        page = max(page, closer, key=lambda seen: (seen.confidence, len(seen.lines)))
    if page.confidence >= HINT and not page.has_likely_portrait:
        # Faces are searched for down to a size that goes by the image: whoever holds a card up hides its portrait.
        border = AROUND_TEXT * max(page.text_extent.width, page.text_extent.height)
        part = page.text_extent.grown(border, border).clipped(whole)
        near = _places(find_faces(np.ascontiguousarray(_cut(image, part))), part)
        page = Page.of(page.boxes, page.lines, [*places, *near])
    return _reading(page, whole)


def _look(text: TextReader, image: NDArray[np.uint8], part: Rectangle, side: int, faces: Sequence[Rectangle]) -> Page:
    """Finds the text in a part of the image and reads it until the verdict is clear."""
    found = text.find(_cut(image, part), side)
    boxes = [replace(box, x=box.x + round(part.left), y=box.y + round(part.top)) for box in found]
    # What says most comes first: lines as long as a machine readable zone's, then the tallest.
    waiting = sorted(boxes, key=lambda box: (box.length < 12 * box.height, -box.height))[:MAX_LINES_READ]
    lines: list[TextLine] = []
    page = Page.of(boxes, lines, faces)
    while waiting:
        batch, waiting = waiting[:LINES_AT_A_TIME], waiting[LINES_AT_A_TIME:]
        read, is_turned = (text.read(image, batch), False) if lines else text.read_upright(image, batch)
        if is_turned:
            waiting, boxes = ([box.turned() for box in some] for some in (waiting, boxes))
        lines += read
        page = Page.of(boxes, lines, faces)
        hopeless = page.confidence < HINT and len(lines) >= MAX_LINES_WITHOUT_HINT
        if page.confidence >= BEYOND_DOUBT or hopeless or not page.lines:
            break
    return page


def _places(faces: Sequence[DetectedFace], part: Rectangle) -> list[Rectangle]:
    """Boxes in ratios of a part of the image as pixels of the image."""
    return [
        Rectangle(
            part.left + face.left * part.width,
            part.top + face.top * part.height,
            part.left + (face.left + face.width) * part.width,
            part.top + (face.top + face.height) * part.height,
        )
        for face in faces
    ]


def _cut(image: NDArray[np.uint8], part: Rectangle) -> NDArray[np.uint8]:
    return image[round(part.top) : round(part.bottom), round(part.left) : round(part.right)]


def _worth_a_closer_look(page: Page, faces: Sequence[Rectangle], whole: Rectangle) -> Rectangle | None:
    """The part of the image where a document could be too small for the first look; None where that cannot be."""
    size = max(whole.width, whole.height)
    small = [face for face in faces if max(face.width, face.height) < SMALL_FACE * size]
    if page.lines:
        part = page.text_extent.grown_by_itself(0.5, 0.5)
        if page.portrait is not None:
            part = part.union(page.portrait.grown_by_itself(3, 2))
    elif small:
        part = max(small, key=lambda face: face.width * face.height).grown_by_itself(8, 4)
    else:
        return None
    part = part.clipped(whole)
    if min(part.width, part.height) < LEAST_PART:
        return None
    before = min(1.0, FIRST_LOOK / size)
    after = min(1.0, CLOSER_LOOK / max(part.width, part.height, 1.0))
    return part if after >= WORTHWHILE_GAIN * before else None


def _reading(page: Page, whole: Rectangle) -> DocumentReading:
    if not page.lines:
        return DocumentReading()
    share = min(1.0, sum(box.length * box.height for box in page.boxes) / (whole.width * whole.height))
    # A page of text is a document of some kind: ten lines that cover a tenth of the image make it an even chance.
    written = 100 / (1 + math.exp(3.0 - 0.2 * min(len(page.boxes), 25) - 10 * min(share, 0.2)))
    words = (line.confidence * min(1.0, sum(map(str.isalnum, line.text)) / 3) for line in page.lines)
    return DocumentReading(
        () if page.confidence < LEAST_CONFIDENCE else (_document(page, whole),),
        id_cards=page.confidence,
        document=max(page.confidence, written),
        text=100 * max(words),
    )


def _document(page: Page, whole: Rectangle) -> DetectedDocument:
    label = PASSPORT if page.verdict.passport > page.verdict.id_card else DRIVING_LICENSE
    box = page.extent().clipped(whole)
    left, top = box.left / whole.width, box.top / whole.height
    return DetectedDocument(label, page.confidence, left, top, box.width / whole.width, box.height / whole.height)
