"""The handler: one answer for every event, in the contract's envelope, one log line, no detail of a failure."""

import base64
import json
import re
import threading
import time
import uuid
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from face_validation_function.exceptions.exceptions import InvalidS3ObjectError, ServiceBusyError
from face_validation_function.faces import BoundingBox, Face
from face_validation_function.integrations.s3_service import StoredPhoto
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.routes import VALIDATION_ROUTES
from face_validation_function.settings import Settings
from face_validation_function.utils.logging_config import service_logger
from tests.fakes import (
    FACE,
    NO_LIVENESS,
    FakeContext,
    FakeRekognition,
    FakeS3,
    event,
    jpeg,
    nothing_left_of_pictures,
    request_body,
)

MINE = "0a0a0a0a-0000-4000-8000-00000000000a"


def adapters_of(
    s3: FakeS3 | None = None, rekognition: FakeRekognition | None = None, log: StringIO | None = None
) -> Adapters:
    return Adapters(
        settings=Settings("sources", "targets", "claims"),
        s3=s3 or FakeS3(),  # type: ignore[arg-type]  # the double has the adapter's one method
        rekognition=rekognition or FakeRekognition(),  # type: ignore[arg-type]  # likewise
        # A service of its own for each: a logger keeps the stream of the first that asked for its service.
        logger=Logger(service=f"test-{uuid.uuid4()}", level="DEBUG", stream=log) if log else service_logger("DEBUG"),
        liveness=NO_LIVENESS,
    )


def function(
    s3: FakeS3 | None = None, rekognition: FakeRekognition | None = None, log: StringIO | None = None
) -> RestFunction[Adapters]:
    return RestFunction(OPERATIONS, lambda: adapters_of(s3, rekognition, log))


def ask(handler: RestFunction[Adapters], body: object, remaining_s: float = 28) -> tuple[int, Any, dict[str, str]]:
    answer = handler(event(body), FakeContext(remaining_s))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_a_match_is_answered_in_exactly_the_original_s_three_fields() -> None:
    status, body, headers = ask(function(), request_body(id_request=MINE))

    assert (status, body) == (200, {"id_request": MINE, "matched": True, "similarity": 97.2})
    assert headers["X-Request-Id"] == MINE
    assert headers["Content-Type"] == "application/json"


def test_no_match_is_an_answer_too_with_its_real_similarity() -> None:
    status, body, _ = ask(function(rekognition=FakeRekognition(similarity=12.345678)), request_body())

    assert (status, body["matched"], body["similarity"]) == (200, False, 12.345678)


def test_boxes_are_told_when_asked_for() -> None:
    """(R) `include: ["boxes"]` adds what was seen; absent by default."""
    _, body, _ = ask(function(), request_body(type="ID_TO_FACE", include=["boxes"]))

    source, target = body["boxes"]["source"], body["boxes"]["target"]
    assert (source["width"], source["height"]) == (200, 160)
    assert source["document"]["label"] == "Passport"
    assert source["document"]["box"] == {"left": 0.1, "top": 0.1, "width": 0.8, "height": 0.8}
    assert "document" not in target
    assert target["faces"] == [{"box": {"left": 0.4, "top": 0.3, "width": 0.2, "height": 0.3}, "confidence": 99.9}]
    assert target["compared"] == 0


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        pytest.param("not json", "RequestError", 400, id="no-json"),
        pytest.param(request_body(threshold=101), "RequestError", 400, id="threshold"),
        pytest.param(request_body(source_path="missing.jpg"), "InvalidS3ObjectError", 422, id="missing-object"),
        pytest.param(request_body(source_path="small.jpg"), "ImageTooLargeError", 422, id="small"),
        pytest.param(request_body(source_path="text.jpg"), "ImageValidationError", 422, id="no-image"),
    ],
)
def test_a_refusal_is_an_envelope_with_code_message_and_details(body: object, code: str, status: int) -> None:
    """(R) ImageValidationError answers 422."""
    s3 = FakeS3(missing=InvalidS3ObjectError("S3 answered NoSuchKey."), small=jpeg((79, 79)), text=b"hello")

    found, answer, headers = ask(function(s3), body)

    assert found == status
    assert set(answer) == {"id_request", "error"}
    assert set(answer["error"]) == {"code", "message", "details"}
    assert answer["error"]["code"] == code
    assert isinstance(answer["error"]["details"], str)
    assert headers["X-Request-Id"] == answer["id_request"]


@pytest.mark.parametrize(
    ("target", "faces"),
    [
        pytest.param(jpeg((211, 173)), [], id="no-face"),
        pytest.param(InvalidS3ObjectError("S3 answered NoSuchKey."), [FACE], id="missing-target"),
        pytest.param(b"no image", [FACE], id="target-that-is-no-image"),
    ],
)
def test_a_refusal_lets_go_of_the_decoded_pictures_at_once(target: bytes | Exception, faces: list[Face]) -> None:
    handler = function(FakeS3(source=jpeg((211, 173)), target=target), FakeRekognition(faces=faces))

    with nothing_left_of_pictures((211, 173)):
        _, (first, second), _ = ask(handler, [request_body()] * 2)

    assert "error" in first
    assert "error" in second


