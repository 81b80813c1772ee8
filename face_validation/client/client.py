"""The client: a token, two buckets and one question, whether two images show the same person."""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Self, Unpack

import httpx

from face_validation.client.api import BOTH, WRITE, Api, contract_violation
from face_validation.client.buckets import Bucket, Buckets, Photo, content_of
from face_validation.client.errors import FaceValidationError
from face_validation.client.jobs import Jobs
from face_validation.client.people import People
from face_validation.client.records import Records
from face_validation.client.validation_request import (
    LivenessSession,
    Outcome,
    ValidationOptions,
    ValidationRequest,
    ValidationType,
    new_id,
)
from face_validation.client.validation_result import ValidationResult

# API Gateway gives up after 29 s: waiting longer lets its own answer arrive instead of ours.
TIMEOUT_S = 35.0


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
        attempts: how often one question is asked at most, after lost connections, 429 and 5xx; a repetition costs the
            service's Rekognition calls, no more.
        prepare_images: whether every image is made into an upright sRGB JPG within the service's limits before it is
            sent (see `image_preparation.prepare`); False sends files as they are.
        transport: how httpx sends its requests, for tests and proxies of one's own.

    Raises SettingsError when an address is not HTTPS and not on this machine, or is not an address.
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
        self._content_of = _prepared_content if prepare_images else content_of
        self._api = Api(
            api_url, token_url, client_id, client_secret, timeout_s=timeout_s, attempts=attempts, transport=transport
        )
        self.people = People(self._api, self._content_of)
        self.records = Records(self._api)
        names: dict[Bucket, str] = {"source": source_bucket or "", "target": target_bucket or ""}
        self._buckets = Buckets(names, endpoint=s3_endpoint, region=region, timeout_s=timeout_s)
        self.jobs = Jobs(self._api, self._buckets.store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._buckets.close()

    @classmethod
    def local(cls, **options: Any) -> Self:
        """A client of the local stack, with the constructor's `options`; SettingsError when no stack runs here."""
        from face_validation.client.profiles import Connection  # here: profiles makes clients, too

        return cls(**Connection.of_running_stack().settings(), **options)

    def token(self, scope: str = WRITE) -> str:
        """An access token that is good for a while; `scope` may name several, with spaces. Raises as `validate`."""
        return self._api.token(scope)

    def validate(
        self,
        source_path: str | None,
        target_path: str | None,
        type: ValidationType | str,  # noqa: A002 - callers know the API's field `type` by this name
        *,
        id_request: str | None = None,
        **options: Unpack[ValidationOptions],
    ) -> ValidationResult:
        """Ask whether two images in the buckets show the same person.

        Args:
            source_path: key in the source bucket; None for ID_IN_FACE.
            target_path: key in the target bucket; None with the option `target_liveness_session`.
            type: what the source is.
            id_request: a UUID v4 to find the request by in the service's logs; made when not given.
            options: thresholds and what else to answer, see `ValidationOptions`.

        Raises:
            FaceValidationError: one class per error code of the contract; RequestFailedError when nobody answered.
        """
        request = ValidationRequest(source_path, target_path, type, id_request=id_request or new_id(), **options)
        return self._answer(request)

    def create_liveness_session(self, source_path: str, *, id_request: str | None = None) -> LivenessSession:
        """A session in which a living person proves to be there, for one validation with this source.

        `source_path` is a key in the source bucket; the same `id_request` (a UUID v4) gives the same session again.
        Raises as `validate` does.
        """
        id_request = id_request or new_id()
        body = {"source_path": source_path, "id_request": id_request}
        return self._api.read(LivenessSession, "POST", "/liveness-sessions", body, id_request=id_request)

    def validate_files(
        self,
        source: Photo | None,
        target: Photo,
        type: ValidationType | str,  # noqa: A002 - callers know the API's field `type` by this name
        *,
        keep: bool = False,
        **options: Unpack[ValidationOptions],
    ) -> ValidationResult:
        """Ask about image files (or their bytes): upload, validate, and delete the uploads unless `keep`.

        ID_IN_FACE has no `source`: give None. `options` are those of `validate`.

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
                source_key = uploads.enter_context(self._buckets.stored("source", trusted, keep=keep))
            target_key = uploads.enter_context(self._buckets.stored("target", checked, keep=keep))
            return self.validate(source_key, target_key, type, **options)

    def validate_many(self, requests: Iterable[ValidationRequest], *, jobs: int = 8) -> Generator[Outcome, None, None]:
        """Ask many questions side by side; the outcomes come in the order of the questions, as soon as they are there.

        No outcome is an exception: an error takes the place of its answer, and the others go on. Questions are taken
        from `requests` only a little ahead of the answers, so it may be endless. At most `jobs` HTTP requests (1 to
        100, else ValueError) are under way at once.
        """
        if not 1 <= jobs <= 100:
            raise ValueError(f"jobs is {jobs} (1 to 100).")
        return self._outcomes(iter(requests), jobs)

    def _outcomes(self, requests: Iterator[ValidationRequest], jobs: int) -> Generator[Outcome, None, None]:
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="validate")
        under_way: deque[Future[Outcome]] = deque()
        try:
            while True:
                # Twice as many as threads: one slow answer at the head does not leave the others idle.
                for one in islice(requests, 2 * jobs - len(under_way)):
                    under_way.append(pool.submit(self._outcome, one))
                if not under_way:
                    return
                yield under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _outcome(self, request: ValidationRequest) -> Outcome:
        try:
            return self._answer(request)
        except FaceValidationError as error:
            return error

    def _answer(self, request: ValidationRequest) -> ValidationResult:
        scope, id_request = BOTH if "document" in request.include else WRITE, request.id_request
        answer = self._api.ask("POST", "/validation", request.to_body(), scope=scope, id_request=id_request)
        try:
            return ValidationResult.from_answer(answer, request.threshold)
        except (TypeError, ValueError) as error:  # not an object, or not this one
            raise contract_violation(f"a validation's answer ({error})", id_request) from error

    def upload(self, photo: Photo, side: Bucket, key: str | None = None) -> str:
        """Put an image into the source or the target bucket; gives its key, a new one unless given.

        Raises OSError when the file cannot be read, RequestFailedError when S3 does not take it.
        """
        return self._buckets.store(side, self._content_of(photo), key)

    def delete(self, key: str, side: Bucket) -> None:
        """Delete an uploaded image; raises as `upload` does."""
        self._buckets.delete(side, key)

    def uploaded(self, photo: Photo, side: Bucket, *, keep: bool = False) -> AbstractContextManager[str]:
        """An image that is in its bucket only within the `with`, unless `keep`; gives its key."""
        return self._buckets.stored(side, self._content_of(photo), keep=keep)


def _prepared_content(photo: Photo) -> bytes:
    from face_validation.client.image_preparation import prepare  # here: a command's help needs no Pillow

    return prepare(photo).content
