"""Cases put to the API: each image uploaded once, each question asked once, the answer or the refusal noted."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from face_validation.client import errors
from face_validation.client.buckets import Bucket
from face_validation.client.transport import with_retries
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import ValidationResult
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.result import Outcome, Result, boxes_to_json, quality_to_json
from face_validation.evaluation.runs.run_folder import RunError

ATTEMPTS = 6
UNANSWERED_IN_A_ROW = 10
INCLUDE = ("boxes", "reasons", "quality")


class Api(Protocol):
    """What a run needs of `FaceValidationClient`; called from several threads."""

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


def digests_of(cases: Iterable[Case], jobs: int) -> dict[Path, str]:
    """SHA-256 of each distinct image file."""
    paths = list(dict.fromkeys(path for case in cases for path in (case.source, case.target)))
    with ThreadPoolExecutor(jobs) as pool:
        return dict(
            zip(paths, pool.map(lambda path: hashlib.sha256(path.read_bytes()).hexdigest(), paths), strict=True)
        )


def key_of(path: Path, digests: dict[Path, str]) -> str:
    """The key of an image in a bucket, made of its content."""
    return f"evaluation/{digests[path]}{path.suffix.lower()}"


def ask_all(
    cases: Sequence[Case], digests: dict[Path, str], api: Api, jobs: int, record: Callable[[Result], None]
) -> None:
    """Record answers as they come, in this thread; on Ctrl-C, or when nobody answers any more, also those under way.

    `digests` are the SHA-256 of each image file; `jobs` requests are under way at once.

    Raises:
        RunError: the API cannot be asked at all, or nobody answers any more.
    """
    uploads = _Uploads(api, digests)
    over = threading.Event()

    def ask_unless_over(case: Case) -> Result | None:
        if over.is_set():
            return None
        try:
            return _ask(case, uploads, api, digests)
        except BaseException:
            # Said here, not by the thread that collects the answers: until it hears of it, others would ask in vain.
            over.set()
            raise

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="evaluation")
    pending = {pool.submit(ask_unless_over, case) for case in cases}
    unanswered = 0
    try:
        for done in as_completed(tuple(pending)):
            pending.remove(done)
            result = done.result()
            if result is None:
                continue
            record(result)
            unanswered = unanswered + 1 if result.outcome is Outcome.FAILED and result.status is None else 0
            if unanswered == UNANSWERED_IN_A_ROW:
                raise RunError(
                    f"{unanswered} cases in a row got no answer: {result.details} "
                    "What was answered is kept; run the same command again to go on."
                )
    finally:
        over.set()
        pool.shutdown(cancel_futures=True)
        for late in pending:
            if not late.cancelled() and late.exception() is None and (result := late.result()) is not None:
                record(result)


class _Uploads:
    """Each distinct image goes into each bucket once."""

    def __init__(self, api: Api, digests: dict[Path, str]) -> None:
        self._api, self._digests = api, digests
        self._turns: dict[tuple[Bucket, str], threading.Lock] = {}
        self._done: set[tuple[Bucket, str]] = set()

    def key(self, bucket: Bucket, path: Path) -> str:
        """The image's key, once it is in the bucket; whoever comes second waits for the first."""
        key = key_of(path, self._digests)
        with self._turns.setdefault((bucket, key), threading.Lock()):
            if (bucket, key) not in self._done:
                self._api.upload(path.read_bytes(), bucket, key)
                self._done.add((bucket, key))
        return key


def _ask(case: Case, uploads: _Uploads, api: Api, digests: dict[Path, str]) -> Result:
    hashes = (digests[case.source], digests[case.target])
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
    except (errors.UnauthorizedError, errors.ForbiddenError, errors.SettingsError) as error:
        raise RunError(f"The API cannot be asked: {error}") from error
    except errors.FaceValidationError as error:
        return Result(
            case,
            *hashes,
            Outcome.REFUSED if _is_refusal(error) else Outcome.FAILED,
            time.perf_counter() - begin,
            status=error.status,
            code=error.code,
            details=error.details or error.message,
            id_request=error.id_request or "",
        )
    return Result(
        case,
        *hashes,
        Outcome.SCORED,
        time.perf_counter() - begin,
        similarity=answer.similarity,
        status=HTTPStatus.OK.value,
        id_request=answer.id_request,
        boxes_json=boxes_to_json(answer.boxes),
        quality_json=quality_to_json(answer.quality),
        reasons=answer.reasons or (),
    )


def _is_refusal(error: errors.FaceValidationError) -> bool:
    """Whether the service judged the images: a busy service, a lost connection or a 5xx says nothing about them."""
    if isinstance(error, errors.RequestFailedError | errors.TooManyRequestsError | errors.PayloadTooLargeError):
        return False
    if error.status is None:  # of the client itself, which prepares images
        return isinstance(error, errors.ImageValidationError | errors.ImageTooLargeError)
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
