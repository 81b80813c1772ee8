"""DetectFaces and CompareFaces, and how a found face is told in replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rekognition_local.engine.faces.attributes import FaceAttributes
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.operations.image_sources import RequestImage
from rekognition_local.operations.quality_filter import BARS
from rekognition_local.operations.service import MAX_FACES, Service
from rekognition_local.protocol.wire import ServiceError

LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


@dataclass(frozen=True, slots=True)
class FaceOfImage:
    """A face, its pose and quality, and why the asked quality bar refuses it (`Reason` values; empty: it does not)."""

    face: DetectedFace
    attributes: FaceAttributes
    reasons: list[str]


def faces_of(service: Service, image: RequestImage, quality_filter: str) -> list[FaceOfImage]:
    """The 100 largest faces of an image, largest first, judged by the quality bar of that name."""
    bar = BARS[quality_filter]
    size = (image.pixels.shape[1], image.pixels.shape[0])
    found = []
    for face in service.engine.detect(image.pixels)[:MAX_FACES]:
        attributes = service.engine.attributes(image.pixels, face)
        found.append(FaceOfImage(face, attributes, bar.reasons(face, attributes, size) if bar else []))
    return found


def detect_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DetectFaces. Attributes beyond the default ones (age, emotions, glasses) have no model here: left out."""
    image = service.images.read(request["Image"])
    return {"FaceDetails": [face_detail(found) for found in faces_of(service, image, "NONE")]}


def compare_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CompareFaces: the source's largest face to each face of the target, most similar first."""
    threshold = request.get("SimilarityThreshold", 80.0)
    quality_filter = request.get("QualityFilter", "NONE")
    source, target = service.images.read(request["SourceImage"]), service.images.read(request["TargetImage"])
    probe, *_ = _usable(service, source, quality_filter, "SourceImage")
    references = _usable(service, target, quality_filter, "TargetImage")
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


def _usable(service: Service, image: RequestImage, quality_filter: str, member: str) -> Sequence[FaceOfImage]:
    usable = [found for found in faces_of(service, image, quality_filter) if not found.reasons]
    if not usable:
        raise ServiceError("InvalidParameterException", f"Request has invalid parameters. {member} has no face.")
    return usable


def face_detail(found: FaceOfImage) -> dict[str, Any]:
    """The model's FaceDetail, which has all that its ComparedFace has."""
    attributes = found.attributes
    return {
        "BoundingBox": bounding_box(found.face),
        "Landmarks": [
            {"Type": name, "X": float(x), "Y": float(y)}
            for name, (x, y) in zip(LANDMARKS, found.face.landmarks, strict=True)
        ],
        "Pose": {
            "Roll": _degrees(attributes.roll),
            "Yaw": _degrees(attributes.yaw),
            "Pitch": _degrees(attributes.pitch),
        },
        "Quality": {"Brightness": percent(attributes.brightness), "Sharpness": percent(attributes.sharpness)},
        "Confidence": percent(found.face.confidence),
    }


def bounding_box(face: DetectedFace) -> dict[str, float]:
    """Ratios of the upright image's size; may reach past 0 and 1."""
    return {"Width": face.width, "Height": face.height, "Left": face.left, "Top": face.top}


def percent(value: float) -> float:
    """As a Python number within the model's bounds of Percent, whatever rounding did."""
    return min(100.0, max(0.0, float(value)))


def _degrees(value: float) -> float:
    return min(180.0, max(-180.0, float(value)))
