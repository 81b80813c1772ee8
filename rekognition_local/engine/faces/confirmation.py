"""MTCNN's output network: whether a place that a detector found is a face, its exact box, and its five points.

Method: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.candidates import Candidates, Floats
from rekognition_local.engine.faces.pyramid import Pyramid
from rekognition_local.engine.weights import models
from rekognition_local.engine.weights.model_files import ONET

_SIDE = 48
# The points are read again in a square about the face, turned upright: they then hardly depend on the detector's box.
# Its side by the face's own measure.
_SIDE_PER_FACE = 2.5
# A face on its head can score high; turned round it scores higher by more than this, which an upright face never does.
_ON_ITS_HEAD = 0.05
_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Confirmed:
    """Faces in the order of the detector's scores, their own scores 0-1.

    `detector_scores` (n,) are the detector's, `head_gains` (n,) is how much more the network sees of a face in the same
    square turned on its head: below 0 for an upright face.
    """

    faces: Candidates
    detector_scores: Floats
    head_gains: Floats

    def __len__(self) -> int:
        return len(self.faces)

    def with_others(self, more: "Confirmed") -> "Confirmed":
        """These, and behind them those of `more` that are other faces: the middle of neither lies in the other."""
        both = zip(_parts(self), _parts(more), strict=True)
        boxes, scores, points, *measures = (np.concatenate(parts) for parts in both)
        middles: Floats = (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
        kept = list(range(len(self)))
        for one in range(len(self), len(boxes)):
            if not (_inside(middles[one], boxes[kept]) | _inside(middles[kept], boxes[one])).any():
                kept.append(one)
        return Confirmed(Candidates(boxes[kept], scores[kept], points[kept]), *(measure[kept] for measure in measures))


class Confirmation:
    """The network and its two passes; safe to call from several threads."""

    def __init__(self) -> None:
        self._network = models.network(ONET)

    def confirm(self, pyramid: Pyramid, found: Candidates, least_score: float) -> Confirmed:
        """The candidates that score at least `least_score` and do not stand on their head."""
        squares = _squared(found.boxes)
        first = self._read(pyramid, squares, np.zeros(len(squares), np.float32))
        kept = first.scores >= least_score
        faces, detector_scores = first[kept], found.scores[kept]
        upright, angles = _upright_squares(faces.points)
        turns = np.concatenate([angles, angles + np.float32(np.pi)])
        second = self._read(pyramid, np.tile(upright, (2, 1)), turns)
        second, on_head = second[: len(faces)], second[len(faces) :]
        head_gains = on_head.scores - second.scores
        stands = head_gains <= _ON_ITS_HEAD
        seen = Candidates(faces.boxes, faces.scores, second.points)
        return Confirmed(seen[stands], detector_scores[stands], head_gains[stands])

    def _read(self, pyramid: Pyramid, squares: Floats, angles: Floats) -> Candidates:
        """What the network reads in squares (n, 4) turned clockwise by angles (n,) in radians; boxes are for 0 only."""
        if len(squares) == 0:
            return Candidates(squares, angles, np.empty((0, 5, 2), np.float32))
        parts = [
            self._network(pyramid.squares(squares[at : at + _BATCH], _SIDE, angles[at : at + _BATCH]))
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


def _parts(found: Confirmed) -> tuple[Floats, ...]:
    return found.faces.boxes, found.faces.scores, found.faces.points, found.detector_scores, found.head_gains


def _inside(points: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Whether points (2,) or (n, 2) lie in boxes (4,) or (n, 4)."""
    return np.asarray(((boxes[..., :2] < points) & (points < boxes[..., 2:])).all(axis=-1), np.bool_)


def _squared(boxes: Floats) -> Floats:
    """Squares about the boxes' centres, as large as their longer side."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    squares: Floats = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return squares


def _upright_squares(points: Floats) -> tuple[Floats, Floats]:
    """Squares (n, 4) about the faces and the angles (n,) in radians that turn them upright, by points (n, 5, 2)."""
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    measure = np.maximum(np.linalg.norm(mouth - eyes, axis=1), np.linalg.norm(points[:, 1] - points[:, 0], axis=1))[
        :, None
    ]
    centre, half = (eyes + mouth) / 2, _SIDE_PER_FACE / 2 * measure
    squares: Floats = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return squares, roll(points)


def roll(points: Floats) -> Floats:
    """How far faces lean clockwise in the image, in radians (n,), by their points (n, 5, 2)."""
    across = points[:, 1] - points[:, 0] + points[:, 4] - points[:, 3]
    angles: Floats = np.arctan2(across[:, 1], across[:, 0])
    return angles
