"""One look at a page: its lines of text, the portrait among them, what both say, and where the page is in the image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.lines import LEGIBLE, TextBox, TextLine
from rekognition_local.engine.documents.rules import Verdict, judge

# A portrait's face, in lines of text: on specimens 3 to 10 high. Whoever holds the document up is larger.
LEAST_LINES, MOST_LINES = 1.5, 16.0
# In faces: how far apart portrait and text of one document can be.
REACH = 2.2
# In faces: how far the middle of a printed face is from the text at most.
NEAR = 1.5
# A portrait's face by the longer side of all text: on whole documents to 0.37, on pieces to 0.51, held-up ones' holders
# from 0.4.
LIKELY_PART, LARGEST_PART = 0.4, 0.6
# A portrait's face by the longest line, which on many documents is as wide as they are: from 0.147. The ghost of a
# portrait on a card's back has 0.13.
LEAST_BY_LINE = 0.14

# Width over height: of a page or card, and of a shape that is neither (two of them above each other).
PAGE = 1.42
NARROWEST = 0.9
MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Edges in pixels, upright in the image (or along a page, where it says so)."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, points: NDArray[np.float64]) -> "Rectangle":
        """The smallest that holds all points (n, 2)."""
        return cls(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2) pixels, clockwise from the top left."""
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])

    def grown(self, dx: float, dy: float) -> "Rectangle":
        """Larger by dx and dy on each side."""
        return Rectangle(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)

    def grown_by_itself(self, widths: float, heights: float) -> "Rectangle":
        """Larger by these parts of its own width and height on each side."""
        return self.grown(widths * self.width, heights * self.height)

    def union(self, other: "Rectangle") -> "Rectangle":
        """The smallest that holds both."""
        return Rectangle.around(np.concatenate([self.corners, other.corners]))

    def meets(self, other: "Rectangle") -> bool:
        """Whether both share an area."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def clipped(self, whole: "Rectangle") -> "Rectangle":
        """The part inside `whole`."""
        left, right = np.clip([self.left, self.right], whole.left, whole.right).tolist()
        top, bottom = np.clip([self.top, self.bottom], whole.top, whole.bottom).tolist()
        return Rectangle(left, top, right, bottom)


@dataclass(frozen=True, slots=True)
class Page:
    """Boxes of text; the lines of them that were read and are legible, from top to bottom; portrait; verdict.

    `strangers` are the faces larger than the portrait's, as of whoever holds the document up.
    """

    boxes: tuple[TextBox, ...]
    lines: tuple[TextLine, ...]
    portrait: Rectangle | None
    verdict: Verdict
    strangers: tuple[Rectangle, ...] = ()

    @classmethod
    def of(cls, boxes: Sequence[TextBox], lines: Sequence[TextLine], faces: Sequence[Rectangle]) -> "Page":
        """Judges the lines read so far; boxes whose text turned out illegible are dropped."""
        legible = sorted((line for line in lines if line.confidence >= LEGIBLE), key=lambda line: line.box.across)
        if not legible:
            return cls((), (), None, Verdict(0.0, 0.0))
        texture = {(line.box.x, line.box.y) for line in lines if line.confidence < LEGIBLE}
        kept = tuple(box for box in boxes if (box.x, box.y) not in texture)
        portrait = _portrait(kept, faces)
        verdict = judge([line.text for line in legible], portrait=portrait is not None, people=bool(faces))
        strangers = tuple(face for face in faces if portrait is not None and face.height > portrait.height)
        return cls(kept, tuple(legible), portrait, verdict, strangers)

    @property
    def confidence(self) -> float:
        """Percent (0-100) that this is an identity document of any kind."""
        return max(self.verdict.passport, self.verdict.id_card)

    @property
    def has_likely_portrait(self) -> bool:
        """Whether there is a portrait, small enough beside the text that it can hardly be anybody's face."""
        return self.portrait is not None and _part_of_text(self.portrait, self.text_extent) <= LIKELY_PART

    @property
    def text_extent(self) -> Rectangle:
        """The hull of all boxes; there must be one."""
        return _extent(self.boxes)

    def extent(self) -> Rectangle:
        """The hull of portrait and text, without text that stands far from both, and with a margin.

        Taken along the lines of text, so that the corners of a tilted document are inside.
        """
        along = _along(self.boxes)
        far = [Rectangle.around(box.corners @ along) for box in self.boxes]
        if self.portrait is None:
            hull = Rectangle.around(np.concatenate([box.corners for box in self.boxes]) @ along)
        else:
            # Detectors cut a face at forehead and chin: the printed photograph reaches further.
            side = math.sqrt(self.portrait.width * self.portrait.height)
            hull = Rectangle.around(self.portrait.corners @ along).grown(0.4 * side, 0.4 * side)
            hearts = [stranger.grown(-stranger.width / 3, -stranger.height / 3) for stranger in self.strangers]
            strangers = [Rectangle.around(heart.corners @ along) for heart in hearts]
            while near := [box for box in far if box.grown(REACH * side, REACH * side).meets(hull)]:
                for box in near:
                    far.remove(box)
                    larger = hull.union(box)
                    # The portrait is the largest face of its document: what lies beyond a larger one is not part of it.
                    if not any(larger.meets(stranger) for stranger in strangers):
                        hull = larger
            # Pages and cards are wider than high, and what is left blank is at the end of the lines.
            if NARROWEST <= hull.width / hull.height < PAGE:
                hull = replace(hull, right=hull.left + PAGE * hull.height)
        return Rectangle.around(hull.grown_by_itself(MARGIN, MARGIN).corners @ along.T)


