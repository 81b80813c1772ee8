"""What a wrong address probably meant: words for a caller who mistyped a path or took the wrong method."""

import difflib
import re
from collections.abc import Collection

Address = tuple[str, str]
"""Method and path; a path may have parameters in braces."""


def no_such_address(method: str, path: str, known: Collection[Address]) -> str:
    """Names the address that was asked, and the one that was meant where there is one like it."""
    asked = f"There is no {method} {path[:120]} here"
    at_path = [address for address in known if path_pattern(address[1]).fullmatch(path)]
    similar = difflib.get_close_matches(path[:120], {known_path for _, known_path in known}, n=1, cutoff=0.6)
    meant = at_path or [address for address in known if address[1] in similar] or known
    return f"{asked}: {'use' if at_path or similar else 'there is'} {_listed(meant)}."


def path_pattern(resource: str) -> re.Pattern[str]:
    """`/faces/{face_id}` as a pattern: a path parameter is one segment, or with `{name+}` the rest of the path."""
    return re.compile("".join(_path_part(part) for part in re.split(r"(\{\w+\+?\})", resource)))


def _path_part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}")
    return f"(?P<{name.rstrip('+')}>{'.+' if name.endswith('+') else '[^/]+'})"


def _listed(addresses: Collection[Address]) -> str:
    *others, last = (f"{method} {path}" for method, path in addresses)
    return f"{', '.join(others)} or {last}" if others else last
