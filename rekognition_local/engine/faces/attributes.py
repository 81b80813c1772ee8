"""What Rekognition tells of a face beside its place: pose, quality and, by a mesh, landmarks, eyes, mouth and gaze."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid, placement
from rekognition_local.engine.weights import models
from rekognition_local.engine.weights.model_files import FACE_MESH, IRIS

_MESH_SIDE, _IRIS_SIDE = 192, 64
# Eyes, nose and mouth corners in the mesh's chip, measured: there the mesh is as large as the network was trained to
# see it, two thirds of the chip.
_MESH_POINTS = np.array([(72.0, 72.3), (120.0, 72.3), (96.0, 99.4), (74.7, 123.4), (117.3, 123.4)], np.float32)
# The corners of each eye in the mesh, and where they stand in the eye's chip: the chip is 2.3 times as wide as the eye.
_EYE_CORNERS = ((33, 133), (362, 263))
_EYE_POINTS = ((_IRIS_SIDE - 1) / 2 + _IRIS_SIDE / 2.3 / 2 * np.array([(-1, 0), (1, 0)])).astype(np.float32)
_CONTOUR = 16  # so many points of the eye's first result go around the lids; the second begins with the centre
_INNER_LIPS, _INNER_MOUTH_CORNERS = (13, 14), (78, 308)

# Fitted by logistic regression to the first reader's labels of 200 photographs
# (tests/rekognition_local/engine/labels/face_traits.csv): the lids' area over the square of the eye's width, and the
# inner lips' distance over the mouth's inner width.
_EYES_MIDDLE, _EYES_SLOPE = 0.1106, 40.8
_MOUTH_MIDDLE, _MOUTH_SLOPE = 0.0732, 43.4
# The eye's opening is some 30 mm wide and the eyeball's radius 12 mm.
_EYEBALL_RADIUS = 0.4


@dataclass(frozen=True, slots=True)
class FaceAttributes:
    """Pose in degrees, -180 to 180; quality 0-100.

    Signs as Rekognition's: roll is positive when the face leans clockwise in the image, yaw when it turns to the
    image's right, pitch when it looks up.
    """

    roll: float
    yaw: float
    pitch: float
    brightness: float
    sharpness: float


def face_attributes(image: Image, face: DetectedFace) -> FaceAttributes:
    """Pose by the five points, quality by the pixels of the face's box."""
    height, width = image.shape[:2]
    points = face.landmarks.astype(np.float64) * (width, height)
    return FaceAttributes(*_pose(points), *_quality(image, face))


