"""What API Gateway refuses by itself, in the contract's envelope. Data only."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from face_validation_function.contract.answers import Error, ErrorEnvelope
from face_validation_function.routes import ROUTES


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of API Gateway's own answers: its response type there, and what the contract says instead.

    `details` may hold a `$context` variable. `status` None keeps API Gateway's own status.
    """

    response_type: str
    status: HTTPStatus | None
    code: str
    message: str
    details: str
    retry_after_s: int | None = None

    def envelope(self, request_id: str) -> dict[str, Any]:
        """The body of the answer; `request_id` is API Gateway's own id of the request, or its `$context` variable."""
        error = Error(code=self.code, message=self.message, details=self.details)
        return ErrorEnvelope(id_request=request_id, error=error).as_json()


# Of the function's own refusals: an example of `details` for each code, for the OpenAPI document.
DETAILS = {
    "ForbiddenError": "include: document needs the scope face-detection/read too; the token has face-detection/write.",
    "RequestError": "threshold: Input should be less than or equal to 100; the value sent is 101.",
    "ImageValidationError": "target: no face in the image: its confidence must be at least 80; none was found.",
    "ImageTooLargeError": "source, decode: the image has 79x200 pixels; the limits are 80x80 to 4096x4096.",
    "LivenessError": "target, liveness session: the session was used by another request; it is good for one.",
    "InvalidS3ObjectError": "source: the bucket has no object with the key people/ada.jpg.",
    "NotFoundError": "Ada Lovelace is not enrolled.",
    "ConflictError": "the face in the photo is enrolled under another name.",
    "InternalServerError": "Rekognition throttled the request: try again later.",
}

_SIGN_IN = "The request carries no valid access token."
_NOT_ALLOWED = "The request is not allowed."
_NO_ADDRESS = "There is no such address in this API."
_NO_ROUTE = (
    "There is no such method and path in this API. It answers "
    f"{', '.join(f'{route.method} {route.resource}' for route in ROUTES)}."
)
_INVALID = "The request is not valid."
_TOO_MANY = "Too many requests."
_FAILED = "The service could not finish the validation."

REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "UNAUTHORIZED",
        HTTPStatus.UNAUTHORIZED,
        "UnauthorizedError",
        _SIGN_IN,
        "The access token is missing, expired or from another service: send Authorization: Bearer <access token>.",
    ),
    Refusal(
        "EXPIRED_TOKEN",
        HTTPStatus.UNAUTHORIZED,
        "UnauthorizedError",
        _SIGN_IN,
        "The access token has expired: get a new one.",
    ),
    Refusal(
        "ACCESS_DENIED",
        HTTPStatus.FORBIDDEN,
        "ForbiddenError",
        _NOT_ALLOWED,
        "The access token lacks the scope of this route.",
    ),
    Refusal(
        "MISSING_AUTHENTICATION_TOKEN",
        HTTPStatus.FORBIDDEN,
        "ForbiddenError",
        _NO_ADDRESS,
        _NO_ROUTE,
    ),
    Refusal("INVALID_API_KEY", HTTPStatus.FORBIDDEN, "ForbiddenError", _NOT_ALLOWED, "The API key is not valid."),
    # No method here takes AWS signatures: API Gateway looks for one in the bearer token where it has no method.
    Refusal("INVALID_SIGNATURE", HTTPStatus.FORBIDDEN, "ForbiddenError", _NO_ADDRESS, _NO_ROUTE),
    Refusal(
        "WAF_FILTERED",
        HTTPStatus.FORBIDDEN,
        "ForbiddenError",
        _NOT_ALLOWED,
        "The web application firewall refused the request.",
    ),
    Refusal(
        "REQUEST_TOO_LARGE",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "PayloadTooLargeError",
        "The request is too large.",
        "The request is over the limit of 6 MB: images go to the buckets, the body names their keys.",
    ),
    Refusal(
        "THROTTLED",
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyRequestsError",
        _TOO_MANY,
        "Too many requests a second: try again later.",
        retry_after_s=1,
    ),
    Refusal(
        "QUOTA_EXCEEDED",
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyRequestsError",
        _TOO_MANY,
        "The quota of requests is used up: try again later.",
        retry_after_s=60,
    ),
    Refusal(
        "BAD_REQUEST_BODY",
        HTTPStatus.BAD_REQUEST,
        "RequestError",
        _INVALID,
        "body: $context.error.validationErrorString",
    ),
    Refusal(
        "BAD_REQUEST_PARAMETERS",
        HTTPStatus.BAD_REQUEST,
        "RequestError",
        _INVALID,
        "parameters: $context.error.validationErrorString",
    ),
    Refusal(
        "UNSUPPORTED_MEDIA_TYPE",
        HTTPStatus.BAD_REQUEST,
        "RequestError",
        _INVALID,
        "The content type must be application/json.",
    ),
    # What has no type of its own, by its status: 403 for a bearer token where there is no method, 413 over 6 MB.
    Refusal(
        "DEFAULT_4XX",
        None,
        "RequestError",
        _INVALID,
        "API Gateway refused the request: there is no such method and path, or it is over the limit of 6 MB.",
    ),
    *(
        Refusal(response_type, HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", _FAILED, details)
        for response_type, details in (
            ("INTEGRATION_FAILURE", "The function did not answer."),
            ("INTEGRATION_TIMEOUT", "The function did not answer within 29 seconds."),
            ("AUTHORIZER_FAILURE", "The access token could not be checked."),
            ("AUTHORIZER_CONFIGURATION_ERROR", "The access token could not be checked."),
            ("API_CONFIGURATION_ERROR", "The API is not configured correctly."),
            ("DEFAULT_5XX", "The service failed."),
        )
    ),
)
