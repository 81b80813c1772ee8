"""What the API's document says of each operation, and API Gateway's refusals; the words are in two TOML files here."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from face_validation_function.contract import answers, records
from face_validation_function.routes import ROUTES
from face_validation_function.validations import job_requests, people_requests, validation_request
from face_validation_function.validations.body import MAX_ITEMS

Json = dict[str, Any]

UUID_V4 = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
OBJECT_KEY = (
    r"^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*://)(?![Dd][Aa][Tt][Aa]:)"
    r"(?!(?:[^/]*/)*\.{1,2}(?:/|$))[^\u0000-\u001f\u007f-\u009f]+$"
)
_NO_CONTROL = r"[^\u0000-\u001f\u007f-\u009f]"
FULL_NAME = rf"^{_NO_CONTROL}*[^\s\u0000-\u001f\u007f-\u009f{people_requests.INVISIBLE}]{_NO_CONTROL}*$"
EXAMPLE_ID = "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11"

PATTERNS = {
    "id_request": UUID_V4,
    **dict.fromkeys(("source_path", "target_path", "image_path"), OBJECT_KEY),
    "manifest_path": OBJECT_KEY.removesuffix("+$") + r"*\.(?:jsonl|csv)$",
    **dict.fromkeys(("full_name", "from", "to"), FULL_NAME),
    "image": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$",
}
"""What a field's text must match, by the field's name; the models judge it in code."""


def _text(pattern: str, example: str, **more: Any) -> Json:
    return {"type": "string", **more, "pattern": pattern, "examples": [example]}


PATH_PARAMETERS = {
    "full_name": _text(FULL_NAME, "Ada Lovelace", minLength=1, maxLength=people_requests.MAX_NAME),
    "face_id": _text(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", EXAMPLE_ID),
    "job_id": _text(UUID_V4, EXAMPLE_ID, format="uuid"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a route beyond the route itself.

    `request` is the model of the body, `query` the one of the query parameters. `successes` are the statuses of an
    answer and what each says, `refusals` the function's own statuses. `max_items` is how many requests one body may
    carry as an array; 1 means that the body is one object. `rules` are what more a body must hold to, where the model
    judges in code.
    """

    summary: str
    description: str
    answer: type[BaseModel]
    successes: Mapping[HTTPStatus, str]
    refusals: tuple[HTTPStatus, ...]
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    max_items: int = 1
    aliases: Mapping[str, str] = field(default_factory=dict)
    rules: Json = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


_MODELS: Mapping[str, Mapping[str, Any]] = {
    "validate": {
        "request": validation_request.FaceValidationRequest,
        "answer": answers.ValidationAnswer,
        "max_items": MAX_ITEMS,
        "aliases": {"target_path": validation_request.MISSPELT_TARGET_PATH},
    },
    "create_liveness_session": {
        "request": validation_request.LivenessSessionRequest,
        "answer": answers.LivenessSessionAnswer,
    },
    "enrol": {"request": people_requests.EnrolRequest, "answer": answers.EnrolAnswer},
    "list_faces": {"query": people_requests.ListRequest, "answer": answers.FacesAnswer},
    "show_face": {"answer": records.FaceRecordAnswer},
    "erase_face": {"answer": answers.ErasedAnswer},
    "show_person": {"answer": records.PersonAnswer},
    "erase_person": {"answer": answers.ErasedAnswer},
    "rename": {"request": people_requests.RenameRequest, "answer": records.RenameAnswer},
    "reindex": {"request": people_requests.ReindexRequest, "answer": records.ReindexAnswer},
    "search": {"request": people_requests.SearchRequest, "answer": answers.SearchAnswer},
    "verify": {"request": people_requests.VerificationRequest, "answer": answers.VerificationAnswer},
    "upload": {"request": people_requests.UploadRequest, "answer": answers.UploadAnswer},
    "create_job": {"request": job_requests.JobRequest, "answer": records.JobAnswer},
    "list_jobs": {"query": job_requests.JobsRequest, "answer": records.JobsAnswer},
    "show_job": {"answer": records.JobAnswer},
    "stop_job": {"answer": records.JobAnswer},
    "redrive_job": {"answer": records.JobAnswer},
    "job_results": {"answer": records.JobResultsAnswer},
}


def _operation(told: Json, models: Mapping[str, Any]) -> Operation:
    refusals = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, *map(HTTPStatus, told.get("refusals", ())))
    successes = {HTTPStatus(int(status)): said for status, said in told["successes"].items()}
    return Operation(**{**told, "successes": successes, "refusals": refusals}, **models)


WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
OPERATIONS = {name: _operation(WORDS[name], models) for name, models in _MODELS.items()}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of API Gateway's own answers, by its type there, and what the contract says instead."""

    response_type: str
    status: HTTPStatus | None  # None: API Gateway's own
    code: str
    message: str
    details: str  # may hold a `$context` variable
    retry_after_s: int | None = None

    def envelope(self, request_id: str) -> Json:
        """The body of the answer; `request_id` is API Gateway's own id of the request, or its `$context` variable."""
        error = answers.Error(code=self.code, message=self.message, details=self.details)
        return answers.ErrorEnvelope(id_request=request_id, error=error).as_json()


def _of_gateway(response_type: str, told: Json) -> Refusal:
    details = told["details"].format(routes=", ".join(f"{route.method} {route.resource}" for route in ROUTES))
    status = HTTPStatus(told["status"]) if "status" in told else None
    return Refusal(response_type, status, told["code"], told["message"], details, told.get("retry_after_s"))


_REFUSED = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))
# Of the function's own refusals: an example of `details` for each code.
DETAILS: dict[str, str] = _REFUSED["details"]
REFUSALS = tuple(_of_gateway(*entry) for entry in _REFUSED["gateway"].items())
