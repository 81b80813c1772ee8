"""Pages of lists: tokens that say where the next page begins, and of which list."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from rekognition_local.protocol.wire import ServiceError

MAX_DIGITS = 18  # what SQLite's integers hold


class Numbered(Protocol):
    """What lists are made of: it has the number that orders them."""

    @property
    def number(self) -> int:
        """Unique and ascending."""
        ...


Item = TypeVar("Item", bound=Numbered)


def page(
    operation: str, request: dict[str, Any], default_size: int, read: Callable[[int, int], Sequence[Item]]
) -> tuple[list[Item], str | None]:
    """One page of a list, and the token of the next one, None on the last page.

    Args:
        operation: whose list it is; a token of another list is refused.
        request: its NextToken and MaxResults (0, which the model allows, and None are the default).
        default_size: items on a page when the request does not say.
        read: (number, most) -> the first `most` items with greater numbers, ascending.

    Raises:
        ServiceError: InvalidPaginationTokenException.
    """
    size = request.get("MaxResults") or default_size
    scope = _scope(operation, request)
    items = read(_start(request.get("NextToken"), scope), size + 1)
    if len(items) <= size:
        return list(items), None
    return list(items[:size]), _token(items[size - 1].number, scope)


def _scope(operation: str, request: dict[str, Any]) -> str:
    asked = {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    return sha256(json.dumps([operation, asked], sort_keys=True).encode()).hexdigest()[:16]


def _token(number: int, scope: str) -> str:
    return base64.urlsafe_b64encode(f"{scope}{number}".encode()).decode()


def _start(token: str | None, scope: str) -> int:
    if token is None:
        return 0
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    number = text.removeprefix(scope)
    if not text.startswith(scope) or not number.isdecimal() or len(number) > MAX_DIGITS:
        raise _invalid()
    return int(number)


def _invalid() -> ServiceError:
    return ServiceError("InvalidPaginationTokenException", "Invalid Pagination Token")
