"""Places in an image that may be faces, and which of them cover each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


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

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Candidates":
        return Candidates(self.boxes[chosen], self.scores[chosen], self.points[chosen])

    def moved(self, by: float) -> "Candidates":
        """The same, `by` pixels further to the right and down."""
        shift = np.float32(by)
        return Candidates(self.boxes + shift, self.scores, self.points + shift)

    def turned_back(self, turns: int, width: int, height: int) -> "Candidates":
        """Places in an image that was turned left `turns` times, as places in the image (width, height) before."""
        corners, points = self.boxes.reshape(-1, 2, 2), self.points
        for turn in range(turns):
            # One turn to the left maps (x, y) of a w wide image to (y, w - x); undone: (w - y', x').
            side = np.float32(height if (turns - turn) % 2 == 0 else width)
            corners, points = (np.stack([side - p[..., 1], p[..., 0]], axis=-1) for p in (corners, points))
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return Candidates(boxes, self.scores, points)


def without_overlaps(boxes: Floats, scores: Floats, most: float) -> NDArray[np.intp]:
    """Indices of the boxes that overlap no better one by more than `most`, best first (non-maximum suppression)."""
    order = np.argsort(-scores, kind="stable")
    overlaps = overlap(boxes[order], boxes[order]) > most
    kept = np.ones(len(order), np.bool_)
    for index in range(len(order)):
        if kept[index]:
            kept[index + 1 :] &= ~overlaps[index, index + 1 :]
    return order[kept]


def overlap(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of every box (n, 4) with every other (m, 4) -> (n, m)."""
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(opposite - corner, 0), axis=2)
    area, other_area = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0), axis=1) for b in (boxes, others))
    union = np.maximum(area[:, None] + other_area[None] - common, np.finfo(np.float32).tiny)
    ratio: Floats = (common / union).astype(np.float32)
    return ratio
