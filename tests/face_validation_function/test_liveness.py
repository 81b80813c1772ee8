"""Liveness sessions: made for one client and one source, compared once, and never told how sure Rekognition was."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.session import Session

from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.stores import create_claims_table
from face_validation_function.exceptions.exceptions import InternalServerError, LivenessError
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.rekognition_service import LivenessResult, LivenessSessions
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.reasons import Reason
from face_validation_function.rest_function import RestFunction
from face_validation_function.services.liveness import LivenessService
from face_validation_function.settings import Settings
from face_validation_function.utils.logging_config import service_logger
from tests.face_validation_function.stubbed import stubbed
from tests.fakes import FakeContext, FakeRekognition, FakeS3, event, jpeg

MINE = "0a0a0a0a-0000-4000-8000-00000000000a"
SELFIE = jpeg(colour="gold")
PASSED = LivenessResult("SUCCEEDED", 97.0, image=SELFIE)
MODEL: Any = Session().get_service_model("rekognition").operation_model("GetFaceLivenessSessionResults").output_shape
STATUSES = MODEL.members["Status"].enum
FEEDBACK = MODEL.members["Feedback"].member.members["Code"].enum


@dataclass
class FakeSessions:
    """Answers the result that a test declares; one session for each token, as Rekognition does."""

    found: LivenessResult | Exception = PASSED
    region: str = "eu-west-1"
    tokens: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def create(self, token: str) -> str:
        return self.tokens.setdefault(token, str(uuid.uuid4()))

    def result(self, session_id: str) -> LivenessResult:
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener, moto_server(listener) as endpoint:
        yield aws_client("dynamodb", endpoint)


@dataclass
class Service:
    """The handler with doubles of Rekognition and S3, and a table of claims that is one."""

    claims: ClaimsTable
    sessions: FakeSessions = field(default_factory=FakeSessions)
    rekognition: FakeRekognition = field(default_factory=FakeRekognition)
    s3: FakeS3 = field(default_factory=FakeS3)

    def ask(self, resource: str, body: object, client: str = "app") -> tuple[int, dict[str, Any]]:
        adapters = Adapters(
            Settings("sources", "targets", "claims"),
            self.s3,  # type: ignore[arg-type]  # the doubles have the adapters' methods
            self.rekognition,  # type: ignore[arg-type]
            service_logger("CRITICAL"),
            LivenessService(self.sessions, self.claims, 90.0),  # type: ignore[arg-type]
        )
        asked = event(body, requestContext={"authorizer": {"claims": {"client_id": client}}}) | {"resource": resource}
        answer = RestFunction(OPERATIONS, lambda: adapters)(asked, FakeContext())
        return answer["statusCode"], json.loads(answer["body"])

    def create(self, client: str = "app", **fields: Any) -> dict[str, Any]:
        status, answer = self.ask("/liveness-sessions", {"source_path": "source.jpg", **fields}, client)
        assert status == 201, answer
        return answer

    def validate(self, session: str, client: str = "app", **fields: Any) -> tuple[int, dict[str, Any]]:
        body = {"type": "FACE_TO_FACE", "source_path": "source.jpg", "target_liveness_session": session, **fields}
        return self.ask("/validation", body, client)


@pytest.fixture
def service(dynamodb: Any) -> Service:
    return Service(ClaimsTable(dynamodb, create_claims_table(dynamodb, uuid.uuid4().hex)))


def refusal(answered: tuple[int, dict[str, Any]]) -> tuple[int, str, list[str]]:
    status, answer = answered
    return status, answer["error"]["code"], answer["error"].get("reasons", [])


# --- creating ---------------------------------------------------------------------------------------------------------


def test_a_session_is_answered_with_its_end_and_the_region_of_its_video(service: Service) -> None:
    before = time.time()

    made = service.create(id_request=MINE)

    assert made.keys() == {"id_request", "session_id", "expires_at", "region"}
    assert (made["id_request"], made["region"]) == (MINE, "eu-west-1")
    ends = time.mktime(time.strptime(made["expires_at"], "%Y-%m-%dT%H:%M:%S+00:00")) - time.timezone
    assert before + 178 <= ends <= time.time() + 181


def test_the_same_id_request_answers_the_same_session_and_another_client_or_source_another(service: Service) -> None:
    made = service.create(id_request=MINE)

    assert service.create(id_request=MINE) == made
    others = [
        service.create("other", id_request=MINE),
        service.create(id_request=MINE, source_path="other.jpg"),
        service.create(),
    ]
    assert len({made["session_id"], *(one["session_id"] for one in others)}) == 4


@pytest.mark.parametrize("body", [{}, {"source_path": "/x"}, {"source_path": "a.jpg", "threshold_liveness": 1}])
def test_a_session_needs_a_source_and_takes_nothing_else(service: Service, body: dict[str, Any]) -> None:
    status, code, _ = refusal(service.ask("/liveness-sessions", body))

    assert (status, code, service.sessions.tokens) == (400, "RequestError", {})


def test_rekognition_is_asked_for_no_picture_and_no_bucket() -> None:
    settings = {"AuditImagesLimit": 0, "ChallengePreferences": [{"Type": "FaceMovementChallenge"}]}
    session = str(uuid.uuid4())

    def adapter(client: Any) -> LivenessSessions:
        return LivenessSessions(client, challenge="FaceMovementChallenge", audit_images=0)

    with stubbed("rekognition", adapter) as (sessions, answers):
        asked = {"Settings": settings, "ClientRequestToken": "token"}
        answers.add_response("create_face_liveness_session", {"SessionId": session}, asked)
        answers.add_client_error("get_face_liveness_session_results", "SessionNotFoundException")

        assert sessions.create("token") == session
        with pytest.raises(LivenessError):
            sessions.result(session)


# --- validating -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["FACE_TO_FACE", "ID_TO_FACE"])
def test_the_reference_image_of_a_session_that_passed_is_the_target(service: Service, kind: str) -> None:
    session = service.create()["session_id"]

    status, answer = service.validate(session, type=kind)

    assert (status, answer["matched"]) == (200, True)
    assert service.s3.read == [("sources", "source.jpg")]
    assert SELFIE in service.rekognition.detected


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_but_succeeded_is_refused_with_its_reason(service: Service, status: str) -> None:
    service.sessions.found = LivenessResult(status, 97.0, image=SELFIE)
    reasons = {
        "CREATED": "LIVENESS_NOT_FINISHED",
        "IN_PROGRESS": "LIVENESS_NOT_FINISHED",
        "FAILED": "LIVENESS_FAILED",
        "EXPIRED": "LIVENESS_EXPIRED",
    }

    answered = service.validate(service.create()["session_id"])

    if status == "SUCCEEDED":
        assert answered[0] == 200
    else:
        assert refusal(answered) == (422, "LivenessError", [reasons[status]])
        assert service.rekognition.calls == []


@pytest.mark.parametrize("confidence", [0.0, 42.125, 89.999])
def test_a_confidence_below_the_deployments_is_refused_and_told_to_nobody(service: Service, confidence: float) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", confidence, image=SELFIE)

    answered = service.validate(service.create()["session_id"])

    assert refusal(answered) == (422, "LivenessError", ["LIVENESS_NOT_SURE"])
    assert not {str(confidence), "90"} & set(answered[1]["error"]["details"].replace("%", " ").split())
    assert service.rekognition.calls == []


def test_the_deployments_confidence_itself_is_enough(service: Service) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", 90.0, image=SELFIE)

    assert service.validate(service.create()["session_id"])[0] == 200


@pytest.mark.parametrize("code", FEEDBACK)
def test_each_feedback_code_is_a_reason(service: Service, code: str) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", 12.0, (code,), SELFIE)

    assert refusal(service.validate(service.create()["session_id"]))[2] == ["LIVENESS_NOT_SURE", f"LIVENESS_{code}"]


def test_a_feedback_code_of_a_later_rekognition_is_left_out(service: Service) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", 12.0, ("TIRED",), SELFIE)

    assert refusal(service.validate(service.create()["session_id"]))[2] == ["LIVENESS_NOT_SURE"]


def test_a_session_without_a_reference_image_is_refused(service: Service) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", 97.0)

    assert refusal(service.validate(service.create()["session_id"])) == (422, "LivenessError", ["LIVENESS_NO_IMAGE"])


def test_a_reference_image_that_cannot_be_read_is_the_targets_fault(service: Service) -> None:
    service.sessions.found = LivenessResult("SUCCEEDED", 97.0, image=b"no image")

    status, code, _ = refusal(service.validate(service.create()["session_id"]))

    assert (status, code) == (422, "ImageValidationError")


@pytest.mark.parametrize(
    ("body", "details"),
    [
        pytest.param({"target_path": "target.jpg"}, "target_liveness_session takes the place of", id="both"),
        pytest.param({"type": "ID_IN_FACE"}, "ID_IN_FACE", id="in-one-image"),
        pytest.param({"target_liveness_session": "mine"}, "target_liveness_session", id="no-session-id"),
        pytest.param({"target_liveness_session": None}, "target_path: this field is required", id="neither"),
        pytest.param({"threshold_liveness": 1}, "threshold_liveness", id="own-threshold"),
    ],
)
def test_a_request_that_does_not_fit_a_session_is_refused(service: Service, body: dict[str, Any], details: str) -> None:
    sent = {"type": "FACE_TO_FACE", "source_path": "source.jpg", "target_liveness_session": str(uuid.uuid4())} | body
    if sent["type"] == "ID_IN_FACE":
        del sent["source_path"]

    status, answer = service.ask("/validation", sent)

    assert (status, answer["error"]["code"]) == (400, "RequestError")
    assert details in answer["error"]["details"]
    assert service.sessions.asked == 0


# --- whose session, and how often -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"client": "other"}, id="another-client"),
        pytest.param({"source_path": "other.jpg"}, id="another-source"),
        pytest.param({"session": str(uuid.uuid4())}, id="a-session-of-nobody"),
    ],
)
def test_a_session_is_good_for_its_client_and_its_source_alone(service: Service, other: dict[str, Any]) -> None:
    session = service.create()["session_id"]

    answered = service.validate(**{"session": session, **other})

    assert refusal(answered) == (422, "LivenessError", ["LIVENESS_SESSION_UNKNOWN"])
    assert (service.sessions.asked, service.rekognition.calls) == (0, [])
    assert service.validate(session)[0] == 200


@pytest.mark.parametrize(
    "other", [{"id_request": str(uuid.uuid4())}, {}, {"id_request": MINE, "threshold": 1}], ids=["id", "no-id", "body"]
)
def test_another_request_for_a_used_session_is_refused_and_pays_nothing(
    service: Service, other: dict[str, Any]
) -> None:
    session = service.create()["session_id"]
    service.validate(session, id_request=MINE)
    paid = (service.sessions.asked, len(service.rekognition.calls))

    answered = service.validate(session, **other)

    assert refusal(answered) == (422, "LivenessError", ["LIVENESS_SESSION_USED"])
    assert (service.sessions.asked, len(service.rekognition.calls)) == paid


def test_the_same_request_may_ask_again(service: Service) -> None:
    session = service.create()["session_id"]

    answers = [service.validate(session, id_request=MINE) for _ in range(3)]

    assert [status for status, _ in answers] == [200] * 3


def test_of_twenty_requests_at_once_exactly_one_is_answered_and_paid_for(service: Service) -> None:
    session = service.create()["session_id"]
    together = threading.Barrier(20)

    def ask(_: int) -> int:
        together.wait()
        return service.validate(session)[0]

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(ask, range(20)))

    assert statuses == [200] + [422] * 19
    assert service.rekognition.calls.count("compare_faces") == 1


def test_a_session_that_is_not_finished_is_not_used_up(service: Service) -> None:
    session = service.create()["session_id"]
    service.sessions.found = LivenessResult("IN_PROGRESS")
    service.validate(session, id_request=MINE)
    service.sessions.found = PASSED

    assert service.validate(session)[0] == 200


def test_a_session_is_refused_after_three_minutes_whatever_rekognition_says(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 181)
    session = service.create()["session_id"]
    monkeypatch.undo()

    assert refusal(service.validate(session)) == (422, "LivenessError", ["LIVENESS_SESSION_UNKNOWN"])


def test_a_use_outlives_its_session_so_that_none_begins_where_both_end(service: Service) -> None:
    session = service.create()["session_id"]
    service.validate(session)

    made, used = (service.claims.read(f"liveness-{kind}/{session}") for kind in ("session", "use"))

    assert made is not None
    assert used is not None
    assert used.expires_at > made.expires_at


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "number"), [("read", 1), ("read", 2), ("claim", 1)], ids=["session", "use", "claim"])
def test_a_table_that_fails_burns_nothing(service: Service, call: str, number: int) -> None:
    session = service.create()["session_id"]
    whole = service.claims
    service.claims = FailingClaims(whole, call, number)  # type: ignore[assignment]

    failed = service.validate(session, id_request=MINE)
    service.claims = whole
    again = service.validate(session, id_request=MINE)

    assert refusal(failed)[:2] == (500, "InternalServerError")
    assert again[0] == 200


class FailingClaims:
    """A table of claims, one call of which fails."""

    def __init__(self, claims: ClaimsTable, call: str, number: int) -> None:
        self._claims, self._call, self._left = claims, call, number

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            self._left -= 1
            if self._left == 0:
                raise InternalServerError("DynamoDB failed.")
        return getattr(self._claims, name)


def test_a_rekognition_that_fails_burns_nothing(service: Service) -> None:
    session = service.create()["session_id"]
    service.sessions.found = InternalServerError("GetFaceLivenessSessionResults answered ThrottlingException.")
    failed = service.validate(session, id_request=MINE)
    service.sessions.found = PASSED

    assert refusal(failed)[:2] == (500, "InternalServerError")
    assert service.validate(session)[0] == 200


def test_a_comparison_that_fails_after_the_claim_may_be_asked_again_by_the_same_request_alone(service: Service) -> None:
    session = service.create()["session_id"]
    service.rekognition = FakeRekognition(matches=[InternalServerError("CompareFaces failed.")])
    failed = service.validate(session, id_request=MINE)
    service.rekognition = FakeRekognition()

    assert refusal(failed)[:2] == (500, "InternalServerError")
    assert refusal(service.validate(session))[2] == ["LIVENESS_SESSION_USED"]
    assert service.validate(session, id_request=MINE)[0] == 200


def test_every_feedback_code_of_the_model_has_a_reason() -> None:
    assert {f"LIVENESS_{code}" for code in FEEDBACK} <= set(Reason)
