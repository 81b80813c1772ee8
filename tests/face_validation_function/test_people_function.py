"""The handler of the routes about people: answers in the contract's envelope, in time, whatever happens behind it."""

import base64
import json
import re
import threading
from typing import Any

import pytest

from face_validation_function.exceptions.exceptions import ServiceBusyError
from face_validation_function.people_function import OPERATIONS, PeopleAdapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.services.identification import IdentificationService
from face_validation_function.settings import PeopleSettings
from tests.fakes import FakeContext, FakeRekognition, event, jpeg, nothing_left_of_pictures

MINE = "0a0a0a0a-0000-4000-8000-00000000000a"


class FakeS3:
    """Presigns what it was given, or raises it."""

    def __init__(self, fields: dict[str, str] | Exception, wait: threading.Event | None = None) -> None:
        self._fields, self._wait = fields, wait

    def presigned_post(self, bucket: str, key: str, content_type: str, full_name: str | None) -> tuple[str, object]:
        del key, content_type, full_name
        if self._wait:
            self._wait.wait(60)
        if isinstance(self._fields, Exception):
            raise self._fields
        return f"https://{bucket}.example", self._fields


def function(**used: Any) -> RestFunction[PeopleAdapters]:
    """The function with these adapters, and others that have no AWS."""
    settings = PeopleSettings(
        "sources", "targets", "claims", "faces", "table", "collection", "queue", log_level="DEBUG"
    )
    adapters = PeopleAdapters(settings, rekognition=None, s3=None, dynamodb=None)
    vars(adapters).update(used)
    return RestFunction(OPERATIONS, lambda: adapters)


def ask(s3: FakeS3, remaining_s: float = 28) -> tuple[int, Any, dict[str, str]]:
    """POST /uploads, which needs no adapter but S3's."""
    body = {"bucket": "source", "content_type": "image/png", "id_request": MINE}
    answer = function(s3=s3)(event(body, resource="/uploads"), FakeContext(remaining_s))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_an_upload_is_answered_with_a_form_and_a_key_that_the_service_chose() -> None:
    status, body, headers = ask(FakeS3({"policy": "p"}))

    assert (status, body["id_request"], headers["X-Request-Id"]) == (201, MINE, MINE)
    assert (body["url"], body["fields"]) == ("https://sources.example", {"policy": "p"})
    assert body["key"].startswith("uploads/")
    assert body["key"].endswith(".png")


def test_throttling_is_answered_with_a_time_to_come_again() -> None:
    status, body, headers = ask(FakeS3(ServiceBusyError("S3 answered SlowDown.")))

    assert (status, body["error"]["code"], headers["Retry-After"]) == (500, "InternalServerError", "2")


def test_an_unforeseen_failure_is_answered_under_the_caller_s_id_counted_and_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    status, body, _ = ask(FakeS3(RuntimeError("the pool is gone")))

    metrics = capsys.readouterr().out
    assert (status, body["id_request"], body["error"]["code"]) == (500, MINE, "InternalServerError")
    assert "the pool is gone" not in json.dumps(body)
    assert "the pool is gone" in caplog.text
    assert '"InternalServerError":[1.0]' in metrics.replace(" ", "")


def test_what_cannot_finish_is_answered_before_the_function_is_stopped() -> None:
    stuck = threading.Event()

    status, body, _ = ask(FakeS3({}, stuck), remaining_s=2)

    stuck.set()
    assert (status, body["error"]["code"]) == (500, "InternalServerError")
    assert re.fullmatch(r"presign: no result within the deadline of [01]\.\d s\.", body["error"]["details"])


def test_a_refused_photo_leaves_memory_at_once() -> None:
    nobody: Any = FakeRekognition(faces=[])
    unused: Any = None
    handler = function(identification=IdentificationService(unused, nobody, unused, unused, unused))
    photo = base64.b64encode(jpeg((211, 173))).decode()

    with nothing_left_of_pictures((211, 173)):
        answer = handler(event({"image": photo}, resource="/search"), FakeContext(28))

    assert answer["statusCode"] == 422


@pytest.mark.parametrize("name", ["Jos%E9", "Jos%E8", "Jos%ED%A0%80", "Jos%EF%BF%BD"])
def test_a_name_in_the_path_that_is_not_utf8_erases_nobody(name: str) -> None:
    request = event(None, httpMethod="DELETE", resource="/people/{full_name}", pathParameters={"full_name": name})

    answer = function()(request, FakeContext(28))

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"]["code"] == "RequestError"


def test_a_face_id_that_is_not_utf8_is_refused() -> None:
    request = event(None, httpMethod="DELETE", resource="/faces/{face_id}", pathParameters={"face_id": "%E9"})

    assert function()(request, FakeContext(28))["statusCode"] == 400


def test_a_name_in_the_query_that_was_not_utf8_lists_nobody() -> None:
    request = event(None, httpMethod="GET", resource="/faces", queryStringParameters={"full_name": "Jos\ufffd"})

    assert function()(request, FakeContext(28))["statusCode"] == 400
