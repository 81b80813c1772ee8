"""What API Gateway refuses by itself, in the contract's envelope; `refusals.toml` has the words."""

import tomllib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
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


def _of_gateway(response_type: str, told: dict[str, Any]) -> Refusal:
    details = told["details"].format(routes=", ".join(f"{route.method} {route.resource}" for route in ROUTES))
    status = HTTPStatus(told["status"]) if "status" in told else None
    return Refusal(response_type, status, told["code"], told["message"], details, told.get("retry_after_s"))


_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# Of the function's own refusals: an example of `details` for each code.
DETAILS: dict[str, str] = _WORDS["details"]
REFUSALS = tuple(_of_gateway(*entry) for entry in _WORDS["gateway"].items())
