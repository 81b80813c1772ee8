"""Pages of lists: tokens that say where the next page begins, and of which list."""

import base64
import json
from contextlib import suppress
from hashlib import sha256
from typing import Any

from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.database import Store
from rekognition_local.storage.records import Record

MAX_DIGITS = 18  # what SQLite's integers hold


def page(
    store: Store, operation: str, request: dict[str, Any], default_size: int, kind: type[Record], **equal: Any
) -> tuple[list[Record], str | None]:
    """One page of what `Store.find` finds, and the token of the next page, None on the last one.

    A token belongs to this operation and this request's other members; another one is refused.
    """
    # The model allows a MaxResults of 0: it is the default, too.
    size = request.get("MaxResults") or default_size
    asked = {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    scope = sha256(json.dumps([operation, asked], sort_keys=True).encode()).hexdigest()[:16]
    found = store.find(kind, _start(request.get("NextToken"), scope), size + 1, **equal)
    if len(found) <= size:
        return found, None
    return found[:size], base64.urlsafe_b64encode(f"{scope}{found[size - 1].number}".encode()).decode()


def _start(token: str | None, scope: str) -> int:
    if token is None:
        return 0
    text = ""
    with suppress(ValueError):
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    number = text.removeprefix(scope)
    if not text.startswith(scope) or not number.isdecimal() or len(number) > MAX_DIGITS:
        raise ServiceError("InvalidPaginationTokenException", "Invalid Pagination Token")
    return int(number)
