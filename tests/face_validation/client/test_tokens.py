"""The access token: fetched once, kept while it lasts, replaced when it is refused."""

import base64
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import parse_qs

import httpx
import pytest

import face_validation.client.api
from face_validation.client import (
    ConnectionFailedError,
    FaceValidationClient,
    InternalServerError,
    RequestFailedError,
    UnauthorizedError,
)
from face_validation.client.api import AccessToken
from face_validation.client.transport import network_faults
from tests.face_validation.client.fake_api import CLIENT_ID, CLIENT_SECRET, FakeApi, Reply


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(face_validation.client.api, "monotonic", clock)
    return clock


@pytest.fixture
def access_token(api: FakeApi) -> Iterator[AccessToken]:
    with httpx.Client(timeout=5) as http:
        yield AccessToken(http, f"{api.address}/oauth2/token", CLIENT_ID, CLIENT_SECRET, "a/scope")


def test_the_token_is_asked_for_by_client_credentials_with_the_scope(
    client: FaceValidationClient, api: FakeApi
) -> None:
    assert client.token() == "token-1"

    (call,) = api.token_calls
    assert parse_qs(call.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["face-detection/write"]}
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert call.headers["Authorization"] == f"Basic {credentials}"


def test_a_token_is_used_again_while_it_lasts(client: FaceValidationClient, api: FakeApi) -> None:
    for _ in range(5):
        client.validate("a.jpg", "b.jpg", "FACE_TO_FACE")

    assert len(api.token_calls) == 1
    assert {call.headers["Authorization"] for call in api.validations} == {"Bearer token-1"}


def test_a_token_is_replaced_before_it_expires(clock: Clock, access_token: AccessToken) -> None:
    assert access_token.current() == "token-1"

    clock.now_s += 3600 - 61
    assert access_token.current() == "token-1"

    clock.now_s += 2
    assert access_token.current() == "token-2"


def test_a_short_lived_token_is_used_for_most_of_its_life(
    api: FakeApi, access_token: AccessToken, clock: Clock
) -> None:
    api.token_lifetime_s = 20
    assert access_token.current() == "token-1"

    clock.now_s += 17
    assert access_token.current() == "token-1"

    clock.now_s += 2
    assert access_token.current() == "token-2"


def test_twenty_threads_that_need_a_token_fetch_one(api: FakeApi, access_token: AccessToken) -> None:
    api.token_takes_s = 0.1  # long enough that threads which do not wait for each other are seen
    together = Barrier(20)

    def ask(_: int) -> str:
        together.wait(10)
        return access_token.current()

    with ThreadPoolExecutor(20) as pool:
        tokens = list(pool.map(ask, range(20)))

    assert set(tokens) == {"token-1"}
    assert len(api.token_calls) == 1


def test_twenty_threads_whose_token_is_refused_fetch_one(client: FaceValidationClient, api: FakeApi) -> None:
    api.revoked.add(client.token())
    api.token_takes_s = 0.1  # long enough that threads which do not wait for each other are seen
    together = Barrier(20)

    def ask(number: int) -> float:
        together.wait(10)
        return client.validate("a.jpg", f"{number}.jpg", "FACE_TO_FACE").similarity

    with ThreadPoolExecutor(20) as pool:
        similarities = list(pool.map(ask, range(20)))

    assert similarities == list(range(20))
    assert len(api.token_calls) == 2


def test_a_refused_token_is_replaced_once_and_no_more(client: FaceValidationClient, api: FakeApi) -> None:
    api.revoked |= {"token-1", "token-2", "token-3"}

    with pytest.raises(UnauthorizedError):
        client.validate("a.jpg", "b.jpg", "FACE_TO_FACE")

    assert len(api.token_calls) == 2
    assert len(api.validations) == 2


def test_wrong_credentials_are_said_without_the_secret(client: FaceValidationClient, api: FakeApi) -> None:
    api.token_script.append(Reply(400, {"error": "invalid_client"}))

    with pytest.raises(UnauthorizedError, match="invalid_client") as caught:
        client.token()

    assert CLIENT_ID in str(caught.value)
    assert CLIENT_SECRET not in str(caught.value)
    assert len(api.token_calls) == 1
    assert api.validations == []


def test_a_token_endpoint_that_fails_for_a_moment_is_asked_again(client: FaceValidationClient, api: FakeApi) -> None:
    api.token_script.extend([Reply(503, "busy"), Reply(lost=True)])

    assert client.token() == "token-1"
    assert len(api.token_calls) == 3


def test_a_token_endpoint_that_keeps_failing_is_given_up(client: FaceValidationClient, api: FakeApi) -> None:
    api.token_script.extend([Reply(503, "busy")] * 9)

    with pytest.raises(InternalServerError):
        client.token()

    assert len(api.token_calls) == 4


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(200, "<html>Sign in</html>"), id="a-page"),
        pytest.param(Reply(200, {"token": "x"}), id="other-json"),
        pytest.param(Reply(200, []), id="an-array"),
        pytest.param(Reply(404, "nothing here"), id="not-there"),
        pytest.param(Reply(302, "", {"Location": "/login"}), id="a-redirect"),
    ],
)
def test_an_address_that_is_no_token_endpoint_is_said(client: FaceValidationClient, api: FakeApi, reply: Reply) -> None:
    api.token_script.append(reply)

    with pytest.raises(RequestFailedError, match="token endpoint"):
        client.token()


def test_a_token_endpoint_that_is_down_could_not_be_asked(api: FakeApi) -> None:
    with (
        FaceValidationClient(**api.settings | {"token_url": "http://127.0.0.1:1/oauth2/token"}, attempts=1) as client,
        pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.1:1"),
    ):
        client.token()


def test_a_token_that_no_header_can_carry_is_not_repeated_in_the_error(api: FakeApi) -> None:
    with httpx.Client() as http, pytest.raises(RequestFailedError) as failure, network_faults("The API", api.address):
        http.get(api.address, headers={"Authorization": "Bearer a-token\n"})

    assert "a-token" not in "".join(traceback.format_exception(failure.value))
    assert "a-token" not in str(failure.value.details)
