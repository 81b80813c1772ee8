"""What an answer says beyond yes and no, and that it says nothing of it unless it is asked."""

import json
import logging
import uuid
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from face_validation.local.aws.environment import aws_variables, environment
from face_validation_function.contract.answers import ErrorEnvelope, ValidationAnswer
from face_validation_function.exceptions.exceptions import InvalidS3ObjectError, ServiceBusyError
from face_validation_function.faces import BoundingBox, Document, Face, Landmarks, Pose, TextLine
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.rekognition_service import RekognitionService
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.reasons import Reason
from face_validation_function.rest_function import RestFunction
from face_validation_function.settings import ALL_VALIDATION_TYPES, VALIDATION_TYPES, Settings
from face_validation_function.utils.logging_config import service_logger
from tests.fakes import ANSWERS, NO_LIVENESS, FakeAws, FakeContext, FakeRekognition, FakeS3, event, jpeg, request_body

POINTS = Landmarks((0.46, 0.42), (0.54, 0.42), (0.5, 0.47), (0.47, 0.52), (0.53, 0.52))
FACE = Face(BoundingBox(0.4, 0.3, 0.2, 0.3), 99.9, POINTS, Pose(0.0, 0.0, 0.0))
TURNED = Face(BoundingBox(0.4, 0.3, 0.2, 0.3), 99.9, POINTS, Pose(0.0, 50.0, 0.0))


def ask(
    body: object,
    s3: FakeS3 | None = None,
    rekognition: FakeRekognition | None = None,
    *,
    scope: str = "face-detection/read face-detection/write",
    types: tuple[str, ...] = VALIDATION_TYPES,
) -> tuple[int, Any]:
    adapters = Adapters(
        Settings("sources", "targets", "claims", validation_types=types),
        s3 or FakeS3(),  # type: ignore[arg-type]  # the doubles have the adapters' methods
        rekognition or FakeRekognition(faces=[FACE]),  # type: ignore[arg-type]
        service_logger("CRITICAL"),
        NO_LIVENESS,
    )
    answer = RestFunction(OPERATIONS, lambda: adapters)(
        event(body, requestContext={"authorizer": {"claims": {"scope": scope}}}), FakeContext()
    )
    body = json.loads(answer["body"])
    if isinstance(body, dict):
        (ErrorEnvelope if "error" in body else ValidationAnswer).model_validate(body)
    return answer["statusCode"], body


@given(similarity=st.floats(0, 100), threshold=st.floats(0, 100), share=st.floats(0, 1))
def test_the_band_between_both_thresholds_and_nothing_else_is_for_review(
    similarity: float, threshold: float, share: float
) -> None:
    review = threshold * share
    rekognition = FakeRekognition(faces=[FACE], similarity=similarity)

    _, body = ask(
        request_body(threshold=threshold, threshold_review=review, include=["reasons"]), rekognition=rekognition
    )

    expected = "match" if similarity >= threshold else "review" if similarity >= review else "no_match"
    assert body["decision"] == expected
    assert body["matched"] == (expected == "match")
    assert (Reason.SIMILARITY_NEAR_THRESHOLD in body["reasons"]) == (expected == "review")
    assert (Reason.SIMILARITY_BELOW_THRESHOLD in body["reasons"]) == (expected != "match")


def test_a_review_threshold_above_the_threshold_is_refused_with_both_values() -> None:
    status, body = ask(request_body(threshold=70, threshold_review=70.5))

    assert (status, body["error"]["code"]) == (400, "RequestError")
    assert "70.5" in body["error"]["details"]
    assert "at most the threshold of 70" in body["error"]["details"]


def test_a_review_threshold_of_0_is_a_threshold() -> None:
    _, body = ask(request_body(threshold_review=0), rekognition=FakeRekognition(similarity=3.0))

    assert body["decision"] == "review"


def test_without_being_asked_the_answer_and_the_refusal_have_the_original_fields_alone() -> None:
    _, answered = ask(request_body())
    _, refused = ask(request_body(), rekognition=FakeRekognition(faces=[]))

    assert answered.keys() == {"id_request", "matched", "similarity"}
    assert refused["error"].keys() == {"code", "message", "details"}


