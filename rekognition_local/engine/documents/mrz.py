"""Machine readable zones of travel documents: found among recognised lines of text and checked by their check digits.

Source: ICAO Doc 9303, parts 3 (check digits), 4 (TD3), 5 (TD1), 6 (TD2) and 7 (MRV-A and MRV-B, visas).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

# A character's value is its place here: A is 10, Z is 35. The filler counts 0.
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FILLER = "<"
WEIGHTS = (7, 3, 1)

# A photograph can show both sides of a card, or lines in between; a zone has three lines at most.
MAX_CANDIDATES = 8
MAX_MISCOUNTED = 6
MIN_CANDIDATE = 24
# Two check digits are right by chance once in a hundred lines that already look like a zone.
MIN_RIGHT = 2

Span = tuple[int, int]
Check = tuple[tuple[Span, ...], int]
"""Spans of the joined lines, and the place of the digit that protects them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A format: how many lines of which length, and its checks: first of number, birth and expiry.

    Places count from 0 over the lines joined without a break.
    """

    name: str
    lines: int
    length: int
    checks: tuple[Check, ...]

    @property
    def is_visa(self) -> bool:
        """A zone is a visa exactly when its code starts with V."""
        return self.name.startswith("MRV")

    @property
    def dates(self) -> tuple[Span, ...]:
        """Birth and expiry, where only digits and fillers can stand."""
        return tuple(span for spans, _ in self.checks[1:3] for span in spans)


def _of_two_lines(name: str, length: int, *more: Check) -> Layout:
    """Number, birth and expiry stand at the same places in the second line of every format of two lines."""
    own = tuple((((length + start, length + stop),), length + stop) for start, stop in ((0, 9), (13, 19), (21, 27)))
    return Layout(name, 2, length, (*own, *more))


LAYOUTS = (
    _of_two_lines("TD3", 44, (((72, 86),), 86), (((44, 54), (57, 64), (65, 87)), 87)),
    _of_two_lines("TD2", 36, (((36, 46), (49, 56), (57, 71)), 71)),
    Layout(
        "TD1",
        3,
        30,
        ((((5, 14),), 14), (((30, 36),), 36), (((38, 44),), 44), (((5, 30), (30, 37), (38, 45), (48, 59)), 59)),
    ),
    _of_two_lines("MRV-A", 44),
    _of_two_lines("MRV-B", 36),
)


@dataclass(frozen=True, slots=True)
class MachineReadableZone:
    """A zone that was read: its format, document code ("P", "ID", "V"...), and which check digits are right.

    `checks` is empty for a zone of which only the first line could be read.
    """

    layout: str
    code: str
    checks: tuple[bool, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether every check digit is right (and there are any)."""
        return bool(self.checks) and all(self.checks)


