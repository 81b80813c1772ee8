"""Which faces are good enough: the quality bars of QualityFilter, and the reasons for refusing a face."""

from dataclasses import dataclass

from rekognition_local.engine.faces.attributes import FaceAttributes
from rekognition_local.engine.faces.detection import DetectedFace


@dataclass(frozen=True, slots=True)
class QualityBar:
    """The least a face must have: percentages (0-100), its longer side in pixels; and its most `turn` in degrees."""

    confidence: float
    brightness: float
    sharpness: float
    turn: float
    side_px: float

    def reasons(self, face: DetectedFace, attributes: FaceAttributes, size: tuple[int, int]) -> list[str]:
        """Why the face stays below the bar, in the model's `Reason` values; empty when it does not.

        `size` is the image's (width, height) in pixels. Roll is not a reason: a face on its side is turned upright.
        """
        width, height = size
        failed = {
            "EXTREME_POSE": max(abs(attributes.yaw), abs(attributes.pitch)) > self.turn,
            "LOW_BRIGHTNESS": attributes.brightness < self.brightness,
            "LOW_SHARPNESS": attributes.sharpness < self.sharpness,
            "LOW_CONFIDENCE": face.confidence < self.confidence,
            "SMALL_BOUNDING_BOX": max(face.width * width, face.height * height) < self.side_px,
        }
        return [reason for reason, is_so in failed.items() if is_so]


# The service publishes the names of its bars, not their values; these are ours. LOW refuses what the recogniser cannot
# use, HIGH keeps passport-like portraits: of 432 photographs of well-known people LOW refused none, MEDIUM 1, HIGH 57.
# AUTO ("the service chooses") is LOW: an enrolled photo of middling quality helps more searches than it spoils.
_LOW = QualityBar(confidence=80, brightness=8, sharpness=3, turn=75, side_px=24)
BARS: dict[str, QualityBar | None] = {
    "NONE": None,
    "AUTO": _LOW,
    "LOW": _LOW,
    "MEDIUM": QualityBar(confidence=90, brightness=15, sharpness=10, turn=50, side_px=40),
    "HIGH": QualityBar(confidence=97, brightness=25, sharpness=25, turn=30, side_px=80),
}
