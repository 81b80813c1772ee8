"""Machine readable zones: their formats, their check digits, and the zone that stands among recognised lines of text.

What was misread is put right only where the alphabet of the field, or the check digit of the number, proves it
(docs/decisions/document-data.md).

Source: ICAO Doc 9303, parts 3 (check digits), 4 (TD3), 5 (TD1), 6 (TD2) and 7 (visas); the older French card as its
own zones show it. No library serves: the one on PyPI (`mrz`) is under the GPL.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

FILLER = "<"
# A character's value is its place here: A is 10, Z is 35. The filler counts 0.
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WEIGHTS = (7, 3, 1)
# An image can show both sides of a card, or lines in between; a zone has three lines at most.
MAX_CANDIDATES = 8
MIN_CANDIDATE = 24
MAX_MISCOUNTED = 6
# Two check digits are right by chance once in a hundred lines that already look like a zone.
MIN_RIGHT = 2
MAX_DOUBTS = 4
DATES = ("date_of_birth", "expiry_date")

_FOREIGN = re.compile(r"[^0-9A-Z<]")
_DATES = re.compile(r"[0-9]{7}[A-Z0-9]{0,4}[MFX<][0-9]{7}")
_AS_FILLERS = str.maketrans(dict.fromkeys("\u2039\uff1c\u3008\u304f\u039b\u2227", FILLER))
_DIGIT_OF = {"O": "0", "Q": "0", "D": "0", "U": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}
_AS_DIGITS = str.maketrans(_DIGIT_OF)
_AS_LETTERS = str.maketrans("012568", "OIZSGB")

Span = Sequence[int]
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
    begins: Sequence[str]
    fields: Mapping[str, Span]
    checks: Mapping[str, int]
    covered: Sequence[Span]
    composite: int | None
    letters: Sequence[str]


LAYOUTS = [Layout(**told) for told in json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))]


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
    def is_valid(self) -> bool:
        """Whether every check digit is right."""
        return all(self.valid.values()) and self.composite is not False

    @property
    def right_digits(self) -> int:
        """How many check digits are right."""
        return sum(self.valid.values()) + bool(self.composite)


def check_digit(text: str) -> str:
    """The digit that protects a text (ICAO Doc 9303-3, 4.9); ValueError unless it is of A-Z, 0-9 and fillers."""
    values = (0 if character == FILLER else ALPHABET.index(character) for character in text)
    return str(sum(value * WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


# What a check digit can prove: L counts 21 and U 30, as 1 and 0 do to it, and G as 6.
_PROVABLE = {letter: digit for letter, digit in _DIGIT_OF.items() if check_digit(letter) != check_digit(digit)}


def find_zone(texts: Sequence[str]) -> Zone | None:
    """The most credible zone among lines of text from top to bottom; None without one."""
    lines = zone_lines(texts)
    found = [
        _with_number(layout, text)
        for layout in LAYOUTS
        for text in zone_texts(layout, lines)
        if text.startswith(tuple(layout.begins))
    ]
    best = max(found, key=lambda zone: (zone.right_digits, -len(zone.corrected)), default=None)
    return best if best is not None and best.right_digits >= MIN_RIGHT else None


def cleaned(text: str) -> str:
    """A line in a zone's characters alone, those that are read for fillers put back."""
    plain = unicodedata.normalize("NFKD", text.upper()).replace("«", "<<").translate(_AS_FILLERS)
    return _FOREIGN.sub("", plain)


def is_of_zone(text: str) -> bool:
    """Whether a line of text looks like part of a zone, and so is not print."""
    text = cleaned(text)
    return len(text) >= MIN_CANDIDATE and ("<<" in text or bool(_DATES.search(text.translate(_AS_DIGITS))))


def zone_lines(texts: Sequence[str]) -> list[str]:
    """The last lines that look like part of a zone, cleaned."""
    return [cleaned(text) for text in texts if is_of_zone(text)][-MAX_CANDIDATES:]


def zone_texts(layout: Layout, lines: Sequence[str]) -> Iterator[str]:
    """Every way to take the layout's lines from these in order, characters put where they can stand."""
    fitted = [line for text in lines if (line := _fitted(text, layout.length))]
    for chosen in combinations(fitted, layout.lines):
        text = _in_alphabets(layout, "".join(chosen))
        # Empty dates have right check digits: an empty form is not a zone.
        if text[slice(*layout.fields["date_of_birth"])].strip(FILLER):
            yield text


def _fitted(text: str, length: int) -> str | None:
    """The line at the format's length, its longest run of fillers stretched or shortened; None when that cannot be."""
    missing = length - len(text)
    if missing == 0:
        return text
    run = max(re.findall(f"{FILLER}+", text), key=len, default="")
    if abs(missing) > MAX_MISCOUNTED or len(run) + missing < 1 or not run:
        return None
    place = text.rindex(run)
    return text[:place] + FILLER * (len(run) + missing) + text[place + len(run) :]


def _in_alphabets(layout: Layout, text: str) -> str:
    """Digits where only digits can stand, letters where only letters can."""
    places = [*layout.checks.values(), *([] if layout.composite is None else [layout.composite])]
    digits = [*(layout.fields[name] for name in DATES if name in layout.fields), *((at, at + 1) for at in places)]
    letters = [layout.fields[name] for name in layout.letters]
    for spans, table in ((digits, _AS_DIGITS), (letters, _AS_LETTERS)):
        for start, stop in spans:
            text = text[:start] + text[start:stop].translate(table) + text[stop:]
    return text


def _with_number(layout: Layout, text: str) -> Zone:
    """The zone, its number corrected where exactly one correction makes its check digit right."""
    zone = judged(layout, text)
    if zone.valid["document_number"]:
        return zone
    start, stop = layout.fields["document_number"]
    number = text[start:stop]
    doubtful = [place for place, letter in enumerate(number) if letter in _PROVABLE and _among_digits(number, place)]
    tried = doubtful[:MAX_DOUBTS]
    choices = [(letter, _DIGIT_OF[letter]) if place in tried else (letter,) for place, letter in enumerate(number)]
    changed = {text[:start] + "".join(chosen) + text[stop:] for chosen in product(*choices)}
    right = [text for text in changed if field_is_right(layout, text, "document_number")]
    return judged(layout, right[0], frozenset({"document_number"})) if len(right) == 1 else zone


def _among_digits(number: str, place: int) -> bool:
    """Whether the characters beside a letter are digits, or letters that look like some."""
    beside = number[max(0, place - 1) : place] + number[place + 1 : place + 2]
    return all(character.isdecimal() or character in _DIGIT_OF or character == FILLER for character in beside)


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
    # An empty field may have a filler for its digit (9303-4, 4.2.2.2).
    empty = name != "document_number" and not text[start:stop].strip(FILLER)
    return digit == check_digit(text[start:stop]) or (empty and digit == FILLER)


def _long_number(layout: Layout, text: str) -> tuple[str, str] | None:
    """A number longer than nine characters and its digit: it goes on in the optional data (9303-5, 4.2.2)."""
    if layout.name not in {"TD1", "TD2"} or text[layout.checks["document_number"]] != FILLER:
        return None
    start, stop = layout.fields["document_number"]
    rest = text[slice(*layout.fields["optional_data"])].split(FILLER)[0]
    return (text[start:stop] + rest[:-1], rest[-1]) if len(rest) > 1 else None
