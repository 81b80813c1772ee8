"""One operation behind a route: its work until the deadline, then its envelope, its log line and its metrics."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Protocol, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from face_validation_function.contract.answer import Answer
from face_validation_function.deadline import Task, run_until_deadline
from face_validation_function.exceptions.exceptions import FaceValidationError, RequestError
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import HttpResponse, Invocation, Operation, refused
from face_validation_function.utils.logging_config import record_operation
from face_validation_function.utils.response_utils import http_response
from face_validation_function.validations.body import new_request_id, parse_body, request_id_of


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation answers: the body and the status."""

    body: Answer
    status: HTTPStatus = HTTPStatus.OK


class Logging(Protocol):
    """What every function's adapters have."""

    @property
    def logger(self) -> Logger:
        """The function's logger."""


Adapters = TypeVar("Adapters", bound=Logging)
Work = Callable[[Adapters, Invocation, RequestTimer], OperationResult]


def operations(works: Iterable[Work[Adapters]]) -> dict[str, Operation[Adapters]]:
    """What a function dispatches by: each operation under its own name."""
    return {work.__name__: _answering(work.__name__, work) for work in works}


def _answering(name: str, work: Work[Adapters]) -> Operation[Adapters]:
    def answer(adapters: Adapters, invocation: Invocation) -> HttpResponse:
        id_request = _request_id(invocation)
        task = Task(id_request, partial(work, adapters, replace(invocation, id_request=id_request)))
        (done,) = run_until_deadline([task], invocation.deadline_s, adapters.logger)
        error = done.result if isinstance(done.result, FaceValidationError) else None
        record_operation(adapters.logger, invocation, name, id_request, done.timer, error)
        if isinstance(done.result, FaceValidationError):
            return refused(done.result, id_request)
        return http_response(done.result.status, done.result.body, id_request=id_request)

    return answer


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
