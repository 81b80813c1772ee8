"""Every refusal of the contract: one class, one code, one HTTP status."""

from http import HTTPStatus

from face_validation_function.reasons import Reason


class FaceValidationError(Exception):
    """A refusal that a caller is told of; `str(error)` is the `details` of the answer.

    The class's name is the contract's error code, unless its base's is. `details` begins with `step`, the image and the
    stage that refused, and says the actual value beside the limit; it never holds a traceback, a secret or image bytes.
    `reasons` are the same for programs: the class's own, unless others are given.
    """

    code: str = "FaceValidationError"
    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    message: str = "The validation failed."
    retry_after_s: int | None = None
    step: str | None = None
    reasons: tuple[Reason, ...] = (Reason.SERVICE_FAILED,)
    # Whether every envelope says the reasons, not only that of a request which asks for them.
    tells_reasons: bool = False

    def __init__(self, details: str = "", *reasons: Reason) -> None:
        super().__init__(details)
        if reasons:
            self.reasons = reasons

    def __init_subclass__(cls, *, has_own_code: bool = True) -> None:
        if has_own_code:
            cls.code = cls.__name__

    def __str__(self) -> str:
        details = super().__str__()
        return details if self.step is None else f"{self.step}: {details}"


class RequestError(FaceValidationError):
    """The request does not validate; no AWS call was made for it."""

    status = HTTPStatus.BAD_REQUEST
    message = "The request is not valid."
    reasons: tuple[Reason, ...] = (Reason.REQUEST_NOT_VALID,)


class ImageValidationError(FaceValidationError):
    """The image cannot be judged: not JPG or PNG, truncated, no face, no document, no portrait."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = "The image is not valid for this validation."
    reasons: tuple[Reason, ...] = (Reason.IMAGE_NOT_USABLE,)


class ForbiddenError(FaceValidationError):
    """The access token may ask this route, but not for all that the request asks."""

    status = HTTPStatus.FORBIDDEN
    message = "The request is not allowed."
    reasons: tuple[Reason, ...] = (Reason.SCOPE_MISSING,)


class NotFoundError(FaceValidationError):
    """What the request names is not there: no such person, face or job."""

    status = HTTPStatus.NOT_FOUND
    message = "The service does not know it."
    reasons: tuple[Reason, ...] = (Reason.NOT_KNOWN,)


class ConflictError(FaceValidationError):
    """The request contradicts what is kept, or what is under way."""

    status = HTTPStatus.CONFLICT
    message = "The request conflicts with what the service keeps."
    reasons: tuple[Reason, ...] = (Reason.STATE_CONFLICT,)
    tells_reasons = True


class LivenessError(FaceValidationError):
    """The liveness session cannot stand for the target: unknown, used, not passed, expired, or without an image."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = "The liveness session is not valid for this validation."
    reasons: tuple[Reason, ...] = (Reason.LIVENESS_SESSION_UNKNOWN,)
    tells_reasons = True


class ImageTooLargeError(FaceValidationError):
    """Outside 80x80 to 4096x4096 pixels (or as many in a photograph), or more than 15 MB."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = "The image's size is outside the limits."
    reasons: tuple[Reason, ...] = (Reason.IMAGE_TOO_LARGE,)


class InvalidS3ObjectError(FaceValidationError):
    """The object cannot be read: missing, denied or empty."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = "The image cannot be read from its bucket."
    reasons: tuple[Reason, ...] = (Reason.OBJECT_UNREADABLE,)


class RequestUnderWayError(ConflictError, has_own_code=False):
    """The same request is being answered: a little later its answer is there."""

    retry_after_s = 1
    reasons: tuple[Reason, ...] = (Reason.REQUEST_UNDER_WAY,)


class InternalServerError(FaceValidationError):
    """Anything else: the service or AWS failed, or ran out of time."""

    message = "The service could not finish the validation."


class ServiceBusyError(InternalServerError, has_own_code=False):
    """AWS throttled past the retries: the caller is told when to come again."""

    retry_after_s = 2
    reasons: tuple[Reason, ...] = (Reason.SERVICE_BUSY,)


def drop_tracebacks(error: BaseException | None) -> None:
    """Let go of the frames of an error and of its causes, which hold decoded images: up to 60 MB each.

    Future, error and frames refer to each other, so they would stay until Python looks for cycles, which is many
    refusals later: more than the function's memory has room for. What is logged has been logged.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
