"""Who reaches the server: host names, other addresses, pages; and in which form it refuses the rest."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.service import Service
from rekognition_local.server.answers import Answers
from rekognition_local.server.process import endpoint_of, listening
from rekognition_local.server.reach import MAX_BODY_BYTES, Reach
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import FakeEngine, FakeS3
from tests.rekognition_local.servers import process, serving

LIST = {"X-Amz-Target": "RekognitionService.ListCollections"}


def service() -> Service:
    engine = FakeEngine()
    return Service(engine, ImageSource(FakeS3({})), Gallery(Store(None), engine))


@pytest.mark.parametrize(
    ("host", "is_admitted"),
    [
        pytest.param("127.0.0.1:4567", True, id="loopback"),
        pytest.param("localhost", True, id="localhost"),
        pytest.param("[::1]:4567", True, id="ipv6-loopback"),
        pytest.param("192.168.7.5:4567", True, id="address: a page's own name is never one"),
        pytest.param("host.docker.internal:4567", True, id="this-machine-as-containers-call-it"),
        pytest.param("Rekognition:4567", True, id="named"),
        pytest.param("rebound.example", False, id="another-name"),
        pytest.param("127.0.0.1.rebound.example", False, id="address-within-a-name"),
        pytest.param("[::1", False, id="half-an-address"),
        pytest.param("", False, id="none"),
    ],
)
def test_requests_carry_an_address_or_a_name_that_was_allowed(host: str, is_admitted: bool) -> None:
    assert Reach(names=("rekognition",)).admits(host) is is_admitted


def test_any_name_is_admitted_only_when_asked_for() -> None:
    assert Reach(names=("*",)).admits("rekognition")
    assert not Reach().admits("rekognition")


@pytest.mark.parametrize(
    ("host", "is_this_machine"),
    [
        ("127.0.0.1", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.7.5", False),
        ("box.lan", False),
    ],
)
def test_only_loopback_addresses_are_this_machine(host: str, is_this_machine: bool) -> None:
    assert Reach(host).is_this_machine is is_this_machine


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_endpoint_is_a_url_that_programs_can_use(host: str) -> None:
    try:
        listener = listening(host, 0)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        port = listener.getsockname()[1]
        assert endpoint_of(listener) == f"http://{f'[{host}]' if ':' in host else host}:{port}"


@pytest.mark.slow
def test_a_server_on_ipv6_answers_there_and_under_an_allowed_name(tmp_path: Path) -> None:
    with process(tmp_path, ["--host", "::1", "--allow-host", "rekognition"]) as (_, endpoint):
        answers = [
            httpx.post(endpoint, content="{}", headers=LIST | {"Host": name}).status_code
            for name in ("[::1]", "rekognition:4567", "rebound.example")
        ]

    assert endpoint.startswith("http://[::1]:")
    assert answers == [200, 200, 403]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 405), ("POST", "/v1/faces", 404), ("DELETE", "/healthz", 405)]
)
def test_what_is_no_operation_is_refused_in_the_form_of_the_services_errors(
    fake: FakeServer, method: str, path: str, status: int
) -> None:
    refused = httpx.request(method, f"{fake.endpoint}{path}")

    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/x-amz-json-1.1"
    assert refused.json()["__type"] == "UnknownOperationException"
    assert f"{method} {path}" in refused.json()["Message"]


# --- packed bodies ----------------------------------------------------------------------------------------------------


def packed(fake: FakeServer, content: bytes, encoding: str = "gzip") -> httpx.Response:
    return httpx.post(fake.endpoint, content=content, headers=LIST | {"Content-Encoding": encoding}, timeout=30)


def test_a_gzip_body_is_unpacked(fake: FakeServer) -> None:
    fake.rekognition.create_collection(CollectionId="a")

    assert packed(fake, gzip.compress(b'{"MaxResults": 1}')).json()["CollectionIds"] == ["a"]


@pytest.mark.parametrize(
    ("content", "encoding", "refusal"),
    [
        pytest.param(b"not gzip", "gzip", "SerializationException", id="not-gzip"),
        pytest.param(gzip.compress(b'{"MaxResults": 1}')[:-9], "gzip", "SerializationException", id="cut-off"),
        pytest.param(b"{}", "br", "SerializationException", id="another-encoding"),
        pytest.param(
            gzip.compress(b" " * (MAX_BODY_BYTES + 1)), "gzip", "RequestEntityTooLargeException", id="too-much-in-it"
        ),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    fake: FakeServer, content: bytes, encoding: str, refusal: str
) -> None:
    assert packed(fake, content, encoding).json()["__type"] == refusal


# --- pages ------------------------------------------------------------------------------------------------------------

ASKED = {
    "Origin": "http://localhost:3000",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-amz-target,x-amz-user-agent",
}


@pytest.fixture(scope="module")
def for_pages() -> Iterator[str]:
    with serving(service(), reach=Reach(origins=("http://localhost:3000",))) as endpoint:
        yield endpoint


def test_a_page_that_was_allowed_may_call_with_every_header_of_the_sdk(for_pages: str) -> None:
    before = httpx.options(for_pages, headers=ASKED)
    answered = httpx.post(for_pages, content="{}", headers=LIST | {"Origin": ASKED["Origin"]})

    assert before.status_code == 200
    assert "x-amz-target" in before.headers["access-control-allow-headers"]
    assert answered.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_other_pages_may_not(for_pages: str, fake: FakeServer) -> None:
    other = httpx.options(for_pages, headers=ASKED | {"Origin": "http://elsewhere.example"})
    by_default = httpx.options(fake.endpoint, headers=ASKED)

    assert "access-control-allow-origin" not in other.headers
    assert (by_default.status_code, "access-control-allow-origin" in by_default.headers) == (405, False)


# --- control ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def for_others() -> Iterator[str]:
    """A server that takes itself for reachable from other machines; in truth it listens on this one."""
    with serving(service(), faults=Answers(), answers=Answers(), reach=Reach("0.0.0.0")) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("path", "order"), [("/answers", {"answers": []}), ("/faults", {"error": "ThrottlingException"})]
)
def test_nobody_tells_a_server_what_to_answer_that_others_can_reach(
    for_others: str, path: str, order: dict[str, Any]
) -> None:
    refused = httpx.post(f"{for_others}{path}", json=order)

    assert refused.status_code == 403
    assert "0.0.0.0" in refused.json()["refused"]


@pytest.mark.parametrize("path", ["/faults", "/answers"])
def test_a_form_that_a_page_may_send_unasked_tells_the_server_nothing(path: str) -> None:
    order = json.dumps({"error": "ThrottlingException"})
    with serving(service(), faults=Answers(), answers=Answers()) as endpoint:
        refused = httpx.post(f"{endpoint}{path}", content=order, headers={"Content-Type": "text/plain"})
        answered = httpx.post(endpoint, content="{}", headers=LIST)

    assert (refused.status_code, answered.status_code) == (415, 200)
