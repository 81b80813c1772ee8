"""All the text of an image, from top to bottom, whichever way up the page lies; and the words of each line."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.text import LEGIBLE, TextBox, TextLine, TextReader

# Longest side in pixels at which text is looked for. 1280 finds the same lines of a page in a quarter more time.
SIDE = 960


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: its text, its place, and how sure (0-1)."""

    text: str
    box: TextBox
    confidence: float


def transcript(reader: TextReader, image: NDArray[np.uint8]) -> list[TextLine]:
    """Every legible line of an upright RGB image (h, w, 3), from top to bottom as the page is read."""
    lines, _ = reader.read_upright(image, reader.find(image, SIDE))
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


def _in_rows(lines: list[TextLine]) -> list[TextLine]:
    """From top to bottom across the direction of reading, then along it: lines at one height are one row."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.box.across):
        if rows and abs(line.box.across - rows[-1][0].box.across) < 0.5 * min(line.box.height, rows[-1][0].box.height):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box.along)]
