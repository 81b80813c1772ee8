"""Which official documents an image shows, as Rekognition's DetectLabels would name them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rekognition_local.document_rules import Verdict, judge
from rekognition_local.text import TextBox, TextLine, TextReader

PASSPORT = "Passport"
# Rekognition's taxonomy has no national identity card: it says this of every identity card with a photograph.
DRIVING_LICENSE = "Driving License"

# Longest side in pixels at which text is looked for: first in the whole image, then in the part where a document may be.
FIRST_LOOK = 640
CLOSER_LOOK = 960
# A closer look costs as much as three first ones: it must show the text this much larger.
WORTHWHILE_GAIN = 1.3
# What needs no closer look, and what needs no further lines. Below the least, nothing is reported.
CERTAIN = 90.0
BEYOND_DOUBT = 97.0
LEAST_CONFIDENCE = 20.0

# Mean probability of a line's characters: texture that only looks like text stays below.
LEGIBLE = 0.6
UPRIGHT = 0.85

# Of the portrait's face: how far apart portrait and text of one document can be.
REACH = 2.2
# Width over height: of a page or card, and of what cannot be one (two of them above each other).
PAGE = 1.42
NARROWEST = 0.9
MARGIN = 0.04

LINES_AT_A_TIME = 10
MAX_LINES_READ = 40
# A page that gives no hint of a document in so many of its largest lines is read no further.
MAX_LINES_WITHOUT_HINT = 20
HINT = 10.0


class FaceInImage(Protocol):
    """What a found face must tell: its box in ratios of the image's size."""

    @property
    def left(self) -> float:
        """Left edge."""

    @property
    def top(self) -> float:
        """Top edge."""

    @property
    def width(self) -> float:
        """Width."""

    @property
    def height(self) -> float:
        """Height."""


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

    `documents` are the official documents, most certain first, at most one of each label. `id_cards`, `document` and `text`
    are the confidences of Rekognition's more general labels of those names. `text_lines` counts the lines of legible text,
    `text_share` is the part of the image (0-1) that they cover.
    """

    documents: tuple[DetectedDocument, ...] = ()
    id_cards: float = 0.0
    document: float = 0.0
    text: float = 0.0
    text_lines: int = 0
    text_share: float = 0.0


@dataclass(frozen=True, slots=True)
class _Rectangle:
    """Pixels of the image, right and bottom excluded."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def corners(self) -> NDArray[np.float64]:
        return np.array(
            [[self.left, self.top], [self.right, self.top], [self.right, self.bottom], [self.left, self.bottom]],
            np.float64,
        )

    def grown(self, dx: float, dy: float) -> "_Rectangle":
        return _Rectangle(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)

    def clipped(self, width: float, height: float) -> "_Rectangle":
        return _Rectangle(
            min(max(self.left, 0), width),
            min(max(self.top, 0), height),
            min(max(self.right, 0), width),
            min(max(self.bottom, 0), height),
        )

    def union(self, other: "_Rectangle") -> "_Rectangle":
        return _Rectangle(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def meets(self, other: "_Rectangle") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class _Page:
    """Text found in one look, the portrait that stands among it, and what both say. All in pixels of the image."""

    boxes: tuple[TextBox, ...] = ()
    lines: tuple[TextLine, ...] = ()
    portrait: _Rectangle | None = None
    verdict: Verdict = Verdict(0.0, 0.0)

    @property
    def confidence(self) -> float:
        return max(self.verdict.passport, self.verdict.id_card)


class DocumentReader:
    """Text recognition and the rules over it. Safe under threads; the models are opened once, on `load` or first use."""

    def __init__(self, threads: int = 1) -> None:
        """`threads` is what one run of a model may use."""
        self._text = TextReader(threads)

    def load(self) -> None:
        """Opens the models now rather than at the first image.

        Raises:
            ModelError: a model is missing or is not the known file.
        """
        self._text.load()

    def read(self, image: NDArray[np.uint8], faces: Sequence[FaceInImage]) -> DocumentReading:
        """Documents in an upright RGB image (h, w, 3) in which `faces` were found."""
        height, width = image.shape[:2]
        whole = _Rectangle(0, 0, width, height)
        rectangles = [
            _Rectangle(
                face.left * width,
                face.top * height,
                (face.left + face.width) * width,
                (face.top + face.height) * height,
            )
            for face in faces
        ]
        page = self._look(image, whole, FIRST_LOOK, rectangles)
        if page.confidence < CERTAIN and (part := _worth_a_closer_look(page, rectangles, whole)):
            closer = self._look(image, part, CLOSER_LOOK, rectangles)
            if (closer.confidence, len(closer.lines)) > (page.confidence, len(page.lines)):
                page = closer
        return _reading(page, whole)

    def _look(self, image: NDArray[np.uint8], part: _Rectangle, side: int, faces: Sequence[_Rectangle]) -> _Page:
        left, top, right, bottom = (round(edge) for edge in (part.left, part.top, part.right, part.bottom))
        found = self._text.find(image[top:bottom, left:right], side)
        boxes = [replace(box, x=box.x + left, y=box.y + top) for box in found]
        page = _Page()
        lines: list[TextLine] = []
        waiting = sorted(boxes, key=_promise)[:MAX_LINES_READ]
        while waiting:
            batch, waiting = waiting[:LINES_AT_A_TIME], waiting[LINES_AT_A_TIME:]
            read = self._text.read(image, batch)
            if not lines and _legibility(read) < UPRIGHT:
                turned = self._text.read(image, [box.turned() for box in batch])
                if _legibility(turned) > _legibility(read):
                    read, waiting = turned, [box.turned() for box in waiting]
            lines += read
            page = _judged(boxes, lines, faces)
            hopeless = page.confidence < HINT and len(lines) >= MAX_LINES_WITHOUT_HINT
            if page.confidence >= BEYOND_DOUBT or hopeless or not page.lines:
                break
        return page


def _promise(box: TextBox) -> tuple[bool, float]:
    """Sorts the lines that say most to the front: first those as long as a machine readable zone's, then the tallest."""
    return box.length < 12 * box.height, -box.height


def _legibility(lines: Sequence[TextLine]) -> float:
    """Mean confidence of the lines, 0-1, each weighed by its length."""
    return float(np.average([line.confidence for line in lines], weights=[line.box.length for line in lines]))


def _judged(boxes: Sequence[TextBox], lines: Sequence[TextLine], faces: Sequence[_Rectangle]) -> _Page:
    legible = sorted((line for line in lines if line.confidence >= LEGIBLE), key=_place)
    if not legible:
        return _Page()
    texture = {(line.box.x, line.box.y) for line in lines if line.confidence < LEGIBLE}
    kept = tuple(box for box in boxes if (box.x, box.y) not in texture)
    portrait = _portrait(kept, faces)
    verdict = judge([line.text for line in legible], portrait=portrait is not None, people=bool(faces))
    return _Page(kept, tuple(legible), portrait, verdict)


def _place(line: TextLine) -> float:
    """How far down the page a line stands, in the page's own direction."""
    turn = math.radians(line.box.angle)
    return line.box.y * math.cos(turn) - line.box.x * math.sin(turn)


def _portrait(boxes: Sequence[TextBox], faces: Sequence[_Rectangle]) -> _Rectangle | None:
    """The largest face that stands by the text in a portrait's proportion to it, as printed on the same page.

    Measured on specimens: a portrait's face is 3 to 12 lines high. Whoever holds the document is larger, a face in a crowd
    beside a poster smaller.
    """
    line = float(np.median([box.height for box in boxes]))
    extent = _extent(boxes)
    printed = [
        face
        for face in faces
        if 1.8 * line <= face.height <= 20 * line
        and face.height <= 1.5 * max(extent.width, extent.height)
        and extent.grown(REACH * face.height, REACH * face.height).meets(face)
    ]
    return max(printed, key=lambda face: face.width * face.height, default=None)


def _extent(boxes: Sequence[TextBox]) -> _Rectangle:
    return _bounds(np.concatenate([box.corners for box in boxes]))


def _bounds(points: NDArray[np.float64]) -> _Rectangle:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return _Rectangle(float(left), float(top), float(right), float(bottom))


def _worth_a_closer_look(page: _Page, faces: Sequence[_Rectangle], whole: _Rectangle) -> _Rectangle | None:
    """The part of the image where a document could be too small for the first look; None where that cannot be."""
    size = max(whole.width, whole.height)
    if page.lines:
        extent = _extent(page.boxes)
        part = extent.grown(0.5 * extent.width, 0.5 * extent.height)
        if page.portrait:
            part = part.union(page.portrait.grown(3 * page.portrait.width, 2 * page.portrait.height))
    else:
        # No text, but a face as small as a portrait on a card far away: the card is around it.
        small = [face for face in faces if max(face.width, face.height) < 0.15 * size]
        if not small:
            return None
        face = max(small, key=lambda face: face.width * face.height)
        part = face.grown(8 * face.width, 4 * face.height)
    part = part.clipped(whole.width, whole.height)
    before = min(1.0, FIRST_LOOK / size)
    after = min(1.0, CLOSER_LOOK / max(part.width, part.height, 1))
    return part if after >= WORTHWHILE_GAIN * before else None


def _reading(page: _Page, whole: _Rectangle) -> DocumentReading:
    if not page.lines:
        return DocumentReading()
    share = min(1.0, sum(box.length * box.height for box in page.boxes) / (whole.width * whole.height))
    label, confidence = max(
        (PASSPORT, page.verdict.passport), (DRIVING_LICENSE, page.verdict.id_card), key=lambda found: found[1]
    )
    documents: tuple[DetectedDocument, ...] = ()
    if confidence >= LEAST_CONFIDENCE:
        box = _document_box(page).clipped(whole.width, whole.height)
        documents = (
            DetectedDocument(
                label,
                confidence,
                box.left / whole.width,
                box.top / whole.height,
                box.width / whole.width,
                box.height / whole.height,
            ),
        )
    # A page of text is a document: ten lines that cover a tenth of the image make it likely.
    written = 100 / (1 + math.exp(3.0 - 0.2 * min(len(page.boxes), 25) - 10 * min(share, 0.2)))
    return DocumentReading(
        documents,
        id_cards=confidence,
        document=max(confidence, written),
        text=100 * max(line.confidence * min(1.0, sum(map(str.isalnum, line.text)) / 3) for line in page.lines),
        text_lines=len(page.boxes),
        text_share=share,
    )


def _document_box(page: _Page) -> _Rectangle:
    """The hull of portrait and text, without text that stands far from both, with a margin.

    Taken along the lines of text, so that it holds the corners of a tilted document; in axes of the image.
    """
    angle = math.radians(float(np.median([box.angle for box in page.boxes])))
    to_page = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    remaining = [_bounds(box.corners @ to_page) for box in page.boxes]
    if page.portrait is None:
        hull = _bounds(np.concatenate([box.corners for box in page.boxes]) @ to_page)
    else:
        # Detectors cut a face at forehead and chin: the printed photograph reaches further.
        hull = _bounds(page.portrait.corners @ to_page)
        side = math.sqrt(page.portrait.width * page.portrait.height)
        hull = hull.grown(0.4 * side, 0.4 * side)
        while near := [box for box in remaining if box.grown(REACH * side, REACH * side).meets(hull)]:
            for box in near:
                hull = hull.union(box)
                remaining.remove(box)
        # Cards and pages are wider than high, and what is left blank is at the end of the lines.
        if NARROWEST <= hull.width / hull.height < PAGE:
            hull = replace(hull, right=hull.left + PAGE * hull.height)
    return _bounds(hull.grown(MARGIN * hull.width, MARGIN * hull.height).corners @ to_page.T)
