"""A Lambda function behind API Gateway: an event in, the operation of its route until the deadline, an answer out."""

import base64
import binascii
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from face_validation_function.contract.answer import Answer
from face_validation_function.deadline import Task, run_until_deadline
from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, RequestError
from face_validation_function.request_timer import RequestTimer
from face_validation_function.routes import ROUTES
from face_validation_function.utils.logging_config import record_operation, service_logger
from face_validation_function.utils.response_utils import http_response, refusal
from face_validation_function.validations.body import new_request_id, parse_body, request_id_of

# API Gateway waits 29 s; what can't finish is answered before, while there is time to write the answer.
DEADLINE_S = 25.0
ANSWER_TIME_S = 1.0

Event = Mapping[str, Any]
HttpResponse = dict[str, Any]
Adapters = TypeVar("Adapters")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function: the event, the seconds that the work may take, and whose call it is in the logs.

    `id_request` is the id to answer with, empty where the body may hold several requests.
    """

    event: Event
    deadline_s: float
    function_name: str
    function_request_id: str
    id_request: str = ""

    @property
    def body(self) -> str | None:
        """The text of the request's body, None when there is none; raises RequestError when it is not UTF-8."""
        body: str | None = self.event.get("body")
        if not body or not self.event.get("isBase64Encoded"):
            return body
        try:
            return base64.b64decode(body, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RequestError("The body is not text in UTF-8.") from error

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the access token, as API Gateway's authorizer read them; none where it told none."""
        return frozenset(self._claim("scope").split())

    @property
    def client(self) -> str:
        """The app client whose token it is; empty where the authorizer told none."""
        return self._claim("client_id")

    def _claim(self, name: str) -> str:
        context = self.event.get("requestContext") or {}
        claims = (context.get("authorizer") or {}).get("claims") or {}
        return str(claims.get(name, ""))


Operation = Callable[[Adapters, Invocation], HttpResponse]
"""Answers one invocation with a proxy answer; raises FaceValidationError."""


class Lazy(Generic[Adapters]):
    """The adapters of a process, made when first asked for: boto3 must not make clients in two threads."""

    def __init__(self, make: Callable[[], Adapters]) -> None:
        self._make = make
        self._made: list[Adapters] = []
        self._lock = threading.Lock()

    def get(self) -> Adapters:
        """The adapters; raises what `make` raises, and tries again when asked again."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class RestFunction(Generic[Adapters]):
    """Dispatches by ROUTES; API Gateway has already routed, so a dict is enough.

    `operations` holds the operations of this function by name; `make_adapters` is called once, for the first event.
    """

    def __init__(self, operations: Mapping[str, Operation[Adapters]], make_adapters: Callable[[], Adapters]) -> None:
        self._operations = operations
        self._adapters = Lazy(make_adapters)

    def __call__(self, event: Event, context: Any) -> HttpResponse:
        """Answer one API Gateway proxy event; whatever happens, in the contract's envelope.

        Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
        """
        try:
            adapters = self._adapters.get()
            return self._operation_of(event)(adapters, invocation_of(event, context))
        except FaceValidationError as error:
            return refused(error, new_request_id())
        except Exception:  # noqa: BLE001 - whatever it is, it is logged and the caller gets the envelope
            service_logger("ERROR").exception("The request could not be answered.")
            return refused(InternalServerError("an unexpected failure; its cause is in the log."), new_request_id())

    def _operation_of(self, event: Event) -> Operation[Adapters]:
        method, resource = event.get("httpMethod"), event.get("resource")
        for route in ROUTES:
            if (route.method, route.resource) == (method, resource) and route.operation in self._operations:
                return self._operations[route.operation]
        known = ", ".join(f"{route.method} {route.resource}" for route in ROUTES if route.operation in self._operations)
        raise RequestError(f"There is no {method} {resource} here; there is {known}.")


def refused(error: FaceValidationError, id_request: str) -> HttpResponse:
    """The answer for a whole request that is refused."""
    return http_response(
        HTTPStatus(error.status), refusal(id_request, error), id_request=id_request, retry_after_s=error.retry_after_s
    )


def invocation_of(event: Event, context: Any) -> Invocation:
    """The call that Lambda makes; the work may take less than API Gateway's limit and less than the function's own."""
    function_s: float = context.get_remaining_time_in_millis() / 1000
    deadline_s = max(0.0, min(DEADLINE_S, function_s - ANSWER_TIME_S))
    return Invocation(event, deadline_s, context.function_name, context.aws_request_id)


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation answers: the model of the body, its fields without `id_request`, and the status."""

    kind: type[Answer]
    fields: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK


class Logging(Protocol):
    """What every function's adapters have."""

    @property
    def logger(self) -> Logger:
        """The function's logger."""


Logged = TypeVar("Logged", bound=Logging)
Value = TypeVar("Value")
Work = Callable[[Logged, Invocation, RequestTimer], OperationResult]


def operations(works: Iterable[Work[Logged]]) -> dict[str, Operation[Logged]]:
    """What a function dispatches by: each operation under its own name."""
    return {work.__name__: _answering(work.__name__, work) for work in works}


def _answering(name: str, work: Work[Logged]) -> Operation[Logged]:
    def answer(adapters: Logged, invocation: Invocation) -> HttpResponse:
        id_request = _request_id(invocation)
        asked = replace(invocation, id_request=id_request)

        def answered(timer: RequestTimer) -> tuple[HTTPStatus, Answer]:
            result = work(adapters, asked, timer)
            return result.status, result.kind.model_validate({"id_request": id_request, **result.fields})

        try:
            done = run_operation(name, Task(id_request, answered), invocation, adapters.logger)
        except FaceValidationError as error:
            return refused(error, id_request)
        return http_response(*done, id_request=id_request)

    return answer


def run_operation(name: str, task: Task[Value], invocation: Invocation, logger: Logger) -> Value:
    """What one operation answers until the deadline, logged and counted; raises FaceValidationError."""
    (done,) = run_until_deadline([task], invocation.deadline_s, logger)
    error = done.result if isinstance(done.result, FaceValidationError) else None
    record_operation(logger, invocation, name, done.id_request, done.timer, error)
    if isinstance(done.result, FaceValidationError):
        raise done.result
    return done.result


def _request_id(invocation: Invocation) -> str:
    """The caller's own id, from the body or the query; else a new one."""
    query = invocation.event.get("queryStringParameters")
    if query:
        return request_id_of(dict(query))
    try:
        return request_id_of(parse_body(invocation.body))
    except RequestError:
        return new_request_id()


def path_parameter(invocation: Invocation, name: str) -> str:
    """A part of the path, decoded; raises RequestError when it is not UTF-8."""
    # API Gateway's REST API passes path parameters as they stood in the address.
    written = (invocation.event.get("pathParameters") or {})[name]
    try:
        return unquote(written, errors="strict")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: {written[:80]!r} is not percent-encoded UTF-8; encode it so.") from error
