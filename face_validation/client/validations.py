"""Questions and their answers: one after another, or many side by side."""

import itertools
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from face_validation.client.api import BOTH, WRITE, Api, contract_violation
from face_validation.client.errors import FaceValidationError, error_of_envelope, is_envelope
from face_validation.client.validation_request import ValidationRequest
from face_validation.client.validation_result import ValidationResult

MOST_IN_ONE_ARRAY = 10

Outcome = ValidationResult | FaceValidationError
"""What became of one of many questions: its answer, or why there is none."""


class Validations:
    """POST /validation; safe to share among threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def ask(self, request: ValidationRequest) -> ValidationResult:
        """The answer to one question; raises FaceValidationError."""
        scope = BOTH if _reads_document(request) else WRITE
        return _result(self._post(request.to_body(), scope, id_request=request.id_request), request)

    def outcomes(self, requests: Iterator[ValidationRequest], jobs: int, batch: int) -> Generator[Outcome, None, None]:
        """The outcomes in the order of the questions: `jobs` HTTP requests side by side, `batch` questions in each."""
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="validate")
        under_way: deque[Future[list[Outcome]]] = deque()
        try:
            # Twice as many as threads: one slow answer at the head does not leave the others idle.
            while True:
                while len(under_way) < 2 * jobs and (group := list(itertools.islice(requests, batch))):
                    under_way.append(pool.submit(self._batch, group))
                if not under_way:
                    return
                yield from under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _batch(self, requests: Sequence[ValidationRequest]) -> list[Outcome]:
        if len(requests) == 1:
            return [self._outcome(requests[0])]
        try:
            scope = BOTH if any(map(_reads_document, requests)) else WRITE
            answers = self._post([request.to_body() for request in requests], scope, id_request=None)
            if not isinstance(answers, list) or len(answers) != len(requests):
                raise contract_violation("an array as long as the question's")
        except FaceValidationError as error:
            return [error] * len(requests)
        return [self._one_of_many(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def _one_of_many(self, request: ValidationRequest, answer: Any) -> Outcome:
        try:
            return _result(answer, request)
        except FaceValidationError as error:
            # The array was answered, so nothing tried this item again yet.
            return self._outcome(request) if error.is_temporary else error

    def _outcome(self, request: ValidationRequest) -> Outcome:
        try:
            return self.ask(request)
        except FaceValidationError as error:
            return error

    def _post(self, body: Any, scope: str, *, id_request: str | None) -> Any:
        return self._api.ask("POST", "/validation", body, scope=scope, id_request=id_request)


def _reads_document(request: ValidationRequest) -> bool:
    return "document" in request.include


def _result(answer: Any, request: ValidationRequest) -> ValidationResult:
    if is_envelope(answer):
        raise error_of_envelope(answer)
    if not isinstance(answer, dict):
        raise contract_violation("an object", request.id_request)
    try:
        return ValidationResult.from_answer(answer, request.threshold)
    except ValueError as error:
        raise contract_violation(f"a validation's answer ({error})", request.id_request) from error
