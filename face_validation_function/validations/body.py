"""A JSON body, read strictly: what JSON does not have, unknown members and bad keys are refused by name."""

import json
import math
import re
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from face_validation_function.exceptions.exceptions import RequestError

MAX_ITEMS = 10
MAX_KEY_BYTES = 1024

_UUID_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|data:)", re.IGNORECASE)
_SHOWN_CHARACTERS = 80
_SHOWN_PROBLEMS = 8


def new_request_id() -> str:
    """A trace id for a request that brings none: a random UUID v4."""
    return str(uuid.uuid4())


def _object_key(key: str) -> str:
    # No path tricks, no URL (docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise ValueError("a key is UTF-8 text, without lone surrogates") from None
    if not 1 <= size <= MAX_KEY_BYTES:
        raise ValueError(f"a key has 1 to {MAX_KEY_BYTES} bytes of UTF-8, this one has {size}")
    if key.startswith("/"):
        raise ValueError("a key does not begin with /")
    if _URL.match(key):
        raise ValueError("send an object key, not a URL")
    if any(segment in {".", ".."} for segment in key.split("/")):
        raise ValueError("a key has no . or .. segment")
    if any(unicodedata.category(character) == "Cc" for character in key):
        raise ValueError("a key has no control character")
    return key


def _request_id(value: str) -> str:
    if not _UUID_V4.fullmatch(value):
        raise ValueError("an id_request is a UUID v4")
    return value


Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
ObjectKey = Annotated[
    str, Field(min_length=1, max_length=MAX_KEY_BYTES, examples=["path/to/source.jpg"]), AfterValidator(_object_key)
]
RequestId = Annotated[str, Field(json_schema_extra={"format": "uuid"}), AfterValidator(_request_id)]


class StrictBody(BaseModel):
    """A request body: numbers are JSON numbers, unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id_request: RequestId = Field(
        default_factory=new_request_id, description="Trace id (UUID v4); generated when absent, echoed in the answer."
    )


Body = TypeVar("Body", bound=StrictBody)


def parse_body(body: str | None) -> object:
    """The JSON value of a body; RequestError also for NaN, Infinity, 1e400 or a name that is given twice."""
    if not body:
        raise RequestError("The body is empty: send JSON.")
    try:
        # Some editors and .NET's writers begin a text with a byte order mark; RFC 8259, 8.1, lets a reader ignore it.
        text = body.removeprefix("\ufeff")
        return json.loads(text, parse_constant=_finite, parse_float=_finite, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise RequestError(f"The body is not valid JSON: {reason[:_SHOWN_CHARACTERS]}.") from error


def items_of(body: object) -> list[object]:
    """The requests in a body, an object or an array of 1 to 10; raises RequestError when it is another value."""
    if isinstance(body, dict):
        return [body]
    if not isinstance(body, list):
        raise RequestError(f"The body is {_shown(body)}; it must be one JSON object, or an array of 1 to 10 of them.")
    if not 1 <= len(body) <= MAX_ITEMS:
        raise RequestError(f"The body is an array of {len(body)} items; the limits are 1 to {MAX_ITEMS}.")
    return body


def validated(item: object, model: type[Body]) -> Body:
    """A request that may cost money, as `model` describes it; raises RequestError, which names each field and value."""
    if not isinstance(item, dict):
        raise RequestError(f"A request is a JSON object, not {'an array' if isinstance(item, list) else _shown(item)}.")
    # Half a surrogate pair in a name becomes its escape: pydantic would refuse the whole request without naming it.
    fields = {name.encode(errors="backslashreplace").decode(): value for name, value in item.items()}
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        sentences = [_sentence(problem, model) for problem in problems[:_SHOWN_PROBLEMS]]
        if len(problems) > _SHOWN_PROBLEMS:
            sentences.append(f"There are {len(problems) - _SHOWN_PROBLEMS} more problems.")
        raise RequestError(" ".join(sentences)) from error


def request_id_of(item: object) -> str:
    """The id to answer with: the caller's own when it is a UUID v4, else a new one."""
    sent = item.get("id_request") if isinstance(item, dict) else None
    return sent if isinstance(sent, str) and _UUID_V4.fullmatch(sent) else new_request_id()


def _sentence(problem: Mapping[str, Any], model: type[StrictBody]) -> str:
    """One problem of pydantic's list in our words: the field, the reason, the value sent."""
    field = ".".join(str(part) or '""' for part in problem["loc"]) or "request"
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = ", ".join(one.alias or name for name, one in model.model_fields.items())
        return f"{_shown(field, quoted=False)}: this field is not known; the fields are {known}."
    if problem["type"] == "missing":
        return f"{field}: this field is required."
    if field == "request":
        return f"{reason}."
    if field == "image":
        return f"{field}: {reason}."  # no answer holds image bytes
    return f"{field}: {reason}; the value sent is {_shown(problem['input'])}."


def _shown(value: object, *, quoted: bool = True) -> str:
    """A caller's value, short enough for an answer and a log, as JSON writes it."""
    text = json.dumps(value, default=str) if quoted and not isinstance(value, Exception) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:32]} is not a number of JSON, or too large for one")
    return number


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"the name {_shown(name)} is given twice")
        fields[name] = value
    return fields
