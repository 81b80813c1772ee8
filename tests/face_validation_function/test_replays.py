"""The same request sent again, with `idempotency` on: paid once, answered the same; on a DynamoDB asked over HTTP."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.stores import create_claims_table
from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.rekognition_service import FaceMatch
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.routes import READ, WRITE
from tests.face_validation_function.test_handler import adapters_of
from tests.fakes import (
    MIDDLE,
    FakeContext,
    FakeRekognition,
    FakeS3,
    event,
    jpeg,
    nothing_left_of_pictures,
    request_body,
)

MINE, OTHER = "0a0a0a0a-0000-4000-8000-00000000000a", "0b0b0b0b-0000-4000-8000-00000000000b"

Answer = tuple[int, Any, dict[str, str]]


class SlowRekognition(FakeRekognition):
    """Its comparison waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def compare_faces(self, source: bytes, target: bytes) -> list[FaceMatch]:
        self.begun.set()
        assert self.may_end.wait(20)
        return super().compare_faces(source, target)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        yield aws_client("dynamodb", endpoint)


@pytest.fixture
def table(dynamodb: Any) -> str:
    return create_claims_table(dynamodb, uuid.uuid4().hex)


class Service:
    """The handler of one process, with answers kept in `table`."""

    def __init__(
        self, dynamodb: Any, table: str, s3: FakeS3 | None = None, rekognition: FakeRekognition | None = None
    ) -> None:
        self.rekognition = rekognition or FakeRekognition()
        self.log = StringIO()
        adapters = replace(adapters_of(s3, self.rekognition, self.log), replays=ClaimsTable(dynamodb, table))
        self._function: RestFunction[Adapters] = RestFunction(OPERATIONS, lambda: adapters)

    @property
    def paid(self) -> int:
        return len(self.rekognition.compared)

    def ask(self, body: object, client: str = "kiosk", scopes: str = f"{WRITE} {READ}") -> Answer:
        caller = {"authorizer": {"claims": {"client_id": client, "scope": scopes}}}
        answer = self._function(event(body, requestContext=caller), FakeContext())
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


@pytest.fixture
def service(dynamodb: Any, table: str) -> Service:
    return Service(dynamodb, table)


def rows(dynamodb: Any, table: str) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    return found


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"include": ["boxes", "reasons"], "threshold": 98, "threshold_review": 90}, id="all-parts"),
        pytest.param({"type": "ID_TO_FACE", "include": ["boxes"]}, id="document-boxes"),
    ],
)
def test_the_same_request_is_answered_the_same_and_paid_once(service: Service, more: dict[str, Any]) -> None:
    body = request_body(id_request=MINE, **more)

    first, second = service.ask(body), service.ask(body)

    assert first == second
    assert first[0] == 200
    assert service.paid == 1


def test_another_function_process_gives_the_same_answer(dynamodb: Any, table: str) -> None:
    body = request_body(id_request=MINE)
    first = Service(dynamodb, table).ask(body)
    other = Service(dynamodb, table, rekognition=FakeRekognition(similarity=1.0))

    assert other.ask(body) == first
    assert other.paid == 0


def test_another_body_with_the_same_id_is_a_conflict(service: Service) -> None:
    service.ask(request_body(id_request=MINE))

    status, answer, _ = service.ask(request_body(id_request=MINE, threshold=99))

    assert (status, answer["id_request"], answer["error"]["code"]) == (409, MINE, "ConflictError")
    assert answer["error"]["reasons"] == ["ID_REQUEST_REUSED"]
    assert service.paid == 1


def test_a_duplicate_that_comes_too_early_is_told_when_to_come_again(dynamodb: Any, table: str) -> None:
    slow = SlowRekognition()
    service = Service(dynamodb, table, rekognition=slow)
    body = request_body(id_request=MINE)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.ask, body)
        assert slow.begun.wait(20)
        status, answer, headers = service.ask(body)
        other, _, _ = service.ask(request_body(id_request=MINE, threshold=1))
        slow.may_end.set()

    assert (status, answer["error"]["code"], headers["Retry-After"]) == (409, "ConflictError", "1")
    assert answer["error"]["reasons"] == ["REQUEST_UNDER_WAY"]
    assert other == 409
    assert service.ask(body) == first.result()
    assert service.paid == 1


def test_of_ten_duplicates_at_once_one_is_paid(service: Service) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(service.ask, [request_body(id_request=MINE)] * 10))

    assert service.paid == 1
    assert {status for status, _, _ in answers} <= {200, 409}
    assert any(status == 200 for status, _, _ in answers)


def test_an_id_belongs_to_its_client(service: Service) -> None:
    body = request_body(id_request=MINE)
    service.ask(body, client="kiosk")

    status, _, _ = service.ask(request_body(id_request=MINE, threshold=99), client="back-office")

    assert status == 200
    assert service.paid == 2


