"""Finds faces in any image: photographs, groups, tight crops, turned pictures, small portraits on documents."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import dlib
import numpy as np

from rekognition_local.mtcnn import Candidates, Cascade, Floats, Image, no_candidates, overlap


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face; all places are ratios of the image's size and may reach past 0 and 1.

    `confidence` is in percent. `landmarks` (5, 2) are x, y of left eye, right eye, nose, left and right mouth corner, as
    seen in the image.
    """

    left: float
    top: float
    width: float
    height: float
    confidence: float
    landmarks: Floats


class Detector(Protocol):
    """What finds faces."""

    def detect(self, image: Image) -> Candidates:
        """Faces of an RGB image (h, w, 3), in its pixels, scores 0-1 as they are to be reported."""
        ...


# Work is bounded by this size whatever comes in; a 4096 px image is shrunk once.
_WORK_SIDE = 1600
_FIRST_SIDE, _FIRST_FACE = 640, 40
_SMALL_FACE = 24
_SURE, _WEAK = 0.9, 0.6


class CascadeDetector:
    """MTCNN, helped by dlib's HOG detector where MTCNN is unsure or finds nothing."""

    def __init__(self, threads: int = 1) -> None:
        self._cascade = Cascade(threads)
        self._hog = HogDetector()

    def detect(self, image: Image) -> Candidates:
        """Faces in pixels of the image, best first; the scores of unsure ones that HOG confirmed are 0.8 to 0.9."""
        scale = min(1.0, _WORK_SIDE / max(image.shape[:2]))
        work = image if scale == 1 else _resized(image, scale)
        found = self._upright(work)
        if len(found) == 0:
            found = self._turned(work)
        return Candidates(found.boxes / scale, found.scores, found.points / scale)

    def _upright(self, image: Image) -> Candidates:

        for attempt, smallest, border in self._attempts(image):
            found = self._cascade.find(attempt, smallest, _WEAK)
            found = Candidates(found.boxes - border, found.scores, found.points - border)
            sure = found.scores >= _SURE
            confirmed = self._confirmed(image, found[~sure], found[sure])
            if sure.any() or len(confirmed):
                return joined(found[sure], confirmed)
        return self._by_hog(image)

    def _attempts(self, image: Image) -> Iterator[tuple[Image, float, int]]:
        """Images to search with the smallest face to look for, and the border that was put around them."""
        longest = max(image.shape[:2])
        unit = max(longest, 80) / _FIRST_SIDE
        yield image, _FIRST_FACE * unit, 0
        border = round(0.25 * longest)
        padded = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=(128, 128, 128))
        yield padded.astype(np.uint8, copy=False), max(_SMALL_FACE * unit, 12), border
        if longest > _FIRST_SIDE:
            yield image, _SMALL_FACE * max(1.0, longest / 1280), 0

    def _confirmed(self, image: Image, weak: Candidates, sure: Candidates) -> Candidates:
        """The weak candidates that are not small beside the sure ones and that HOG takes for faces."""
        if len(weak) == 0:
            return weak
        sides = weak.boxes[:, 2] - weak.boxes[:, 0]
        largest = max((sure.boxes[:, 2] - sure.boxes[:, 0]).max(initial=0), sides.max())
        kept = np.array(
            [
                side >= largest / 2 and self._hog.confirms(image, box)
                for side, box in zip(sides, weak.boxes, strict=True)
            ]
        )
        chosen = weak[kept]
        scores = 0.8 + (chosen.scores - _WEAK) / (_SURE - _WEAK) * 0.1
        return Candidates(chosen.boxes, scores.astype(np.float32), chosen.points)

    def _by_hog(self, image: Image) -> Candidates:
        boxes, scores = self._hog.find(image)
        if len(boxes) == 0:
            return no_candidates()
        found = self._cascade.read_points(image, boxes)
        return Candidates(found.boxes, np.clip(0.8 + scores / 20, 0.8, 0.9).astype(np.float32), found.points)

    def _turned(self, image: Image) -> Candidates:
        """Faces of an image that lies on its side or head."""
        height, width = image.shape[:2]
        best, best_score = no_candidates(), 0.0
        for turns in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            unit = max(height, width) / _FIRST_SIDE
            found = self._cascade.find(turned, _FIRST_FACE * unit, _SURE)
            if len(found) == 0:
                continue
            score = self._hog.score(turned, found.boxes[0])
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
        scale = min(1.0, _FIRST_SIDE / max(image.shape[:2]))
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

    def confirms(self, image: Image, box: Floats) -> bool:
        """Whether HOG, too, sees a face in this place."""
        return self.score(image, box) > 0.0


def joined(some: Candidates, others: Candidates) -> Candidates:
    """Both, best first."""
    scores = np.concatenate([some.scores, others.scores])
    order = np.argsort(-scores, kind="stable")
    return Candidates(
        np.concatenate([some.boxes, others.boxes])[order],
        scores[order],
        np.concatenate([some.points, others.points])[order],
    )


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
