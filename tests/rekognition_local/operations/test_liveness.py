"""Face Liveness sessions over the wire: declared, answered within their limits, and over after three minutes."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import service_model
from rekognition_local.server.answers import Answers
from rekognition_local.server.reach import Reach
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.fakes import FakeEngine, FakeS3, Scene, face, picture
from tests.rekognition_local.servers import client, serving

MODEL: Any = service_model().operation_model("GetFaceLivenessSessionResults")
STATUSES = MODEL.output_shape.members["Status"].enum
FEEDBACK = MODEL.output_shape.members["Feedback"].member.members["Code"].enum
SELFIE = picture(200, 160)


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Server:
    """A server whose clock the test moves, and what it put into S3."""

    endpoint: str
    clock: Clock
    objects: dict[tuple[str, str, str | None], bytes]
    rekognition: Any = field(init=False)

    def __post_init__(self) -> None:
        self.rekognition = client(self.endpoint)

    def declare(self, session_id: str, status: str = "SUCCEEDED", **outcome: Any) -> httpx.Response:
        return httpx.post(f"{self.endpoint}/liveness", json={"SessionId": session_id, "Status": status, **outcome})

    def create(self, **request: Any) -> str:
        return str(self.rekognition.create_face_liveness_session(**request)["SessionId"])

    def results(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.rekognition.get_face_liveness_session_results(SessionId=session_id)
        del found["ResponseMetadata"]
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    engine, clock = FakeEngine({(200, 160): Scene([face(0.5, 0.25, 0.125)])}), Clock()
    objects: dict[tuple[str, str, str | None], bytes] = {}
    images = ImageSource(FakeS3(objects))
    with serving(Service(engine, images, Gallery(Store(None), engine), LivenessSessions(clock))) as endpoint:
        yield Server(endpoint, clock, objects)


def bytes_of(file: bytes) -> dict[str, str]:
    return {"Bytes": base64.b64encode(file).decode()}


def code_of(call: Any, *arguments: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **request)
    return str(caught.value.response["Error"]["Code"])


def test_a_session_is_created_until_somebody_declares_its_outcome(server: Server) -> None:
    session = server.create()

    before = server.results(session)
    server.declare(session, Confidence=97.5, ReferenceImage=bytes_of(SELFIE))
    after = server.results(session)

    assert before == {"SessionId": session, "Status": "CREATED"}
    assert (after["Status"], after["Confidence"]) == ("SUCCEEDED", 97.5)
    assert after["ReferenceImage"]["Bytes"] == SELFIE
    assert after["ReferenceImage"]["BoundingBox"] == {"Left": 0.25, "Top": 0.125, "Width": 0.5, "Height": 0.5}
    assert after["Challenge"] == {"Type": "FaceMovementAndLightChallenge", "Version": "2.0.0"}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_model_can_be_declared_and_declared_anew(server: Server, status: str) -> None:
    session = server.create()

    server.declare(session, "FAILED")
    server.declare(session, status)

    assert server.results(session)["Status"] == status


@pytest.mark.parametrize("code", FEEDBACK)
def test_every_feedback_code_of_the_model_is_answered_as_declared(server: Server, code: str) -> None:
    session, feedback = server.create(), [{"Code": code, "Message": "Try again."}]

    server.declare(session, Confidence=20, Feedback=feedback, Metadata={"SDKType": "WEB"})

    found = server.results(session)
    assert (found["Feedback"], found["Metadata"]) == (feedback, {"SDKType": "WEB"})


def test_a_session_is_over_after_three_minutes_with_all_its_data_and_forgotten_after_an_hour(server: Server) -> None:
    session = server.create()
    server.declare(session, Confidence=97, ReferenceImage=bytes_of(SELFIE))

    server.clock.now_s += 180
    in_time = server.results(session)["Status"]
    server.clock.now_s += 1
    late, declared_late = server.results(session), server.declare(session)
    server.clock.now_s += 3600

    assert in_time == "SUCCEEDED"
    assert late == {"SessionId": session, "Status": "EXPIRED"}
    assert declared_late.status_code == 400
    assert code_of(server.results, session) == "SessionNotFoundException"


def test_a_session_belongs_to_its_region(server: Server) -> None:
    elsewhere = client(server.endpoint, "eu-west-1")
    session = server.create()

    assert code_of(elsewhere.get_face_liveness_session_results, SessionId=session) == "SessionNotFoundException"


def test_the_same_token_gives_the_same_session_and_another_region_another_one(server: Server) -> None:
    first, again = server.create(ClientRequestToken="one"), server.create(ClientRequestToken="one")
    other = server.create(ClientRequestToken="two")
    elsewhere = client(server.endpoint, "eu-west-1").create_face_liveness_session(ClientRequestToken="one")

    assert first == again
    assert len({first, other, elsewhere["SessionId"]}) == 3


@pytest.mark.parametrize(("limit", "answered"), [(None, 0), (0, 0), (2, 2), (4, 4)])
def test_audit_images_are_answered_up_to_the_sessions_limit(server: Server, limit: int | None, answered: int) -> None:
    session = server.create(Settings={} if limit is None else {"AuditImagesLimit": limit})

    server.declare(session, Confidence=97, AuditImages=[bytes_of(SELFIE)] * 4)

    assert [one["Bytes"] for one in server.results(session).get("AuditImages", ())] == [SELFIE] * answered


def test_images_of_a_session_with_a_bucket_are_put_there(server: Server) -> None:
    output = {"S3Bucket": "sessions", "S3KeyPrefix": "live/"}
    session = server.create(Settings={"OutputConfig": output, "AuditImagesLimit": 1})

    server.declare(session, Confidence=97, ReferenceImage=bytes_of(SELFIE), AuditImages=[bytes_of(SELFIE)])
    found = server.results(session)

    for image, name in ((found["ReferenceImage"], "reference"), (found["AuditImages"][0], "audit-0")):
        key = f"live/{session}/{name}.jpg"
        assert (image["S3Object"], "Bytes" in image) == ({"Bucket": "sessions", "Name": key}, False)
        assert server.objects["sessions", key, None] == SELFIE


def test_a_bucket_that_takes_no_image_is_an_access_that_is_denied(server: Server) -> None:
    session = server.create(Settings={"OutputConfig": {"S3Bucket": "closed"}})
    server.declare(session, Confidence=97, ReferenceImage=bytes_of(SELFIE))

    assert code_of(server.results, session) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("versions", "kind"),
    [
        pytest.param({"Minimum": "1.0.0", "Maximum": "1.5.0"}, "FaceMovementChallenge", id="in-range"),
        pytest.param({}, "FaceMovementChallenge", id="any"),
        pytest.param({"Minimum": "1.10.0"}, "FaceMovementAndLightChallenge", id="too-old-so-the-next"),
    ],
)
def test_the_challenge_is_the_first_that_there_is_in_a_version_asked_for(
    server: Server, versions: dict[str, str], kind: str
) -> None:
    preferences = [
        {"Type": "FaceMovementChallenge", "Versions": versions},
        {"Type": "FaceMovementAndLightChallenge"},
    ]
    session = server.create(Settings={"ChallengePreferences": preferences})

    server.declare(session, Confidence=97)

    assert server.results(session)["Challenge"]["Type"] == kind


def test_a_challenge_in_no_version_that_there_is_is_refused(server: Server) -> None:
    preference = {"Type": "FaceMovementChallenge", "Versions": {"Minimum": "9.0.0"}}

    code = code_of(server.create, Settings={"ChallengePreferences": [preference]})

    assert code == "InvalidParameterException"


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param({"Confidence": 101}, id="confidence"),
        pytest.param({"Status": "MAYBE"}, id="status"),
        pytest.param({"ReferenceImage": bytes_of(b"x" * 204_801)}, id="image-of-204801-bytes"),
        pytest.param({"Feedback": [{"Code": "TIRED", "Message": "Sleep."}]}, id="feedback"),
    ],
)
def test_an_outcome_that_the_model_does_not_allow_is_refused(server: Server, outcome: dict[str, Any]) -> None:
    session = server.create()

    refused = server.declare(session, **{"status": outcome.pop("Status", "SUCCEEDED"), **outcome})

    assert refused.status_code == 400
    assert "answers[0].answer" in refused.json()["refused"]
    assert server.results(session)["Status"] == "CREATED"


def test_what_cannot_be_read_as_an_image_is_answered_without_a_box(server: Server) -> None:
    session = server.create()

    server.declare(session, Confidence=97, ReferenceImage=bytes_of(b"no image"))

    assert server.results(session)["ReferenceImage"] == {"Bytes": b"no image"}


def test_the_page_says_that_outcomes_are_declared_and_nothing_is_detected(server: Server) -> None:
    page = httpx.get(f"{server.endpoint}/liveness")

    assert page.headers["content-type"].startswith("text/html")
    assert "You declare the outcome. Nothing is detected here." in page.text


def test_outcomes_are_declared_from_this_machine_alone(server: Server) -> None:
    engine = FakeEngine()
    service = Service(engine, ImageSource(FakeS3({})), Gallery(Store(None), engine))
    with serving(service, reach=Reach("0.0.0.0")) as endpoint:
        open_to_all = httpx.post(f"{endpoint}/liveness", json={"SessionId": "x", "Status": "SUCCEEDED"})
    of_another_site = httpx.post(f"{server.endpoint}/liveness", json={}, headers={"Origin": "https://example.org"})

    assert (open_to_all.status_code, of_another_site.status_code) == (403, 403)


def test_only_outcomes_of_open_sessions_are_kept() -> None:
    engine, clock, answers = FakeEngine(), Clock(), Answers()
    service = Service(engine, ImageSource(FakeS3({})), Gallery(Store(None), engine), LivenessSessions(clock))
    with serving(service, answers=answers) as endpoint:
        server = Server(endpoint, clock, {})
        over, still_open = server.create(), ""
        server.declare(over)
        clock.now_s += 181
        still_open = server.create()
        server.declare(still_open)

    def kept(session_id: str) -> bool:
        return answers.find(MODEL.name, {"SessionId": session_id}, lambda _: None) is not None

    assert (kept(over), kept(still_open)) == (False, True)
