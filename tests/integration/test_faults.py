"""Each remote call of both flows fails in each way, over HTTP: one typed answer in time, and nothing else is called."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import botocore.loaders
import pytest
from botocore.retries.quota import RetryQuota

from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from tests.fakes import FakeAws, FakeContext, event, jpeg, request_body
from tests.waiting import until

pytestmark = pytest.mark.slow

FLOWS = {
    "FACE_TO_FACE": [
        "GetObject source",
        "GetObject target",
        "DetectFaces source",
        "DetectFaces target",
        "CompareFaces",
    ],
    "ID_TO_FACE": [
        "GetObject source",
        "GetObject target",
        "DetectLabels",
        "DetectFaces source",
        "DetectFaces target",
        "CompareFaces",
    ],
}
# What comes later in the flow than a call: none of it may be called once that call has failed.
AFTER = {
    "GetObject source": {"DetectLabels", "DetectFaces source", "DetectFaces target", "CompareFaces"},
    "GetObject target": {"DetectLabels", "DetectFaces source", "DetectFaces target", "CompareFaces"},
    "DetectLabels": {"DetectFaces source", "CompareFaces"},
    "DetectFaces source": {"CompareFaces"},
    "DetectFaces target": {"CompareFaces"},
    "CompareFaces": set(),
}
FAULTS = [
    "hang",
    "reset",
    "malformed",
    "wrong shape",
    (400, "ThrottlingException"),
    (500, "InternalServerError"),
    (503, ""),
]
FAULTY = [
    pytest.param(flow, call, fault, id=f"{flow}-{call}-{fault}")
    for flow, calls in FLOWS.items()
    for call in calls
    for fault in FAULTS
    if not (call.startswith("GetObject") and fault == "wrong shape")  # an object is bytes: it has no shape
]
REMAINING_S = 9.0


def model_errors(operation: str) -> dict[str, int]:
    """The exceptions that botocore's model documents for an operation of Rekognition: name -> HTTP status."""
    model = botocore.loaders.Loader().load_service_model("rekognition", "service-2")
    names = [error["shape"] for error in model["operations"][operation]["errors"]]
    fault = {name: model["shapes"][name].get("fault", False) for name in names}
    return {name: 500 if fault[name] else 400 for name in names}


@dataclass(frozen=True)
class Service:
    """The handler, whose clients ask the fake AWS."""

    aws: FakeAws
    handler: RestFunction[Adapters]

    def ask(self, flow: str, remaining_s: float = REMAINING_S) -> tuple[int, Any]:
        answer = self.handler(event(request_body(type=flow)), FakeContext(remaining_s))
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture(scope="module")
def served() -> Iterator[Service]:
    """One handler for the module, for its clients are slow to make; they try again at once, and as often as needed."""
    fake = FakeAws({"source": jpeg(), "target": jpeg(colour="olive")})
    with fake, pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
        patch.setattr("botocore.retries.quota.RetryQuota", partial(RetryQuota, 1_000_000))
        patch.setenv("AWS_ENDPOINT_URL_S3", fake.url)
        patch.setenv("AWS_ENDPOINT_URL_REKOGNITION", fake.url)
        patch.setenv("SOURCE_BUCKET", "sources")
        patch.setenv("TARGET_BUCKET", "targets")
        patch.setenv("CLAIMS_TABLE", "claims")
        yield Service(fake, RestFunction(OPERATIONS, Adapters.from_environment))


@pytest.fixture
def service(served: Service) -> Iterator[Service]:
    """The handler with no fault and no call yet."""
    yield served
    served.aws.faults.clear()
    served.aws.release()
    until(nothing_runs)
    served.aws.calls.clear()


def nothing_runs() -> bool:
    """No thread works for a request any more, and so none will call AWS."""
    return not any(thread.name.startswith(("request", "second")) for thread in threading.enumerate())


@pytest.mark.parametrize("flow", FLOWS)
def test_without_a_fault_each_call_of_the_flow_is_made_once(service: Service, flow: str) -> None:
    status, body = service.ask(flow)

    assert (status, body["similarity"]) == (200, 98.5)
    assert sorted(service.aws.calls) == sorted(FLOWS[flow])


@pytest.mark.parametrize(("flow", "call", "fault"), FAULTY)
def test_a_call_that_fails_gives_one_typed_answer_in_time_and_ends_the_flow(
    service: Service, flow: str, call: str, fault: str | tuple[int, str]
) -> None:
    aws = service.aws
    aws.faults[call] = fault

    status, body = service.ask(flow, 2.0 if fault == "hang" else REMAINING_S)

    if fault == "hang":  # the API is silent until the test ends: only the deadline can have brought the answer
        assert re.search(r"no result within the deadline of [01]\.\d s\.$", body["error"]["details"])
    if call.startswith("GetObject") and fault == "malformed":  # to S3's client, an empty object
        assert (status, body["error"]["code"]) == (422, "InvalidS3ObjectError")
    else:
        assert (status, body["error"]["code"]) == (500, "InternalServerError")
    if fault != "hang":  # whose call is still waiting when its answer is due
        until(nothing_runs)
    assert aws.calls.count(call) <= 3
    assert not AFTER[call] & set(aws.calls)


@pytest.mark.parametrize("call", ["GetObject source", "GetObject target"])
@pytest.mark.parametrize("fault", [(404, "NoSuchKey"), (403, "AccessDenied"), (404, "NoSuchBucket")], ids=str)
def test_an_object_that_cannot_be_read_is_told_with_its_side(
    service: Service, call: str, fault: tuple[int, str]
) -> None:
    service.aws.faults[call] = fault

    status, body = service.ask("FACE_TO_FACE")

    side = call.split()[1]
    missing_bucket = fault[1] == "NoSuchBucket"
    assert body["error"]["code"] == ("InternalServerError" if missing_bucket else "InvalidS3ObjectError")
    assert status == (500 if missing_bucket else 422)
    assert body["error"]["details"].startswith(f"{side}, download: ")
    assert not set(service.aws.calls) - {"GetObject source", "GetObject target"}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        pytest.param(operation, code, id=f"{operation}-{code}")
        for operation in ("DetectFaces", "DetectLabels", "CompareFaces")
        for code in model_errors(operation)
    ],
)
def test_every_exception_of_botocore_s_model_is_answered_in_our_words(
    service: Service, operation: str, code: str
) -> None:
    call = "DetectFaces target" if operation == "DetectFaces" else operation
    service.aws.faults[call] = (model_errors(operation)[code], code)

    status, body = service.ask("ID_TO_FACE")

    of_the_image = {
        "ImageTooLargeException": "ImageTooLargeError",
        "InvalidImageFormatException": "ImageValidationError",
    }
    expected = of_the_image.get(code, "InternalServerError")
    if (operation, code) == ("CompareFaces", "InvalidParameterException"):
        expected = "ImageValidationError"  # how CompareFaces says that it found no face
    assert body["error"]["code"] == expected
    assert status == (500 if expected == "InternalServerError" else 422)
    assert service.aws.calls.count(call) <= 3


def test_throttling_past_the_retries_says_when_to_come_again(service: Service) -> None:
    service.aws.faults["CompareFaces"] = (400, "ProvisionedThroughputExceededException")

    answer = service.handler(event(request_body()), FakeContext())

    assert answer["statusCode"] == 500
    assert answer["headers"]["Retry-After"] == "2"
    assert service.aws.calls.count("CompareFaces") == 3
