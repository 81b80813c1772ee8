"""Which face of an image is judged, and how it is cut out for people to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from person_verifier.errors import NoFaceError
from rekognition_local.engine import DetectedFace
from rekognition_local.engine.faces.face_engine import FaceEngine
from rekognition_local.engine.faces.pyramid import Pyramid

# Eyes, nose and mouth corners in a square crop of side 1: the face with its hair and chin.
UPRIGHT_FACE = np.array([[0.38, 0.42], [0.62, 0.42], [0.50, 0.56], [0.40, 0.68], [0.60, 0.68]], np.float32)
CROP_SIDE = 224
SHOT_SIDE = 32
# A face is described from 150 pixels: a JPEG is decoded at 1/2 or 1/4 as long as its longer side keeps these.
KEPT_SIDE_PX = 1024
# A face with at least this part of the largest one's area counts as equally large.
SAME_SIZE = 0.75


def most_prominent(faces: Sequence[DetectedFace]) -> int:
    """The place of the face that is judged: the largest one.

    Of faces of about the same size it is the whole and central one: in a photograph of somebody, who stands
    beside them is often nearer to the camera, and cut by the border.
    """
    least = SAME_SIZE * max(_visible_area(face) for face in faces)
    candidates = [place for place, face in enumerate(faces) if _visible_area(face) >= least]
    return max(candidates, key=lambda place: _prominence(faces[place]))


def descriptor(engine: FaceEngine, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(d,) of the judged face of an upright (h, w, 3) RGB 0-255 image.

    Raises:
        NoFaceError: there is none.
    """
    faces = engine.detect(image)
    if not faces:
        raise NoFaceError("No face was found in the image.")
    vector: NDArray[np.float32] = engine.embed(image, [faces[most_prominent(faces)]])[0]
    return vector


def align(image: NDArray[np.uint8], face: DetectedFace, side: int = CROP_SIDE) -> NDArray[np.uint8]:
    """The face upright with its hair and chin: (side, side, 3) RGB 0-255; black where it reaches past the image."""
    height, width = image.shape[:2]
    points = face.landmarks * np.array([width, height], np.float32)
    return Pyramid(image).face(points, UPRIGHT_FACE * np.float32(side), side)


def shot_picture(image: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """(32, 32) grey 0-255: what near-duplicates of one shot have in common (see `splits.same_shots`)."""
    grey = cv2.cvtColor(align(image, face, CROP_SIDE), cv2.COLOR_RGB2GRAY)
    picture = cv2.resize(grey, (SHOT_SIDE, SHOT_SIDE), interpolation=cv2.INTER_AREA)
    return picture.astype(np.uint8, copy=False)


def _visible_area(face: DetectedFace) -> float:
    """The part of the image (0-1) that the face's box covers."""
    width = min(1.0, face.left + face.width) - max(0.0, face.left)
    height = min(1.0, face.top + face.height) - max(0.0, face.top)
    return max(0.0, width) * max(0.0, height)


def _prominence(face: DetectedFace) -> float:
    """Visible area, weighed by how whole the face is and how near to the image's centre (1 there, 0.5 in corners)."""
    off_centre = np.hypot(face.left + face.width / 2 - 0.5, face.top + face.height / 2 - 0.5) / np.hypot(0.5, 0.5)
    visible = _visible_area(face)
    return visible * visible / max(face.width * face.height, 1e-9) * (1 - min(1.0, float(off_centre)) / 2)
