"""The client: a token, two buckets and one question, whether two images show the same person."""

import contextlib
import itertools
import logging
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import httpx

from face_validation.client.api import BOTH, WRITE, Api, contract_violation
from face_validation.client.buckets import Bucket, Buckets, new_key
from face_validation.client.errors import (
    FaceValidationError,
    RequestFailedError,
    error_of_envelope,
    is_envelope,
)
from face_validation.client.image_preparation import Photo, content_of, prepared_content
from face_validation.client.people import People
from face_validation.client.validation_request import ValidationRequest, ValidationType, new_id
from face_validation.client.validation_result import DEFAULT_THRESHOLD, ValidationResult

MOST_IN_ONE_ARRAY = 10

# API Gateway gives up after 29 s: waiting longer lets its own answer arrive instead of ours.
TIMEOUT_S = 35.0

Outcome = ValidationResult | FaceValidationError
"""What became of one of many questions: its answer, or why there is none."""

logger = logging.getLogger(__name__)


class FaceValidationClient:
    """Asks the face validation API; safe to share among threads, to be closed after use (`with`).

    Args:
        api_url: the API with its stage, e.g. `https://abc.execute-api.eu-west-1.amazonaws.com/prod`.
        token_url: the token endpoint, e.g. `https://name.auth.eu-west-1.amazoncognito.com/oauth2/token`.
        client_id, client_secret: the app client's credentials.
        source_bucket, target_bucket: where uploads go; not needed when the images are in the buckets already.
        s3_endpoint: only for an S3 that is not AWS's. On this machine (the local stack) the caller's own AWS
            credentials are not used.
        region: the buckets' AWS region; by default the one the caller's AWS settings say.
        timeout_s: the longest wait for an answer.
        attempts: how often one question is asked at most. A validation changes nothing and gives the same answer when
            it is asked again, so lost connections, 429 and 5xx are tried again; a repetition costs the service's
            Rekognition calls, no more.
        prepare_images: whether every image is made into an upright sRGB JPG within the service's limits before it is
            sent (see `image_preparation.prepare`); False sends files as they are.
        transport: how httpx sends its requests, for tests and proxies of one's own.

    Raises:
        SettingsError: an address is not HTTPS and not on this machine, or is not an address.
    """

    def __init__(
        self,
        api_url: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        source_bucket: str | None = None,
        target_bucket: str | None = None,
        s3_endpoint: str | None = None,
        region: str | None = None,
        timeout_s: float = TIMEOUT_S,
        attempts: int = 4,
        prepare_images: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._content_of = prepared_content if prepare_images else content_of
        self._api = Api(
            api_url, token_url, client_id, client_secret, timeout_s=timeout_s, attempts=attempts, transport=transport
        )
        self.people = People(self._api, self._content_of)
        names: dict[Bucket, str] = {"source": source_bucket or "", "target": target_bucket or ""}
        self._buckets = Buckets(names, endpoint=s3_endpoint, region=region, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._buckets.close()

    @classmethod
    def local(cls, **options: Any) -> Self:
        """A client of the local stack that runs on this machine (`face-validation local --background` starts one).

        `options` are those of the constructor, such as `timeout_s`.

        Raises:
            SettingsError: no local stack runs.
        """
        from face_validation.client.profiles import Connection, names  # here: profiles makes clients, too

        connection = Connection.of_running_stack()
        return cls(**{name: getattr(connection, name) for name in names()}, **options)

    def token(self, scope: str = WRITE) -> str:
        """An access token that is good for a while; `scope` may name several, with spaces. Raises as `validate`."""
        return self._api.token(scope)

    def validate(
        self,
        source_path: str | None,
        target_path: str,
        type: ValidationType | str,  # noqa: A002 - callers pass it by this name, the field's in the request
        *,
        threshold: float = DEFAULT_THRESHOLD,
        threshold_label: float | None = None,
        include: Sequence[str] = (),
        id_request: str | None = None,
        threshold_review: float | None = None,
        min_quality: Mapping[str, float] | None = None,
        claims: Mapping[str, str] | None = None,
    ) -> ValidationResult:
        """Ask whether two images in the buckets show the same person.

        Args:
            source_path: key in the source bucket; None for ID_IN_FACE.
            target_path: key in the target bucket.
            type: what the source is.
            threshold: match from this similarity on (0-100).
            threshold_label: ID_TO_FACE: how sure the service must be that the source is a document (0-100).
            include: any of `boxes` (what was seen), `reasons` (stable codes), `quality` (of both faces)
                and `document` (its fields; the client needs the scope `read` too).
            id_request: a UUID v4 to find the request by in the service's logs; made when not given.
            threshold_review: from this similarity (0-100) on the decision is `review`.
            min_quality: measure -> least score (0-100) of both faces.
            claims: what is claimed of the document (`full_name`, `date_of_birth`...), answered only for a match.

        Raises:
            FaceValidationError: one class per error code of the contract; RequestFailedError when nobody answered.
        """
        return self._ask(
            ValidationRequest(
                source_path,
                target_path,
                type,
                threshold,
                threshold_label,
                include,
                id_request or new_id(),
                threshold_review,
                min_quality or {},
                claims or {},
            )
        )

    def validate_files(
        self,
        source: Photo | None,
        target: Photo,
        type: ValidationType | str,  # noqa: A002 - callers pass it by this name, the field's in the request
        *,
        threshold: float = DEFAULT_THRESHOLD,
        threshold_label: float | None = None,
        include: Sequence[str] = (),
        threshold_review: float | None = None,
        min_quality: Mapping[str, float] | None = None,
        claims: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> ValidationResult:
        """Ask about image files (or their bytes): upload, validate, and delete the uploads unless `keep`.

        ID_IN_FACE has no `source`: give None.

        Raises:
            OSError: a file cannot be read.
            ImageValidationError: no decoder opens a file; nothing was sent.
            FaceValidationError: as `validate`.
        """
        self.token()  # first: no image travels for a client that may not ask
        # Both good before one is sent.
        trusted, checked = None if source is None else self._content_of(source), self._content_of(target)
        with contextlib.ExitStack() as uploads:
            source_key = None
            if trusted is not None:
                source_key = uploads.enter_context(self._put(trusted, "source", keep=keep))
            return self.validate(
                source_key,
                uploads.enter_context(self._put(checked, "target", keep=keep)),
                type,
                threshold=threshold,
                threshold_label=threshold_label,
                include=include,
                threshold_review=threshold_review,
                min_quality=min_quality,
                claims=claims,
            )

    def validate_many(
        self, requests: Iterable[ValidationRequest], *, jobs: int = 8, batch: int = 1
    ) -> Generator[Outcome, None, None]:
        """Ask many questions side by side; the outcomes come in the order of the questions, as soon as they are there.

        No outcome is an exception: an error takes the place of its answer, and the others go on. Questions are taken
        from `requests` only a little ahead of the answers, so it may be endless.

        Args:
            requests: the questions.
            jobs: how many HTTP requests may be under way at once, 1 to 100.
            batch: how many questions go into one HTTP request, 1 to 10. The service handles them side by side, but
                within one request's deadline.

        Raises:
            ValueError: `jobs` or `batch` is outside its limits.
        """
        if not 1 <= jobs <= 100 or not 1 <= batch <= MOST_IN_ONE_ARRAY:
            raise ValueError(f"jobs is {jobs} (1 to 100), batch is {batch} (1 to {MOST_IN_ONE_ARRAY}).")
        return self._answers(iter(requests), jobs, batch)

    def upload(self, photo: Photo, side: Bucket, key: str | None = None) -> str:
        """Put an image into the source or the target bucket.

        Returns:
            Its key, a new one unless given.

        Raises:
            OSError: the file cannot be read.
            RequestFailedError: S3 does not take it.
        """
        return self._stored(self._content_of(photo), side, key)

    def delete(self, key: str, side: Bucket) -> None:
        """Delete an uploaded image; raises as `upload` does."""
        self._buckets.delete(side, key)

    @contextlib.contextmanager
    def uploaded(self, photo: Photo, side: Bucket, *, keep: bool = False) -> Iterator[str]:
        """An image that is in its bucket only within the `with`, unless `keep`; gives its key."""
        with self._put(self._content_of(photo), side, keep=keep) as key:
            yield key

    @contextlib.contextmanager
    def _put(self, content: bytes, side: Bucket, *, keep: bool) -> Iterator[str]:
        key = self._stored(content, side)
        try:
            yield key
        finally:
            if not keep:
                self._delete_quietly(key, side)

    def _stored(self, content: bytes, side: Bucket, key: str | None = None) -> str:
        key = new_key(content) if key is None else key
        self._buckets.put(side, key, content)
        return key

    def _delete_quietly(self, key: str, side: Bucket) -> None:
        # The answer is there and must not be lost: buckets expire what is left behind.
        try:
            self.delete(key, side)
        except RequestFailedError as error:
            logger.warning("The upload %s stays in the %s bucket: %s", key, side, error)

    def _answers(self, requests: Iterator[ValidationRequest], jobs: int, batch: int) -> Generator[Outcome, None, None]:
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="validate")
        under_way: deque[Future[list[Outcome]]] = deque()
        try:
            # Twice as many as threads: one slow answer at the head does not leave the others idle.
            while True:
                while len(under_way) < 2 * jobs and (group := list(itertools.islice(requests, batch))):
                    under_way.append(pool.submit(self._outcomes, group))
                if not under_way:
                    return
                yield from under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _outcomes(self, requests: Sequence[ValidationRequest]) -> list[Outcome]:
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
            return self._ask(request)
        except FaceValidationError as error:
            return error

    def _ask(self, request: ValidationRequest) -> ValidationResult:
        scope = BOTH if _reads_document(request) else WRITE
        return _result(self._post(request.to_body(), scope, id_request=request.id_request), request)

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
