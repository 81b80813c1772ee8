"""The event and the context that AWS gives a Lambda function behind a REST API (proxy integration 1.0)."""

import base64
import secrets
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

ACCOUNT_ID = "123456789012"  # AWS's own documentation account
API_ID = "local"
REGION = "us-east-1"
# What belongs to one connection ends at API Gateway; the length is that of a body which the event carries as text.
NOT_FORWARDED = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "transfer-encoding", "upgrade"}
)
# Of the caller's identity: what only IAM's signatures and certificates would tell.
NOT_KNOWN = (
    *("cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "principalOrgId", "accessKey"),
    *("cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "user"),
)


def path_below(request: Request, stage: str) -> str:
    """The request's path below the stage, still percent-encoded."""
    path = bytes(request.scope["raw_path"]).decode("ascii", "replace")
    return path.removeprefix(f"/{stage}") or "/"


def last_header(request: Request, name: str) -> str | None:
    """The last value of a header; None when it is absent."""
    return next(reversed(request.headers.getlist(name)), None)


def proxy_event(
    request: Request,
    body: bytes,
    request_id: str,
    *,
    resource: str,
    path_parameters: dict[str, str],
    stage: str,
    claims: dict[str, Any],
) -> dict[str, Any]:
    """The REST proxy event of a request whose whole body is there and whose token was accepted.

    As on AWS: absent parts are null and not empty, repeated headers and query parameters keep their last value in
    the plain map and all of them in the `multiValue` one, query parameters are decoded and path parameters are not,
    and every claim is a string.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    now, path = time.time(), path_below(request, stage)
    source_ip = request.client.host if request.client else "127.0.0.1"
    headers = _forwarded_headers(request, source_ip)
    query = _grouped(parse_qsl(request.url.query, keep_blank_values=True))
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": path_parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "local",
            "authorizer": {"claims": {name: _claim_text(name, value) for name, value in claims.items()}},
            "resourcePath": resource,
            "httpMethod": request.method,
            "extendedRequestId": base64.b64encode(secrets.token_bytes(9)).decode() + "=",
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S %z"),
            "path": f"/{stage}{path}",
            "accountId": ACCOUNT_ID,
            "protocol": f"HTTP/{request.scope['http_version']}",
            "stage": stage,
            "domainPrefix": API_ID,
            "requestTimeEpoch": int(now * 1000),
            "requestId": request_id,
            "identity": {
                **dict.fromkeys(NOT_KNOWN),
                "sourceIp": source_ip,
                "userAgent": last_header(request, "user-agent"),
            },
            "domainName": last_header(request, "host"),
            "deploymentId": "local",
            "apiId": API_ID,
        },
        # The API declares no binary media types, so API Gateway reads every body as UTF-8 text.
        "body": body.decode("utf-8", "replace") if body else None,
        "isBase64Encoded": False,
    }


class LambdaContext:
    """The second argument of a handler, as far as ours read it: which invocation this is, and its time left."""

    function_name = "face-validation-local"
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function_name}"
    memory_limit_in_mb = 1024

    def __init__(self, timeout_s: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._deadline = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation; 0 when none are left."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))


def _forwarded_headers(request: Request, source_ip: str) -> dict[str, list[str]]:
    headers = _grouped([(name.title(), value) for name, value in request.headers.items() if name not in NOT_FORWARDED])
    host, _, port = (last_header(request, "host") or "").rpartition(":")
    return headers | {
        "X-Forwarded-For": [", ".join([*headers.get("X-Forwarded-For", ()), source_ip])],
        "X-Forwarded-Port": [port if host and port.isdigit() else "80"],
        "X-Forwarded-Proto": ["http"],
        "X-Amzn-Trace-Id": [f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"],
    }


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _claim_text(name: str, value: object) -> str:
    if name in {"exp", "iat"} and isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    return str(value)
