"""What refused callers read, in English and in Spanish, as `messages.json` has it."""

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path

from werkzeug.datastructures import LanguageAccept


@dataclass(frozen=True, slots=True)
class Message:
    """One refusal: its status, and its sentence in both languages."""

    status: HTTPStatus
    english: str
    spanish: str


@cache
def _messages() -> dict[str, Message]:
    written = json.loads(Path(__file__).with_name("messages.json").read_text("utf-8"))
    return {name: Message(HTTPStatus(one.pop("status")), **one) for name, one in written.items()}


def message(name: str, **values: str) -> Message:
    """The message of that name in the file, with these values in its sentences."""
    found = _messages()[name]
    return replace(found, english=found.english.format(**values), spanish=found.spanish.format(**values))


def too_many_bytes(limit: int) -> Message:
    """The image's file is larger than `limit` bytes."""
    return message("too_many_bytes", size=f"{limit / 2**20:.3g} MB")


def of_status(status: HTTPStatus) -> Message:
    """The message for a refusal that the HTTP library makes by itself."""
    names = {404: "not_found", 405: "method_not_allowed", 500: "failed"}
    return replace(message(names.get(status, "bad_request")), status=status)


def prefers_spanish(accepted: LanguageAccept) -> bool:
    """Whether an Accept-Language header ranks Spanish, of any country, above English; `*` stands for English."""
    wanted = [(re.split("[-_]", tag.lower())[0], weight) for tag, weight in accepted if weight > 0]
    known = [(language, weight) for language, weight in wanted if language in {"es", "en", "*"}]
    # Of equal weights, the language named first is preferred: RFC 9110 leaves it open, browsers list it so.
    return max(known, key=lambda one: one[1], default=("en", 1))[0] == "es"
