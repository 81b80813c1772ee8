"""How a found face is told in replies: the model's FaceDetail, with the members that a request asks for.

A member without a model answers a neutral value that means nothing: false at 50 %, an age of 0 to 100, eight emotions
of 12.5 % each. No certainty is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rekognition_local.engine.documents.documents import DetectedDocument
from rekognition_local.engine.faces.attributes import FaceAttributes, FaceTraits
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.storage.records import Face

LANDMARKS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")
_POINTS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")  # in the detection's order
EMOTIONS = ("HAPPY", "SAD", "ANGRY", "CONFUSED", "DISGUSTED", "SURPRISED", "CALM", "FEAR")

# The values of `Attributes` and the members that they ask for; DEFAULT asks for none of these.
_MEMBERS = """AGE_RANGE BEARD EMOTIONS EYEGLASSES EYES_OPEN EYE_DIRECTION FACE_OCCLUDED GENDER MOUTH_OPEN MUSTACHE SMILE
SUNGLASSES"""
MEMBERS: Final[Mapping[str, str]] = MappingProxyType({name: name.title().replace("_", "") for name in _MEMBERS.split()})
_CUT = 0.1  # the least share of a face's box outside the image at which the face counts as not fully visible


@dataclass(frozen=True, slots=True)
class FaceOfImage:
    """A face, its pose and quality, and why the asked quality bar refuses it (`Reason` values; empty: it does not).

    `traits` is None unless a request asks for attributes beyond the default ones.
    """

    face: DetectedFace
    attributes: FaceAttributes
    reasons: list[str]
    traits: FaceTraits | None = None


def members_beyond_default(attributes: Sequence[str]) -> frozenset[str]:
    """The members of FaceDetail that these values of `Attributes` ask for beside the default ones."""
    if "ALL" in attributes:
        return frozenset(MEMBERS.values())
    return frozenset(MEMBERS[name] for name in attributes if name in MEMBERS)


def face_detail(found: FaceOfImage, members: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The model's FaceDetail, which has all that its ComparedFace has.

    With all members asked for, it has 30 landmarks, as the service's has; otherwise five.
    """
    attributes, traits = found.attributes, found.traits
    points = dict(zip(_POINTS, found.face.landmarks, strict=True))
    landmarks = {name: points[name] for name in LANDMARKS}
    if traits is not None and members == frozenset(MEMBERS.values()):
        landmarks |= traits.landmarks
    detail = {
        "BoundingBox": bounding_box(found.face),
        "Landmarks": [{"Type": name, "X": float(x), "Y": float(y)} for name, (x, y) in landmarks.items()],
        "Pose": {
            "Roll": _degrees(attributes.roll),
            "Yaw": _degrees(attributes.yaw),
            "Pitch": _degrees(attributes.pitch),
        },
        "Quality": {"Brightness": percent(attributes.brightness), "Sharpness": percent(attributes.sharpness)},
        "Confidence": percent(found.face.confidence),
    }
    if traits is None:
        return detail
    return detail | {name: member for name, member in _beyond_default(found.face, traits).items() if name in members}


def _beyond_default(face: DetectedFace, traits: FaceTraits) -> dict[str, Any]:
    unknown = {"Value": False, "Confidence": 50.0}
    return {
        "AgeRange": {"Low": 0, "High": 100},
        "Gender": {"Value": "Female", "Confidence": 50.0},
        "Emotions": [{"Type": name, "Confidence": 100 / len(EMOTIONS)} for name in EMOTIONS],
        **dict.fromkeys(("Smile", "Eyeglasses", "Sunglasses", "Beard", "Mustache"), unknown),
        "EyesOpen": _verdict(traits.eyes_open),
        "MouthOpen": _verdict(traits.mouth_open),
        # Eyes that are shut have no direction.
        "EyeDirection": {
            "Yaw": _degrees(traits.eye_yaw),
            "Pitch": _degrees(traits.eye_pitch),
            "Confidence": percent(100 * traits.eyes_open),
        },
        "FaceOccluded": _occluded(face),
    }


def _verdict(probability: float) -> dict[str, Any]:
    return {"Value": probability > 0.5, "Confidence": percent(100 * max(probability, 1 - probability))}


def _occluded(face: DetectedFace) -> dict[str, Any]:
    """Whether the image's border cuts the face; whether something else covers it is not known."""
    inside = max(0.0, min(1.0, face.left + face.width) - max(0.0, face.left))
    inside *= max(0.0, min(1.0, face.top + face.height) - max(0.0, face.top))
    outside = 1 - inside / max(face.width * face.height, 1e-12)
    if outside < _CUT:
        return {"Value": False, "Confidence": 50.0}
    return {"Value": True, "Confidence": percent(50 + 50 * outside)}


def bounding_box(found: DetectedFace | DetectedDocument | Face) -> dict[str, float]:
    """Ratios of the upright image's size; may reach past 0 and 1."""
    return {name.title(): float(getattr(found, name)) for name in ("width", "height", "left", "top")}


def percent(value: float) -> float:
    """As a Python number within the model's bounds of Percent, whatever rounding did."""
    return min(100.0, max(0.0, float(value)))


def _degrees(value: float) -> float:
    return min(180.0, max(-180.0, float(value)))
