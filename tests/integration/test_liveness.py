"""Liveness sessions and questions about people on the whole local stack: over boto3 and over HTTP, as users ask."""

import base64
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from face_validation.client import FaceValidationClient, LivenessError
from face_validation.local.aws.moto_services import aws_client
from face_validation.local.demo import client_of
from face_validation.local.samples.questions import sample_files
from face_validation.local.stack import LocalStack
from rekognition_local.protocol.wire import service_model
from tests.user_pools import user_pool_of

pytestmark = pytest.mark.slow

COLLINS, AGAIN, HOPPER = (f"samples/{name}.jpg" for name in ("collins", "collins-again", "hopper"))
MODEL: Any = service_model().operation_model("GetFaceLivenessSessionResults").output_shape
STATUSES = MODEL.members["Status"].enum
FEEDBACK = MODEL.members["Feedback"].member.members["Code"].enum


@dataclass
class Live:
    """The stack with a client, and the place where outcomes are declared."""

    stack: LocalStack
    client: FaceValidationClient

    def session(self, source: str = COLLINS) -> str:
        return self.client.create_liveness_session(source).session_id

    def declare(self, session: str, picture: str | None = AGAIN, status: str = "SUCCEEDED", **more: Any) -> None:
        outcome: dict[str, Any] = {"SessionId": session, "Status": status, **more}
        if status == "SUCCEEDED":
            outcome.setdefault("Confidence", 97.0)
            if picture is not None:
                outcome["ReferenceImage"] = {"Bytes": base64.b64encode(sample_files()[picture]).decode()}
        httpx.post(f"{self.stack.info.rekognition_endpoint}/liveness", json=outcome).raise_for_status()

    def validate(self, session: str, source: str = COLLINS, kind: str = "FACE_TO_FACE", **more: Any) -> bool:
        return self.client.validate(source, None, kind, target_liveness_session=session, **more).matched

    def refused(self, session: str, **more: Any) -> tuple[str, ...]:
        with pytest.raises(LivenessError) as caught:
            self.validate(session, **more)
        return caught.value.reasons


@pytest.fixture(scope="module")
def live(local_stack: LocalStack) -> Iterator[Live]:
    local_stack.put_samples()
    with client_of(local_stack.info, attempts=1) as client:
        yield Live(local_stack, client)


@pytest.mark.parametrize(
    ("source", "kind", "picture", "matched"),
    [
        (COLLINS, "FACE_TO_FACE", AGAIN, True),
        (COLLINS, "FACE_TO_FACE", HOPPER, False),
        ("samples/passport-collins.jpg", "ID_TO_FACE", AGAIN, True),
    ],
)
def test_the_person_of_a_session_is_compared(live: Live, source: str, kind: str, picture: str, matched: bool) -> None:
    session = live.session(source)

    live.declare(session, picture)

    assert live.validate(session, source, kind) is matched


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "SUCCEEDED"])
def test_a_session_that_did_not_succeed_is_refused(live: Live, status: str) -> None:
    session = live.session()

    live.declare(session, status=status)

    reason = {"CREATED": "NOT_FINISHED", "IN_PROGRESS": "NOT_FINISHED"}.get(status, status)
    assert live.refused(session) == (f"LIVENESS_{reason}",)


@pytest.mark.parametrize("code", FEEDBACK)
def test_feedback_reaches_the_caller_and_the_confidence_does_not(live: Live, code: str) -> None:
    session = live.session()
    live.declare(session, Confidence=41.75, Feedback=[{"Code": code, "Message": "Again."}])

    with pytest.raises(LivenessError) as caught:
        live.validate(session)

    assert caught.value.reasons == ("LIVENESS_NOT_SURE", f"LIVENESS_{code}")
    assert "41" not in str(caught.value)


def test_a_session_without_a_picture_is_refused(live: Live) -> None:
    session = live.session()

    live.declare(session, picture=None)

    assert live.refused(session) == ("LIVENESS_NO_IMAGE",)


def test_of_twenty_requests_at_once_exactly_one_is_answered(live: Live) -> None:
    session = live.session()
    live.declare(session)

    def outcome(_: int) -> object:
        try:
            return live.validate(session)
        except LivenessError as error:
            return error.reasons

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(outcome, range(20)))

    assert outcomes.count(True) == 1
    assert outcomes.count(("LIVENESS_SESSION_USED",)) == 19


def test_the_same_request_may_ask_again_and_another_may_not(live: Live) -> None:
    session, mine = live.session(), str(uuid.uuid4())
    live.declare(session)

    assert live.validate(session, id_request=mine) is live.validate(session, id_request=mine) is True
    assert live.refused(session) == ("LIVENESS_SESSION_USED",)


def test_another_app_client_has_no_such_session(live: Live) -> None:
    info = live.stack.info
    made = aws_client("cognito-idp", info.s3_endpoint).create_user_pool_client(
        UserPoolId=user_pool_of(info),
        ClientName="other",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["face-detection/write"],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    session = live.session()
    live.declare(session)

    with FaceValidationClient(info.api_url, info.token_url, made["ClientId"], made["ClientSecret"]) as other:
        foreign = Live(live.stack, other)
        assert foreign.refused(session) == ("LIVENESS_SESSION_UNKNOWN",)
    assert live.validate(session) is True


def test_a_program_of_boto3_sees_the_session_that_the_api_made(live: Live) -> None:
    session = live.session()
    live.declare(session)

    found = aws_client("rekognition", live.stack.info.rekognition_endpoint).get_face_liveness_session_results(
        SessionId=session
    )

    assert found["Status"] == "SUCCEEDED"
    assert found["ReferenceImage"]["Bytes"] == sample_files()[AGAIN]
    assert found["ReferenceImage"]["BoundingBox"]["Width"] > 0