def check_digit(field: str) -> str:
    """The digit that protects a field (ICAO Doc 9303-3, 4.9); ValueError unless it is of A-Z, 0-9 and fillers."""
    values = (0 if character == FILLER else ALPHABET.index(character) for character in field)
    return str(sum(value * WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def parse(lines: Sequence[str]) -> MachineReadableZone | None:
    """The zone that these lines form exactly, its check digits judged; None when they have no format's shape."""
    for layout in LAYOUTS:
        fits = len(lines) == layout.lines and all(len(line) == layout.length for line in lines)
        if fits and (lines[0][:1] == "V") == layout.is_visa and not _FOREIGN.search(zone := "".join(lines)):
            checks = tuple(_is_right(zone, spans, place) for spans, place in layout.checks)
            return MachineReadableZone(layout.name, zone[:2].rstrip(FILLER), checks)
    return None


def find(texts: Sequence[str]) -> MachineReadableZone | None:
    """The most credible zone among lines of recognised text, given from top to bottom; None without one.

    Repairs what recognition gets wrong in OCR-B: miscounted fillers, letters read for digits in dates and check digits.
    """
    candidates = [text for text in map(_cleaned, texts) if _is_candidate(text)][-MAX_CANDIDATES:]
    found = [zone for layout in LAYOUTS for zone in _zones(layout, candidates)]
    best = max(found, key=lambda zone: sum(zone.checks), default=None)
    if best is not None and sum(best.checks) >= MIN_RIGHT:
        return best
    return next((zone for zone in map(_from_first_line, candidates) if zone), None)


_FOREIGN = re.compile(r"[^0-9A-Z<]")
_DATES = re.compile(r"[0-9]{7}[A-Z0-9]{0,4}[MFX<][0-9]{7}")
_FIRST_LINE = re.compile(r"([PVIAC][A-Z0-9<])(?:[A-Z0]{3}|D<<)[A-Z0-9<]*<<")
_AS_FILLERS = str.maketrans(dict.fromkeys("\u2039\uff1c\u3008\u304f\u039b\u2227", FILLER))
_AS_DIGITS = str.maketrans("OQDUILZSBG", "0000112586")
_AS_LETTERS = str.maketrans("01258", "OIZSB")


def _cleaned(text: str) -> str:
    return _FOREIGN.sub("", text.upper().replace("«", "<<").translate(_AS_FILLERS))


def _is_candidate(text: str) -> bool:
    return len(text) >= MIN_CANDIDATE and ("<<" in text or bool(_DATES.search(text.translate(_AS_DIGITS))))


def _zones(layout: Layout, candidates: Sequence[str]) -> Iterator[MachineReadableZone]:
    """Every way to take the layout's lines from the candidates in order, letters and digits put where they belong."""
    fitted = [line for text in candidates if (line := _fitted(text, layout.length))]
    digits = (*layout.dates, *((place, place + 1) for _, place in layout.checks))
    for lines in combinations(fitted, layout.lines):
        joined = "".join(lines)
        repaired = joined[:5].translate(_AS_LETTERS) + joined[5:]
        for start, stop in digits:
            repaired = repaired[:start] + repaired[start:stop].translate(_AS_DIGITS) + repaired[stop:]
        # The number may mix both: try it as it was read, and with the letter O taken for a zero.
        for variant in dict.fromkeys((repaired, repaired[:5] + repaired[5:].replace("O", "0"))):
            zone = parse([variant[at : at + layout.length] for at in range(0, len(variant), layout.length)])
            # Empty dates have right check digits: an empty form is not a zone.
            is_filled = any(variant[start:stop].strip(FILLER) for start, stop in layout.dates)
            if zone is not None and zone.layout == layout.name and is_filled:
                yield zone


def _fitted(text: str, length: int) -> str | None:
    """The line at the format's length, its longest run of fillers stretched or shortened; None when that cannot be."""
    missing = length - len(text)
    if missing == 0:
        return text
    run = max(re.findall(f"{FILLER}+", text), key=len, default="")
    if abs(missing) > MAX_MISCOUNTED or len(run) + missing < 1 or not run:
        return None
    return text.replace(run, FILLER * (len(run) + missing), 1)


def _from_first_line(text: str) -> MachineReadableZone | None:
    found = _FIRST_LINE.match(text)
    if found is None:
        return None
    alike = [layout for layout in LAYOUTS if layout.is_visa == text.startswith("V")]
    nearest = min(alike, key=lambda layout: abs(layout.length - len(text)))
    return MachineReadableZone(nearest.name, found[1].rstrip(FILLER))


def _is_right(zone: str, spans: Sequence[Span], place: int) -> bool:
    field = "".join(zone[start:stop] for start, stop in spans)
    digit = zone[place]
    if digit != FILLER:
        return digit == check_digit(field)
    if len(zone) == 90 and place == 14:
        # TD1, a number longer than nine: it goes on in the optional field, its check digit behind it (9303-5, 4.2.2).
        rest = zone[15:30].split(FILLER)[0]
        return len(rest) > 1 and rest[-1] == check_digit(field + rest[:-1])
    return not field.strip(FILLER)
