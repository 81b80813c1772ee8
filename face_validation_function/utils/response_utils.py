"""Answers as API Gateway takes them: the similarity, or the envelope of an error."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from face_validation_function.comparison import Comparison
from face_validation_function.contract.answers import Error, ErrorEnvelope, ValidationAnswer
from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.people import EnrolledFace, KeptPhoto


def success(id_request: str, comparison: Comparison, include: Sequence[str] = ()) -> ValidationAnswer:
    """The body of a validation that was made; `include` are the optional parts that the request asked for."""
    document, sides = comparison.document, {"source": comparison.source, "target": comparison.target}
    quality = {name: side.quality for name, side in sides.items()}
    has_quality = "quality" in include and None not in quality.values()
    return ValidationAnswer.model_validate(
        {
            "id_request": id_request,
            "matched": comparison.is_match,
            "similarity": comparison.similarity,  # unrounded: beside a threshold of 80, 79.9996 must not read as 80
            "decision": comparison.decision,
            "reasons": comparison.reasons if "reasons" in include else None,
            "quality": quality if has_quality else None,
            "document": document if document is None or document.readable else {"readable": False},
            "claims": comparison.claims,
            "boxes": sides if "boxes" in include else None,
        }
    )


def refusal(id_request: str, error: FaceValidationError, *, reasons: bool = False) -> ErrorEnvelope:
    """The contract's error envelope; `details` is always a string. `reasons` adds the refusal's codes."""
    codes = list(error.reasons) if reasons or error.tells_reasons else None
    told = Error(code=error.code, message=error.message, details=str(error), reasons=codes)
    return ErrorEnvelope(id_request=id_request, error=told)


def http_response(
    status: HTTPStatus, body: object, *, id_request: str, retry_after_s: int | None = None
) -> dict[str, Any]:
    """A proxy answer for API Gateway, whose body is a JSON value.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": id_request}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return {
        "statusCode": int(status),
        "headers": headers,
        "body": json.dumps(body, allow_nan=False),
        "isBase64Encoded": False,
    }


def face_fields(face: EnrolledFace) -> dict[str, Any]:
    """The fields that an enrolled face has in every answer."""
    return {
        "face_id": face.face_id,
        "full_name": face.photo.full_name,
        "image_path": face.photo.key,
        "box": face.face.box,
        "confidence": face.face.confidence,
        "enrolled_at": face.enrolled_at,
    }


def face_record(face: EnrolledFace, kept: KeptPhoto) -> dict[str, Any]:
    """The fields of a `FaceRecord`: an enrolled face with all that is kept of it."""
    points = asdict(face.face.landmarks) if face.face.landmarks else {}
    return {
        **face_fields(face),
        "landmarks": {name: {"x": x, "y": y} for name, (x, y) in points.items()} or None,
        "pose": face.face.pose,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
        "model_version": face.model_version or None,
        "possible_duplicate": face.possible_duplicate or None,
        "expires_at": kept.expires_at or None,
    }


def photo_record(kept: KeptPhoto) -> dict[str, Any]:
    """The fields of a `PersonRecord`: one row of the table."""
    return {
        "full_name": kept.photo.full_name,
        "image_path": kept.photo.key,
        "version": kept.photo.version,
        "collection_id": kept.collection_id,
        "digest": kept.digest or None,
        "not_indexed": kept.reason or None,
        "expires_at": kept.expires_at or None,
        "face": face_record(kept.face, kept) if kept.face else None,
    }
