"""What to tell a person of the service's reasons: each code in plain words, English or Spanish."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["en", "es"]


def advice(codes: Iterable[str], language: Language = "en") -> list[str]:
    """One sentence for each code, in their order; a code of a later version of the service is told as it is."""
    words = texts()
    return [words[code][language] if code in words else code for code in codes]


@cache
def texts() -> Mapping[str, Mapping[Language, str]]:
    """Code -> language -> sentence, of every code that this version knows."""
    found: Mapping[str, Mapping[Language, str]] = json.loads(
        resources.files("face_validation.client").joinpath("reasons.json").read_text(encoding="utf-8")
    )
    return found
