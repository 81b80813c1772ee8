"""What a document's text says: the zone's fields as values, whether it has expired, and whether the print agrees.

A zone's dates (YYMMDD) have no century: a birth date is the latest one that is not after the day of the request, an
expiry date the one within 50 years of it; where month or day are fillers the ISO date is shorter. That the print agrees
is not a forgery check: whoever changes the print can change the zone with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from face_validation_function.documents.zones import DATES, FILLER, MIN_CANDIDATE, Zone, cleaned, find_zone, is_of_zone
from face_validation_function.faces import TextLine

NAMES = ("surname", "given_names")
# In the order of answers.
FIELDS = (
    *("document_code", "issuing_state", *NAMES, "document_number", "nationality", "date_of_birth", "sex"),
    *("expiry_date", "optional_data"),
)

# A line that is not read surely says nothing against the zone.
SURE = 90.0
WHOLE_SET = 3
_ALIKE = str.maketrans("OQDILZSGB", "000112568")
_WORD = re.compile(r"[0-9A-Z]{6,}")
# Months by what their names begin with, in several languages; a named month that is not here is not read.
_MONTH_NAMES = (
    "JAN=1 ENE=1 GEN=1 STY=1 FEB=2 FEV=2 FÉV=2 MAR=3 MÄR=3 APR=4 AVR=4 ABR=4 MAY=5 MAI=5 MAG=5 JUN=6 JUIN=6 GIU=6 "
    "JUL=7 JUIL=7 LUG=7 AUG=8 AOU=8 AOÛ=8 AGO=8 SEP=9 SET=9 OCT=10 OKT=10 OTT=10 NOV=11 DEC=12 DÉC=12 DEZ=12 DIC=12"
)
_MONTHS = {name: int(number) for name, _, number in (entry.partition("=") for entry in _MONTH_NAMES.split())}
_NUMBERS = re.compile(r"\b([0-9]{1,2})[ ./-]([0-9]{1,2})[ ./-]([0-9]{4}|[0-9]{2})\b")
_ISO = re.compile(r"\b([0-9]{4})[./-]([0-9]{2})[./-]([0-9]{2})\b")
_NAMED = re.compile(r"\b([0-9]{1,2})[ .]?([^\W\d_]{3,9})(?:[ ./]+[^\W\d_]{3,9})?[ .,]*([0-9]{4}|[0-9]{2})\b")


@dataclass(frozen=True, slots=True)
class DocumentField:
    """One field: its value, its check digits' verdict (None: it has none), and True where a letter was corrected."""

    value: str
    valid: bool | None = None
    corrected: Literal[True] | None = None


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """What was read, as answers say it; nothing where the document shows no zone. Never to be logged.

    `expired` and `mrz_matches_print` are None where the date, or the print, was not read for sure.
    `has_truncated_names` tells that the names fill their field to its end, so that some of them may be cut off.
    """

    format: str | None = None
    fields: Mapping[str, DocumentField] = field(default_factory=dict, repr=False)
    composite_valid: bool | None = None
    expired: bool | None = None
    mrz_matches_print: bool | None = None
    has_truncated_names: bool = False

    @property
    def readable(self) -> bool:
        """Whether there is a zone."""
        return self.format is not None

    @property
    def has_wrong_digit(self) -> bool:
        """Whether any check digit is wrong."""
        return self.composite_valid is False or any(found.valid is False for found in self.fields.values())

    def proved(self, name: str) -> str | None:
        """A field's value, unless it is not there, empty, or its check digit is wrong."""
        found = self.fields.get(name)
        return found.value or None if found is not None and found.valid is not False else None


def read_document(lines: Sequence[TextLine], today: date) -> DocumentReading:
    """The reading of all the text on a document; `today` decides on centuries and on the expiry."""
    zone = find_zone(_rows(lines))
    if zone is None:
        return DocumentReading()
    fields = {}
    for name, value in _values(zone, today).items():
        # Digits that are not a date are wrong, whatever their check digit says.
        valid = zone.is_proved(name) and (value != "" or name not in DATES)
        fields[name] = DocumentField(value, valid, True if name in zone.corrected else None)
    expiry = _proved_date(fields.get("expiry_date"))
    birth = _proved_date(fields.get("date_of_birth"))
    number = fields["document_number"]
    return DocumentReading(
        zone.layout.name,
        fields,
        zone.composite,
        expired=None if expiry is None else expiry < today,
        mrz_matches_print=_print_agrees(lines, number.value if number.valid else None, birth),
        has_truncated_names=not (zone.field("names") or FILLER).endswith(FILLER),
    )