def test_clients_at_once_in_one_process_get_their_own_answers(service: Service) -> None:
    bodies = [request_body(id_request=str(uuid.uuid4()), threshold=number) for number in range(24)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.ask, bodies, [f"client-{number % 3}" for number in range(24)]))

    assert [answer["id_request"] for _, answer, _ in answers] == [body["id_request"] for body in bodies]
    assert service.paid == 24


def test_a_refusal_by_an_image_is_answered_the_same_too(dynamodb: Any, table: str) -> None:
    s3 = FakeS3(source=b"no image")
    service = Service(dynamodb, table, s3)
    first = service.ask(request_body(id_request=MINE, include=["reasons"]))
    s3.objects["source.jpg"] = jpeg()

    assert first[0] == 422
    assert service.ask(request_body(id_request=MINE, include=["reasons"])) == first


def test_a_refusal_that_is_kept_lets_go_of_the_decoded_pictures(dynamodb: Any, table: str) -> None:
    s3 = FakeS3(source=jpeg((211, 173)), target=jpeg((211, 173)))
    service = Service(dynamodb, table, s3, FakeRekognition(faces=[]))

    with nothing_left_of_pictures((211, 173)):
        status, _, _ = service.ask(request_body(id_request=MINE))

    assert status == 422


def test_a_failure_of_the_service_is_not_kept(dynamodb: Any, table: str) -> None:
    rekognition = FakeRekognition(matches=[InternalServerError("CompareFaces failed."), [FaceMatch(MIDDLE, 97.0)]])
    service = Service(dynamodb, table, rekognition=rekognition)
    body = request_body(id_request=MINE)

    assert [service.ask(body)[0] for _ in range(3)] == [500, 200, 200]
    assert service.paid == 2


def test_a_request_that_does_not_validate_claims_no_id(dynamodb: Any, table: str, service: Service) -> None:
    assert service.ask(request_body(id_request=MINE, threshold=101))[0] == 400
    assert service.ask(request_body(id_request=MINE, type="ID_TO_FACE", include=["document"]), scopes=WRITE)[0] == 403
    assert rows(dynamodb, table) == []
    assert service.ask(request_body(id_request=MINE))[0] == 200


def test_a_request_without_an_id_is_paid_each_time(dynamodb: Any, table: str, service: Service) -> None:
    service.ask(request_body())
    service.ask(request_body())

    assert service.paid == 2
    assert rows(dynamodb, table) == []


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"include": ["document"]}, id="document"),
        pytest.param({"claims": {"document_number": "L898902C3"}}, id="claims"),
    ],
)
def test_what_a_document_says_is_not_kept(dynamodb: Any, table: str, service: Service, more: dict[str, Any]) -> None:
    body = request_body(id_request=MINE, type="ID_TO_FACE", **more)

    assert [service.ask(body)[0] for _ in range(2)] == [200, 200]
    assert service.paid == 2
    assert rows(dynamodb, table) == []


def test_an_answer_is_kept_for_an_hour_without_what_was_sent(dynamodb: Any, table: str, service: Service) -> None:
    service.ask(request_body(id_request=MINE))

    (row,) = rows(dynamodb, table)

    assert row["id"]["S"].startswith("replay#")
    assert 3590 <= int(row["expiration"]["N"]) - time.time() <= 3600
    assert "source.jpg" not in json.dumps(row)
    assert "kiosk" not in json.dumps(row)


def test_each_item_of_an_array_is_claimed_by_its_own_id(service: Service) -> None:
    service.ask(request_body(id_request=MINE))

    status, (mine, other), _ = service.ask([request_body(id_request=MINE), request_body(id_request=OTHER)])

    assert status == 200
    assert (mine["id_request"], other["id_request"]) == (MINE, OTHER)
    assert service.paid == 2


def test_a_table_that_does_not_answer_is_a_failure_before_any_payment(dynamodb: Any) -> None:
    service = Service(dynamodb, "no-such-table")

    status, answer, _ = service.ask(request_body(id_request=MINE))

    assert (status, answer["error"]["code"]) == (500, "InternalServerError")
    assert "DynamoDB answered ResourceNotFoundException" in answer["error"]["details"]
    assert service.paid == 0


def test_a_replay_is_logged_as_one_that_cost_nothing(service: Service) -> None:
    service.ask(request_body(id_request=MINE))
    service.ask(request_body(id_request=MINE))

    lines = [json.loads(line) for line in service.log.getvalue().splitlines()]

    assert [(line["message"], line["rekognition_calls"]) for line in lines] == [("validated", 3), ("replayed", 0)]