def test_reasons_say_what_is_wrong_with_which_face() -> None:
    s3 = FakeS3()
    rekognition = FakeRekognition(
        faces=[FACE], faces_of={s3.objects["target.jpg"]: [TURNED, Face(BoundingBox(0, 0, 0.1, 0.1), 90.0)]}
    )

    _, body = ask(request_body(include=["reasons"]), s3, rekognition)

    assert {Reason.TARGET_FACE_TURNED, Reason.TARGET_SEVERAL_FACES} <= set(body["reasons"])
    assert Reason.SOURCE_FACE_TURNED not in body["reasons"]
    assert Reason.SOURCE_SEVERAL_FACES not in body["reasons"]


def test_reasons_are_told_without_quality_where_the_detector_gave_no_points() -> None:
    _, body = ask(request_body(include=["reasons"]), rekognition=FakeRekognition(similarity=10.0))

    assert body["reasons"] == [Reason.SIMILARITY_BELOW_THRESHOLD]


@pytest.mark.parametrize(
    ("s3", "rekognition", "fields", "reasons"),
    [
        pytest.param(FakeS3(target=b"GIF89a"), None, {}, ["FORMAT_NOT_SUPPORTED", "TARGET_REFUSED"], id="gif"),
        pytest.param(FakeS3(source=jpeg()[:-400]), None, {}, ["IMAGE_TRUNCATED", "SOURCE_REFUSED"], id="truncated"),
        pytest.param(FakeS3(target=jpeg((79, 200))), None, {}, ["IMAGE_TOO_SMALL", "TARGET_REFUSED"], id="small"),
        pytest.param(FakeS3(target=jpeg((4097, 100))), None, {}, ["IMAGE_TOO_LARGE", "TARGET_REFUSED"], id="large"),
        pytest.param(
            FakeS3(source=InvalidS3ObjectError("S3 answered NoSuchKey.", Reason.OBJECT_MISSING)),
            None,
            {},
            ["OBJECT_MISSING", "SOURCE_REFUSED"],
            id="missing",
        ),
        pytest.param(None, FakeRekognition(faces=[]), {}, ["NO_FACE", "SOURCE_REFUSED"], id="no-face"),
        pytest.param(
            None,
            FakeRekognition(labels=[]),
            {"type": "ID_TO_FACE"},
            ["NO_DOCUMENT", "SOURCE_REFUSED"],
            id="no-document",
        ),
        pytest.param(
            None, FakeRekognition(faces=[]), {"type": "ID_TO_FACE"}, ["NO_PORTRAIT", "SOURCE_REFUSED"], id="no-portrait"
        ),
        pytest.param(None, FakeRekognition(faces=ServiceBusyError("busy")), {}, ["SERVICE_BUSY"], id="busy"),
        pytest.param(None, None, {"threshold": 101}, ["REQUEST_NOT_VALID"], id="request"),
    ],
)
def test_a_refusal_says_its_reason_and_whose_image_it_is(
    s3: FakeS3 | None, rekognition: FakeRekognition | None, fields: dict[str, Any], reasons: list[str]
) -> None:
    _, body = ask(request_body(include=["reasons"], **fields), s3, rekognition)

    assert body["error"]["reasons"] == reasons


def test_an_item_of_an_array_has_its_own_reasons() -> None:
    _, body = ask([request_body(include=["reasons"]), request_body(type="SELFIE", include=["reasons"]), request_body()])

    assert body[0]["reasons"] is not None
    assert body[1]["error"]["reasons"] == ["REQUEST_NOT_VALID"]
    assert "reasons" not in body[2]


def test_quality_tells_both_faces_and_makes_no_further_call() -> None:
    rekognition = FakeRekognition(faces=[FACE])

    _, body = ask(request_body(include=["quality"]), rekognition=rekognition)

    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_faces"]
    assert body["quality"].keys() == {"source", "target"}
    assert body["quality"]["target"]["inter_eye_distance"]["value"] == pytest.approx(0.08 * 200)


def test_a_face_on_a_document_is_measured_where_it_stands_in_the_whole_image() -> None:
    rekognition = FakeRekognition(faces=[FACE])

    _, body = ask(request_body(type="ID_TO_FACE", include=["quality"]), FakeS3(source=jpeg((1000, 500))), rekognition)

    # The document's crop is 880 pixels wide.
    assert body["quality"]["source"]["inter_eye_distance"]["value"] == pytest.approx(0.08 * 880, abs=0.5)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_face_below_the_least_quality_is_refused_before_it_is_compared(side: str) -> None:
    s3 = FakeS3()
    rekognition = FakeRekognition(faces=[FACE], faces_of={s3.objects[f"{side}.jpg"]: [TURNED]})

    status, body = ask(request_body(min_quality={"head_pose_yaw": 50}, include=["reasons"]), s3, rekognition)

    assert (status, body["error"]["code"]) == (422, "ImageValidationError")
    assert body["error"]["details"].startswith(f"{side}, quality: the compared face is not good enough: head_pose_yaw")
    assert "min_quality asks for 50" in body["error"]["details"]
    assert body["error"]["reasons"] == [f"{side.upper()}_FACE_TURNED", f"{side.upper()}_REFUSED"]
    assert "compare_faces" not in rekognition.calls


