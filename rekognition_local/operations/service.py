"""What operations work with: the engine, the source of images, the gallery; and pages of lists."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from rekognition_local.engine import Engine
from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.records import Record

MAX_FACES = 100  # "the 100 largest faces in the image": API_DetectFaces, API_CompareFaces, API_IndexFaces
_MAX_DIGITS = 18  # what SQLite's integers hold


@dataclass(frozen=True, slots=True)
class Service:
    """One running Rekognition: shared by all requests, safe under threads."""

    engine: Engine
    images: ImageSource
    gallery: Gallery
    liveness: LivenessSessions = field(default_factory=LivenessSessions)


Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]
"""One of Rekognition's: the members of a request, as `validation.read_request` gives them -> those of the reply."""


def page(
    service: Service, operation: str, request: dict[str, Any], default_size: int, kind: type[Record], **equal: Any
) -> tuple[list[Record], str | None]:
    """One page of what `Store.find` finds, and the token of the next page, None on the last one.

    A token belongs to this operation and this request's other members; another one is refused.
    """
    # The model allows a MaxResults of 0: it is the default, too.
    size = request.get("MaxResults") or default_size
    asked = {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    scope = sha256(json.dumps([operation, asked], sort_keys=True).encode()).hexdigest()[:16]
    found = service.gallery.store.find(kind, _start(request.get("NextToken"), scope), size + 1, **equal)
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
    if not text.startswith(scope) or not number.isdecimal() or len(number) > _MAX_DIGITS:
        raise ServiceError("InvalidPaginationTokenException", "Invalid Pagination Token")
    return int(number)
