"""API Gateway on one machine: routes, token check, limits and refusals in front of the very same Lambda handler."""

import asyncio
import difflib
import json
import logging
import os
import re
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from face_validation.local.cognito import CognitoAuthorizer, MissingScopeError, TokenRefusedError
from face_validation.local.gateway.proxy_event import LambdaContext, last_header, path_below, proxy_event
from face_validation.local.gateway.throttle import Throttle
from face_validation_function.contract.operations import REFUSALS, Refusal
from face_validation_function.routes import VALIDATION_ROUTES, Route

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

# An AWS account's own limits: docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
MAX_BODY_BYTES = 10 * 1024 * 1024
# Lambda's own, of the whole event (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
MAX_EVENT_BYTES = 6 * 1024 * 1024
INTEGRATION_TIMEOUT_S = 29.0
FUNCTION_TIMEOUT_S = 28.0
# What reading an answer that is not of the proxy integration's form raises.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
Address = tuple[str, str]
"""Method and path; a path may have parameters in braces."""

_REFUSALS = {refusal.response_type: refusal for refusal in REFUSALS}
# AWS has no such end; the envelope and the advice are those of every other answer that is worth another try.
_REFUSALS["STOPPING"] = Refusal(
    "DEFAULT_5XX",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "InternalServerError",
    "The service could not finish the validation.",
    "The local stack is stopping.",
    retry_after_s=1,
)


class Gateway:
    """One stage of the API: every route of `routes`, in front of `handler`.

    `handler` blocks, so it runs in threads, at most `concurrency` at a time; a request that waits for its turn has not
    begun, as on AWS, where Lambda would add an environment for it.
    """

    def __init__(
        self,
        handler: Handler,
        authorizer: CognitoAuthorizer,
        *,
        stage: str = "dev",
        routes: Sequence[Route] = VALIDATION_ROUTES,
        throttle: Throttle | None = None,
        concurrency: int | None = None,
        timeout_s: float = INTEGRATION_TIMEOUT_S,
        function_timeout_s: float = FUNCTION_TIMEOUT_S,
    ) -> None:
        self._handler, self._authorizer, self._stage = handler, authorizer, stage
        self._routes = [(route, path_pattern(route.resource)) for route in routes]
        self._throttle = throttle or Throttle()
        self._timeout_s, self._function_timeout_s = timeout_s, function_timeout_s
        self.concurrency = concurrency or max(4, 2 * (os.cpu_count() or 2))
        self._turns = asyncio.Semaphore(self.concurrency)
        self._invocations = ThreadPoolExecutor(max_workers=2 * self.concurrency, thread_name_prefix="lambda")
        self._checks = ThreadPoolExecutor(max_workers=4, thread_name_prefix="authorizer")

    async def answer(self, request: Request) -> Response:
        """Answer one request below the stage's path."""
        request_id = str(uuid.uuid4())
        try:
            answer = await self._passed_on(request, request_id)
        except RefusedError as error:
            answer = error.response(request_id)
        except asyncio.CancelledError:  # the server stops and has waited long enough for this one
            answer = RefusedError("STOPPING").response(request_id)
        answer.headers["x-amzn-RequestId"] = request_id
        return answer

    def close(self) -> None:
        """Stop taking work; invocations under way end by their own deadline."""
        self._checks.shutdown(wait=False, cancel_futures=True)
        self._invocations.shutdown(wait=False, cancel_futures=True)

    async def _passed_on(self, request: Request, request_id: str) -> Response:
        route, path_parameters = self._route(request)
        body = await read_body(request, MAX_BODY_BYTES)
        if body is None:
            raise RefusedError("REQUEST_TOO_LARGE")
        claims = await self._claims(request, route)
        if not self._throttle.take():
            raise RefusedError("THROTTLED")
        where: dict[str, Any] = {"resource": route.resource, "path_parameters": path_parameters, "stage": self._stage}
        event = proxy_event(request, body, request_id, **where, claims=claims)
        if len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_EVENT_BYTES:
            raise RefusedError("REQUEST_TOO_LARGE")
        answer = await self._invoke(event)
        try:
            headers = {name: str(value) for name, value in (answer.get("headers") or {}).items()}
            return Response(answer.get("body") or "", int(answer["statusCode"]), headers, media_type="application/json")
        except MALFORMED as error:
            logger.exception("Malformed Lambda proxy response")
            raise RefusedError("INTEGRATION_FAILURE") from error

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        path = path_below(request, self._stage)
        for route, pattern in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method == request.method:
                return route, found.groupdict()
        known = [(route.method, f"/{self._stage}{route.resource}") for route, _ in self._routes]
        details = no_such_address(request.method, f"/{self._stage}{path}", known)
        raise RefusedError("MISSING_AUTHENTICATION_TOKEN", details)

    async def _claims(self, request: Request, route: Route) -> dict[str, Any]:
        authorize = self._authorizer.authorize
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._checks, authorize, last_header(request, "authorization"), *route.scopes
            )
        except TokenRefusedError as error:
            # The resource, not the path: that may hold a name.
            logger.info("401 for %s %s: %s", route.method, route.resource, error)
            raise RefusedError("UNAUTHORIZED") from error
        except MissingScopeError as error:
            logger.info("403 for %s %s: %s", route.method, route.resource, error)
            raise RefusedError("ACCESS_DENIED") from error

    async def _invoke(self, event: dict[str, Any]) -> Any:
        await self._turns.acquire()
        context = LambdaContext(self._function_timeout_s)
        invocation = asyncio.get_running_loop().run_in_executor(self._invocations, self._handler, event, context)
        # A thread cannot be ended from outside: its turn is over when it ends, not when the gateway stops waiting.
        invocation.add_done_callback(lambda _: self._turns.release())
        try:
            return await asyncio.wait_for(asyncio.shield(invocation), self._timeout_s)
        except TimeoutError as error:
            raise RefusedError("INTEGRATION_TIMEOUT") from error
        except Exception as error:  # whatever a function raises, API Gateway answers for it
            logger.exception("The function raised; Lambda reports that to API Gateway as a failed invocation.")
            raise RefusedError("INTEGRATION_FAILURE") from error