@pytest.mark.parametrize("fields", [{"min_quality": {"beauty": 3}}, {"min_quality": {"sharpness": 101}}])
def test_a_measure_that_is_none_and_a_score_that_is_none_are_refused(fields: dict[str, Any]) -> None:
    status, body = ask(request_body(**fields))

    assert (status, body["error"]["code"]) == (400, "RequestError")
    assert "min_quality" in body["error"]["details"]


def test_a_part_that_is_asked_for_twice_is_refused() -> None:
    assert ask(request_body(include=["boxes", "boxes"]))[0] == 400


def test_a_type_that_the_deployment_does_not_name_is_refused() -> None:
    status, body = ask({"type": "ID_IN_FACE", "target_path": "target.jpg"})

    assert (status, body["error"]["code"]) == (400, "RequestError")
    assert "this deployment takes 'FACE_TO_FACE' or 'ID_TO_FACE'" in body["error"]["details"]


def test_an_image_that_shows_both_has_no_source() -> None:
    status, body = ask({"type": "ID_IN_FACE", "source_path": "source.jpg", "target_path": "target.jpg"})

    assert status == 400
    assert body["error"]["details"].startswith("source_path: ID_IN_FACE has no source")


ZONE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F3404148<<<<<<<<<<<<<<00")
TEXT = [TextLine(text, 99.0, BoundingBox(0.1, 0.7 + 0.1 * row, 0.8, 0.05)) for row, text in enumerate(ZONE)]
CLAIMS = {"document_number": "L898902C3", "full_name": "Anna María Eriksson", "date_of_birth": "1974-08-13"}


def test_a_document_is_read_with_one_call_more_from_its_own_part_of_the_image() -> None:
    rekognition = FakeRekognition(faces=[FACE], text=TEXT)

    _, body = ask(request_body(type="ID_TO_FACE", include=["document", "reasons"]), rekognition=rekognition)

    assert sorted(rekognition.calls) == [
        "compare_faces", "detect_faces", "detect_faces", "detect_labels", "detect_text",
    ]  # fmt: skip
    assert rekognition.read[0] in rekognition.detected
    document = body["document"]
    assert (document["readable"], document["format"], document["composite_valid"]) == (True, "TD3", True)
    assert document["fields"]["date_of_birth"] == {"value": "1974-08-12", "valid": True}
    assert document["fields"]["surname"] == {"value": "ERIKSSON"}
    assert document["expired"] is False
    assert "DOCUMENT_EXPIRED" not in body["reasons"]


def test_a_document_without_a_zone_is_not_readable_and_says_so() -> None:
    _, body = ask(
        request_body(type="ID_TO_FACE", include=["document", "reasons"]), rekognition=FakeRekognition(faces=[FACE])
    )

    assert body["document"] == {"readable": False}
    assert "DOCUMENT_NOT_READABLE" in body["reasons"]


def test_a_document_is_told_only_to_a_token_that_may_read() -> None:
    rekognition = FakeRekognition(faces=[FACE], text=TEXT)
    body = request_body(type="ID_TO_FACE", include=["document", "reasons"])

    status, refused = ask(body, rekognition=rekognition, scope="face-detection/write")

    assert (status, refused["error"]["code"]) == (403, "ForbiddenError")
    assert refused["error"]["reasons"] == ["SCOPE_MISSING"]
    assert rekognition.calls == []


def test_claims_of_a_match_are_answered_and_the_data_is_not() -> None:
    rekognition = FakeRekognition(faces=[FACE], text=TEXT)

    _, body = ask(
        request_body(type="ID_TO_FACE", claims=CLAIMS, include=["reasons"]),
        rekognition=rekognition,
        scope="face-detection/write",
    )

    assert body["claims"] == {"document_number": "match", "full_name": "match", "date_of_birth": "mismatch"}
    assert "document" not in body
    assert "ERIKSSON" not in json.dumps(body)
    assert rekognition.calls.count("detect_text") == 1


