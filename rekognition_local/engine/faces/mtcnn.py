"""MTCNN's cascade of three networks on onnxruntime: where faces may be in an image, and their five points.

Method: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.weights import models

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

_CELL, _STRIDE, _STEP = 12, 2, 0.709
_PROPOSED, _REFINED = 0.6, 0.7
# What bounds the work of an image full of texture: proposals a scale, and in all.
_MOST_PER_SCALE, _MOST = 400, 600
_MOST_REFINED = 32

# The points are read again in five crops about the face, turned upright: they then hardly depend on where the cascade
# happened to put the box. ImageAnalysis of such a crop by the face's own measure, and the crops' shifts by their side.
_CROP_PER_FACE = 2.5
_SHIFTS = np.array([(0, 0), (0.04, 0), (-0.04, 0), (0, 0.04), (0, -0.04)], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces, best first, in pixels.

    `boxes` (n, 4) are left, top, right, bottom; `scores` (n,) 0-1; `points` (n, 5, 2) x, y.
    """

    boxes: Floats
    scores: Floats
    points: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Candidates":
        return Candidates(self.boxes[chosen], self.scores[chosen], self.points[chosen])


def no_candidates() -> Candidates:
    """Nothing found."""
    return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32))


class Cascade:
    """Proposal, refinement and output network; safe to call from several threads."""

    def __init__(self, threads: int = 1) -> None:
        self._propose, self._refine, self._output = models.mtcnn(threads)

    def find(self, image: Image, smallest: float, least_score: float = 0.6) -> Candidates:
        """Faces of at least `smallest` pixels with a score of at least `least_score`, best first."""
        levels = _halved(image)
        squares = self._proposals(levels, smallest)
        if len(squares) == 0:
            return no_candidates()
        shifts, scores = self._refine(_patches(levels, squares, 24))
        kept = scores[:, 1] > _REFINED
        boxes, face_scores = _shifted(squares[kept], shifts[kept]), scores[kept, 1]
        squares = _squared(boxes[without_overlaps(boxes, face_scores, 0.7)])
        if len(squares) == 0:
            return no_candidates()
        found = self._points(levels, squares)
        found = found[found.scores >= least_score]
        return self._refined(levels, found[without_overlaps(found.boxes, found.scores, 0.7, of_smaller=True)])

    def read_points(self, image: Image, boxes: Floats, scores: Floats) -> Candidates:
        """Faces found by other means, boxes (n, 4) and scores (n,), with their points; none that stands on its head."""
        levels = _halved(image)
        return self._refined(levels, Candidates(boxes, scores, self._points(levels, _squared(boxes)).points))

    def _points(self, levels: Sequence[Image], squares: Floats) -> Candidates:
        shifts, points, scores = self._output(_patches(levels, squares, 48))
        corner, side = squares[:, None, :2], (squares[:, 2] - squares[:, 0])[:, None, None]
        return Candidates(_shifted(squares, shifts), scores[:, 1], corner + _by_point(points) * side)

    def _refined(self, levels: Sequence[Image], found: Candidates) -> Candidates:
        """The same faces with points that are the mean over several crops, but for those that stand on their head."""
        if len(found) == 0:
            return found
        found, rest = found[:_MOST_REFINED], found[_MOST_REFINED:]
        points = found.points
        eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
        across = points[:, 1] - points[:, 0] + points[:, 4] - points[:, 3]
        angles = np.arctan2(across[:, 1], across[:, 0])
        measure = np.maximum(np.linalg.norm(mouth - eyes, axis=1), np.linalg.norm(points[:, 1] - points[:, 0], axis=1))
        sides = (_CROP_PER_FACE * measure)[:, None, None]
        centres = (eyes + mouth)[:, None] / 2 + _SHIFTS * sides
        squares = np.concatenate([centres - sides / 2, centres + sides / 2], axis=2).astype(np.float32)
        read = self._turned_points(levels, squares.reshape(-1, 4), np.repeat(angles, len(_SHIFTS)))
        on_head = self._turned_points(levels, squares[:, 0], angles + np.float32(np.pi))
        # A face on its head can score high; turned round it scores higher, which an upright face never does.
        upright = read.scores.reshape(len(points), -1).mean(axis=1) >= on_head.scores
        mean = read.points.reshape(len(points), len(_SHIFTS), 5, 2).mean(axis=1).astype(np.float32)
        refined = Candidates(found.boxes, found.scores, mean)[upright]
        return Candidates(
            np.concatenate([refined.boxes, rest.boxes]),
            np.concatenate([refined.scores, rest.scores]),
            np.concatenate([refined.points, rest.points]),
        )

    def _turned_points(self, levels: Sequence[Image], squares: Floats, angles: Floats) -> Candidates:
        """What the output network reads in squares (n, 4) turned clockwise by angles (n,) in radians."""
        _, points, scores = self._output(_patches(levels, squares, 48, angles))
        x, y = np.moveaxis((_by_point(points) - 0.5) * (squares[:, 2] - squares[:, 0])[:, None, None], 2, 0)
        cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
        offsets = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
        centres = (squares[:, None, :2] + squares[:, None, 2:]) / 2
        return Candidates(squares, scores[:, 1], (centres + offsets).astype(np.float32))

    def _proposals(self, levels: Sequence[Image], smallest: float) -> Floats:
        """Squares (n, 4) that the proposal network takes for faces."""
        height, width = levels[0].shape[:2]
        scale = min(1.0, _CELL / smallest)
        found: list[Floats] = []
        found_scores: list[Floats] = []
        # Half of the image's own copies are near enough, and cheaper to shrink.
        picture = levels[min(max(int(np.log2(0.5 / scale)), 0), len(levels) - 1)]
        while min(height, width) * scale >= _CELL:
            size = (round(width * scale), round(height * scale))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            shifts, scores = (output[0] for output in self._propose(picture[None]))
            rows, columns = np.nonzero(scores[1] > _PROPOSED)
            face_scores = scores[1, rows, columns]
            best = np.argsort(-face_scores, kind="stable")[:_MOST_PER_SCALE]
            rows, columns, face_scores = rows[best], columns[best], face_scores[best]
            corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE
            cells = np.concatenate([corners, corners + _CELL], axis=1)
            boxes = _shifted(cells, shifts[:, rows, columns].T)
            kept = without_overlaps(boxes, face_scores, 0.5)
            found.append(boxes[kept] / np.float32(scale))
            found_scores.append(face_scores[kept])
            scale *= _STEP
        if not found:
            return np.empty((0, 4), np.float32)
        boxes, face_scores = np.concatenate(found), np.concatenate(found_scores)
        return _squared(boxes[without_overlaps(boxes, face_scores, 0.7)[:_MOST]])


