"""A Lambda function behind API Gateway: an event in, the operation of its route until the deadline, an answer out."""

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from face_validation_function.contract.answer import Answer
from face_validation_function.exceptions.exceptions import FaceValidationError, InternalServerError, RequestError
from face_validation_function.request_timer import RequestTimer, Value, Work, run_until_deadline
from face_validation_function.routes import ROUTES
from face_validation_function.utils.logging_config import record_operation, service_logger
from face_validation_function.utils.response_utils import http_response, refusal
from face_validation_function.validations.body import Body, new_request_id, parse_body, request_id_of, validated

# API Gateway waits 29 s; what can't finish is answered before, while there is time to write the answer.
DEADLINE_S = 25.0
ANSWER_TIME_S = 1.0

Event = Mapping[str, Any]
HttpResponse = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function: the event, Lambda's context, the seconds that it may take, and the id to answer with."""

    event: Event
    context: LambdaContext
    deadline_s: float
    id_request: str = field(default_factory=new_request_id)

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

    def asked(self, model: type[Body]) -> Body:
        """The body as `model` describes it; raises RequestError."""
        return validated(parse_body(self.body), model)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters by name."""
        return dict(self.event.get("queryStringParameters") or {})

    def in_path(self, name: str) -> str:
        """A part of the path, decoded; raises RequestError when it is not UTF-8."""
        # API Gateway's REST API passes path parameters as they stood in the address.
        written = (self.event.get("pathParameters") or {})[name]
        try:
            return unquote(written, errors="strict")
        except UnicodeDecodeError as error:
            raise RequestError(f"{name}: {written[:80]!r} is not percent-encoded UTF-8; encode it so.") from error

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


class Logging(Protocol):
    """What every function's adapters have."""

    @property
    def logger(self) -> Logger:
        """The function's logger."""


Adapters = TypeVar("Adapters", bound=Logging)
Operation = Callable[[Adapters, Invocation], HttpResponse]
"""Answers one invocation with a proxy answer; raises FaceValidationError."""


def once(make: Callable[[], Value]) -> Callable[[], Value]:
    """`make`, called when first asked, and again after it raised: boto3 must not make clients in two threads."""
    lock, kept = threading.Lock(), cache(make)

    def get() -> Value:
        with lock:
            return kept()

    return get


class RestFunction(Generic[Adapters]):
    """What AWS Lambda calls. It finds an operation by its route in a dict; adapters are made for the first event."""

    def __init__(self, operations: Mapping[str, Operation[Adapters]], make_adapters: Callable[[], Adapters]) -> None:
        self._operations = {
            (route.method, route.resource): operations[route.operation]
            for route in ROUTES
            if route.operation in operations
        }
        self._adapters = once(make_adapters)

    def __call__(self, event: Event, context: Any) -> HttpResponse:
        """Answer one API Gateway proxy event; whatever happens, in the contract's envelope."""
        id_request = new_request_id()
        try:
            invocation = replace(invocation_of(event, context), id_request=id_request)
            return self._operation_of(event)(self._adapters(), invocation)
        except FaceValidationError as error:
            return refused(error, id_request)
        except Exception:  # noqa: BLE001 - logged, and answered as 500: Lambda's own answer has no envelope
            service_logger("ERROR").exception("The request could not be answered.")
            failure = InternalServerError("an unexpected failure; its cause is in the log.")
            return refused(failure, id_request)

    def _operation_of(self, event: Event) -> Operation[Adapters]:
        place = str(event.get("httpMethod")), str(event.get("resource"))
        if place not in self._operations:
            known = ", ".join(map(" ".join, self._operations))
            raise RequestError(f"There is no {' '.join(place)} here; there is {known}.")
        return self._operations[place]


def refused(error: FaceValidationError, id_request: str) -> HttpResponse:
    """The answer for a whole request that is refused."""
    body = refusal(id_request, error).as_json()
    return http_response(error.status, body, id_request=id_request, retry_after_s=error.retry_after_s)


def invocation_of(event: Event, context: Any) -> Invocation:
    """The call that Lambda makes; the work may take less than API Gateway's limit and less than the function's own."""
    function_s: float = context.get_remaining_time_in_millis() / 1000
    deadline_s = max(0.0, min(DEADLINE_S, function_s - ANSWER_TIME_S))
    return Invocation(event, context, deadline_s)


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation answers: the model of the body, its fields without `id_request`, and the status."""

    kind: type[Answer]
    fields: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK


Handle = Callable[[Adapters, Invocation, RequestTimer], OperationResult]


def operations(*handles: Handle[Adapters]) -> dict[str, Operation[Adapters]]:
    """What a function dispatches by: each operation under its own name."""
    return {handle.__name__: partial(_answered, handle) for handle in handles}


def _answered(handle: Handle[Adapters], adapters: Adapters, invocation: Invocation) -> HttpResponse:
    try:
        id_request = request_id_of(invocation.query or parse_body(invocation.body))
    except RequestError:
        id_request = new_request_id()
    asked = replace(invocation, id_request=id_request)
    try:
        result = run_operation(handle.__name__, partial(handle, adapters, asked), asked, adapters.logger)
    except FaceValidationError as error:
        return refused(error, id_request)
    body = result.kind.model_validate({"id_request": id_request, **result.fields})
    return http_response(result.status, body.as_json(), id_request=id_request)


def run_operation(name: str, work: Work[Value], invocation: Invocation, logger: Logger) -> Value:
    """What one operation answers until the deadline, logged and counted; raises FaceValidationError."""
    (ended,) = run_until_deadline([(invocation.id_request, work)], invocation.deadline_s, logger)
    record_operation(logger, invocation.context, ended, name)
    if isinstance(ended.result, FaceValidationError):
        raise ended.result
    return ended.result
