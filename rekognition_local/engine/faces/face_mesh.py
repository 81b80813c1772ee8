"""The mesh of a face and the irises of its eyes, by MediaPipe's two networks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid, similarity_transform
from rekognition_local.engine.weights import models

MESH_SIDE, IRIS_SIDE = 192, 64
# Eyes, nose and mouth corners in the mesh's chip, measured: there the mesh is as large as the network was trained to
# see it, two thirds of the chip.
MESH_POINTS = np.array([(72.0, 72.3), (120.0, 72.3), (96.0, 99.4), (74.7, 123.4), (117.3, 123.4)], np.float32)
# The corners of each eye in the mesh, and where they stand in the eye's chip: the chip is 2.3 times as wide as the eye.
EYE_CORNERS = ((33, 133), (362, 263))
_EYE_ZOOM = 2.3
_CONTOUR = 16  # the first points of the eye's result go around the lids


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye in pixels of the image: the lids' contour (16, 2) and the centre (2,) of the iris.

    `opening` is the area within the lids over the square of the eye's width; `gaze` (2,) is where the iris stands from
    the middle of the lids, to the right and down along the eye, in widths of the eye.
    """

    contour: Floats
    iris: Floats
    opening: float
    gaze: Floats


@dataclass(frozen=True, slots=True)
class MeshReading:
    """A face's mesh (468, 3): x and y in pixels of the image, z in pixels towards its depth; its presence 0-1; eyes.

    The eyes come from left to right in the image, of a face that is upright.
    """

    mesh: Floats
    presence: float
    eyes: tuple[Eye, Eye]


class FaceMesh:
    """Both networks; safe to call from several threads."""

    def __init__(self, threads: int = 1) -> None:
        """Opens the networks.

        Raises:
            ModelError: a file is missing or is not the known one.
        """
        self._mesh, self._iris = models.face_mesh(threads), models.iris(threads)

    def read(self, image: Image, points: Floats) -> MeshReading:
        """The mesh of the face with these five points (5, 2) in pixels of an RGB image (h, w, 3)."""
        pyramid = Pyramid(image)
        placed = _inverse(similarity_transform(points, MESH_POINTS))
        flat, presence = self._mesh(pyramid.cut(placed, MESH_SIDE, grey=0)[None])
        mesh = flat.reshape(-1, 3)
        zoom = float(np.hypot(placed[0, 0], placed[1, 0]))
        mesh = np.column_stack([_moved(mesh[:, :2], placed), mesh[:, 2] * zoom]).astype(np.float32)
        left, right = (mesh[list(corners), :2] for corners in EYE_CORNERS)
        return MeshReading(mesh, float(1 / (1 + np.exp(-presence[0, 0]))), self._eyes(pyramid, left, right))

    def _eyes(self, pyramid: Pyramid, left: Floats, right: Floats) -> tuple[Eye, Eye]:
        # The network knows the left eye; the right one is shown to it in a mirror.
        places = [_eye_placed(left), _eye_placed(right)]
        chips = np.stack([pyramid.cut(placed, IRIS_SIDE, grey=0) for placed in places])
        chips[1] = chips[1, :, ::-1]
        contours, irises = self._iris(chips)
        return (
            _eye(contours[0], irises[0], places[0], is_mirrored=False),
            _eye(contours[1], irises[1], places[1], is_mirrored=True),
        )


def _eye(contour: Floats, iris: Floats, placed: NDArray[np.float64], *, is_mirrored: bool) -> Eye:
    lids, centre = contour.reshape(-1, 3)[:_CONTOUR, :2].copy(), iris.reshape(-1, 3)[:1, :2].copy()
    if is_mirrored:
        lids[:, 0], centre[:, 0] = IRIS_SIDE - 1 - lids[:, 0], IRIS_SIDE - 1 - centre[:, 0]
    width = max(float(np.ptp(lids[:, 0])), 1.0)
    middle = (lids.max(axis=0) + lids.min(axis=0)) / 2
    return Eye(
        _moved(lids, placed),
        _moved(centre, placed)[0],
        _area(lids) / width**2,
        ((centre[0] - middle) / width).astype(np.float32),
    )


def _area(contour: Floats) -> float:
    """The area within points that go along one lid and then along the other, in any order: they are put in order."""
    around = contour - contour.mean(axis=0)
    x, y = around[np.argsort(np.arctan2(around[:, 1], around[:, 0]))].T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _eye_placed(corners: Floats) -> NDArray[np.float64]:
    """Where the pixels of an eye's chip lie in the image whose eye has these corners (2, 2), left and right."""
    middle = (IRIS_SIDE - 1) / 2
    half = IRIS_SIDE / _EYE_ZOOM / 2
    reference = np.array([(middle - half, middle), (middle + half, middle)], np.float32)
    return _inverse(similarity_transform(corners, reference))


def _inverse(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    (a, b, x), (_, _, y) = transform
    turn = np.array([[a, -b], [b, a]]) / max(a * a + b * b, 1e-12)
    return np.column_stack([turn, turn @ (-x, -y)])


def _moved(points: Floats, placed: NDArray[np.float64]) -> Floats:
    return (points @ placed[:, :2].T + placed[:, 2]).astype(np.float32)
