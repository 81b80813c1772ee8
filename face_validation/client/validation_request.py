"""The question about two images, and how it is asked: one after another, or many side by side."""

import itertools
import uuid
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from face_validation.client.api import BOTH, WRITE, Api, contract_violation
from face_validation.client.errors import FaceValidationError, error_of_envelope, is_envelope
from face_validation.client.validation_result import DEFAULT_THRESHOLD, ValidationResult

MOST_IN_ONE_ARRAY = 10

Outcome = ValidationResult | FaceValidationError
"""The outcome of one of many requests: its answer, or its error."""


class ValidationType(StrEnum):
    """What is compared: a photograph or an identity document with the target, or both within the target."""

    FACE_TO_FACE = "FACE_TO_FACE"
    ID_TO_FACE = "ID_TO_FACE"
    ID_IN_FACE = "ID_IN_FACE"


def new_id() -> str:
    """A request id of our own, so that even a request whose answer is lost can be found in the service's logs."""
    return str(uuid.uuid4())


class ValidationOptions(TypedDict, total=False):
    """How to compare two images, and what else to answer.

    threshold: match from this similarity on (0-100).
    threshold_label: ID_TO_FACE: how sure the service must be that the source is a document (0-100).
    include: any of `boxes` (what was seen), `reasons` (stable codes), `quality` (of both faces) and `document` (its
        fields; the client needs the scope `read` too).
    threshold_review: from this similarity (0-100) on the decision is `review`.
    min_quality: measure -> least score (0-100) of both faces.
    claims: what is claimed of the document (`full_name`, `date_of_birth`...), answered only for a match.
    target_liveness_session: a session that takes the place of the target; `target_path` is None then.
    """

    threshold: float
    threshold_label: float | None
    include: Sequence[str]
    threshold_review: float | None
    min_quality: Mapping[str, float] | None
    claims: Mapping[str, str] | None
    target_liveness_session: str | None


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """A Face Liveness session: what an app streams its video to, and until when (ISO 8601) it can be validated."""

    id_request: str
    session_id: str
    expires_at: str
    region: str


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """One validation, see `ValidationOptions`; paths are keys in the source and target bucket.

    ID_IN_FACE has no `source_path`, one with a `target_liveness_session` no `target_path`. `threshold` is always sent:
    what the answer was judged by is then known for sure. None in another option leaves it to the service.
    """

    source_path: str | None
    target_path: str | None
    type: ValidationType | str
    threshold: float = DEFAULT_THRESHOLD
    threshold_label: float | None = None
    include: Sequence[str] = ()
    id_request: str = field(default_factory=new_id)
    threshold_review: float | None = None
    min_quality: Mapping[str, float] | None = None
    claims: Mapping[str, str] | None = field(default=None, repr=False)
    target_liveness_session: str | None = None

    def to_body(self) -> dict[str, Any]:
        """The JSON object that the service takes."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, (), {}, [])}
        return given | {"type": str(self.type)} | ({"include": list(self.include)} if self.include else {})


class Validations:
    """POST /validation; safe to share among threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def ask(self, request: ValidationRequest) -> ValidationResult:
        """The answer to one question; raises FaceValidationError."""
        scope = BOTH if _reads_document(request) else WRITE
        id_request = request.id_request
        answer = self._api.ask("POST", "/validation", request.to_body(), scope=scope, id_request=id_request)
        return _result(answer, request)

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
            bodies = [request.to_body() for request in requests]
            answers = self._api.ask("POST", "/validation", bodies, scope=scope)
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
