"""The formats of machine readable zones: where each field stands, and which check digits cover it.

Source: ICAO Doc 9303, parts 3 (check digits), 4 (TD3), 5 (TD1), 6 (TD2) and 7 (visas); the older French card as its
own zones show it. No library serves: the one on PyPI (`mrz`) is under the GPL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    `begins`.
    """

    name: str
    lines: int
    length: int
    begins: tuple[str, ...]
    fields: Mapping[str, Span]
    checks: Mapping[str, int]
    covered: tuple[Span, ...] = ()
    composite: int | None = None
    letters: tuple[str, ...] = field(default=("document_code", "issuing_state", "nationality", "sex", "names"))


def _two_lines(length: int, optional_to: int) -> dict[str, Span]:
    """Both lines of passports, large cards and visas: they differ in their length and in the optional data's."""
    places = {"document_number": (0, 9), "nationality": (10, 13), "date_of_birth": (13, 19), "sex": (20, 21)}
    places |= {"expiry_date": (21, 27), "optional_data": (28, optional_to)}
    second = {name: (length + start, length + stop) for name, (start, stop) in places.items()}
    return {"document_code": (0, 2), "issuing_state": (2, 5), "names": (5, length), **second}


def _own_digits(length: int) -> dict[str, int]:
    return {"document_number": length + 9, "date_of_birth": length + 19, "expiry_date": length + 27}


LAYOUTS = (
    Layout(
        "TD3",
        2,
        44,
        ("P",),
        _two_lines(44, 42),
        {**_own_digits(44), "optional_data": 86},
        covered=((44, 54), (57, 64), (65, 87)),
        composite=87,
    ),
    Layout(
        "FRANCE",
        2,
        36,
        ("IDFRA",),
        {
            "document_code": (0, 2),
            "issuing_state": (2, 5),
            "surname": (5, 30),
            "document_number": (36, 48),
            "given_names": (49, 63),
            "date_of_birth": (63, 69),
            "sex": (70, 71),
        },
        {"document_number": 48, "date_of_birth": 69},
        covered=((0, 71),),
        composite=71,
        letters=("document_code", "issuing_state", "surname", "given_names", "sex"),
    ),
    Layout(
        "TD2",
        2,
        36,
        ("A", "C", "I"),
        _two_lines(36, 35),
        _own_digits(36),
        covered=((36, 46), (49, 56), (57, 71)),
        composite=71,
    ),
    Layout(
        "TD1",
        3,
        30,
        ("A", "C", "I"),
        {
            "document_code": (0, 2),
            "issuing_state": (2, 5),
            "document_number": (5, 14),
            "optional_data": (15, 30),
            "date_of_birth": (30, 36),
            "sex": (37, 38),
            "expiry_date": (38, 44),
            "nationality": (45, 48),
            "names": (60, 90),
        },
        {"document_number": 14, "date_of_birth": 36, "expiry_date": 44},
        covered=((5, 30), (30, 37), (38, 45), (48, 59)),
        composite=59,
    ),
    Layout("MRV-A", 2, 44, ("V",), _two_lines(44, 44), _own_digits(44)),
    Layout("MRV-B", 2, 36, ("V",), _two_lines(36, 36), _own_digits(36)),
)
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
    """The digit that protects a text of A-Z, 0-9 and fillers: ICAO Doc 9303-3, 4.9.

    Raises:
        ValueError: the text holds another character.
    """
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
