"""Turns a found face into a descriptor, and distances of descriptors into similarities."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local import models

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

# Eyes, nose and mouth corners in a 150 px chip as dlib's network was trained to see them, spread by 1.1 about the
# chip's centre (0.994 -> 0.995 on LFW).
_SPREAD = 1.1
_CHIP = 150
_REFERENCE = np.array([(47.3, 45.5), (102.4, 45.7), (74.8, 78.9), (50.5, 103.1), (100.5, 102.3)], np.float32)
_BATCH = 16


class Recogniser(Protocol):
    """What describes faces and says how similar two descriptors are."""

    model_id: str

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, d) of the faces with these points (n, 5, 2) in pixels."""
        ...

    def similarity(self, probes: Floats, references: Floats) -> NDArray[np.float64]:
        """Percent 0-100 of every probe (n, d) to every reference (m, d) -> (n, m)."""
        ...


class ResnetRecogniser:
    """dlib's ResNet on chips aligned by five points; chip and mirror image are averaged."""

    model_id = f"dlib-resnet-v1-{models.RESNET.sha256[:12]}-points5-spread{_SPREAD}-mirror"

    def __init__(self, threads: int = 1) -> None:
        self._network = models.face_recogniser(threads)
        self._reference = (_REFERENCE - _CHIP / 2) * np.float32(_SPREAD) + np.float32(_CHIP / 2)

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, 128)."""
        if len(points) == 0:
            return np.empty((0, 128), np.float32)
        chips = np.stack([aligned(image, face, self._reference, _CHIP) for face in points])
        both = np.stack([chips, chips[:, :, ::-1]], axis=1).reshape(-1, _CHIP, _CHIP, 3)
        outputs = [self._network(np.ascontiguousarray(both[at : at + _BATCH]))[0] for at in range(0, len(both), _BATCH)]
        descriptors: Floats = np.concatenate(outputs).reshape(len(points), 2, -1).mean(axis=1, dtype=np.float32)
        return descriptors

    def similarity(self, probes: Floats, references: Floats) -> NDArray[np.float64]:
        """Logistic of the Euclidean distance: 50 % at 0.63, 80 % at 0.58, 99 % at 0.466."""
        return _logistic(28 * (0.63 - distances(probes, references)))


def distances(probes: Floats, references: Floats) -> NDArray[np.float64]:
    """Euclidean distances (n, d), (m, d) -> (n, m)."""
    a, b = probes.astype(np.float64), references.astype(np.float64)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    result: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return result


def aligned(image: Image, points: Floats, reference: Floats, side: int) -> Image:
    """A face cut out (side, side, 3) so that its five points (5, 2) lie nearest to the reference's."""
    transform = similarity_transform(points, reference)
    # A face much larger than the chip is shrunk first, or single pixels of it would be picked.
    zoom = float(np.hypot(transform[0, 0], transform[1, 0]))
    if zoom < 0.5:
        return _shrunk(image, transform, zoom, side)
    chip = cv2.warpAffine(image, transform, (side, side), flags=cv2.INTER_LINEAR)
    return chip.astype(np.uint8, copy=False)


def _shrunk(image: Image, transform: NDArray[np.float64], zoom: float, side: int) -> Image:
    factor = int(1 / zoom)
    scale = np.diag([factor, factor, 1.0])
    scale[:2, 2] = (factor - 1) / 2
    larger = cv2.warpAffine(
        image,
        np.vstack([scale @ np.vstack([transform, [0, 0, 1]])])[:2],
        (side * factor, side * factor),
        flags=cv2.INTER_LINEAR,
    )
    return cv2.resize(larger, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def similarity_transform(points: Floats, reference: Floats) -> NDArray[np.float64]:
    """The rotation, scale and shift (2, 3) that brings the points (k, 2) nearest to the reference, by least squares.

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    source, target = points.astype(np.float64), reference.astype(np.float64)
    source_centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    x, y = (source - source_centre).T
    u, v = (target - target_centre).T
    power = max(float((x**2 + y**2).sum()), 1e-12)
    a, b = float((x * u + y * v).sum()) / power, float((x * v - y * u).sum()) / power
    rotation = np.array([[a, -b], [b, a]])
    shift = target_centre - rotation @ source_centre
    return np.hstack([rotation, shift[:, None]])


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    percent: NDArray[np.float64] = 100 / (1 + np.exp(-np.clip(values, -700, 700)))
    return percent
