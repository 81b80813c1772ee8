"""One case put to the API: its images uploaded once, the question asked once, the answer or the refusal noted."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from face_validation.client.buckets import Bucket
from face_validation.client.errors import (
    FaceValidationError,
    ForbiddenError,
    PayloadTooLargeError,
    RequestFailedError,
    SettingsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from face_validation.client.transport import with_retries
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import ValidationResult
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.result import Outcome, Result, boxes_to_json, quality_to_json

ATTEMPTS = 6
INCLUDE = ("boxes", "reasons", "quality")


class Api(Protocol):
    """What a run needs of `FaceValidationClient`; both methods are called from several threads."""

    def upload(self, photo: bytes, side: Bucket, key: str) -> object:
        """Put an image into a bucket."""

    def validate(
        self,
        source_path: str | None,
        target_path: str,
        type: ValidationType,  # noqa: A002 - callers pass it by this name, the field's in the request
        *,
        threshold: float,
        include: Sequence[str],
    ) -> ValidationResult:
        """Ask; a refusal is raised as the client's error of that code."""


class RunError(Exception):
    """The run cannot go on, or must not; the message says what to do."""


class Uploads:
    """Each distinct image goes into each bucket once, under a key made of its content."""

    def __init__(self, api: Api, digests: dict[Path, str]) -> None:
        self._api = api
        self._digests = digests
        self._lock = threading.Lock()
        self._done: dict[str, Future[str]] = {}

    def key(self, bucket: Bucket, path: Path) -> str:
        """The image's key, once it is in the bucket; whoever comes second waits for the first."""
        key = f"evaluation/{self._digests[path]}{path.suffix.lower()}"
        with self._lock:
            first = f"{bucket}/{key}" not in self._done
            done = self._done.setdefault(f"{bucket}/{key}", Future())
        if first:
            try:
                self._api.upload(path.read_bytes(), bucket, key)
            except BaseException as error:
                with self._lock:
                    del self._done[f"{bucket}/{key}"]  # the next case with this image tries again
                done.set_exception(error)
                raise
            done.set_result(key)
        return done.result()


def ask(case: Case, uploads: Uploads, api: Api, digests: dict[Path, str]) -> Result:
    """The answer to one case.

    Args:
        case: the question.
        uploads: where its images go.
        api: whom to ask.
        digests: SHA-256 of each image file.

    Raises:
        RunError: the API cannot be asked at all.
    """
    source, target = digests[case.source], digests[case.target]
    begin = time.perf_counter()
    try:
        is_one_image = case.type is ValidationType.ID_IN_FACE
        source_key = None if is_one_image else uploads.key("source", case.source)
        target_key = uploads.key("target", case.target)
        begin = time.perf_counter()
        # Threshold 0: every score comes back, and what a match is can be decided here for any threshold.
        # Asked again only where nothing was done (429, no connection): a 5xx that a second try would hide is counted.
        answer = with_retries(
            lambda: api.validate(source_key, target_key, case.type, threshold=0.0, include=INCLUDE),
            attempts=ATTEMPTS,
            is_repeatable=False,
        )
    except (UnauthorizedError, ForbiddenError, SettingsError) as error:
        raise RunError(f"The API cannot be asked: {error}") from error
    except FaceValidationError as error:
        return Result(
            case=case,
            source_sha256=source,
            target_sha256=target,
            outcome=Outcome.REFUSED if _is_refusal(error) else Outcome.FAILED,
            seconds=time.perf_counter() - begin,
            status=error.status,
            code=error.code,
            details=error.details or error.message,
            id_request=error.id_request or "",
        )
    return Result(
        case=case,
        source_sha256=source,
        target_sha256=target,
        outcome=Outcome.SCORED,
        seconds=time.perf_counter() - begin,
        similarity=answer.similarity,
        status=HTTPStatus.OK.value,
        id_request=answer.id_request,
        boxes_json=boxes_to_json(answer.boxes),
        quality_json=quality_to_json(answer.quality),
        reasons=answer.reasons or (),
    )


def _is_refusal(error: FaceValidationError) -> bool:
    """Whether the service judged the images: a busy service, a lost connection or a 5xx says nothing about them."""
    if isinstance(error, RequestFailedError | TooManyRequestsError | PayloadTooLargeError) or error.status is None:
        return False
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
