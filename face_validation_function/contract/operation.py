"""What the API's document says of an operation, and the patterns of its texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from face_validation_function.validations.people_requests import INVISIBLE, MAX_NAME

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a route beyond the route itself.

    `request` is the model of the body, `query` the one of the query parameters, `path` the schema of each path
    parameter. `successes` are the statuses of an answer and what each says, `refusals` the function's own statuses.
    `max_items` is how many requests one body may carry as an array; 1 means that the body is one object.
    `patterns` are what a field's text must match, and `rules` what more a body must hold to, where the model judges in
    code.
    """

    summary: str
    description: str
    answer: type[BaseModel]
    successes: Mapping[HTTPStatus, str]
    refusals: tuple[HTTPStatus, ...]
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    path: Mapping[str, Json] = field(default_factory=dict)
    max_items: int = 1
    aliases: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    rules: Json = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


UUID_V4 = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
OBJECT_KEY = (
    r"^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*://)(?![Dd][Aa][Tt][Aa]:)"
    r"(?!(?:[^/]*/)*\.{1,2}(?:/|$))[^\u0000-\u001f\u007f-\u009f]+$"
)
MANIFEST_KEY = OBJECT_KEY.removesuffix("+$") + r"*\.(?:jsonl|csv)$"
FACE_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_NO_CONTROL = r"[^\u0000-\u001f\u007f-\u009f]"
FULL_NAME = rf"^{_NO_CONTROL}*[^\s\u0000-\u001f\u007f-\u009f{INVISIBLE}]{_NO_CONTROL}*$"
BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"

REQUEST_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
EXAMPLE_ID = "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11"
FULL_NAME_PATH: dict[str, Json] = {
    "full_name": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_NAME,
        "pattern": FULL_NAME,
        "examples": ["Ada Lovelace"],
    }
}
FACE_ID_PATH: dict[str, Json] = {"face_id": {"type": "string", "pattern": FACE_ID, "examples": [EXAMPLE_ID]}}
