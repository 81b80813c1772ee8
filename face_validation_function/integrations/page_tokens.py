"""Where a page of a table ends, as a token that callers send back."""

import base64
import binascii
import json
from typing import Any

from face_validation_function.exceptions.exceptions import RequestError

Row = dict[str, dict[str, Any]]


def token_of(key: Row | None) -> str | None:
    """The token of the page that begins after this row; None where there is no such page."""
    return base64.urlsafe_b64encode(json.dumps(key, sort_keys=True).encode()).decode() if key else None


def start_of(token: str, **names: str) -> Row:
    """The row that a page begins after, which has these attributes of these types.

    Raises:
        RequestError: the token is not one that `token_of` gave.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise RequestError("next_token is not one that this service gave.") from error
    if not (
        isinstance(key, dict)
        and set(key) == set(names)
        and all(isinstance(key[name], dict) and [*key[name]] == [kind] for name, kind in names.items())
        and all(isinstance(text, str) for value in key.values() for text in value.values())
    ):
        raise RequestError("next_token is not one that this service gave.")
    return key