def _rows(lines: Sequence[TextLine]) -> list[str]:
    """Texts from top to bottom; parts of a zone that stand side by side at one height are one row."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.box.centre[1]):
        if rows and _stands_beside(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return ["".join(line.text for line in sorted(row, key=lambda line: line.box.left)) for row in rows]


def _stands_beside(row: Sequence[TextLine], line: TextLine) -> bool:
    box = line.box
    apart = all(
        box.left >= other.box.left + 0.9 * other.box.width or other.box.left >= box.left + 0.9 * box.width
        for other in row
    )
    level = abs(row[-1].box.centre[1] - box.centre[1]) < 0.4 * min(row[-1].box.height, box.height)
    return apart and level and all(FILLER in cleaned(part.text) or len(part.text) > MIN_CANDIDATE for part in row)


def _values(zone: Zone, today: date) -> dict[str, str]:
    texts = {name: text for name in ("names", *FIELDS) if (text := zone.field(name)) is not None}
    if "names" in texts:
        texts["surname"], _, texts["given_names"] = texts["names"].partition(2 * FILLER)
    values = {name: texts[name].replace(FILLER, " " if name in NAMES else "") for name in FIELDS if name in texts}
    values |= {name: " ".join(values[name].split()) for name in NAMES}
    values["sex"] = values["sex"] or "X"
    for name, read in zip(DATES, (birth_date, expiry_date), strict=True):
        if name in texts:
            values[name] = read(texts[name], today) or ""
    return values


def _proved_date(found: DocumentField | None) -> date | None:
    """A whole date whose check digit is right; None for one of which the day or the month is not known."""
    if found is None or not found.valid or len(found.value) != len("2026-11-27"):
        return None
    return date.fromisoformat(found.value)


def _print_agrees(lines: Sequence[TextLine], number: str | None, birth: date | None) -> bool | None:
    """True where what is printed agrees, False where it differs, None where neither was read in print.

    A printed number differs when none is the zone's and one has its length and its pattern of letters and digits. A
    birth date differs when three whole dates at least are printed (birth, issue, expiry) and none is the zone's.
    """
    print_ = [line for line in lines if not is_of_zone(line.text)]
    verdicts = [_number_agrees(print_, number), _birth_agrees(print_, birth)]
    known = [verdict for verdict in verdicts if verdict is not None]
    return all(known) if known else None


def _number_agrees(lines: Sequence[TextLine], number: str | None) -> bool | None:
    if number is None:
        return None
    words = [(word, line.confidence) for line in lines for word in _numbers(line.text)]
    if any(word.translate(_ALIKE) == number.translate(_ALIKE) for word, _ in words):
        return True
    alike = [word for word, sure in words if sure >= SURE and _pattern(word) == _pattern(number)]
    return False if alike else None


def _numbers(text: str) -> Iterator[str]:
    """What may be a document number: a word with a digit in it, also written in groups."""
    upper = text.upper()
    for written in dict.fromkeys((upper, re.sub(r"[ .\-]", "", upper))):
        yield from (word for word in _WORD.findall(written) if any(map(str.isdecimal, word)))


def _pattern(word: str) -> str:
    return "".join("9" if character.isdecimal() else "A" for character in word)


def _birth_agrees(lines: Sequence[TextLine], birth: date | None) -> bool | None:
    if birth is None:
        return None
    dates = [(*found, line.confidence) for line in lines for found in _printed_dates(line.text)]
    same_day = [year for year, month, day, _ in dates if (month, day) == (birth.month, birth.day)]
    if any(str(birth.year).endswith(year) for year in same_day):
        return True
    sure = {(year[-2:], frozenset((month, day))) for year, month, day, confidence in dates if confidence >= SURE}
    return False if len(sure) >= WHOLE_SET else None


def birth_date(text: str, today: date) -> str | None:
    """The ISO date of a birth, shorter where month or day are fillers; None where it is not a date."""
    for century in (today.year // 100 * 100, today.year // 100 * 100 - 100):
        found = _iso(text, century)
        if found is not None and found <= today.isoformat()[: len(found)]:
            return found
    return None


def expiry_date(text: str, today: date) -> str | None:
    """The ISO date of an expiry; None where it is not a date."""
    century = today.year // 100 * 100
    found = [year for year in (_iso(text, century + step) for step in (-100, 0, 100)) if year is not None]
    return min(found, key=lambda iso: abs(int(iso[:4]) - today.year), default=None)


def _printed_dates(text: str) -> Iterator[tuple[str, int, int]]:
    """(year of two or four digits, month, day) of every date in a line of print, both orders of numbers."""
    for year, month, day in _ISO.findall(text):
        yield year, int(month), int(day)
    for one, other, year in _NUMBERS.findall(text):
        for day, month in {(int(one), int(other)), (int(other), int(one))}:
            if 1 <= month <= 12 and 1 <= day <= 31:
                yield year, month, day
    for day, name, year in _NAMED.findall(text.upper()):
        month = _MONTHS.get(name) or _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
        if month is not None and 1 <= int(day) <= 31:
            yield year, month, int(day)


def _iso(text: str, century: int) -> str | None:
    month, day = text[2:4].strip(FILLER), text[4:6].strip(FILLER)
    if day and not month:
        return None
    try:
        iso = date(century + int(text[:2]), int(month or 1), int(day or 1)).isoformat()
    except ValueError:  # letters among the digits, too
        return None
    return iso if day else iso[:7] if month else iso[:4]
