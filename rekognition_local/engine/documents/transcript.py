"""All the text of an image, from top to bottom, whichever way up the page lies; and the words of each line."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.text import TextBox, TextLine, TextReader

# Longest side in pixels at which text is looked for. 1280 finds the same lines of a page in a quarter more time.
SIDE = 960
# Mean probability of characters: texture that only looks like text stays below.
LEGIBLE = 0.6
# Mean confidence of lines that are the right way up; below, the other way is tried too.
UPRIGHT = 0.85


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: its text, its place, and how sure (0-1)."""

    text: str
    box: TextBox
    confidence: float


def transcript(reader: TextReader, image: NDArray[np.uint8]) -> list[TextLine]:
    """Every legible line of an upright RGB image (h, w, 3), from top to bottom as the page is read."""
    boxes = reader.find(image, SIDE)
    lines = reader.read(image, boxes)
    if lines and _legibility(lines) < UPRIGHT:
        turned = reader.read(image, [box.turned() for box in boxes])
        if _legibility(turned) > _legibility(lines):
            lines = turned
    return _in_rows([line for line in lines if line.text.strip() and line.confidence >= LEGIBLE])


def words(line: TextLine) -> Iterator[Word]:
    """The words of a line: what spaces part. Each reaches half way to the characters beside it."""
    text, centres = line.text, line.centres
    borders = [0.0, *((one + other) / 2 for one, other in pairwise(centres)), 1.0]
    start = 0
    for part in text.split(" "):
        stop = start + len(part)
        if part:
            sure = line.certainties[start:stop]
            yield Word(part, _part(line.box, borders[start], borders[stop]), sum(sure) / len(sure))
        start = stop + 1


def _part(box: TextBox, begin: float, end: float) -> TextBox:
    """The piece of a line between two parts (0-1) of its length."""
    along, turn = ((begin + end) / 2 - 0.5) * box.length, math.radians(box.angle)
    place = {"x": box.x + along * math.cos(turn), "y": box.y + along * math.sin(turn)}
    return replace(box, **place, length=(end - begin) * box.length)


def _legibility(lines: list[TextLine]) -> float:
    return float(np.average([line.confidence for line in lines], weights=[line.box.length for line in lines]))


def _in_rows(lines: list[TextLine]) -> list[TextLine]:
    """From top to bottom across the direction of reading, then along it: lines at one height are one row."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=_across):
        if rows and abs(_across(line) - _across(rows[-1][0])) < 0.5 * min(line.box.height, rows[-1][0].box.height):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=_along)]


def _across(line: TextLine) -> float:
    turn = math.radians(line.box.angle)
    return line.box.y * math.cos(turn) - line.box.x * math.sin(turn)


def _along(line: TextLine) -> float:
    turn = math.radians(line.box.angle)
    return line.box.x * math.cos(turn) + line.box.y * math.sin(turn)
