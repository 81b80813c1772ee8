"""Machine readable zones of travel documents, with their check digits (ICAO Doc 9303, parts 4, 5 and 6)."""

import unicodedata
from dataclasses import dataclass
from datetime import date

from face_validation_function.documents.zones import ALPHABET, check_digit


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a drawn document is about, and what it says of itself. `state` is a three-letter code."""

    surname: str
    given_names: str
    birth: date
    sex: str
    number: str
    issue: date
    expiry: date
    place: str
    state: str = "UTO"


def td3(holder: Holder, personal_number: str = "") -> tuple[str, str]:
    """The two lines of 44 characters on a passport's data page."""
    return _two_lines("P", holder, 44, _guarded(personal_number, 14))


def td2(holder: Holder) -> tuple[str, str]:
    """The two lines of 36 characters on a large identity card."""
    return _two_lines("I", holder, 36, "<" * 7)


def td1(holder: Holder) -> tuple[str, str, str]:
    """The three lines of 30 characters on the back of an identity card of bank-card size."""
    number, birth, expiry = _guarded(holder.number, 9), _guarded_date(holder.birth), _guarded_date(holder.expiry)
    optional = "<" * 15
    second = f"{birth}{holder.sex}{expiry}{holder.state}{'<' * 11}"
    guard = check_digit(number + optional + birth + expiry + "<" * 11)
    return f"I<{holder.state}{number}{optional}", second + guard, _names(holder, 30)


def _two_lines(kind: str, holder: Holder, length: int, optional: str) -> tuple[str, str]:
    number, birth, expiry = _guarded(holder.number, 9), _guarded_date(holder.birth), _guarded_date(holder.expiry)
    first = f"{kind}<{holder.state}{_names(holder, length - 5)}"
    second = f"{number}{holder.state}{birth}{holder.sex}{expiry}{optional}"
    return first, second + check_digit(number + birth + expiry + optional)


def _guarded(field: str, length: int) -> str:
    padded = field.ljust(length, "<")
    return padded + check_digit(padded)


def _guarded_date(day: date) -> str:
    return _guarded(day.strftime("%y%m%d"), 6)


def _names(holder: Holder, length: int) -> str:
    names = f"{_folded(holder.surname)}<<{_folded(holder.given_names)}"
    return names[:length].ljust(length, "<")


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.upper()).encode("ascii", "ignore").decode()
    return "".join(character if character in ALPHABET else "<" for character in plain)
