"""What API Gateway answers itself, without asking the function: the deployment's own refusals, over HTTP."""

import json
from http import HTTPStatus

from starlette.responses import Response

from face_validation_function.contract.refusals import REFUSALS, Refusal

_DEPLOYED = {refusal.response_type: refusal for refusal in REFUSALS}
UNAUTHORIZED = _DEPLOYED["UNAUTHORIZED"]
ACCESS_DENIED = _DEPLOYED["ACCESS_DENIED"]
NO_SUCH_ROUTE = _DEPLOYED["MISSING_AUTHENTICATION_TOKEN"]
REQUEST_TOO_LARGE = _DEPLOYED["REQUEST_TOO_LARGE"]
THROTTLED = _DEPLOYED["THROTTLED"]
INTEGRATION_FAILURE = _DEPLOYED["INTEGRATION_FAILURE"]
INTEGRATION_TIMEOUT = _DEPLOYED["INTEGRATION_TIMEOUT"]
# AWS has no such end; the envelope and the advice are those of every other answer that is worth another try.
STOPPING = Refusal(
    "DEFAULT_5XX",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "InternalServerError",
    "The service could not finish the validation.",
    "The local stack is stopping.",
    retry_after_s=1,
)


class RefusedError(Exception):
    """Ends a request in the gateway with that refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.response_type)
        self.refusal = refusal

    def response(self, request_id: str) -> Response:
        """The refusal over HTTP; `id_request` is API Gateway's own request id."""
        headers = {"x-amzn-RequestId": request_id}
        if self.refusal.retry_after_s is not None:
            headers["Retry-After"] = str(self.refusal.retry_after_s)
        status = self.refusal.status or HTTPStatus.BAD_REQUEST  # which of the 4xx is API Gateway's to choose
        return Response(json.dumps(self.refusal.envelope(request_id)), status, headers, media_type="application/json")
