"""Reads a detector that is laid out as YuNet (github.com/ShiqiYu/libfacedetection): the built-in one, or a user's own.

Input: float (1, 3, height, width), BGR 0-255, sides of a multiple of 32; a fixed size is obeyed. Outputs, for the
strides 8, 16 and 32, named `cls_8`, `obj_8`, `bbox_8`, `kps_8` and so on: for every cell of the grid, row by row, class
and object score (1, cells, 1) whose geometric mean is the face's score; box (1, cells, 4) as centre shifts in cells and
logarithms of size in cells; points (1, cells, 10) as shifts in cells.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid
from rekognition_local.engine.weights.model_files import ModelError
from rekognition_local.engine.weights.models import Network

# Longest side in pixels and least score of a search that nothing confirms.
_SIDE, _LEAST_SCORE = 640, 0.6
_STRIDES = (8, 16, 32)
# People who stand cheek by cheek overlap by more than 0.3; at 0.5 one face can be found twice.
_MOST_OVERLAP = 0.4
# An image of nothing but texture must not keep the later steps busy: those that score most are kept.
_MOST = 256


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


class YuNet:
    """Finds faces of all sizes at once, with their points; safe to call from several threads."""

    def __init__(self, network: Network, name: str) -> None:
        """`name` is what messages call the network; ModelError where it has other inputs or outputs."""
        shape = network.input_shape
        wanted = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES}
        missing = sorted(wanted.difference(network.output_shapes))
        if len(shape) != 4 or shape[1] != 3 or missing:
            raise ModelError(
                f"{name} takes {shape} and lacks the outputs {missing}; a detector must be laid out as YuNet."
            )
        self._network = network
        height, width = shape[2:]
        self._fixed = (width, height) if isinstance(height, int) and isinstance(width, int) else None

    def detect(self, image: Image) -> Candidates:
        """Faces in pixels of an RGB image (h, w, 3), best first, without a second opinion."""
        return self.find(Pyramid(image), _SIDE, _LEAST_SCORE)

    def find(self, pyramid: Pyramid, side: int, least_score: float, *, enlarge: bool = False) -> Candidates:
        """Faces in pixels of the image, best first; it is shrunk to `side` pixels, and enlarged only where told."""
        width, height = pyramid.size
        room = self._fixed or (side, side)
        scale = min(room[0] / width, room[1] / height)
        if self._fixed is None and not enlarge:
            scale = min(scale, 1.0)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        columns, rows = self._fixed or (-(-size[0] // 32) * 32, -(-size[1] // 32) * 32)
        border = (0, rows - size[1], 0, columns - size[0])
        filled = cv2.copyMakeBorder(pyramid.resized(size), *border, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        planes = np.asarray(cv2.dnn.blobFromImage(filled, swapRB=True), np.float32)
        outputs = dict(zip(self._network.output_shapes, self._network(planes), strict=True))
        found = [_cells(outputs, stride, columns // stride, least_score) for stride in _STRIDES]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        kept = without_overlaps(boxes, scores, _MOST_OVERLAP, _MOST)
        back = np.array([width / size[0], height / size[1]], np.float32)
        return Candidates(boxes[kept] * np.tile(back, 2), scores[kept], points[kept] * back)


def _cells(outputs: dict[str, Floats], stride: int, columns: int, least: float) -> tuple[Floats, Floats, Floats]:
    """Boxes, scores and points in pixels of the network's input, of the cells that score enough."""
    is_face, is_there = (np.clip(outputs[f"{kind}_{stride}"][0, :, 0], 0, 1) for kind in ("cls", "obj"))
    scores = np.sqrt(is_face * is_there)
    chosen = np.nonzero(scores >= least)[0]
    cells = np.stack([chosen % columns, chosen // columns], axis=1).astype(np.float32)
    box, points = outputs[f"bbox_{stride}"][0, chosen], outputs[f"kps_{stride}"][0, chosen].reshape(-1, 5, 2)
    centre, half = cells + box[:, :2], np.exp(box[:, 2:]) / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return corners * stride, scores[chosen].astype(np.float32), (points + cells[:, None]) * np.float32(stride)


def without_overlaps(boxes: Floats, scores: Floats, most: float, count: int) -> NDArray[np.intp]:
    """Indices of the boxes that overlap no better one by more than `most`, best first, among the `count` best.

    Scores are above 0.
    """
    sized = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), 0, most, top_k=count)
    return np.asarray(kept, np.intp).reshape(-1)
