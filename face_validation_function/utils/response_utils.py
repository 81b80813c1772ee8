"""Answers as API Gateway takes them: the similarity, or the envelope of an error."""

import json
from http import HTTPStatus
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.faces import BoundingBox, Comparison, ImageAnalysis


def success(id_request: str, comparison: Comparison, *, boxes: bool) -> dict[str, Any]:
    """The body of a validation that was made; `boxes` adds what was seen and where.

    The similarity is not rounded: beside a threshold of 80, 79.9996 must not read as 80.
    """
    body: dict[str, Any] = {
        "id_request": id_request,
        "matched": comparison.is_match,
        "similarity": comparison.similarity,
    }
    if boxes:
        body["boxes"] = {"source": _side(comparison.source), "target": _side(comparison.target)}
    return body


def refusal(id_request: str, error: FaceValidationError) -> dict[str, Any]:
    """The contract's error envelope; `details` is always a string."""
    return {"id_request": id_request, "error": {"code": error.code, "message": error.message, "details": str(error)}}


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


def box_of(box: BoundingBox) -> dict[str, float]:
    """A box as answers carry it: ratios of the upright, uncropped image."""
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
