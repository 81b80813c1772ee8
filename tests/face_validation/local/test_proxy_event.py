"""The proxy event is what a REST API sends, in every part that a handler could read."""

import re
import uuid
from typing import Any

import pytest
from starlette.requests import Request

from face_validation.local.gateway.proxy_event import LambdaContext, proxy_event

CLAIMS = {"sub": "abc", "exp": 1683172206, "iat": 1683085806, "auth_time": 1683085806, "version": 2, "client_id": "abc"}


def event_of(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "query": "",
        "headers": [("host", "127.0.0.1:8080"), ("content-type", "application/json"), ("user-agent", "curl/8")],
        "body": b'{"type": "FACE_TO_FACE"}',
        **changes,
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/dev/validation",
        "raw_path": b"/dev/validation",
        "query_string": given["query"].encode(),
        # As uvicorn gives them: names in small letters.
        "headers": [(name.lower().encode(), value.encode()) for name, value in given["headers"]],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    where: dict[str, Any] = {"resource": "/validation", "path_parameters": {}, "stage": "dev", "claims": CLAIMS}
    return proxy_event(Request(scope), given["body"], str(uuid.uuid4()), **where)


def test_it_has_exactly_the_members_of_a_version_1_event() -> None:
    event = event_of()

    assert set(event) == {
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
        "body",
        "isBase64Encoded",
    }
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/validation", "/validation", "POST")
    assert event["body"] == '{"type": "FACE_TO_FACE"}'
    assert event["isBase64Encoded"] is False


def test_what_is_absent_is_null_and_not_empty() -> None:
    event = event_of(body=b"")

    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body")
    assert [event[name] for name in absent] == [None] * 5


def test_every_claim_is_a_string_and_the_times_are_written_out() -> None:
    assert event_of()["requestContext"]["authorizer"]["claims"] == {
        "sub": "abc",
        "exp": "Thu May 04 03:50:06 UTC 2023",
        "iat": "Wed May 03 03:50:06 UTC 2023",
        "auth_time": "1683085806",
        "version": "2",
        "client_id": "abc",
    }


def test_the_request_context_says_stage_path_identity_and_time() -> None:
    context = event_of()["requestContext"]

    assert (context["stage"], context["path"], context["resourcePath"]) == ("dev", "/dev/validation", "/validation")
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "curl/8"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", context["requestId"])
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"])
    assert isinstance(context["requestTimeEpoch"], int)


def test_repeated_headers_and_parameters_keep_the_last_value_and_all_values() -> None:
    event = event_of(
        headers=[("host", "127.0.0.1:8080"), ("x-many", "a"), ("X-Many", "b")], query="a=1&a=2&b=%C3%B1%20&c="
    )

    assert event["headers"]["X-Many"] == "b"
    assert event["multiValueHeaders"]["X-Many"] == ["a", "b"]
    assert event["queryStringParameters"] == {"a": "2", "b": "ñ ", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["ñ "], "c": [""]}


def test_headers_of_the_connection_stay_behind_and_the_gateways_own_are_added() -> None:
    headers = event_of(
        headers=[
            ("host", "127.0.0.1:8080"),
            ("connection", "keep-alive"),
            ("content-length", "24"),
            ("x-forwarded-for", "10.0.0.1"),
        ]
    )["headers"]

    assert set(headers) == {"Host", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id"}
    assert headers["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"
    assert headers["X-Forwarded-Port"] == "8080"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["X-Amzn-Trace-Id"])


def test_bytes_that_are_no_text_are_replaced_as_without_binary_media_types() -> None:
    event = event_of(body=b'{"a": "\xff"}')

    assert event["body"] == '{"a": "�"}'
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(("timeout_s", "least", "most"), [(28.0, 27_000, 28_000), (0.0, 0, 0), (-1.0, 0, 0)])
def test_the_context_counts_the_remaining_time_down_to_zero(timeout_s: float, least: int, most: int) -> None:
    context = LambdaContext(timeout_s)

    assert least <= context.get_remaining_time_in_millis() <= most
    assert context.invoked_function_arn.endswith(context.function_name)
    assert context.memory_limit_in_mb >= 128
    assert context.aws_request_id != LambdaContext(1).aws_request_id