def test_a_refusal_carries_the_caller_s_own_id() -> None:
    status, body, headers = ask(function(FakeS3(source=b"no image")), request_body(id_request=MINE))

    assert (status, body["id_request"], headers["X-Request-Id"]) == (422, MINE, MINE)


def test_an_id_that_is_refused_is_answered_under_a_new_id_with_the_value_sent() -> None:
    """(R) The envelope then carries a new id and `details` the value sent, cut short."""
    status, body, _ = ask(function(), request_body(id_request="my-id" * 100))

    assert status == 400
    assert body["id_request"] != "my-id" * 100
    assert "my-idmy-id" in body["error"]["details"]
    assert len(body["error"]["details"]) < 250


def test_an_array_is_answered_in_order_each_item_by_itself() -> None:
    """(R) An array gives 200 and an array in the same order, each item an answer or an error envelope."""
    ids = [f"0a0a0a0a-0000-4000-8000-00000000000{number}" for number in range(10)]
    items: list[Any] = [request_body(id_request=identity) for identity in ids]
    items[3]["threshold"] = 99
    items[5]["type"] = "?"
    items[7] = 7

    status, body, _ = ask(function(), items)

    assert status == 200
    assert [item["id_request"] for item in body][:7] == ids[:7]
    assert [item.get("matched") for item in body] == [True, True, True, False, True, None, True, None, True, True]
    assert [body[place]["error"]["code"] for place in (5, 7)] == ["RequestError"] * 2


def test_the_items_of_an_array_run_side_by_side() -> None:
    """(R) Items are independent and run side by side."""
    both_sides_of_two_items = threading.Barrier(4)

    class Meeting(FakeRekognition):
        def detect_faces(self, image: bytes) -> list[Face]:
            both_sides_of_two_items.wait(10)
            return super().detect_faces(image)

    _, body, _ = ask(function(rekognition=Meeting()), [request_body()] * 2)

    assert [item["matched"] for item in body] == [True, True]


@pytest.mark.parametrize("count", [0, 11])
def test_an_array_of_none_or_more_than_ten_is_refused_whole(count: int) -> None:
    status, body, _ = ask(function(), [request_body()] * count)

    assert (status, body["error"]["code"]) == (400, "RequestError")


def test_a_body_in_base64_is_read() -> None:
    text = base64.b64encode(json.dumps(request_body()).encode()).decode()

    answer = function()(event(text) | {"isBase64Encoded": True}, FakeContext())

    assert answer["statusCode"] == 200


@pytest.mark.parametrize("text", ["%%%", base64.b64encode(b"\xff\xfe").decode()])
def test_a_body_that_is_no_text_is_refused(text: str) -> None:
    answer = function()(event(text) | {"isBase64Encoded": True}, FakeContext())

    assert answer["statusCode"] == 400


def test_throttling_is_answered_with_a_time_to_come_again() -> None:
    """(R) When AWS throttled past the retries, InternalServerError with Retry-After."""
    status, body, headers = ask(
        function(rekognition=FakeRekognition(faces=ServiceBusyError("throttled"))), request_body()
    )

    assert (status, body["error"]["code"]) == (500, "InternalServerError")
    assert int(headers["Retry-After"]) >= 1


def test_an_unforeseen_failure_is_answered_without_its_detail_and_logged_with_it() -> None:
    log = StringIO()
    failing = FakeRekognition(faces=ZeroDivisionError("secret 42"))

    status, body, _ = ask(function(rekognition=failing, log=log), request_body())

    assert (status, body["error"]["code"]) == (500, "InternalServerError")
    assert "secret" not in json.dumps(body)
    assert "secret 42" in log.getvalue()


def test_settings_that_are_missing_are_answered_as_a_failure_of_the_service() -> None:
    def make() -> Adapters:
        raise ValueError("The environment variable SOURCE_BUCKET is missing")

    status, body, _ = ask(RestFunction(OPERATIONS, make), request_body())

    assert (status, body["error"]["code"]) == (500, "InternalServerError")
    assert "SOURCE_BUCKET" not in json.dumps(body)


def test_what_cannot_finish_is_answered_before_the_function_is_stopped() -> None:
    stuck = threading.Event()

    class Slow(FakeRekognition):
        def detect_faces(self, image: bytes) -> list[Face]:
            stuck.wait(60)
            return super().detect_faces(image)

    rekognition = Slow()

    status, body, _ = ask(function(rekognition=rekognition), request_body(), remaining_s=2)

    assert (status, body["error"]["code"]) == (500, "InternalServerError")
    said = r"source, detect_faces, target, detect_faces: no result within the deadline of [01]\.\d s\."
    assert re.fullmatch(said, body["error"]["details"])
    stuck.set()
    time.sleep(0.1)
    assert "compare_faces" not in rekognition.calls


