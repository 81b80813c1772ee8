"""What API Gateway answers itself, without asking the function: the deployed gateway responses, word for word."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Refusal:
    """One gateway response: its type on AWS, and its status and words in the contract's envelope."""

    response_type: str
    status: HTTPStatus
    code: str
    message: str
    details: str
    retry_after_s: int | None = None

    def response(self, request_id: str) -> Response:
        """The refusal over HTTP; `id_request` is API Gateway's own request id."""
        error = {"code": self.code, "message": self.message, "details": self.details}
        headers = {"x-amzn-RequestId": request_id}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        body = json.dumps({"id_request": request_id, "error": error})
        return Response(body, self.status, headers, media_type="application/json")


UNAUTHORIZED = Refusal(
    "UNAUTHORIZED",
    HTTPStatus.UNAUTHORIZED,
    "UnauthorizedError",
    "The request carries no valid access token.",
    "The access token is missing, expired or not of this service: send Authorization: Bearer <access token>.",
)
ACCESS_DENIED = Refusal(
    "ACCESS_DENIED",
    HTTPStatus.FORBIDDEN,
    "ForbiddenError",
    "The request is not allowed.",
    "The access token lacks the scope of this route.",
)
NO_SUCH_ROUTE = Refusal(
    "MISSING_AUTHENTICATION_TOKEN",
    HTTPStatus.FORBIDDEN,
    "ForbiddenError",
    "The request is not allowed.",
    "There is no such method and path in this API.",
)
REQUEST_TOO_LARGE = Refusal(
    "REQUEST_TOO_LARGE",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "PayloadTooLargeError",
    "The request is too large.",
    "The request is over the limit of 6 MB: images go to the buckets, the body names their keys.",
)
THROTTLED = Refusal(
    "THROTTLED",
    HTTPStatus.TOO_MANY_REQUESTS,
    "TooManyRequestsError",
    "Too many requests.",
    "More requests a second than this API takes: try again later.",
    retry_after_s=1,
)
INTEGRATION_FAILURE = Refusal(
    "INTEGRATION_FAILURE",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "InternalServerError",
    "The service could not finish the validation.",
    "The function did not answer.",
)
INTEGRATION_TIMEOUT = Refusal(
    "INTEGRATION_TIMEOUT",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "InternalServerError",
    "The service could not finish the validation.",
    "The function did not answer within 29 seconds.",
)

GATEWAY_REFUSALS = (
    UNAUTHORIZED,
    ACCESS_DENIED,
    NO_SUCH_ROUTE,
    REQUEST_TOO_LARGE,
    THROTTLED,
    INTEGRATION_FAILURE,
    INTEGRATION_TIMEOUT,
)


class RefusedError(Exception):
    """Ends a request in the gateway with that refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.response_type)
        self.refusal = refusal
