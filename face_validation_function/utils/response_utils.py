"""Answers as API Gateway takes them: the similarity, or the envelope of an error."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from face_validation_function.comparison import Comparison
from face_validation_function.contract.answer import Answer
from face_validation_function.contract.answers import (
    Box,
    Boxes,
    Error,
    ErrorEnvelope,
    SeenDocument,
    SeenFace,
    SeenSide,
    ValidationAnswer,
)
from face_validation_function.contract.judgement import (
    ClaimVerdicts,
    DocumentField,
    DocumentFields,
    FaceQuality,
    Measure,
    QualityOfBoth,
    ReadDocument,
)
from face_validation_function.contract.records import LandmarksRecord, Point, PoseRecord
from face_validation_function.documents.claims import Claim, Verdict
from face_validation_function.documents.document import DocumentReading
from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.faces import BoundingBox, Face, ImageAnalysis, Landmarks, Pose
from face_validation_function.people import EnrolledFace
from face_validation_function.quality.measures import Quality


def success(id_request: str, comparison: Comparison, include: Sequence[str] = ()) -> ValidationAnswer:
    """The body of a validation that was made; `include` are the optional parts that the request asked for.

    The similarity is not rounded: beside a threshold of 80, 79.9996 must not read as 80.
    """
    source, target = comparison.source, comparison.target
    return ValidationAnswer(
        id_request=id_request,
        matched=comparison.is_match,
        similarity=comparison.similarity,
        decision=None if comparison.decision is None else comparison.decision.value,
        reasons=comparison.reasons if "reasons" in include else None,
        quality=_quality_of_both(source, target) if "quality" in include else None,
        document=None if comparison.document is None else _document(comparison.document),
        claims=None if comparison.claims is None else _claims(comparison.claims),
        boxes=Boxes(source=side_of(source), target=side_of(target)) if "boxes" in include else None,
    )


def refusal(id_request: str, error: FaceValidationError, *, reasons: bool = False) -> ErrorEnvelope:
    """The contract's error envelope; `details` is always a string. `reasons` adds the refusal's codes."""
    told = Error(
        code=error.code,
        message=error.message,
        details=str(error),
        reasons=list(error.reasons) if reasons or error.tells_reasons else None,
    )
    return ErrorEnvelope(id_request=id_request, error=told)


def http_response(
    status: HTTPStatus, body: Answer | Sequence[Answer], *, id_request: str, retry_after_s: int | None = None
) -> dict[str, Any]:
    """A proxy answer for API Gateway.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": id_request}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    content = body.as_json() if isinstance(body, Answer) else [item.as_json() for item in body]
    return {
        "statusCode": int(status),
        "headers": headers,
        "body": json.dumps(content, allow_nan=False),
        "isBase64Encoded": False,
    }


def box_of(box: BoundingBox) -> Box:
    """A box as answers carry it: ratios of the upright, uncropped image."""
    return Box(left=box.left, top=box.top, width=box.width, height=box.height)


def landmarks_of(points: Landmarks) -> LandmarksRecord:
    """A face's points, as answers carry them."""
    return LandmarksRecord(
        **{name: Point(x=x, y=y) for name in Landmarks.__slots__ for x, y in [getattr(points, name)]}
    )


def pose_of(pose: Pose) -> PoseRecord:
    """How a face is turned, as answers carry it."""
    return PoseRecord(roll=pose.roll, yaw=pose.yaw, pitch=pose.pitch)


def face_fields(face: EnrolledFace) -> dict[str, Any]:
    """The fields that an enrolled face has in every answer."""
    return {
        "face_id": face.face_id,
        "full_name": face.photo.full_name,
        "image_path": face.photo.key,
        "box": box_of(face.face.box),
        "confidence": face.face.confidence,
        "enrolled_at": face.enrolled_at,
    }


def face_of(face: Face) -> SeenFace:
    """A face that was found, as answers carry it."""
    return SeenFace(box=box_of(face.box), confidence=face.confidence)


def side_of(side: ImageAnalysis) -> SeenSide:
    """What was seen in one image, as answers carry it."""
    document = side.document
    return SeenSide(
        width=side.width,
        height=side.height,
        document=None
        if document is None
        else SeenDocument(label=document.label, confidence=document.confidence, box=box_of(document.box)),
        faces=[face_of(face) for face in side.faces],
        compared=side.compared,
    )


def _quality_of_both(source: ImageAnalysis, target: ImageAnalysis) -> QualityOfBoth | None:
    if source.quality is None or target.quality is None:
        return None
    return QualityOfBoth(source=_quality(source.quality), target=_quality(target.quality))


def _quality(quality: Quality) -> Answer:
    measures = {measure.value: Measure(value=one.value, score=one.score) for measure, one in quality.items()}
    return FaceQuality(**measures)


def _document(reading: DocumentReading) -> ReadDocument:
    if not reading.is_readable:
        return ReadDocument(readable=False)
    fields = {
        name: DocumentField(value=found.value, valid=found.valid, corrected=True if found.corrected else None)
        for name, found in reading.fields.items()
    }
    return ReadDocument(
        readable=True,
        format=reading.layout,
        fields=DocumentFields(**fields),
        composite_valid=reading.composite,
        expired=reading.expired,
        mrz_matches_print=reading.matches_print,
    )


def _claims(claims: Mapping[Claim, Verdict]) -> ClaimVerdicts:
    return ClaimVerdicts(**{claim.value: verdict.value for claim, verdict in claims.items()})
