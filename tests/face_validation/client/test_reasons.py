"""The words for the service's reasons, and what the client does with them."""

import json

import httpx
import pytest

from face_validation.client import FaceValidationClient, ImageValidationError, ValidationResult, ValidationType
from face_validation.client.errors import advice, texts
from face_validation_function.reasons import Reason

ID = "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11"


def test_every_reason_of_the_service_has_words_in_both_languages_and_no_other_has() -> None:
    assert texts().keys() == set(Reason)
    for code, words in texts().items():
        assert words.keys() == {"en", "es"}, code
        assert words["en"] != words["es"], code
        assert all(sentence.endswith(".") and len(sentence) < 160 for sentence in words.values()), code


def test_a_code_of_a_later_service_is_told_as_it_is() -> None:
    assert advice(["NO_FACE", "NEW_CODE"], "es") == [texts()["NO_FACE"]["es"], "NEW_CODE"]


def client_answering(answer: dict[str, object], status: int, sent: list[dict[str, object]]) -> FaceValidationClient:
    def answered(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        sent.append(json.loads(request.content))
        return httpx.Response(status, json=answer)

    url = "http://127.0.0.1:1"
    return FaceValidationClient(url, f"{url}/token", "id", "secret", transport=httpx.MockTransport(answered))


def test_what_the_answer_says_beyond_yes_and_no_comes_as_values_and_goes_back_as_it_came() -> None:
    measures = {side: {"sharpness": {"value": 0.4, "score": 97.0}} for side in ("source", "target")}
    answer = {
        "id_request": ID,
        "matched": False,
        "similarity": 75.0,
        "decision": "review",
        "reasons": ["SIMILARITY_BELOW_THRESHOLD", "SIMILARITY_NEAR_THRESHOLD"],
        "quality": measures,
    }
    sent: list[dict[str, object]] = []
    with client_answering(answer, 200, sent) as client:
        result = client.validate(
            "a", "b", ValidationType.FACE_TO_FACE, threshold_review=70, min_quality={"sharpness": 20}
        )

    assert (sent[0]["threshold_review"], sent[0]["min_quality"]) == (70, {"sharpness": 20})
    assert (result.decision, result.reasons) == ("review", tuple(answer["reasons"]))  # type: ignore[arg-type]
    assert result.quality is not None
    assert result.quality.target["sharpness"].score == 97.0
    assert {**result.to_answer(), "reasons": answer["reasons"]} == answer


def test_without_the_optional_parts_the_answer_goes_back_as_the_original_three_fields() -> None:
    answer = {"id_request": ID, "matched": True, "similarity": 99.0}

    assert ValidationResult.from_answer(answer).to_answer() == answer


def test_a_person_with_the_document_is_asked_about_without_a_source() -> None:
    sent: list[dict[str, object]] = []
    with client_answering({"id_request": ID, "matched": True, "similarity": 99.0}, 200, sent) as client:
        client.validate(None, "b", ValidationType.ID_IN_FACE)

    assert "source_path" not in sent[0]


def test_a_refusal_carries_its_reasons() -> None:
    error = {"code": "ImageValidationError", "message": "m", "details": "d", "reasons": ["NO_FACE", "TARGET_REFUSED"]}
    with (
        client_answering({"id_request": ID, "error": error}, 422, []) as client,
        pytest.raises(ImageValidationError) as refused,
    ):
        client.validate("a", "b", "FACE_TO_FACE", include=["reasons"])

    assert refused.value.reasons == ("NO_FACE", "TARGET_REFUSED")
    assert refused.value.to_answer()["error"] == error


def test_a_document_is_asked_for_with_the_scope_that_it_needs_and_comes_back_as_it_came() -> None:
    read = {
        "readable": True,
        "format": "TD3",
        "fields": {"surname": {"value": "ERIKSSON"}, "document_number": {"value": "L898902C3", "valid": True}},
        "composite_valid": True,
        "expired": False,
    }
    answer: dict[str, object] = {"id_request": ID, "matched": True, "similarity": 99.0, "document": read}
    with client_answering(answer, 200, []) as client:
        result = client.validate("a", "b", "ID_TO_FACE", include=["document"])

    assert result.document is not None
    assert result.document.fields is not None
    assert result.document.fields["document_number"].valid
    assert result.to_answer() == answer
    assert "ERIKSSON" not in repr(result)


def test_claims_are_sent_and_their_verdicts_come_back() -> None:
    sent: list[dict[str, object]] = []
    verdicts = {"full_name": "match", "date_of_birth": "not_readable"}
    answer: dict[str, object] = {"id_request": ID, "matched": True, "similarity": 99.0, "claims": verdicts}
    claims = {"full_name": "Anna Eriksson", "date_of_birth": "1974-08-12"}
    with client_answering(answer, 200, sent) as client:
        result = client.validate("a", "b", "ID_TO_FACE", claims=claims)

    assert sent[0]["claims"] == claims
    assert (result.claims, result.to_answer()) == (verdicts, answer)
