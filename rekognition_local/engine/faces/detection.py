"""Finds faces in any image: photographs, groups, tight crops, turned pictures, small portraits on documents."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import dlib
import numpy as np

from rekognition_local.engine.faces.mtcnn import Candidates, Floats, Image, no_candidates, overlap


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face; all places are ratios of the image's size and may reach past 0 and 1.

    `confidence` is in percent. `landmarks` (5, 2) are x, y of left eye, right eye, nose, left and right mouth corner,
    as seen in the image.
    """

    left: float
    top: float
    width: float
    height: float
    confidence: float
    landmarks: Floats


class Detector(Protocol):
    """What finds faces."""

    def detect(self, image: Image, smallest: float) -> Candidates:
        """Faces of an RGB image (h, w, 3), in its pixels, scores 0-1 as they are to be reported.

        `smallest` is the least side to look for first, as a ratio of the image's longer side.
        """
        ...


class FaceFinder(Protocol):
    """What `CascadeDetector` asks first; `mtcnn.Cascade` is one."""

    def find(self, image: Image, smallest: float, least_score: float) -> Candidates:
        """Faces of at least `smallest` pixels with at least this score (0-1), best first."""
        ...

    def read_points(self, image: Image, boxes: Floats, scores: Floats) -> Candidates:
        """Faces found by other means, boxes (n, 4) and scores (n,), with their points; none that stands on its head."""
        ...


class SecondOpinion(Protocol):
    """What `CascadeDetector` asks in doubt; `HogDetector` is one."""

    def find(self, image: Image) -> tuple[Floats, Floats]:
        """Boxes (n, 4) in pixels and scores (n,) of the faces in an image."""
        ...

    def score(self, image: Image, box: Floats) -> float:
        """How sure it is of a face in about this place: -1 (none) to 3."""
        ...


# Work is bounded by this size whatever comes in; a 4096 px image is shrunk once.
_WORK_SIDE, _SHRUNK_SIDE = 1600, 640

# The least side of a face by the image's longer side: in the first search, and in the later ones if that finds nothing.
SMALLEST_FACE, _SMALLER_FACE, _SMALLEST_FACE = 40 / 640, 24 / 640, 24 / 1280

# MTCNN's score: a face for certain, a face unless nothing speaks for it, a face if HOG says so, too.
_CERTAIN, _LIKELY, _POSSIBLE = 0.99, 0.9, 0.6

# HOG's score: real faces reach at least 0.2 where their MTCNN score is high, 99 % of them 0.4; animals and textures
# mostly have none at all (-1).
_HOG_NOTHING, _HOG_CONFIRMS, _HOG_ALONE, _HOG_TURNED = -0.5, 0.0, 0.3, 0.7


