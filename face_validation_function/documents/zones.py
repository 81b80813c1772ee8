"""The formats of machine readable zones: where each field stands, and which check digits cover it.

Source: ICAO Doc 9303, parts 3 (check digits), 4 (TD3), 5 (TD1), 6 (TD2) and 7 (visas); the older French card as its
own zones show it. No library serves: the one on PyPI (`mrz`) is under the GPL.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILLER = "<"
# A character's value is its place here: A is 10, Z is 35. The filler counts 0.
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WEIGHTS = (7, 3, 1)

Span = tuple[int, int]
"""First and last place + 1, from 0 over the zone's lines joined without a break."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A format: lines, their length, each field's place, and the places of the check digits.

    `checks` maps a field to the place of its own digit. `composite` is the place of the digit over `covered`, which
    are the spans that it counts; None where there is none. A zone is of this format when it begins with one of
    `begins`. The fields `letters` have letters alone.
    """

    name: str
    lines: int
    length: int
    begins: tuple[str, ...]
    fields: Mapping[str, Span]
    checks: Mapping[str, int]
    covered: tuple[Span, ...]
    composite: int | None
    letters: tuple[str, ...]


def _layout(told: dict[str, Any]) -> Layout:
    """A format of `zones.json`, whose lists are tuples here."""
    spans = {name: (start, stop) for name, (start, stop) in told["fields"].items()}
    covered = tuple((start, stop) for start, stop in told["covered"])
    texts = {"begins": tuple(told["begins"]), "letters": tuple(told["letters"])}
    return Layout(**told | texts | {"fields": spans, "covered": covered})


LAYOUTS = tuple(map(_layout, json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))))
DATES = ("date_of_birth", "expiry_date")


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of one format: its joined lines, and the verdict of each check digit.

    `valid` maps a field that has a digit of its own to that digit's verdict; `composite` is the verdict of the digit
    over all of them, None where the format has none. `corrected` are the fields in which a letter was taken for the
    digit that looks like it because their check digit says so.
    """

    layout: Layout
    text: str
    valid: Mapping[str, bool]
    composite: bool | None
    corrected: frozenset[str] = frozenset()

    def field(self, name: str) -> str | None:
        """A field as it stands there, fillers and all; None where the format has no such field."""
        if name == "document_number" and (long := _long_number(self.layout, self.text)):
            return long[0]
        span = self.layout.fields.get(name)
        return None if span is None else self.text[span[0] : span[1]]

    def is_proved(self, name: str) -> bool | None:
        """Whether a field's own digit and the one over all fields are right; None for a field without a digit."""
        own = self.valid.get(name)
        return None if own is None else own and self.composite is not False

    @property
    def right_digits(self) -> int:
        """How many check digits are right."""
        return sum(self.valid.values()) + bool(self.composite)


def check_digit(text: str) -> str:
    """The digit that protects a text (ICAO Doc 9303-3, 4.9); ValueError unless it is of A-Z, 0-9 and fillers."""
    values = (0 if character == FILLER else ALPHABET.index(character) for character in text)
    return str(sum(value * WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def judged(layout: Layout, text: str, corrected: frozenset[str] = frozenset()) -> Zone:
    """The zone that `text` (all lines joined) is in this format, its check digits judged."""
    valid = {name: field_is_right(layout, text, name) for name in layout.checks}
    composite = None
    if layout.composite is not None:
        covered = "".join(text[start:stop] for start, stop in layout.covered)
        composite = text[layout.composite] == check_digit(covered)
    return Zone(layout, text, valid, composite, corrected)


def field_is_right(layout: Layout, text: str, name: str) -> bool:
    """Whether a field's own check digit is right."""
    if name == "document_number" and (long := _long_number(layout, text)):
        number, digit = long
        return digit == check_digit(number)
    start, stop = layout.fields[name]
    digit = text[layout.checks[name]]
    # An empty optional field may have a filler for its digit (9303-4, 4.2.2.2).
    empty = name == "optional_data" and not text[start:stop].strip(FILLER)
    return digit == check_digit(text[start:stop]) or (empty and digit == FILLER)


def _long_number(layout: Layout, text: str) -> tuple[str, str] | None:
    """A number longer than nine characters and its digit: it goes on in the optional data (9303-5, 4.2.2)."""
    if layout.name not in {"TD1", "TD2"} or text[layout.checks["document_number"]] != FILLER:
        return None
    start, stop = layout.fields["document_number"]
    rest = text[slice(*layout.fields["optional_data"])].split(FILLER)[0]
    return (text[start:stop] + rest[:-1], rest[-1]) if len(rest) > 1 else None