def test_of_a_stranger_s_document_nothing_is_read_and_nothing_is_answered() -> None:
    rekognition = FakeRekognition(faces=[FACE], text=TEXT, similarity=79.0)

    _, body = ask(request_body(type="ID_TO_FACE", claims=CLAIMS), rekognition=rekognition)

    assert body.keys() == {"id_request", "matched", "similarity"}
    assert "detect_text" not in rekognition.calls


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"include": ["document"]}, "FACE_TO_FACE has no document", id="document-of-faces"),
        pytest.param({"claims": CLAIMS}, "FACE_TO_FACE has no document", id="claims-of-faces"),
        pytest.param(
            {"type": "ID_TO_FACE", "claims": CLAIMS, "include": ["document"]}, "cannot be combined", id="both"
        ),
        pytest.param({"type": "ID_TO_FACE", "claims": {}}, "name one at least", id="none"),
        pytest.param({"type": "ID_TO_FACE", "claims": {"shoe_size": "43"}}, "shoe_size", id="unknown"),
        pytest.param({"type": "ID_TO_FACE", "claims": {"date_of_birth": "12.08.1974"}}, "date_of_birth", id="no-date"),
        pytest.param(
            {"type": "ID_TO_FACE", "claims": CLAIMS, "threshold": 79.9}, "threshold of at least 80", id="low-threshold"
        ),
    ],
)
def test_what_cannot_be_asked_of_a_document_is_refused(fields: dict[str, Any], said: str) -> None:
    status, body = ask(request_body(**fields))

    assert (status, body["error"]["code"]) == (400, "RequestError")
    assert said in body["error"]["details"]


def test_a_held_document_is_read_too_with_one_call_more() -> None:
    holder = Face(BoundingBox(0.55, 0.1, 0.3, 0.45), 99.9)
    printed = Face(BoundingBox(0.1, 0.6, 0.08, 0.12), 95.0)
    held = Document("Passport", 97.0, BoundingBox(0.05, 0.5, 0.4, 0.4))
    rekognition = FakeRekognition(faces=[holder, printed], labels=[held], text=TEXT)

    _, body = ask(
        {"type": "ID_IN_FACE", "target_path": "target.jpg", "include": ["document"]},
        rekognition=rekognition,
        types=ALL_VALIDATION_TYPES,
    )

    assert body["document"]["readable"]
    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_labels", "detect_text"]


@pytest.mark.parametrize("fields", [{"include": ["document", "reasons"]}, {"claims": CLAIMS}])
def test_nothing_of_a_document_nor_of_a_claim_is_logged_at_debug(
    fields: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = StringIO()
    adapters = Adapters(
        Settings("sources", "targets", "claims"),
        FakeS3(),  # type: ignore[arg-type]
        FakeRekognition(faces=[FACE], text=TEXT),  # type: ignore[arg-type]
        Logger(service=f"test-{uuid.uuid4()}", level="DEBUG", stream=log),
        NO_LIVENESS,
    )
    scopes = {"authorizer": {"claims": {"scope": "face-detection/read face-detection/write"}}}
    with caplog.at_level(logging.DEBUG):
        for body in (request_body(type="ID_TO_FACE", **fields), request_body(**fields), request_body(x=1, **fields)):
            RestFunction(OPERATIONS, lambda: adapters)(event(body, requestContext=scopes), FakeContext())

    written = log.getvalue() + caplog.text + "".join(capsys.readouterr())
    assert "validated" in log.getvalue()
    canaries = ("ERIKSSON", "Eriksson", "L898902C3", "1974-08-1", "740812", "MARIA", "María")
    assert [canary for canary in canaries if canary in written] == []


def test_replies_of_aws_are_never_logged_whatever_the_process_logs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At DEBUG botocore would write whole replies, with the text of documents."""
    place = {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.1}}
    line = {"DetectedText": "CANARY<<ANNA", "Type": "LINE", "Confidence": 99.0, "Geometry": place}
    monkeypatch.setitem(ANSWERS, "DetectText", {"TextDetections": [line]})
    with (
        FakeAws(objects={"target": b""}) as aws,
        environment(aws_variables(aws.url, aws.url)),
        caplog.at_level(logging.DEBUG),
    ):
        found = RekognitionService(aws_client("rekognition")).detect_text(jpeg())

    assert [line.text for line in found] == ["CANARY<<ANNA"]
    assert "CANARY" not in caplog.text
