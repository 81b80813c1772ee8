"""DetectFaces and CompareFaces, and the quality bars of QualityFilter."""

from dataclasses import dataclass
from typing import Any

from rekognition_local.engine.faces.attributes import FaceAttributes
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.operations.face_details import (
    FaceOfImage,
    bounding_box,
    face_detail,
    members_beyond_default,
    percent,
)
from rekognition_local.operations.image_sources import RequestImage
from rekognition_local.operations.service import MAX_FACES, Service
from rekognition_local.protocol.wire import ServiceError


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
    """DetectFaces; `face_details` says which attributes beyond the default ones are neutral."""
    image = service.images.read(request["Image"])
    members = members_beyond_default(request.get("Attributes", ()))
    return {"FaceDetails": [face_detail(found, members) for found in faces_of(service, image, "NONE", members)]}


def compare_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CompareFaces: the source's largest face to each face of the target, most similar first."""
    threshold = request.get("SimilarityThreshold", 80.0)
    quality_filter = request.get("QualityFilter", "NONE")
    source, target = service.images.read(request["SourceImage"]), service.images.read(request["TargetImage"])
    complaint = "Request has invalid parameters. {} has no face."
    probe, *_ = usable_faces(service, source, quality_filter, complaint.format("SourceImage"))
    references = usable_faces(service, target, quality_filter, complaint.format("TargetImage"))
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


def usable_faces(service: Service, image: RequestImage, quality_filter: str, complaint: str) -> list[FaceOfImage]:
    """Those of an image's faces that the quality bar does not refuse, largest first.

    Raises:
        ServiceError: InvalidParameterException with this complaint where there is none.
    """
    usable = [found for found in faces_of(service, image, quality_filter) if not found.reasons]
    if not usable:
        raise ServiceError("InvalidParameterException", complaint)
    return usable
