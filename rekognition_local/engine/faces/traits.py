"""What a face's mesh tells beyond the default attributes: more landmarks, eyes, mouth, direction of the eyes."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.engine.faces.face_mesh import FaceMesh, MeshReading
from rekognition_local.engine.faces.pyramid import Floats, Image
from rekognition_local.engine.weights.model_files import FACE_MESH, IRIS

# Rekognition's landmarks in the mesh; left is the image's left.
_MESH_LANDMARKS: Mapping[str, int] = MappingProxyType(
    {
        "leftEyeBrowLeft": 70,
        "leftEyeBrowRight": 107,
        "leftEyeBrowUp": 105,
        "rightEyeBrowLeft": 336,
        "rightEyeBrowRight": 300,
        "rightEyeBrowUp": 334,
        "leftEyeLeft": 33,
        "leftEyeRight": 133,
        "leftEyeUp": 159,
        "leftEyeDown": 145,
        "rightEyeLeft": 362,
        "rightEyeRight": 263,
        "rightEyeUp": 386,
        "rightEyeDown": 374,
        "noseLeft": 129,
        "noseRight": 358,
        "mouthUp": 0,
        "mouthDown": 17,
        "upperJawlineLeft": 234,
        "midJawlineLeft": 172,
        "chinBottom": 152,
        "midJawlineRight": 397,
        "upperJawlineRight": 454,
    }
)
_INNER_LIPS, _INNER_MOUTH_CORNERS = (13, 14), (78, 308)

# Fitted by logistic regression to 200 labelled photographs (tests/rekognition_local/engine/labels/face_traits.csv): the
# lids' area over the square of the eye's width, and the inner lips' distance over the mouth's inner width.
_EYES_MIDDLE, _EYES_SLOPE = 0.1106, 40.8
_MOUTH_MIDDLE, _MOUTH_SLOPE = 0.0732, 43.4
# The eye's opening is some 30 mm wide and the eyeball's radius 12 mm.
_EYEBALL_RADIUS = 0.4


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

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._mesh: FaceMesh | None = None

    def read(self, image: Image, face: DetectedFace) -> FaceTraits:
        """The traits of a face found in this RGB image (h, w, 3).

        Raises:
            ModelError: a model's file is not the known one.
        """
        mesh = self._opened()
        if mesh is None:
            return FaceTraits()
        size = np.array([image.shape[1], image.shape[0]], np.float32)
        return _traits(mesh.read(image, face.landmarks * size), size)

    def _opened(self) -> FaceMesh | None:
        with self._lock:
            if self._mesh is None and FACE_MESH.locate() is not None and IRIS.locate() is not None:
                self._mesh = FaceMesh(self._threads)
            return self._mesh


def _traits(reading: MeshReading, size: Floats) -> FaceTraits:
    points = {name: reading.mesh[place, :2] for name, place in _MESH_LANDMARKS.items()}
    points |= {"leftPupil": reading.eyes[0].iris, "rightPupil": reading.eyes[1].iris}
    gaze = np.mean([eye.gaze for eye in reading.eyes], axis=0) / _EYEBALL_RADIUS
    yaw, down = np.degrees(np.arcsin(np.clip(gaze, -1, 1)))
    opening = float(np.mean([eye.opening for eye in reading.eyes]))
    return FaceTraits(
        {name: (float(x), float(y)) for name, (x, y) in ((name, point / size) for name, point in points.items())},
        _probability(opening, _EYES_MIDDLE, _EYES_SLOPE),
        _probability(_mouth_opening(reading.mesh), _MOUTH_MIDDLE, _MOUTH_SLOPE),
        float(yaw),
        float(-down),
    )


def _mouth_opening(mesh: Floats) -> float:
    lips, corners = (float(np.linalg.norm(mesh[a, :2] - mesh[b, :2])) for a, b in (_INNER_LIPS, _INNER_MOUTH_CORNERS))
    return lips / max(corners, 1.0)


def _probability(measure: float, middle: float, slope: float) -> float:
    return float(1 / (1 + np.exp(-slope * (measure - middle))))
