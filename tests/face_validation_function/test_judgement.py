"""What an answer says beyond yes and no, and that it says nothing of it unless it is asked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.contract.answers import ErrorEnvelope, ValidationAnswer
from face_validation_function.exceptions.exceptions import InvalidS3ObjectError, ServiceBusyError
from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.reasons import Reason
from face_validation_function.rest_function import RestFunction
from face_validation_function.settings import Settings
from face_validation_function.utils.logging_config import service_logger
from tests.fakes import FakeContext, FakeRekognition, FakeS3, event, jpeg, request_body

POINTS = Landmarks((0.46, 0.42), (0.54, 0.42), (0.5, 0.47), (0.47, 0.52), (0.53, 0.52))
FACE = Face(BoundingBox(0.4, 0.3, 0.2, 0.3), 99.9, POINTS, Pose(0.0, 0.0, 0.0))
TURNED = Face(BoundingBox(0.4, 0.3, 0.2, 0.3), 99.9, POINTS, Pose(0.0, 50.0, 0.0))


def ask(body: object, s3: FakeS3 | None = None, rekognition: FakeRekognition | None = None) -> tuple[int, Any]:
    adapters = Adapters(
        Settings("sources", "targets"),
        s3 or FakeS3(),  # type: ignore[arg-type]  # the doubles have the adapters' methods
        rekognition or FakeRekognition(faces=[FACE]),  # type: ignore[arg-type]
        service_logger("CRITICAL"),
    )
    answer = RestFunction(OPERATIONS, lambda: adapters)(event(body), FakeContext())
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
