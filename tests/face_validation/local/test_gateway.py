"""The gateway routes, limits and passes on as API Gateway does."""

import asyncio
import json
import threading
import time
from typing import Any

import httpx
import pytest

from face_validation.local.cognito import CognitoAuthorizer
from face_validation.local.gateway.api_gateway import MAX_BODY_BYTES, MAX_EVENT_BYTES
from face_validation.local.gateway.throttle import Throttle
from tests.face_validation.local.under_test import Api, refusal_of


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dev/validation"),
        ("PUT", "/dev/validation"),
        ("OPTIONS", "/dev/validation"),
        ("POST", "/dev/validations"),
        ("POST", "/dev/validation/x"),
        ("POST", "/dev/"),
        ("DELETE", "/dev/people/"),
        ("DELETE", "/dev/people/anna/photos"),
    ],
)
def test_what_is_no_route_is_refused_before_the_token_is_looked_at(api: Api, method: str, path: str) -> None:
    response = api.ask(method, path, headers={"Authorization": ""})

    assert refusal_of(response) == (403, "ForbiddenError")
    assert api.handler.events == []


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/dev/validation", "There is no GET /dev/validation here: use POST /dev/validation."),
        ("POST", "/dev/validations", "There is no POST /dev/validations here: use POST /dev/validation."),
        ("POST", "/dev/people/anna", "There is no POST /dev/people/anna here: use DELETE /dev/people/{full_name}."),
    ],
)
def test_a_wrong_address_is_named_with_the_one_that_was_meant(api: Api, method: str, path: str, said: str) -> None:
    assert api.ask(method, path).json()["error"]["details"] == said


def test_an_address_like_no_other_is_told_all_there_are(api: Api) -> None:
    assert (
        api.ask("POST", "/dev/zzz")
        .json()["error"]["details"]
        .endswith(
            "there is POST /dev/validation, DELETE /dev/people/{full_name}, GET /dev/photos/{key+} or GET /dev/faces."
        )
    )


def test_path_parameters_stay_percent_encoded_as_rest_apis_leave_them(api: Api) -> None:
    api.ask("DELETE", "/dev/people/Ana%20Mar%C3%ADa%2F2")

    (event,) = api.handler.events
    assert event["resource"] == "/people/{full_name}"
    assert event["pathParameters"] == {"full_name": "Ana%20Mar%C3%ADa%2F2"}
    assert event["path"] == "/people/Ana%20Mar%C3%ADa%2F2"


def test_a_greedy_path_parameter_takes_the_rest_of_the_path(api: Api) -> None:
    api.ask("GET", "/dev/photos/2026/november/anna.jpg")

    assert api.handler.events[0]["pathParameters"] == {"key": "2026/november/anna.jpg"}


def test_the_event_may_have_lambdas_six_megabytes_and_not_one_byte_more(api: Api) -> None:
    """(R) PayloadTooLargeError, 413. What counts is the event: the body with its quotes escaped, and all around it."""

    def event_bytes() -> int:
        return len(json.dumps(api.handler.events[-1], ensure_ascii=False, separators=(",", ":")).encode())

    body = b'"\xc3\xbc"' * 1_000_000
    assert api.ask("POST", "/dev/validation", content=body).status_code == 200
    body += b" " * (MAX_EVENT_BYTES - event_bytes())

    at_limit = api.ask("POST", "/dev/validation", content=body)
    assert event_bytes() == MAX_EVENT_BYTES
    over = api.ask("POST", "/dev/validation", content=body + b" ")

    assert at_limit.status_code == 200
    assert refusal_of(over) == (413, "PayloadTooLargeError")
    assert len(api.handler.events) == 2


def test_a_body_over_api_gateways_ten_megabytes_is_refused_unread(api: Api) -> None:
    response = api.ask("POST", "/dev/validation", content=b" " * (MAX_BODY_BYTES + 1), headers={"Authorization": ""})

    assert refusal_of(response) == (413, "PayloadTooLargeError")


