"""Answers as API Gateway takes them: the similarity, or the envelope of an error."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.faces import BoundingBox, Comparison, ImageAnalysis
from face_validation_function.quality.measures import Quality


def success(id_request: str, comparison: Comparison, include: Sequence[str] = ()) -> dict[str, Any]:
    """The body of a validation that was made; `include` are the optional parts that the request asked for.

    The similarity is not rounded: beside a threshold of 80, 79.9996 must not read as 80.
    """
    body: dict[str, Any] = {
        "id_request": id_request,
        "matched": comparison.is_match,
        "similarity": comparison.similarity,
    }
    if comparison.decision is not None:
        body["decision"] = comparison.decision
    if "reasons" in include:
        body["reasons"] = comparison.reasons
    if "quality" in include:
        sides = {"source": comparison.source.quality, "target": comparison.target.quality}
        body["quality"] = {side: _quality(quality) for side, quality in sides.items() if quality is not None}
    if "boxes" in include:
        body["boxes"] = {"source": _side(comparison.source), "target": _side(comparison.target)}
    return body


def refusal(id_request: str, error: FaceValidationError, *, reasons: bool = False) -> dict[str, Any]:
    """The contract's error envelope; `details` is always a string. `reasons` adds the refusal's codes."""
    told: dict[str, Any] = {"code": error.code, "message": error.message, "details": str(error)}
    if reasons:
        told["reasons"] = list(error.reasons)
    return {"id_request": id_request, "error": told}


def http_response(
    status: HTTPStatus, body: object, *, id_request: str, retry_after_s: int | None = None
) -> dict[str, Any]:
    """A proxy answer for API Gateway.

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


def _side(side: ImageAnalysis) -> dict[str, Any]:
    seen: dict[str, Any] = {"width": side.width, "height": side.height}
    if side.document is not None:
        seen["document"] = {
            "label": side.document.label,
            "confidence": side.document.confidence,
            "box": box_of(side.document.box),
        }
    seen["faces"] = [{"box": box_of(face.box), "confidence": face.confidence} for face in side.faces]
    seen["compared"] = side.compared
    return seen


def _quality(quality: Quality) -> dict[str, Any]:
    return {measure: {"value": found.value, "score": found.score} for measure, found in quality.items()}


def box_of(box: BoundingBox) -> dict[str, float]:
    """A box as answers carry it: ratios of the upright, uncropped image."""
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
