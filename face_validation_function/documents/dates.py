"""Dates of machine readable zones (YYMMDD) as ISO dates, and the dates that are printed beside them.

The century is not in the zone. A birth date is the latest one that is not after the day of the request; an expiry
date is the one within 50 years of it. Where month or day are fillers the ISO date is shorter.
"""

import re
from collections.abc import Iterator
from datetime import date

from face_validation_function.documents.zones import FILLER

# Months by what their names begin with, in several languages; a named month that is not here is not read.
_MONTH_NAMES = (
    "JAN=1 ENE=1 GEN=1 STY=1 FEB=2 FEV=2 FÉV=2 MAR=3 MÄR=3 APR=4 AVR=4 ABR=4 MAY=5 MAI=5 MAG=5 JUN=6 JUIN=6 GIU=6 "
    "JUL=7 JUIL=7 LUG=7 AUG=8 AOU=8 AOÛ=8 AGO=8 SEP=9 SET=9 OCT=10 OKT=10 OTT=10 NOV=11 DEC=12 DÉC=12 DEZ=12 DIC=12"
)
_MONTHS = {name: int(number) for name, _, number in (entry.partition("=") for entry in _MONTH_NAMES.split())}
_NUMBERS = re.compile(r"\b(\d{1,2})[ ./-](\d{1,2})[ ./-](\d{4}|\d{2})\b")
_ISO = re.compile(r"\b(\d{4})[./-](\d{2})[./-](\d{2})\b")
_NAMED = re.compile(r"\b(\d{1,2})[ .]?([^\W\d_]{3,9})(?:[ ./]+[^\W\d_]{3,9})?[ .,]*(\d{4}|\d{2})\b")


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


def printed_dates(text: str) -> Iterator[tuple[int | None, int, int, int]]:
    """(century or None, year of the century, month, day) of every date in a line of print, both orders of numbers."""
    for year, month, day in _ISO.findall(text):
        yield int(year) // 100, int(year) % 100, int(month), int(day)
    for one, other, year in _NUMBERS.findall(text):
        for day, month in {(int(one), int(other)), (int(other), int(one))}:
            if 1 <= month <= 12 and 1 <= day <= 31:
                yield (*_year(year), month, day)
    for day, name, year in _NAMED.findall(text.upper()):
        month = _MONTHS.get(name) or _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
        if month is not None and 1 <= int(day) <= 31:
            yield (*_year(year), month, int(day))


def _year(text: str) -> tuple[int | None, int]:
    return (int(text[:2]), int(text[2:])) if len(text) == 4 else (None, int(text))


def _iso(text: str, century: int) -> str | None:
    if not text[:2].isdecimal():
        return None
    year = century + int(text[:2])
    month, day = text[2:4].strip(FILLER), text[4:6].strip(FILLER)
    if not month:
        return f"{year:04d}" if not day else None
    if not month.isdecimal() or (day and not day.isdecimal()):
        return None
    try:
        whole = date(year, int(month), int(day or 1))
    except ValueError:
        return None
    return whole.isoformat() if day else whole.isoformat()[:7]
