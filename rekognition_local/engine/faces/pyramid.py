"""An image and its halves: what is cut out large is cut out of a small copy, which is quick and free of aliasing."""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

_LEAST_SIDE = 48


class Pyramid:
    """Copies of an RGB image (h, w, 3), each half as large as the one before, made when they are first needed."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.size = (image.shape[1], image.shape[0])  # width, height
        self._levels = [image]

    def resized(self, size: tuple[int, int]) -> Image:
        """The whole image at this (width, height)."""
        width, height = self.size
        level = self._level(max(width / size[0], height / size[1]))
        if level.shape[1::-1] == size:
            return level
        return cv2.resize(level, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

    def cut(self, placed: NDArray[np.float64], side: int, grey: int = 128) -> Image:
        """A square (side, side, 3); `placed` (2, 3) maps its pixels to the image's. `grey` lies beyond the border."""
        level = self._level(float(np.hypot(placed[0, 0], placed[1, 0])))
        scale = np.array(level.shape[1::-1]) / self.size
        on_level = placed * scale[:, None]
        on_level[:, 2] += (scale - 1) / 2  # centres of pixels, not corners, lie at whole numbers
        return cv2.warpAffine(
            level,
            on_level,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(grey, grey, grey),
        ).astype(np.uint8, copy=False)

    def squares(self, squares: Floats, side: int, angles: Floats) -> Image:
        """The squares (n, 4), at least one, turned clockwise by angles (n,) in radians -> (n, side, side, 3)."""
        turned = zip(squares.astype(np.float64), angles.astype(np.float64), strict=True)
        return np.stack([self.cut(_placed(square, side, angle), side) for square, angle in turned])

    def face(self, points: Floats, reference: Floats, side: int) -> Image:
        """A face (side, side, 3), its five points (5, 2) as near as can be to the reference's; black is beyond."""
        return self.cut(placement(points, reference), side, grey=0)

    def _level(self, zoom: float) -> Image:
        """The copy of which no more than two pixels fall on one when the image is shrunk by `zoom`."""
        wanted = max(0, int(np.log2(max(zoom, 1.0))))
        while len(self._levels) <= wanted and min(self._levels[-1].shape[:2]) >= 2 * _LEAST_SIDE:
            height, width = self._levels[-1].shape[:2]
            halved = cv2.resize(self._levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            self._levels.append(halved.astype(np.uint8, copy=False))
        return self._levels[min(wanted, len(self._levels) - 1)]


def placement(points: Floats, reference: Floats) -> NDArray[np.float64]:
    """Where the pixels of a chip with the reference's points (k, 2) lie in the image with these points, (2, 3).

    The inverse of the rotation, scale and shift that brings the points nearest to the reference, by least squares.

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    source, target = points.astype(np.float64), reference.astype(np.float64)
    source_centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    x, y = (source - source_centre).T
    u, v = (target - target_centre).T
    power = max(float((x**2 + y**2).sum()), 1e-12)
    a, b = float((x * u + y * v).sum()) / power, float((x * v - y * u).sum()) / power
    shift = target_centre - np.array([[a, -b], [b, a]]) @ source_centre
    turn = np.array([[a, b], [-b, a]]) / max(a * a + b * b, 1e-12)
    return np.column_stack([turn, turn @ -shift])


def _placed(square: NDArray[np.float64], side: int, angle: float) -> NDArray[np.float64]:
    """Where the pixels of a patch lie in the image whose square (left, top, right, bottom) it shows."""
    left, top, right, bottom = square
    zoom = max(right - left, 1.0) / side
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    centre = np.array([(left + right - 1) / 2, (top + bottom - 1) / 2])
    return np.column_stack([turn, centre - turn @ np.full(2, (side - 1) / 2)])
