"""Places in an image that may be faces, those that are confirmed, and which of them cover each other."""

from dataclasses import dataclass, fields, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces in pixels.

    `boxes` (n, 4) are left, top, right, bottom; `scores` (n,) 0-1; `points` (n, 5, 2) are x, y of left eye, right eye,
    nose, left and right mouth corner, as seen in the image.
    """

    boxes: Floats
    scores: Floats
    points: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Self:
        return type(self)(*(values[chosen] for values in self.arrays))

    @property
    def arrays(self) -> list[Floats]:
        """All that is known of the faces, in the order of the fields."""
        return [getattr(self, field.name) for field in fields(self)]

    def moved(self, by: float) -> Self:
        """The same, `by` pixels further to the right and down."""
        shift = np.float32(by)
        return replace(self, boxes=self.boxes + shift, points=self.points + shift)

    def turned_back(self, turns: int, width: int, height: int) -> Self:
        """Places in an image that was turned left `turns` times, as places in the image (width, height) before."""
        corners, points = self.boxes.reshape(-1, 2, 2), self.points
        for turn in range(turns):
            # One turn to the left maps (x, y) of a w wide image to (y, w - x); undone: (w - y', x').
            side = np.float32(height if (turns - turn) % 2 == 0 else width)
            corners, points = (np.stack([side - p[..., 1], p[..., 0]], axis=-1) for p in (corners, points))
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return replace(self, boxes=boxes, points=points)


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
        return both[np.array(kept)]


def _inside(points: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Whether points (2,) or (n, 2) lie in boxes (4,) or (n, 4)."""
    return np.asarray(((boxes[..., :2] < points) & (points < boxes[..., 2:])).all(axis=-1), np.bool_)


def without_overlaps(boxes: Floats, scores: Floats, most: float, count: int) -> NDArray[np.intp]:
    """Indices of the boxes that overlap no better one by more than `most`, best first, among the `count` best.

    Scores are above 0.
    """
    sized = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.float64)
    return np.asarray(cv2.dnn.NMSBoxes(sized, scores, 0, most, top_k=count), np.intp).reshape(-1)
