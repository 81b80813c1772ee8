"""What API Gateway answers itself: the deployment's own refusals, over HTTP; and what a wrong address meant."""

import difflib
import json
import re
from collections.abc import Collection
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import compile_path

from face_validation_function.contract.operations import REFUSALS, Refusal

Address = tuple[str, str]
"""Method and path; a path may have parameters in braces."""

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
        """The refusal over HTTP."""
        wait_s = self.refusal.retry_after_s
        headers = None if wait_s is None else {"Retry-After": str(wait_s)}
        status = self.refusal.status or HTTPStatus.BAD_REQUEST  # which of the 4xx is API Gateway's to choose
        return Response(json.dumps(self.refusal.envelope(request_id)), status, headers, media_type="application/json")


def no_such_address(method: str, path: str, known: Collection[Address]) -> str:
    """Names the address that was asked, and the one that was meant where there is one like it."""
    asked = f"There is no {method} {path[:120]} here"
    at_path = [address for address in known if path_pattern(address[1]).fullmatch(path)]
    similar = difflib.get_close_matches(path[:120], {known_path for _, known_path in known}, n=1, cutoff=0.6)
    meant = at_path or [address for address in known if address[1] in similar] or known
    return f"{asked}: {'use' if at_path or similar else 'there is'} {_listed(meant)}."


def path_pattern(resource: str) -> re.Pattern[str]:
    """`/faces/{face_id}` as a pattern: a path parameter is one segment, or with `{name+}` the rest of the path."""
    return compile_path(resource.replace("+}", ":path}"))[0]


def _listed(addresses: Collection[Address]) -> str:
    *others, last = (f"{method} {path}" for method, path in addresses)
    return f"{', '.join(others)} or {last}" if others else last
