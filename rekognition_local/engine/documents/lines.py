"""Lines of text in an image: their places, their words, their direction and order."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Mean probability of a line's characters: texture that only looks like text stays below.
LEGIBLE = 0.6

Parts = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TextBox:
    """Where a line of text is: its centre, its length along and height across the line in pixels, and its angle.

    `angle` is in degrees clockwise from the image's x axis to the direction of reading.
    """

    x: float
    y: float
    length: float
    height: float
    angle: float

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2) pixels: start and end of the line's top, end and start of its bottom."""
        cosine, sine = self._direction
        along, across = np.array([cosine, sine]) * self.length / 2, np.array([-sine, cosine]) * self.height / 2
        return np.array([self.x, self.y]) + np.stack([-along - across, along - across, along + across, across - along])

    @property
    def along(self) -> float:
        """How far the centre stands along the direction of reading, in pixels."""
        cosine, sine = self._direction
        return self.x * cosine + self.y * sine

    @property
    def across(self) -> float:
        """How far down the page the centre stands, in the page's own direction, in pixels."""
        cosine, sine = self._direction
        return self.y * cosine - self.x * sine

    def turned(self) -> "TextBox":
        """The same place, read from the other end."""
        return replace(self, angle=self.angle + 180)

    def sideways(self, quarters: int = 1) -> "TextBox":
        """The same place with the height for its length, read along that: turned by an odd number of quarters."""
        return TextBox(self.x, self.y, self.height, self.length, self.angle + 90 * quarters)

    def part(self, begin: float, end: float) -> "TextBox":
        """The piece between two parts (0-1) of the length."""
        along, (cosine, sine) = ((begin + end) / 2 - 0.5) * self.length, self._direction
        return replace(self, x=self.x + along * cosine, y=self.y + along * sine, length=(end - begin) * self.length)

    @property
    def _direction(self) -> tuple[float, float]:
        turn = math.radians(self.angle)
        return math.cos(turn), math.sin(turn)


@dataclass(frozen=True, slots=True)
class TextLine:
    """What a box says; `confidence` 0-1 is the mean over its characters, 0 for an empty line.

    `centres` is where each character of `text` stands, as a part (0-1) of the box's length, and `certainties` how sure
    each is (0-1).
    """

    box: TextBox
    text: str
    confidence: float
    centres: Parts = ()
    certainties: Parts = ()


def words(line: TextLine) -> Iterator[TextLine]:
    """What spaces part, each a line of its own that reaches half way to the characters beside it."""
    text, centres = line.text, line.centres
    borders = [0.0, *((one + other) / 2 for one, other in pairwise(centres)), 1.0]
    start = 0
    for part in text.split(" "):
        stop = start + len(part)
        if part:
            sure = line.certainties[start:stop]
            yield TextLine(line.box.part(borders[start], borders[stop]), part, sum(sure) / len(sure))
        start = stop + 1


def in_rows(lines: Sequence[TextLine]) -> list[TextLine]:
    """From top to bottom across the direction of reading, then along it: lines at one height are one row."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.box.across):
        box, first = line.box, rows[-1][0].box if rows else None
        if first and abs(box.across - first.across) < 0.5 * min(box.height, first.height):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box.along)]


def mean_angle(boxes: Sequence[TextBox]) -> float:
    """The direction of most of the text in degrees, from -90 to 90: a box knows its own up to half a turn."""
    # Twice the angle makes opposite directions equal, so that they can be averaged. Nearly square boxes have none.
    doubled = sum(
        (box.length * np.exp(2j * math.radians(box.angle)) for box in boxes if box.length > 2 * box.height), start=0j
    )
    return float(math.degrees(np.angle(doubled)) / 2) if doubled else 0.0


def along_one_direction(boxes: Sequence[TextBox]) -> list[TextBox]:
    """The boxes turned to be read along the direction that most of the text has, nearest to left to right.

    A short word's box is nearly square, and may have taken the line's height for its length.
    """
    page = mean_angle(boxes)
    turned = []
    for box in boxes:
        quarters = round((page - box.angle) / 90)
        if quarters % 2 and box.length < 1.5 * box.height:
            turned.append(box.sideways(quarters))
        else:
            turned.append(replace(box, angle=box.angle + 180 * round((page - box.angle) / 180)))
    return turned