def test_without_time_left_the_deadline_is_now() -> None:
    status, body, _ = ask(function(), request_body(), remaining_s=0.5)

    assert status == 500
    assert body["error"]["details"].endswith(": no result within the deadline of 0.0 s.")


def test_items_that_have_not_begun_at_the_deadline_never_do() -> None:
    stuck = threading.Event()

    class Stuck(FakeS3):
        def photo(self, bucket: str, key: str) -> StoredPhoto:
            found = super().photo(bucket, key)
            stuck.wait(60)
            return found

    s3 = Stuck()

    _, answers, _ = ask(function(s3=s3), [request_body()] * 7, remaining_s=2)

    stuck.set()
    for thread in threading.enumerate():
        if thread.name.startswith("item"):
            thread.join(60)
    assert [answer["error"]["code"] for answer in answers] == ["InternalServerError"] * 7
    assert len(s3.read) <= 10  # five items at once, two images each


def test_what_is_known_of_the_source_is_answered_when_the_target_never_comes() -> None:
    """(R) When both images fail, the source's error is the one reported."""
    stuck = threading.Event()

    class HalfDead(FakeS3):
        def photo(self, bucket: str, key: str) -> StoredPhoto:
            if bucket == "targets":
                stuck.wait(60)
            return super().photo(bucket, key)

    missing = InvalidS3ObjectError("S3 answered NoSuchKey.")

    status, body, _ = ask(function(s3=HalfDead(source=missing)), request_body(), remaining_s=2)
    stuck.set()

    assert (status, body["error"]["code"]) == (422, "InvalidS3ObjectError")
    assert body["error"]["details"] == (
        "source, download: S3 answered NoSuchKey. The key was looked for in the source bucket."
    )


def test_one_line_is_logged_for_a_validation_with_ids_sizes_durations_and_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = StringIO()

    ask(function(log=log), request_body(id_request=MINE, source_path="source.jpg"))

    (logged,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert logged["id_request"] == MINE
    assert logged["similarity"] == 97.2
    assert logged["rekognition_calls"] == 3
    assert logged["source"] == {"width": 200, "height": 160, "faces": 1, "confidence": 99.9, "document": None}
    assert set(logged["steps_ms"]) == {
        *(f"{side}, {step}" for side in ("source", "target") for step in ("download", "decode", "detect_faces")),
        "compare_faces",
    }
    (metrics,) = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]
    assert metrics["function_name"] == "face-validation"
    assert metrics["Validations"] == metrics["Matches"] == [1.0]
    assert metrics["RekognitionCalls"] == [3.0]
    assert metrics["Similarity"] == [97.2]


def test_a_refusal_is_counted_under_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    ask(function(FakeS3(source=b"no image")), request_body())

    (metrics,) = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]
    assert metrics["ImageValidationError"] == [1.0]
    assert metrics["RekognitionCalls"] == [0.0]


def test_neither_keys_nor_what_a_caller_misspelt_come_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log = StringIO()

    ask(function(log=log), request_body(source_path="jane-doe/../passport.jpg", jane_doe="jane-doe"))
    ask(function(FakeS3(**{"jane-doe": b"?"}), log=log), request_body(source_path="jane-doe.jpg"))

    assert log.getvalue().count("refused") == 2
    assert "jane" not in log.getvalue() + capsys.readouterr().out


def test_every_route_has_its_operation() -> None:
    assert set(OPERATIONS) == {route.operation for route in VALIDATION_ROUTES}


@pytest.mark.parametrize("other", [{"resource": "/nowhere"}, {"httpMethod": "GET"}])
def test_another_route_is_refused_with_what_there_is(other: dict[str, str]) -> None:
    answer = function()(event(request_body()) | other, FakeContext())

    assert answer["statusCode"] == 400
    assert "there is POST /validation" in json.loads(answer["body"])["error"]["details"]


def test_adapters_are_made_once_however_many_ask_at_once() -> None:
    made: list[int] = []
    gate = threading.Barrier(8)

    def make() -> Adapters:
        made.append(1)
        time.sleep(0.05)
        return adapters_of()

    handler = RestFunction(OPERATIONS, make)

    def run() -> None:
        gate.wait()
        handler(event(request_body()), FakeContext())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [1]


def test_the_bounding_box_of_a_face_may_reach_past_the_image() -> None:
    face = Face(BoundingBox(-0.2, -0.3, 0.9, 1.5), 95.0)

    assert ask(function(rekognition=FakeRekognition(faces=[face])), request_body())[0] == 200