class CascadeDetector:
    """MTCNN, helped by dlib's HOG detector where MTCNN is unsure or finds nothing."""

    def __init__(self, cascade: FaceFinder, hog: SecondOpinion) -> None:
        self._cascade = cascade
        self._hog = hog

    def detect(self, image: Image, smallest: float = SMALLEST_FACE) -> Candidates:
        """Faces in pixels of the image, best first; the scores of doubtful ones that HOG confirmed are 0.8 to 0.9."""
        scale = min(1.0, _WORK_SIDE / max(image.shape[:2]))
        work = image if scale == 1 else _resized(image, scale)
        found = self._upright(work, smallest)
        if len(found) == 0:
            found = self._turned(work)
        return Candidates(found.boxes / np.float32(scale), found.scores, found.points / np.float32(scale))

    def _upright(self, image: Image, smallest: float) -> Candidates:
        for picture, least_side, border in self._attempts(image, smallest):
            found = self._cascade.find(picture, least_side, _POSSIBLE)
            judged = self._judged(image, Candidates(found.boxes - border, found.scores, found.points - border))
            if len(judged):
                return judged
        return self._by_hog(image)

    def _attempts(self, image: Image, smallest: float) -> Iterator[tuple[Image, float, int]]:
        """Images to search, with the least side in pixels to look for and the border that was put around them."""
        longest = max(image.shape[:2])
        yield image, max(smallest * longest, 12), 0
        # A tight crop shows no background, which the cascade needs.
        border = round(0.25 * longest)
        padded = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=(128, 128, 128))
        yield padded.astype(np.uint8, copy=False), max(_SMALLER_FACE * longest, 12), border
        if longest > _SHRUNK_SIDE:  # small portraits, as on a document far away
            yield image, max(_SMALLEST_FACE * longest, 24), 0

    def _judged(self, image: Image, found: Candidates) -> Candidates:
        """The candidates that are faces, doubtful ones by HOG's opinion and with a score of 0.8 to 0.9."""
        if len(found) == 0:
            return found
        some_are_certain = found.scores[0] >= _CERTAIN
        sides = found.boxes[:, 2] - found.boxes[:, 0]
        kept, scores = np.zeros(len(found), np.bool_), found.scores.copy()
        for index, (box, side, score) in enumerate(zip(found.boxes, sides, found.scores, strict=True)):
            if score >= _LIKELY:
                kept[index] = score >= _CERTAIN or some_are_certain or self._hog.score(image, box) > _HOG_NOTHING
            elif side >= sides.max() / 2:  # a small doubtful face beside a large one is no one's subject
                kept[index] = self._hog.score(image, box) > _HOG_CONFIRMS
                scores[index] = 0.8 + 0.1 * (score - _POSSIBLE) / (_LIKELY - _POSSIBLE)
        return Candidates(found.boxes, scores, found.points)[kept]

    def _by_hog(self, image: Image) -> Candidates:
        """Faces that only HOG finds, with the points that MTCNN's last network reads in them."""
        boxes, scores = self._hog.find(image)
        boxes, scores = boxes[scores > _HOG_ALONE], scores[scores > _HOG_ALONE]
        if len(boxes) == 0:
            return no_candidates()
        return self._cascade.read_points(image, boxes, np.minimum(0.8 + scores / 20, 0.9).astype(np.float32))

    def _turned(self, image: Image) -> Candidates:
        """Faces of an image that lies on its side or head: the turn whose best face HOG likes most."""
        height, width = image.shape[:2]
        best, best_score = no_candidates(), _HOG_TURNED
        for turns in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            found = self._cascade.find(turned, max(SMALLEST_FACE * max(height, width), 12), _LIKELY)
            score = self._hog.score(turned, found.boxes[0]) if len(found) else -1.0
            if score > best_score:
                best, best_score = _turned_back(found, turns, width, height), score
        return best


class HogDetector:
    """dlib's frontal face detector, as a second opinion; its weights are part of dlib (Boost licence)."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._lock = threading.Lock()  # one detector must not scan two images at once

    def _run(self, image: Image, upsample: int, least: float) -> tuple[Floats, Floats]:
        with self._lock:
            rectangles, scores, _ = self._detector.run(np.ascontiguousarray(image), upsample, least)
        boxes = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in rectangles]
        return np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)

    def find(self, image: Image) -> tuple[Floats, Floats]:
        """Boxes (n, 4) in pixels and scores (n,) of the faces in an image."""
        scale = min(1.0, _SHRUNK_SIDE / max(image.shape[:2]))
        boxes, scores = self._run(image if scale == 1 else _resized(image, scale), 1, 0.0)
        return boxes / np.float32(scale), scores

    def score(self, image: Image, box: Floats) -> float:
        """How sure HOG is of a face in about this place: -1 (none) to 3."""
        left, top, right, bottom = box
        centre_x, centre_y, side = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top)
        zoom = 2 * side / 240
        transform = np.array([[zoom, 0, centre_x - side], [0, zoom, centre_y - side]], np.float64)
        crop = cv2.warpAffine(image, transform, (240, 240), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        boxes, scores = self._run(crop.astype(np.uint8, copy=False), 0, -0.5)
        near = overlap(boxes, np.array([[60, 60, 180, 180]], np.float32))[:, 0] > 0.3
        return float(scores[near].max(initial=-1.0))


def _resized(image: Image, scale: float) -> Image:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _turned_back(found: Candidates, turns: int, width: int, height: int) -> Candidates:
    """Places in an image turned left `turns` times, as places in the image (width, height) before."""
    boxes, points = found.boxes.reshape(-1, 2, 2), found.points
    for turn in range(turns):
        # One turn to the left maps (x, y) of a w wide image to (y, w - x); undone: (w - y', x').
        side = np.float32(height if (turns - turn) % 2 == 0 else width)
        boxes, points = (np.stack([side - p[..., 1], p[..., 0]], axis=-1) for p in (boxes, points))
    corners = np.concatenate([boxes.min(axis=1), boxes.max(axis=1)], axis=1)
    return Candidates(corners, found.scores, points)
