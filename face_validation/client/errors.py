"""Why a question has no answer: a class for each error code of the contract, our own, and reasons in plain words."""

import contextlib
import email.utils
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any, ClassVar, Literal

import httpx

Language = Literal["en", "es"]


class FaceValidationError(Exception):
    """The service did not answer the question; `str(error)` says why.

    Attributes:
        code: the contract's error code.
        message, details: the service's own words; `details` names the image, the stage, the value and its limit.
        id_request: what to look for in the service's logs; None when no request was made.
        status: the HTTP status; None when nobody answered.
        retry_after_s: how long the service asks to wait before the next try.
        reasons: the service's codes, when the request asked for them; `advice` has words for people.
        is_temporary: whether the same question may be answered a little later.
    """

    usual_status: ClassVar[int | None] = None
    is_temporary: ClassVar[bool] = False

    def __init_subclass__(cls, *, status: int | None = None, is_temporary: bool = False) -> None:
        if status is not None:
            cls.usual_status = status
        cls.is_temporary = cls.is_temporary or is_temporary

    def __init__(
        self,
        message: str,
        *,
        details: str = "",
        id_request: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        reasons: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{message} {details}".strip())
        self.message, self.details, self.id_request = message, details, id_request
        self.status = self.usual_status if status is None else status
        self.retry_after_s, self.reasons = retry_after_s, tuple(reasons)

    @property
    def code(self) -> str:
        """The contract's error code."""
        return type(self).__name__

    def to_answer(self) -> dict[str, Any]:
        """The contract's error envelope."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "details": self.details}
        if self.reasons:
            error["reasons"] = list(self.reasons)
        return {"id_request": self.id_request, "error": error}


class RequestError(FaceValidationError, status=HTTPStatus.BAD_REQUEST):
    """The request does not validate."""


class ImageTooLargeError(FaceValidationError, status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """An image's pixels or bytes are outside the limits: too large, or too small."""


class InvalidS3ObjectError(FaceValidationError, status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """The service cannot read an image from its bucket: missing, denied, empty."""


class ImageValidationError(FaceValidationError, status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """An image cannot be judged: not JPG or PNG, truncated, no face, no document."""


class LivenessError(FaceValidationError, status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """The liveness session cannot stand for the target image; `reasons` says why."""


class NotFoundError(FaceValidationError, status=HTTPStatus.NOT_FOUND):
    """The service does not know the person, face or job that was asked for."""


class ConflictError(FaceValidationError, status=HTTPStatus.CONFLICT):
    """The request contradicts what the service keeps, or what is under way there; `reasons` says how."""


class PayloadTooLargeError(FaceValidationError, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
    """The request itself, not an image, has too many bytes."""


class UnauthorizedError(FaceValidationError, status=HTTPStatus.UNAUTHORIZED):
    """The token, or the client's id and secret, were not accepted."""


class ForbiddenError(FaceValidationError, status=HTTPStatus.FORBIDDEN):
    """The client is known, but is not allowed to ask this."""


class TooManyRequestsError(FaceValidationError, status=HTTPStatus.TOO_MANY_REQUESTS, is_temporary=True):
    """The service is throttling this client."""


class InternalServerError(FaceValidationError, status=HTTPStatus.INTERNAL_SERVER_ERROR, is_temporary=True):
    """The service, or AWS behind it, failed."""


class RequestFailedError(FaceValidationError):
    """The question never got an answer that can be understood; nothing is said about the images."""


class SettingsError(RequestFailedError):
    """A setting is missing or makes no sense; nobody was asked."""


class ConnectionFailedError(RequestFailedError, is_temporary=True):
    """The API, the token endpoint or a bucket cannot be reached, or did not answer in time."""


CONTRACT_ERRORS = tuple(kind for kind in FaceValidationError.__subclasses__() if kind.usual_status is not None)
_BY_CODE = {kind.__name__: kind for kind in CONTRACT_ERRORS}
_BY_STATUS: dict[int | None, type[FaceValidationError]] = {
    kind.usual_status: kind
    for kind in (RequestError, UnauthorizedError, ForbiddenError, PayloadTooLargeError, TooManyRequestsError)
}


def error_of_response(response: httpx.Response, id_request: str | None = None) -> FaceValidationError:
    """The error that a response of status 300 or more stands for.

    An envelope says it; what comes from something before the service (a proxy, a firewall) is known by its status.
    """
    status, retry_after_s = response.status_code, _retry_after_s(response.headers.get("Retry-After"))
    with contextlib.suppress(ValueError):
        match response.json():
            case {"error": {"code": _}} as envelope:
                return error_of_envelope(envelope, status=status, retry_after_s=retry_after_s)
    is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = InternalServerError if is_failure else _BY_STATUS.get(status, RequestFailedError)
    return kind(
        f"The API answered {status} {response.reason_phrase}, without the service's own explanation.",
        details=response.text[:200],
        id_request=id_request,
        status=status,
        retry_after_s=retry_after_s,
    )


def error_of_envelope(
    envelope: Mapping[str, Any], status: int | None = None, retry_after_s: float | None = None
) -> FaceValidationError:
    """The error in the service's envelope; a code that is not the contract's becomes a RequestFailedError."""
    error = envelope["error"]
    kind = _BY_CODE.get(error["code"])
    message = str(error.get("message", ""))
    if kind is None:
        kind, message = RequestFailedError, f"{error['code']}: {message}"
    return kind(
        message,
        details=str(error.get("details", "")),
        id_request=envelope.get("id_request"),
        status=status,
        retry_after_s=retry_after_s,
        reasons=[str(reason) for reason in error.get("reasons") or ()],
    )


def _retry_after_s(header: str | None) -> float | None:
    """Seconds to wait, from a Retry-After header: a number or a date; None without a valid one."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def advice(codes: Iterable[str], language: Language = "en") -> list[str]:
    """One sentence for each code, in their order; a code of a later version of the service is told as it is."""
    words = texts()
    return [words[code][language] if code in words else code for code in codes]


@cache
def texts() -> Mapping[str, Mapping[Language, str]]:
    """Code -> language -> sentence, of every code that this version knows."""
    words = resources.files("face_validation.client").joinpath("reasons.json").read_text("utf-8")
    found: Mapping[str, Mapping[Language, str]] = json.loads(words)
    return found