async def read_body(request: Request, limit: int) -> bytes | None:
    """The request's whole body; None when it is over `limit` bytes.

    The excess is read and thrown away, for most clients send all of a body before they look at the answer; a body of
    many times the limit is cut off.
    """
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > 8 * limit:
            break
        if size <= limit:
            body += chunk
    return bytes(body) if size <= limit else None


class RefusedError(Exception):
    """Ends a request in the gateway with the refusal of that response type, perhaps with other details."""

    def __init__(self, response_type: str, details: str | None = None) -> None:
        super().__init__(response_type)
        refusal = _REFUSALS[response_type]
        self.refusal = refusal if details is None else replace(refusal, details=details)

    def response(self, request_id: str) -> Response:
        """The refusal over HTTP."""
        wait_s = self.refusal.retry_after_s
        headers = None if wait_s is None else {"Retry-After": str(wait_s)}
        status = self.refusal.status or HTTPStatus.BAD_REQUEST  # which of the 4xx is API Gateway's to choose
        return Response(json.dumps(self.refusal.envelope(request_id)), status, headers, media_type="application/json")


def no_such_address(method: str, path: str, known: Collection[Address]) -> str:
    """Names the address that was asked, and the one that was meant where there is one like it."""
    asked = f"There is no {method} {path[:120]} here"
    at_path = [address for address in known if path_pattern(address[1]).fullmatch(path)]
    similar = difflib.get_close_matches(path[:120], {known_path for _, known_path in known}, n=1, cutoff=0.6)
    meant = at_path or [address for address in known if address[1] in similar] or known
    return f"{asked}: {'use' if at_path or similar else 'there is'} {_listed(meant)}."


def path_pattern(resource: str) -> re.Pattern[str]:
    """`/faces/{face_id}` as a pattern: a path parameter is one segment, or with `{name+}` the rest of the path."""
    return compile_path(resource.replace("+}", ":path}"))[0]


def _listed(addresses: Collection[Address]) -> str:
    *others, last = (f"{method} {path}" for method, path in addresses)
    return f"{', '.join(others)} or {last}" if others else last
