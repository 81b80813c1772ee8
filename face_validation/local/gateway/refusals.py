"""What API Gateway answers itself, without asking the function: the deployment's own refusals, over HTTP."""

import json
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response

from face_validation_function.contract.refusals import REFUSALS, Refusal

_REFUSALS = {refusal.response_type: refusal for refusal in REFUSALS}
# AWS has no such end; the envelope and the advice are those of every other answer that is worth another try.
_REFUSALS["STOPPING"] = Refusal(
    "DEFAULT_5XX",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "InternalServerError",
    "The service could not finish the validation.",
    "The local stack is stopping.",
    retry_after_s=1,
)


class RefusedError(Exception):
    """Ends a request in the gateway with the refusal of that response type, perhaps with other details."""

    def __init__(self, response_type: str, details: str | None = None) -> None:
        super().__init__(response_type)
        refusal = _REFUSALS[response_type]
        self.refusal = refusal if details is None else replace(refusal, details=details)

    def response(self, request_id: str) -> Response:
        """The refusal over HTTP; `id_request` is API Gateway's own request id."""
        headers = {"x-amzn-RequestId": request_id}
        if self.refusal.retry_after_s is not None:
            headers["Retry-After"] = str(self.refusal.retry_after_s)
        status = self.refusal.status or HTTPStatus.BAD_REQUEST  # which of the 4xx is API Gateway's to choose
        return Response(json.dumps(self.refusal.envelope(request_id)), status, headers, media_type="application/json")
