"""Finds faces in any image: photographs, groups, tight crops, turned pictures, small portraits on documents.

YuNet finds them, MTCNN's output network confirms each and reads its points. Method of the second: Zhang et al., "Joint
Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid
from rekognition_local.engine.faces.yunet import Candidates, YuNet
from rekognition_local.engine.weights import models
from rekognition_local.engine.weights.model_files import ONET, YUNET

# Longest side in pixels of the first search, and of a closer one: small portraits, as on a document far away; groups.
_SIDE, _CLOSER_SIDE = 640, 1280
# Where the largest face has no more than this part of the image's longer side, there may be others that lean, and small
# leaning faces are found only where they are shown larger. An image is enlarged to twice its size for it at most.
_SMALL, _MOST_ENLARGED = 0.2, 2

# Scores. Of real faces hardly any stays under 0.92 at the second network, of animals hardly any above 0.04; where the
# first search found nothing, chance has more tries, and more is asked for.
_FOUND, _CONFIRMED, _CONFIRMED_LATER = 0.5, 0.5, 0.8
# Beside a face that is confirmed, a weaker find is worth the second network's look.
_FOUND_BESIDE = 0.3

# An upright face is found with more than this. Below it, beyond this lean, or where a face on its head looks about as
# good, the image may lie on its side or head: 4 of 100 photographs are looked at in all four ways for it.
_UNDOUBTED, _MOST_LEAN, _LEAST_DIFFERENCE = 0.86, np.radians(40), 0.005
_TURNED, _BETTER = 0.87, 0.02

_JUDGED_SIDE = 48
# The points are read again in a square about the face, turned upright: they then hardly depend on the detector's box.
# Its side by the face's own measure.
_SIDE_PER_FACE = 2.5
# A face on its head can score high; turned round it scores higher by more than this, which an upright face never does.
_ON_ITS_HEAD = 0.05
_BATCH = 16


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


@dataclass(frozen=True, slots=True, eq=False)
class Confirmed(Candidates):
    """Faces in the order of the detector's scores, their own scores 0-1.

    `detector_scores` (n,) are the detector's, `head_gains` (n,) is how much more the network sees of a face in the same
    square turned on its head: below 0 for an upright face.
    """

    detector_scores: Floats
    head_gains: Floats

    def with_others(self, more: Self) -> Self:
        """These, and behind them those of `more` that are other faces: the middle of neither lies in the other."""
        both = type(self)(*map(np.concatenate, zip(self.arrays, more.arrays, strict=True)))
        boxes = both.boxes
        middles: Floats = (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
        kept = list(range(len(self)))
        for one in range(len(self), len(both)):
            if not (_inside(middles[one], boxes[kept]) | _inside(middles[kept], boxes[one])).any():
                kept.append(one)
        return both[np.array(kept, np.intp)]


class Confirmation:
    """The network and its two passes; safe to call from several threads."""

    def __init__(self) -> None:
        self._network = models.network(ONET)

    def confirm(self, pyramid: Pyramid, found: Candidates, least_score: float) -> Confirmed:
        """The candidates that score at least `least_score` and do not stand on their head."""
        sides = np.max(found.boxes[:, 2:] - found.boxes[:, :2], axis=1, keepdims=True)
        squares = _squares((found.boxes[:, :2] + found.boxes[:, 2:]) / 2, sides / 2)
        first = self._read(pyramid, squares, np.zeros(len(squares), np.float32))
        kept = first.scores >= least_score
        faces = first[kept]
        squares, angles = _upright_squares(faces.points)
        turns = np.concatenate([angles, angles + np.float32(np.pi)])
        both = self._read(pyramid, np.tile(squares, (2, 1)), turns)
        upright, on_head = both[: len(faces)], both[len(faces) :]
        gains = on_head.scores - upright.scores
        return Confirmed(faces.boxes, faces.scores, upright.points, found.scores[kept], gains)[gains <= _ON_ITS_HEAD]

    def _read(self, pyramid: Pyramid, squares: Floats, angles: Floats) -> Candidates:
        """What the network reads in squares (n, 4) turned clockwise by angles (n,) in radians; boxes are for 0 only."""
        if len(squares) == 0:
            return Candidates(squares, angles, np.empty((0, 5, 2), np.float32))
        parts = [
            self._network(pyramid.squares(squares[at : at + _BATCH], _JUDGED_SIDE, angles[at : at + _BATCH]))
            for at in range(0, len(squares), _BATCH)
        ]
        shifts, places, scores = (np.concatenate(outputs) for outputs in zip(*parts, strict=True))
        sides = (squares[:, 2] - squares[:, 0])[:, None]
        boxes = squares + shifts * sides
        # The network gives five x, then five y.
        x, y = np.moveaxis((places.reshape(-1, 2, 5) - 0.5) * sides[..., None], 1, 0)
        cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
        offsets = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
        points = (squares[:, None, :2] + squares[:, None, 2:]) / 2 + offsets
        return Candidates(boxes.astype(np.float32), scores[:, 1], points.astype(np.float32))


def _inside(points: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Whether points (2,) or (n, 2) lie in boxes (4,) or (n, 4)."""
    return np.asarray(((boxes[..., :2] < points) & (points < boxes[..., 2:])).all(axis=-1), np.bool_)