def test_what_a_stop_cuts_off_is_told_so_in_the_envelope_with_a_time_to_come_again(api: Api) -> None:
    """As uvicorn does after its grace: it cancels what is still under way."""
    begun, finished = threading.Event(), threading.Event()

    def slow(_: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        finished.wait(30)
        return {"statusCode": 200, "body": "{}"}

    async def cut_off() -> httpx.Response:
        async with api.client() as client:
            asked = asyncio.create_task(client.post("/dev/validation", content=b"{}"))
            await asyncio.to_thread(begun.wait, 30)
            asked.cancel()
            response = await asked
        finished.set()
        return response

    api.handler.answer = slow

    response = asyncio.run(cut_off())

    assert refusal_of(response) == (503, "InternalServerError")
    assert response.headers["Retry-After"] == "1"


def test_over_the_throttle_the_answer_is_429_with_a_time_to_come_again(authorizer: CognitoAuthorizer, api: Api) -> None:
    """(R) TooManyRequestsError, 429."""
    throttled = Api(authorizer, api.token, throttle=Throttle(rate=0.001, burst=2))

    answers = [throttled.ask("POST", "/dev/validation", content=b"{}") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refusal_of(answers[2]) == (429, "TooManyRequestsError")
    assert answers[2].headers["Retry-After"] == "1"
    throttled.gateway.close()


def test_the_bucket_refills_at_its_rate_and_never_over_its_burst() -> None:
    now = [0.0]
    bucket = Throttle(rate=2, burst=3, clock=lambda: now[0])

    taken = [bucket.take() for _ in range(4)]
    now[0] = 0.5
    after_half_a_second = [bucket.take(), bucket.take()]
    now[0] = 1000.0
    after_long = [bucket.take() for _ in range(4)]

    assert taken == [True, True, True, False]
    assert after_half_a_second == [True, False]
    assert after_long == [True, True, True, False]


def test_a_function_that_takes_too_long_is_given_up_on(authorizer: CognitoAuthorizer, api: Api) -> None:
    impatient = Api(authorizer, api.token, timeout_s=0.2)
    finished = threading.Event()
    impatient.handler.answer = lambda _: finished.wait(60)

    response = impatient.ask("POST", "/dev/validation", content=b"{}")

    assert not finished.is_set()
    finished.set()
    impatient.gateway.close()
    assert refusal_of(response) == (500, "InternalServerError")
    assert "29 seconds" in response.json()["error"]["details"]


def test_a_function_that_raises_is_answered_for_without_its_reason(api: Api) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError("the reason")

    api.handler.answer = fail

    response = api.ask("POST", "/dev/validation", content=b"{}")

    assert refusal_of(response) == (500, "InternalServerError")
    assert "reason" not in response.text


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        {"body": "{}"},
        {"statusCode": "two hundred"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["X-A"]},
    ],
)
def test_an_answer_that_is_no_proxy_answer_is_a_failed_integration(api: Api, answer: Any) -> None:
    api.handler.answer = answer

    assert refusal_of(api.ask("POST", "/dev/validation", content=b"{}")) == (500, "InternalServerError")


def test_the_functions_answer_goes_out_as_it_is(api: Api) -> None:
    api.handler.answer = {
        "statusCode": 422,
        "headers": {"Content-Type": "application/json", "X-Request-Id": "abc", "Retry-After": 2},
        "body": '{"ñ": 1}',
    }

    response = api.ask("POST", "/dev/validation", content=b"{}")

    assert response.status_code == 422
    assert response.json() == {"ñ": 1}
    assert response.headers["X-Request-Id"] == "abc"
    assert response.headers["Retry-After"] == "2"
    assert response.headers["x-amzn-RequestId"] == api.handler.events[0]["requestContext"]["requestId"]


def test_requests_at_once_get_their_own_answers_and_waiting_for_a_turn_costs_none_of_their_time(
    authorizer: CognitoAuthorizer, api: Api
) -> None:
    # All of them take four seconds, each of them 0.2 of its three.
    few = Api(authorizer, api.token, concurrency=2, timeout_s=3, function_timeout_s=60)
    ended: list[float] = []

    def echo(event: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.2)
        ended.append(time.monotonic())
        return {"statusCode": 200, "body": event["body"]}

    few.handler.answer = echo

    async def ask_all() -> list[httpx.Response]:
        async with few.client() as client:
            return await asyncio.gather(
                *(client.post("/dev/validation", json={"number": number}) for number in range(40))
            )

    answers = asyncio.run(ask_all())

    assert [answer.json() for answer in answers] == [{"number": number} for number in range(40)]
    left_s = [context.get_remaining_time_in_millis() / 1000 for context in few.handler.contexts]
    now = time.monotonic()
    assert max(left_s) < 60
    for number, began in enumerate(sorted(now + left - 60 for left in left_s)):
        assert sum(end < began + 0.01 for end in ended) >= number - 1
    few.gateway.close()
