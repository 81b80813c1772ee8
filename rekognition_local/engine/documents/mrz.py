"""Machine readable zones of travel documents: found among recognised lines of text and checked by their check digits.

Source: ICAO Doc 9303, parts 3 (check digits), 4 (TD3), 5 (TD1), 6 (TD2) and 7 (MRV-A and MRV-B, visas).
"""

import re
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Layout:
    """A format: how many lines of which length; each check covers spans of the joined lines and has its digit's place.

    Places count from 0 over the lines joined without a break. A zone is a visa exactly when its code starts with V.
    """

    name: str
    lines: int
    length: int
    visa: bool
    checks: tuple[tuple[tuple[Span, ...], int], ...]

    @property
    def digits(self) -> tuple[Span, ...]:
        """Where only digits and fillers can stand: dates and check digits."""
        dates = tuple(span for spans, _ in self.checks[1:3] for span in spans)
        return dates + tuple((place, place + 1) for _, place in self.checks)


def _second_line(start: int) -> tuple[tuple[tuple[Span, ...], int], ...]:
    """Number, birth and expiry, at the same places in the second line of every format of two lines."""
    return tuple((((start + a, start + b),), start + b) for a, b in ((0, 9), (13, 19), (21, 27)))


def _composite(start: int, stop: int) -> tuple[tuple[Span, ...], int]:
    return ((start, start + 10), (start + 13, start + 20), (start + 21, stop)), stop


LAYOUTS = (
    Layout("TD3", 2, 44, visa=False, checks=(*_second_line(44), (((72, 86),), 86), _composite(44, 87))),
    Layout("TD2", 2, 36, visa=False, checks=(*_second_line(36), _composite(36, 71))),
    Layout(
        "TD1",
        3,
        30,
        visa=False,
        checks=(
            (((5, 14),), 14),
            (((30, 36),), 36),
            (((38, 44),), 44),
            (((5, 30), (30, 37), (38, 45), (48, 59)), 59),
        ),
    ),
    Layout("MRV-A", 2, 44, visa=True, checks=_second_line(44)),
    Layout("MRV-B", 2, 36, visa=True, checks=_second_line(36)),
)


@dataclass(frozen=True, slots=True)
class MachineReadableZone:
    """A zone that was read: its format, document code ("P", "ID", "V"...), issuer, and which check digits are right.

    `checks` is empty for a zone of which only the first line could be read.
    """

    layout: str
    code: str
    issuer: str
    checks: tuple[bool, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether every check digit is right (and there are any)."""
        return bool(self.checks) and all(self.checks)


def check_digit(field: str) -> str:
    """The digit that protects a field of A-Z, 0-9 and fillers: ICAO Doc 9303-3, 4.9.

    Raises:
        ValueError: the field holds another character.
    """
    values = (0 if character == FILLER else ALPHABET.index(character) for character in field)
    return str(sum(value * WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def parse(lines: Sequence[str]) -> MachineReadableZone | None:
    """The zone that these lines form exactly, its check digits judged; None when they have no format's shape."""
    for layout in LAYOUTS:
        fits = len(lines) == layout.lines and all(len(line) == layout.length for line in lines)
        if fits and (lines[0][:1] == "V") == layout.visa and not _FOREIGN.search(zone := "".join(lines)):
            checks = tuple(_is_right(zone, spans, place) for spans, place in layout.checks)
            return MachineReadableZone(layout.name, zone[:2].rstrip(FILLER), zone[2:5].rstrip(FILLER), checks)
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
_FIRST_LINE = re.compile(r"([PVIAC][A-Z0-9<])([A-Z0]{3}|D<<)[A-Z0-9<]*<<")
_AS_FILLERS = str.maketrans(dict.fromkeys("\u2039\uff1c\u3008\u304f\u039b\u2227", FILLER))
_AS_DIGITS = str.maketrans("OQDUILZSBG", "0000112586")
_AS_LETTERS = str.maketrans("01258", "OIZSB")


def _cleaned(text: str) -> str:
    return _FOREIGN.sub("", text.upper().replace("«", "<<").translate(_AS_FILLERS))


def _is_candidate(text: str) -> bool:
    return len(text) >= MIN_CANDIDATE and ("<<" in text or bool(_DATES.search(text.translate(_AS_DIGITS))))


def _zones(layout: Layout, candidates: Sequence[str]) -> list[MachineReadableZone]:
    """Every way to take the layout's lines from the candidates in order, letters and digits put where they belong."""
    fitted = [line for text in candidates if (line := _fitted(text, layout.length))]
    zones = []
    for lines in combinations(fitted, layout.lines):
        repaired = "".join(lines)
        repaired = repaired[:5].translate(_AS_LETTERS) + repaired[5:]
        for start, stop in layout.digits:
            repaired = repaired[:start] + repaired[start:stop].translate(_AS_DIGITS) + repaired[stop:]
        # The number may mix both: try it as it was read, and with the letter O taken for a zero.
        for variant in {repaired, repaired[:5] + repaired[5:].replace("O", "0")}:
            zone = parse([variant[at : at + layout.length] for at in range(0, len(variant), layout.length)])
            # Empty dates have right check digits: an empty form is not a zone.
            dates = [variant[start:stop].strip(FILLER) for spans, _ in layout.checks[1:3] for start, stop in spans]
            if zone is not None and zone.layout == layout.name and any(dates):
                zones.append(zone)
    return zones


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
    code = found[1].rstrip(FILLER)
    layout = min(
        (layout for layout in LAYOUTS if layout.visa == code.startswith("V")),
        key=lambda layout: abs(layout.length - len(text)),
    )
    return MachineReadableZone(layout.name, code, found[2].rstrip(FILLER))


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