def _upright_squares(points: Floats) -> tuple[Floats, Floats]:
    """Squares (n, 4) about the faces and the angles (n,) in radians that turn them upright, by points (n, 5, 2)."""
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    measure = np.maximum(np.linalg.norm(mouth - eyes, axis=1), np.linalg.norm(points[:, 1] - points[:, 0], axis=1))
    return _squares((eyes + mouth) / 2, _SIDE_PER_FACE / 2 * measure[:, None]), _roll(points)


def _squares(centres: NDArray[Any], halves: NDArray[Any]) -> Floats:
    """Squares (n, 4) about centres (n, 2), of twice these halves (n, 1)."""
    return np.concatenate([centres - halves, centres + halves], axis=1).astype(np.float32)


def _roll(points: Floats) -> Floats:
    """How far faces lean clockwise in the image, in radians (n,), by their points (n, 5, 2)."""
    across = points[:, 1] - points[:, 0] + points[:, 4] - points[:, 3]
    return np.asarray(np.arctan2(across[:, 1], across[:, 0]), np.float32)


class ConfirmedDetector:
    """One network finds faces, another confirms each and reads its points; by default the built-in ones."""

    def __init__(self, finder: YuNet | None = None, judge: Confirmation | None = None) -> None:
        self._finder = YuNet(models.network(YUNET), "YuNet") if finder is None else finder
        self._judge = Confirmation() if judge is None else judge

    def detect(self, image: Image) -> Candidates:
        """Faces in pixels of the image, those that the finder is surest of first."""
        upright = self._upright(Pyramid(image))
        return self._turned(image, upright) if _in_doubt(upright) else upright

    def _search(
        self, pyramid: Pyramid, side: int, found: float, confirmed: float, *, enlarge: bool = False
    ) -> Confirmed:
        """The faces that score at least `found` at the first network and `confirmed` at the second."""
        return self._judge.confirm(pyramid, self._finder.find(pyramid, side, found, enlarge=enlarge), confirmed)

    def _upright(self, pyramid: Pyramid) -> Confirmed:
        found = self._search(pyramid, _SIDE, _FOUND, _CONFIRMED)
        if len(found):
            sides = found.boxes[:, 2:] - found.boxes[:, :2]
            if sides.max() > _SMALL * max(pyramid.size):
                return found
            # A group: only a closer search finds some of those beside them.
            side = min(_CLOSER_SIDE, _MOST_ENLARGED * max(pyramid.size))
            return found.with_others(self._search(pyramid, side, _FOUND_BESIDE, _CONFIRMED_LATER, enlarge=True))
        # A tight crop shows no background, which the networks need.
        border = round(0.25 * max(pyramid.size))
        grey = cv2.copyMakeBorder(
            pyramid.image, border, border, border, border, cv2.BORDER_CONSTANT, value=(128, 128, 128)
        )
        padded = Pyramid(grey.astype(np.uint8, copy=False))
        found = self._search(padded, _SIDE, _FOUND, _CONFIRMED_LATER, enlarge=True).moved(-border)
        if len(found) == 0 and max(pyramid.size) > _SIDE:
            found = self._search(pyramid, _CLOSER_SIDE, _FOUND, _CONFIRMED_LATER)
        return found

    def _turned(self, image: Image, upright: Confirmed) -> Candidates:
        """Faces of an image that may lie on its side or head: those of the turn whose best face scores highest."""
        height, width = image.shape[:2]
        best, most = upright, max(_TURNED, float(upright.detector_scores.max(initial=0)) + _BETTER)
        for turns, turn in enumerate((cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE), 1):
            turned = Pyramid(cv2.rotate(image, turn).astype(np.uint8, copy=False))
            found = self._search(turned, _SIDE, _TURNED, _CONFIRMED_LATER)
            score = float(found.detector_scores.max(initial=0))
            if score > most:
                best, most = found.turned_back(turns, width, height), score
        return best


def _in_doubt(found: Confirmed) -> bool:
    """Whether the face that is surest might be seen better in another turn of the image."""
    if len(found) == 0:
        return True
    return bool(
        found.detector_scores[0] < _UNDOUBTED
        or abs(_roll(found.points[:1])[0]) > _MOST_LEAN
        or found.head_gains[0] > -_LEAST_DIFFERENCE
    )