def _pose(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Roll, yaw and pitch by where the nose stands over the plane of eyes and mouth.

    The nose's height over that plane (0.6 across, 0.45 along, in distances of eyes and mouth) and its place in a level
    face (0.035 below the middle) were fitted to Rekognition's published answers, which hold both points and pose.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    across = right_eye - left_eye
    roll = np.arctan2(across[1], across[0])
    upright = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    distance = max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    nose_x, nose_y = upright @ (nose - (eyes + mouth) / 2) / distance
    yaw = np.arcsin(np.clip(nose_x / 0.6, -1, 1))
    pitch = np.arcsin(np.clip((0.035 - nose_y) / 0.45, -1, 1))
    return float(np.degrees(roll)), float(np.degrees(yaw)), float(np.degrees(pitch))


def _quality(image: Image, face: DetectedFace) -> tuple[float, float]:
    """Brightness and sharpness of the face's box, both our own measures on the service's scale.

    Brightness is the square root of the mean luminance: a well lit face has about 70. Sharpness is the variance v of
    the Laplacian of the face at 112 pixels, as v / (v + 30): a large face is not called blurred for its size alone.
    """
    height, width = image.shape[:2]
    left, top = max(0, int(face.left * width)), max(0, int(face.top * height))
    right = min(width, int(np.ceil((face.left + face.width) * width)))
    bottom = min(height, int(np.ceil((face.top + face.height) * height)))
    if right <= left or bottom <= top:
        return 0.0, 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(image[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (112, 112), interpolation=cv2.INTER_AREA)
    variance = float(cv2.Laplacian(small, cv2.CV_64F).var())
    return 100 * float(np.sqrt(grey.mean() / 255)), 100 * variance / (variance + 30)


@dataclass(frozen=True, slots=True)
class FaceTraits:
    """What is known of a face beyond its default attributes; the defaults are those of a face without a mesh.

    `landmarks` are 25 points beyond the five of the detection, in ratios of the image's size. `eyes_open` and
    `mouth_open` are probabilities 0-1. The eyes' yaw and pitch are degrees from straight ahead of the face, positive to
    the image's right and up.
    """

    landmarks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    eyes_open: float = 0.5
    mouth_open: float = 0.5
    eye_yaw: float = 0.0
    eye_pitch: float = 0.0


class TraitReader:
    """Reads traits; opens its models when first asked. Without them every face has the default traits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._networks: tuple[models.Network, models.Network] | None = None
        # Rekognition's landmarks in the mesh; left is the image's left.
        self._landmarks: Mapping[str, int] = json.loads(Path(__file__).with_name("mesh_landmarks.json").read_text())

    def read(self, image: Image, face: DetectedFace) -> FaceTraits:
        """The traits of a face found in this RGB image (h, w, 3)."""
        with self._lock:
            if self._networks is None and FACE_MESH.locate() is not None and IRIS.locate() is not None:
                self._networks = models.network(FACE_MESH), models.network(IRIS)
        if self._networks is None:
            return FaceTraits()
        mesh_network, iris_network = self._networks
        pyramid = Pyramid(image)
        size = np.array(pyramid.size, np.float32)
        placed = placement(face.landmarks * size, _MESH_POINTS)
        flat, _ = mesh_network(pyramid.cut(placed, _MESH_SIDE, grey=0)[None])
        mesh = _moved(flat.reshape(-1, 3)[:, :2], placed)  # (468, 2) in pixels of the image
        irises, opening, gaze = _eyes(iris_network, pyramid, [mesh[list(corners)] for corners in _EYE_CORNERS])
        names = [*self._landmarks, "leftPupil", "rightPupil"]
        points = np.stack([*mesh[list(self._landmarks.values())], *irises]) / size
        yaw, down = np.degrees(np.arcsin(np.clip(gaze / _EYEBALL_RADIUS, -1, 1)))
        lips, corners = (float(np.linalg.norm(mesh[a] - mesh[b])) for a, b in (_INNER_LIPS, _INNER_MOUTH_CORNERS))
        return FaceTraits(
            {name: (x, y) for name, (x, y) in zip(names, points.tolist(), strict=True)},
            _probability(opening, _EYES_MIDDLE, _EYES_SLOPE),
            _probability(lips / max(corners, 1.0), _MOUTH_MIDDLE, _MOUTH_SLOPE),
            float(yaw),
            float(-down),
        )


def _eyes(network: models.Network, pyramid: Pyramid, corners: Sequence[Floats]) -> tuple[list[Floats], float, Floats]:
    """Both eyes, from left to right in the image of an upright face, by the corners (2, 2) of each.

    Returns:
        Each iris's centre (2,) in pixels of the image; the mean area within the lids over the square of the eye's
        width; where the irises stand from the middle of the lids on the mean (2,), to the right and down along the eye,
        in widths of the eye.
    """
    places = [placement(ends, _EYE_POINTS) for ends in corners]
    chips = np.stack([pyramid.cut(placed, _IRIS_SIDE, grey=0) for placed in places])
    # The network knows the left eye; the right one is shown to it in a mirror.
    chips[1] = chips[1, :, ::-1]
    around_lids, around_iris = (points.reshape(2, -1, 3)[..., :2] for points in network(chips))
    lids, centres = around_lids[:, :_CONTOUR].copy(), around_iris[:, :1].copy()
    for points in (lids, centres):
        points[1, :, 0] = _IRIS_SIDE - 1 - points[1, :, 0]
    widths = np.maximum(np.ptp(lids[..., 0], axis=1), 1.0)
    middles = (lids.max(axis=1) + lids.min(axis=1)) / 2
    gaze: Floats = ((centres[:, 0] - middles) / widths[:, None]).mean(axis=0)
    opening = np.mean([_area(around) / width**2 for around, width in zip(lids, widths, strict=True)])
    irises = [_moved(centre, placed)[0] for centre, placed in zip(centres, places, strict=True)]
    return irises, float(opening), gaze


def _area(contour: Floats) -> float:
    """The area within points that go along one lid and then along the other, in any order: they are put in order."""
    x, y = (contour - contour.mean(axis=0)).T
    return cv2.contourArea(contour[np.argsort(np.arctan2(y, x))])


def _moved(points: Floats, placed: NDArray[np.float64]) -> Floats:
    return (points @ placed[:, :2].T + placed[:, 2]).astype(np.float32)


def _probability(measure: float, middle: float, slope: float) -> float:
    return float(1 / (1 + np.exp(-slope * (measure - middle))))
