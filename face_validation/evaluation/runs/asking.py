"""Cases put to the API: each image uploaded once, each question asked once, the answer or the refusal noted."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from http import HTTPStatus
from pathlib import Path
from typing import Any

from face_validation.client import errors
from face_validation.client.buckets import Bucket
from face_validation.client.client import FaceValidationClient
from face_validation.client.transport import with_retries
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import ValidationResult
from face_validation.evaluation.runs.cases import Case, EvaluationError
from face_validation.evaluation.runs.results import Outcome, Result

MANIFEST_FILE = "manifest.jsonl"
ATTEMPTS = 6
UNANSWERED_IN_A_ROW = 10
INCLUDE = ("boxes", "reasons", "quality")
Question = tuple[str | None, str, ValidationType]


class Requests:
    """Each case is a request of its own; each distinct image goes into each bucket once. Safe to call from threads."""

    def __init__(self, client: FaceValidationClient, digests: dict[Path, str]) -> None:
        """`digests` are the SHA-256 of each image file."""
        self._client, self._digests = client, digests
        self._turns: dict[tuple[Bucket, str], threading.Lock] = {}
        self._done: set[tuple[Bucket, str]] = set()

    def question(self, case: Case) -> Question:
        """What is to be asked, once both images are in their buckets; no source where one image is both."""
        source = None if case.type is ValidationType.ID_IN_FACE else self._key("source", case.source)
        return source, self._key("target", case.target), case.type

    def answer(self, question: Question) -> ValidationResult:
        """Ask; a refusal is raised as the client's error of that code."""
        # Threshold 0: every score comes back, and what a match is can be decided here for any threshold.
        # Asked again only where nothing was done (429, no connection): a 5xx that a second try would hide is counted.
        return with_retries(
            lambda: self._client.validate(*question, threshold=0.0, include=INCLUDE),
            attempts=ATTEMPTS,
            is_repeatable=False,
        )

    def _key(self, bucket: Bucket, path: Path) -> str:
        """Made from the image's content; a second caller waits for the first."""
        key = f"evaluation/{self._digests[path]}{path.suffix.lower()}"
        with self._turns.setdefault((bucket, key), threading.Lock()):
            if (bucket, key) not in self._done:
                self._client.upload(path.read_bytes(), bucket, key)
                self._done.add((bucket, key))
        return key


class OneJob(Requests):
    """All cases are one bulk job, which is run first; its outcomes are then given case by case."""

    def __init__(
        self, client: FaceValidationClient, digests: dict[Path, str], cases: Sequence[Case], out: Path, at_once: int
    ) -> None:
        """At most `at_once` images or lines are sent at once; raises EvaluationError where the job could not be run."""
        super().__init__(client, digests)
        with ThreadPoolExecutor(at_once) as pool:
            questions = list(dict.fromkeys(pool.map(self.question, cases)))
        manifest = out / MANIFEST_FILE
        with manifest.open("w", encoding="utf-8") as lines:
            for source, target, kind in questions:
                named = {} if source is None else {"source_path": source}
                lines.write(json.dumps({"type": kind, "target_path": target, **named}) + "\n")
        defaults: dict[str, Any] = {"threshold": 0, "include": list(INCLUDE)}
        job = client.jobs.submit(manifest, defaults=defaults, max_concurrency=at_once)
        *_, job = client.jobs.watch(job.job_id)
        if job.state not in ("succeeded", "failed"):
            raise EvaluationError(f"The job {job.job_id} is {job.state}: {job.error}")
        self._lines = dict(zip(questions, client.jobs.results(job.job_id), strict=True))

    def answer(self, question: Question) -> ValidationResult:
        """The outcome of the job's line; a refusal or failure is raised."""
        line = self._lines[question]
        if line.error:
            raise errors.error_of_envelope({"error": line.error, "id_request": line.id_request}, line.status)
        return ValidationResult.from_answer(dict(line.answer), threshold=0.0)


def digests_of(cases: Iterable[Case], jobs: int) -> dict[Path, str]:
    """SHA-256 of each distinct image file."""
    paths = list(dict.fromkeys(path for case in cases for path in (case.source, case.target)))
    with ThreadPoolExecutor(jobs) as pool:
        digests = pool.map(lambda path: hashlib.sha256(path.read_bytes()).hexdigest(), paths)
        return dict(zip(paths, digests, strict=True))


def ask_all(
    cases: Sequence[Case], digests: dict[Path, str], asked: Requests, jobs: int, record: Callable[[Result], None]
) -> None:
    """Record answers as they come, in this thread; on Ctrl-C, or when nobody answers any more, also those under way.

    `jobs` cases are asked at once. Raises EvaluationError where the API cannot be asked, or nobody answers any more.
    """
    over = threading.Event()

    def ask_unless_over(case: Case) -> Result | None:
        if over.is_set():
            return None
        try:
            return _ask(case, (digests[case.source], digests[case.target]), asked)
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
                raise EvaluationError(
                    f"{unanswered} cases in a row got no answer: {result.details} "
                    "What was answered is kept; run the same command again to go on."
                )
    finally:
        over.set()
        pool.shutdown(cancel_futures=True)
        for late in pending:
            if not late.cancelled() and late.exception() is None and (result := late.result()) is not None:
                record(result)


def _ask(case: Case, hashes: tuple[str, str], asked: Requests) -> Result:
    begin = time.perf_counter()
    try:
        question = asked.question(case)
        begin = time.perf_counter()
        answer = asked.answer(question)
    except (errors.UnauthorizedError, errors.ForbiddenError, errors.SettingsError) as error:
        raise EvaluationError(f"The API cannot be asked: {error}") from error
    except errors.FaceValidationError as error:
        seconds, outcome = time.perf_counter() - begin, Outcome.REFUSED if _is_refusal(error) else Outcome.FAILED
        return Result(
            case,
            *hashes,
            outcome,
            seconds,
            status=error.status,
            code=error.code,
            details=error.details or error.message,
            id_request=error.id_request or "",
        )
    seconds, said = time.perf_counter() - begin, answer.to_answer()
    scores = {
        side: {name: round(one["score"], 1) for name, one in measures.items()}
        for side, measures in said.get("quality", {}).items()
    }
    return Result(
        case,
        *hashes,
        Outcome.SCORED,
        seconds,
        similarity=answer.similarity,
        status=HTTPStatus.OK.value,
        id_request=answer.id_request,
        boxes=json.dumps(said["boxes"], separators=(",", ":")) if answer.boxes else "",
        quality=json.dumps(scores, separators=(",", ":")) if answer.quality else "",
        reasons=answer.reasons or (),
    )


def _is_refusal(error: errors.FaceValidationError) -> bool:
    """Whether the service judged the images: a busy service, a lost connection or a 5xx says nothing about them."""
    if isinstance(error, errors.RequestFailedError | errors.TooManyRequestsError | errors.PayloadTooLargeError):
        return False
    if error.status is None:  # of the client itself, which prepares images
        return isinstance(error, errors.ImageValidationError | errors.ImageTooLargeError)
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
