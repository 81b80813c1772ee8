"""Lines of text in an image: where they are and what they say, by PP-OCR's models on onnxruntime."""

import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rekognition_local.engine.documents.lines import (
    LEGIBLE,
    Parts,
    TextBox,
    TextLine,
    along_one_direction,
    in_rows,
    mean_angle,
)
from rekognition_local.engine.weights.model_files import TEXT_DETECTOR, TEXT_RECOGNISER
from rekognition_local.engine.weights.models import open_session

# Looking for text takes up to 260 MB for as long as it lasts: a busy server must not need that for each of its threads.
SEARCHES_AT_ONCE = 2

# Longest side in pixels at which all text is looked for. 1280 finds the same lines of a page in a quarter more time.
TRANSCRIPT_SIDE = 960

PIXEL_THRESHOLD = 0.3
LINE_THRESHOLD = 0.5
# The detector marks the heart of a line: the line reaches further by this part of the heart's area over its outline.
UNCLIP = 1.6
MAX_LINES = 300
LINE_HEIGHT = 48
MAX_LINE_WIDTH = 1600
# Mean confidence of lines that are the right way up; below, the other way is tried too.
UPRIGHT = 0.85


class TextReader:
    """Text detection and recognition. Safe under threads; the models are opened once, on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._searches = threading.BoundedSemaphore(SEARCHES_AT_ONCE)
        self._models: tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession, tuple[str, ...]] | None = None

    def find(self, image: NDArray[np.uint8], side: int = 640) -> list[TextBox]:
        """Lines of an RGB image (h, w, 3), looked for with its longest side brought down to `side` pixels.

        All boxes are read along one direction, the page's: an image of a page that lies on its side may have it upside
        down, and then every `turned` box is right.
        """
        boxes = self._search(image, side)
        if boxes and abs(mean_angle(boxes)) > 45:
            # The detector knows lines that run down, but misses long ones: the page is laid straight for it.
            width = image.shape[1]
            laid = [
                TextBox(width - box.y, box.x, box.length, box.height, box.angle + 90)
                for box in self._search(np.rot90(image), side)
            ]
            boxes = max(boxes, laid, key=lambda found: sum(box.length for box in found))
        return along_one_direction(boxes)

    def _search(self, image: NDArray[np.uint8], side: int) -> list[TextBox]:
        height, width = image.shape[:2]
        scale = min(1.0, side / max(height, width))
        columns, rows = (max(32, round(pixels * scale / 32) * 32) for pixels in (width, height))
        small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        pixels = _network_input(np.asarray(small, np.uint8))
        detector, *_ = self._loaded()
        with self._searches:
            probability = detector.run(None, {"x": pixels})[0][0, 0]
        return _boxes(probability, width / columns, height / rows)

    def read(self, image: NDArray[np.uint8], boxes: Sequence[TextBox]) -> list[TextLine]:
        """What each box of this image says, in the order of `boxes`."""
        _, recogniser, characters = self._loaded()
        # One by one: the network is no faster on a batch, whose lines would be padded to the longest.
        strips = (_network_input(_straightened(image, box)) for box in boxes)
        scores = (recogniser.run(None, {"x": strip})[0][0] for strip in strips)
        return [TextLine(box, *_decoded(found, characters)) for box, found in zip(boxes, scores, strict=True)]

    def transcript(self, image: NDArray[np.uint8]) -> list[TextLine]:
        """Every legible line of an upright RGB image (h, w, 3), from top to bottom as the page is read."""
        lines, _ = self.read_upright(image, self.find(image, TRANSCRIPT_SIDE))
        return in_rows([line for line in lines if line.text.strip() and line.confidence >= LEGIBLE])

    def read_upright(self, image: NDArray[np.uint8], boxes: Sequence[TextBox]) -> tuple[list[TextLine], bool]:
        """What the boxes say, and whether that is read from their other end, as it is where more is legible so."""
        lines = self.read(image, boxes)
        if not lines or _legibility(lines) >= UPRIGHT:
            return lines, False
        turned = self.read(image, [box.turned() for box in boxes])
        return (turned, True) if _legibility(turned) > _legibility(lines) else (lines, False)

    def _loaded(self) -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession, tuple[str, ...]]:
        """Detector, recogniser and its characters, opened when first asked: about a third of a second."""
        with self._lock:
            if self._models is None:
                detector, recogniser = (open_session(model.content()) for model in (TEXT_DETECTOR, TEXT_RECOGNISER))
                alphabet = recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
                # Class 0 is "no character" (the blank of CTC); the space is not in the alphabet and comes last.
                self._models = detector, recogniser, ("", *alphabet, " ")
            return self._models


def _legibility(lines: Sequence[TextLine]) -> float:
    """Mean confidence of the lines, 0-1, each weighed by its length."""
    return float(np.average([line.confidence for line in lines], weights=[line.box.length for line in lines]))


def _network_input(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) RGB 0-255 -> (1, 3, h, w) BGR in -1..1, as both networks were trained."""
    planes = image[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    return np.asarray(planes / 127.5 - 1.0, np.float32)


def _boxes(probability: NDArray[np.float32], scale_x: float, scale_y: float) -> list[TextBox]:
    """Lines of a map (h, w) of text probabilities 0-1, in pixels of the image (the map's times the scales)."""
    marked = cv2.dilate((probability > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(marked, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:MAX_LINES]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < 3 or _mean_inside(probability, contour) < LINE_THRESHOLD:
            continue
        margin = width * height * UNCLIP / (width + height)
        corners = cv2.boxPoints((centre, (width + margin, height + margin), angle))
        (x, y), (width, height), angle = cv2.minAreaRect(corners * np.array([scale_x, scale_y], np.float32))
        box = TextBox(x, y, width, height, angle)
        boxes.append(box if width >= height else box.sideways())
    return boxes


def _mean_inside(probability: NDArray[np.float32], contour: NDArray[Any]) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [contour - np.array([left, top])], 1)
    return float(cv2.mean(probability[top : top + height, left : left + width], inside)[0])


def _straightened(image: NDArray[np.uint8], box: TextBox) -> NDArray[np.uint8]:
    """The line as an upright strip (48, w, 3)."""
    width = int(np.clip(np.ceil(box.length / max(box.height, 1.0) * LINE_HEIGHT), 16, MAX_LINE_WIDTH))
    strip = np.array([[0, 0], [width, 0], [width, LINE_HEIGHT]], np.float32)
    placed = cv2.getAffineTransform(box.corners[:3].astype(np.float32), strip)
    return np.asarray(
        cv2.warpAffine(image, placed, (width, LINE_HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _decoded(scores: NDArray[np.float32], characters: Sequence[str]) -> tuple[str, float, Parts, Parts]:
    """Best path of CTC: (steps, classes) probabilities -> text, mean probability, place and probability of each one."""
    best = scores.argmax(axis=1)
    starts = (best != 0) & (best != np.concatenate([[0], best[:-1]]))
    if not starts.any():
        return "", 0.0, (), ()
    steps, sure = np.flatnonzero(starts), scores.max(axis=1)[starts]
    centres = (steps + 0.5) / len(best)
    text = "".join(characters[index] for index in best[steps])
    return text, float(sure.mean()), tuple(centres.tolist()), tuple(sure.tolist())
