"""DetectFaces and CompareFaces, the quality bars of QualityFilter, and how faces and users are told in replies.

A member of FaceDetail without a model answers a neutral value that means nothing: false at 50 %, an age of 0 to 100,
eight emotions of 12.5 % each. No certainty is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rekognition_local.engine.documents.documents import DetectedDocument
from rekognition_local.engine.faces.attributes import FaceAttributes, FaceTraits
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.operations.image_sources import RequestImage
from rekognition_local.operations.service import MAX_FACES, Service
from rekognition_local.protocol.wire import ServiceError, invalid_parameters
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Face, User

LANDMARKS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")
_POINTS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")  # in the detection's order
EMOTIONS = ("HAPPY", "SAD", "ANGRY", "CONFUSED", "DISGUSTED", "SURPRISED", "CALM", "FEAR")

# The values of `Attributes` and the members that they ask for; DEFAULT asks for none of these.
_MEMBERS = """AGE_RANGE BEARD EMOTIONS EYEGLASSES EYES_OPEN EYE_DIRECTION FACE_OCCLUDED GENDER MOUTH_OPEN MUSTACHE SMILE
SUNGLASSES"""
MEMBERS: Final[Mapping[str, str]] = MappingProxyType({name: name.title().replace("_", "") for name in _MEMBERS.split()})
_CUT = 0.1  # the least share of a face's box outside the image at which the face counts as not fully visible


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


@dataclass(frozen=True, slots=True)
class FaceOfImage:
    """A face, its pose and quality, and why the asked quality bar refuses it (`Reason` values; empty: it does not).

    `traits` is None unless a request asks for attributes beyond the default ones.
    """

    face: DetectedFace
    attributes: FaceAttributes
    reasons: list[str]
    traits: FaceTraits | None = None


def faces_of(
    service: Service, image: RequestImage, quality_filter: str, members: frozenset[str] = frozenset()
) -> list[FaceOfImage]:
    """The 100 largest faces of an image, largest first, judged by the quality bar of that name.

    Traits are read only where `members` beyond the default ones are asked for: they cost time.
    """
    bar = BARS[quality_filter]
    size = (image.pixels.shape[1], image.pixels.shape[0])
    found = []
    for face in service.engine.detect(image.pixels)[:MAX_FACES]:
        attributes = service.engine.attributes(image.pixels, face)
        traits = service.engine.traits(image.pixels, face) if members else None
        found.append(FaceOfImage(face, attributes, bar.reasons(face, attributes, size) if bar else [], traits))
    return found


def detect_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DetectFaces, with the attributes beyond the default ones that the request asks for."""
    image = service.images.read(request["Image"])
    members = members_beyond_default(request.get("Attributes", ()))
    return {"FaceDetails": [face_detail(found, members) for found in faces_of(service, image, "NONE", members)]}


def compare_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CompareFaces: the source's largest face to each face of the target, most similar first."""
    threshold = request.get("SimilarityThreshold", 80.0)
    quality_filter = request.get("QualityFilter", "NONE")
    source, target = service.images.read(request["SourceImage"]), service.images.read(request["TargetImage"])
    probe, *_ = usable_faces(service, source, quality_filter, invalid_parameters("SourceImage has no face."))
    references = usable_faces(service, target, quality_filter, invalid_parameters("TargetImage has no face."))
    engine = service.engine
    similarities = engine.similarity(
        engine.embed(source.pixels, [probe.face]), engine.embed(target.pixels, [found.face for found in references])
    )[0]
    scored = sorted(zip(map(percent, similarities), references, strict=True), key=lambda pair: pair[0], reverse=True)
    return {
        "SourceImageFace": {"BoundingBox": bounding_box(probe.face), "Confidence": percent(probe.face.confidence)},
        "FaceMatches": [
            {"Similarity": similarity, "Face": face_detail(found)}
            for similarity, found in scored
            if similarity >= threshold
        ],
        "UnmatchedFaces": [face_detail(found) for similarity, found in scored if similarity < threshold],
    }


def usable_faces(
    service: Service, image: RequestImage, quality_filter: str, complaint: ServiceError
) -> list[FaceOfImage]:
    """Those of an image's faces that the quality bar does not refuse, largest first; where there is none, it raises."""
    usable = [found for found in faces_of(service, image, quality_filter) if not found.reasons]
    if not usable:
        raise complaint
    return usable


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
        "Pose": {name.title(): _degrees(getattr(attributes, name)) for name in ("roll", "yaw", "pitch")},
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


def face_record(row: Face) -> dict[str, Any]:
    """The model's Face."""
    return {
        "FaceId": row.face_id,
        "BoundingBox": bounding_box(row),
        "ImageId": row.image_id,
        "ExternalImageId": row.external_image_id,
        "Confidence": row.confidence,
        "IndexFacesModelVersion": FACE_MODEL_VERSION,
        "UserId": row.user_id,
    }


def user_record(row: User) -> dict[str, Any]:
    """The model's User, and MatchedUser."""
    return {"UserId": row.user_id, "UserStatus": row.status}


def refusal(face_id: str, reason: str, **more: Any) -> dict[str, Any]:
    """Why a face of a request is left as it is."""
    return {"FaceId": face_id, **more, "Reasons": [reason]}