def _portrait(boxes: Sequence[TextBox], faces: Sequence[Rectangle]) -> Rectangle | None:
    """The face that stands by the text in a portrait's proportion to it, as printed on the same page.

    Of several, one that is small beside the text and has lines beside it, for a document may be held up by somebody;
    then the largest, for it may bear a ghost of its portrait.
    """
    line = float(np.median([box.height for box in boxes]))
    longest = max(box.length for box in boxes)
    extent = _extent(boxes)
    along = _along(boxes)
    centres = np.array([(box.x, box.y) for box in boxes]) @ along

    def lines_beside(face: Rectangle) -> int:
        rows = Rectangle.around(face.corners @ along)
        return int(((rows.top < centres[:, 1]) & (centres[:, 1] < rows.bottom)).sum())

    portraits = [
        face
        for face in faces
        if LEAST_LINES * line <= face.height <= MOST_LINES * line
        and face.height >= LEAST_BY_LINE * longest
        and _part_of_text(face, extent) <= LARGEST_PART
        and extent.grown(REACH * face.height, REACH * face.height).meets(face)
    ]
    return max(
        portraits,
        key=lambda face: (
            _part_of_text(face, extent) <= LIKELY_PART,
            _stands_by(face, extent),
            min(2, lines_beside(face)),
            face.width * face.height,
        ),
        default=None,
    )


def _stands_by(face: Rectangle, extent: Rectangle) -> bool:
    """Whether a face is as near to the text as a printed portrait: whoever holds the document up stands further off."""
    x, y = (face.left + face.right) / 2, (face.top + face.bottom) / 2
    near = extent.grown(NEAR * face.width, NEAR * face.height)
    return near.left <= x <= near.right and near.top <= y <= near.bottom


def _part_of_text(face: Rectangle, extent: Rectangle) -> float:
    return face.height / max(extent.width, extent.height)


def _along(boxes: Sequence[TextBox]) -> NDArray[np.float64]:
    """Turns points (n, 2) of the image, multiplied by it, to the page's own axes: along the lines, and down."""
    angle = math.radians(float(np.median([box.angle for box in boxes])))
    return np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])


def _extent(boxes: Sequence[TextBox]) -> Rectangle:
    return Rectangle.around(np.concatenate([box.corners for box in boxes]))