def without_overlaps(boxes: Floats, scores: Floats, most: float, *, of_smaller: bool = False) -> NDArray[np.intp]:
    """Indices of the boxes that overlap no better one by more than `most`, best first (non-maximum suppression).

    The overlap is measured against the union of both boxes, or against the smaller of the two.
    """
    order = np.argsort(-scores, kind="stable")
    overlaps = overlap(boxes[order], boxes[order], of_smaller=of_smaller) > most
    kept = np.ones(len(order), np.bool_)
    for index in range(len(order)):
        if kept[index]:
            kept[index + 1 :] &= ~overlaps[index, index + 1 :]
    return order[kept]


def overlap(boxes: Floats, others: Floats, *, of_smaller: bool = False) -> Floats:
    """Intersection over union, or over the smaller area, of every box (n, 4) with every other (m, 4) -> (n, m)."""
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(opposite - corner, 0), axis=2)
    area, other_area = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0), axis=1) for b in (boxes, others))
    whole = np.minimum(area[:, None], other_area[None]) if of_smaller else area[:, None] + other_area[None] - common
    ratio: Floats = (common / np.maximum(whole, np.finfo(np.float32).tiny)).astype(np.float32)
    return ratio


def _shifted(boxes: Floats, shifts: Floats) -> Floats:
    """Boxes moved by a network's correction, which is relative to their size."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    shifted: Floats = (boxes + shifts * sides).astype(np.float32)
    return shifted


def _squared(boxes: Floats) -> Floats:
    """Squares about the boxes' centres, as large as their longer side."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    squares: Floats = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return squares


def _halved(image: Image) -> list[Image]:
    """The image and its halves down to 48 pixels: a large face is cut out of a small copy, free of aliasing."""
    levels = [image]
    while min(levels[-1].shape[:2]) >= 96:
        height, width = levels[-1].shape[:2]
        levels.append(
            cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        )
    return levels


def _by_point(values: Floats) -> Floats:
    """The output network's five x, then five y (n, 10) as points (n, 5, 2)."""
    return values.reshape(-1, 2, 5).transpose(0, 2, 1)


def _patches(levels: Sequence[Image], squares: Floats, side: int, angles: Floats | None = None) -> Image:
    """The squares (n, 4) of the image scaled to (n, side, side, 3); grey where they reach past its border.

    With `angles` (n,) in radians, each square is turned clockwise about its centre.
    """
    height, width = levels[0].shape[:2]
    patches = np.empty((len(squares), side, side, 3), np.uint8)
    turns = np.zeros(len(squares)) if angles is None else angles
    for patch, (left, top, right, bottom), angle in zip(patches, squares.astype(np.float64), turns, strict=True):
        zoom = max(right - left, 1.0) / side
        level = levels[min(max(int(np.log2(zoom)), 0), len(levels) - 1)]
        scale = np.array([level.shape[1] / width, level.shape[0] / height])
        cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        corner = np.array([(left + right) / 2, (top + bottom) / 2]) - turn @ np.full(2, (side - 1) / 2)
        transform = np.column_stack([turn * scale[:, None], corner * scale - 0.5])
        cv2.warpAffine(
            level,
            transform,
            (side, side),
            dst=patch,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(128, 128, 128),
        )
    return patches
