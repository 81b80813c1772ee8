"""What Rekognition tells of a face beside its place: pose and image quality."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.detection import DetectedFace

Image = NDArray[np.uint8]


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
    roll, yaw, pitch = _pose(points)
    brightness, sharpness = _quality(image, face)
    return FaceAttributes(roll, yaw, pitch, brightness, sharpness)


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
