"""Every event of a validation is one behaviour of the contract, run through the handler on the local stack."""

import json
from typing import Any

import pytest

from tests.answered import Answered
from tests.events import validation_events

pytestmark = pytest.mark.slow

EVENTS = validation_events()
# What each event's name promises: HTTP status, and matched or the error's code.
EXPECTED: dict[str, tuple[int, object]] = {
    "face_to_face_match": (200, True),
    "face_to_face_no_match": (200, False),
    "face_to_face_boxes": (200, True),
    "id_to_face_match": (200, True),
    "id_to_face_no_match": (200, False),
    "id_to_face_driving_licence": (200, True),
    "id_in_face_match": (200, True),
    "id_in_face_refused_no_holder": (422, "ImageValidationError"),
    "document": (200, True),
    "refused_document_without_scope": (403, "ForbiddenError"),
    "claims": (200, True),
    "refused_claims_of_faces": (400, "RequestError"),
    "review_band": (200, False),
    "quality": (200, True),
    "refused_min_quality": (422, "ImageValidationError"),
    "refused_reasons": (422, "ImageValidationError"),
    "threshold_0": (200, True),
    "threshold_100": (200, False),
    "threshold_label_0": (200, True),
    "threshold_label_100": (422, "ImageValidationError"),
    "liveness_session": (201, None),
    "refused_liveness_session_unknown": (422, "LivenessError"),
    "refused_target_and_session": (400, "RequestError"),
    "misspelt_target_path": (200, True),
    "array": (200, [True, True, "RequestError", "ImageValidationError"]),
    "refused_array_empty": (400, "RequestError"),
    "refused_array_of_11": (400, "RequestError"),
    "refused_not_json": (400, "RequestError"),
    "refused_no_body": (400, "RequestError"),
    "refused_field_missing": (400, "RequestError"),
    "refused_field_unknown": (400, "RequestError"),
    "refused_threshold_above_100": (400, "RequestError"),
    "refused_threshold_as_text": (400, "RequestError"),
    "refused_threshold_nan": (400, "RequestError"),
    "refused_type_unknown": (400, "RequestError"),
    "refused_key_is_url": (400, "RequestError"),
    "refused_key_leaves_bucket": (400, "RequestError"),
    "refused_id_request": (400, "RequestError"),
    "refused_two_target_paths": (400, "RequestError"),
    "refused_object_missing": (422, "InvalidS3ObjectError"),
    "refused_object_empty": (422, "InvalidS3ObjectError"),
    "refused_not_an_image": (422, "ImageValidationError"),
    "refused_too_small": (422, "ImageTooLargeError"),
    "refused_no_face": (422, "ImageValidationError"),
    "refused_no_document": (422, "ImageValidationError"),
}


def outcome(body: Any) -> object:
    if isinstance(body, list):
        return [outcome(item) for item in body]
    return body["error"]["code"] if "error" in body else body.get("matched")


def test_every_event_has_its_expectation_and_every_expectation_its_event() -> None:
    assert set(EVENTS) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_event_is_answered_as_its_name_says(answered: Answered, name: str) -> None:
    event, answer = EVENTS[name], answered.answers[name]

    body = json.loads(answer["body"])
    assert (answer["statusCode"], outcome(body)) == (EXPECTED[name][0], EXPECTED[name][1])
    sent = json.loads(event["body"]) if event["body"] and name != "refused_not_json" else {}
    if isinstance(sent, dict) and EXPECTED[name][1] != "RequestError":
        assert body["id_request"] == sent["id_request"]
    if EXPECTED[name][0] == 422:
        assert body["error"]["details"].split(",")[0] in {"source", "target"}
