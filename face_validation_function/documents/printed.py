"""Whether the print on a document agrees with its zone: number and birth date, where both are read.

It is not a forgery check: whoever changes the print can change the zone with it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from face_validation_function.documents.dates import printed_dates
from face_validation_function.documents.reading import is_of_zone
from face_validation_function.faces import TextLine

# A line that is not read surely says nothing against the zone.
SURE = 90.0
WHOLE_SET = 3
_ALIKE = str.maketrans("OQDILZSGB", "000112568")
_WORD = re.compile(r"[0-9A-Z]{6,}")


def print_agrees(lines: Sequence[TextLine], number: str | None, birth: date | None) -> bool | None:
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
    yield from (word for word in _WORD.findall(upper) if any(map(str.isdecimal, word)))
    joined = re.sub(r"[ .\-]", "", upper)
    if joined != upper:
        yield from (word for word in _WORD.findall(joined) if any(map(str.isdecimal, word)))


def _pattern(word: str) -> str:
    return "".join("9" if character.isdecimal() else "A" for character in word)


def _birth_agrees(lines: Sequence[TextLine], birth: date | None) -> bool | None:
    if birth is None:
        return None
    wanted = (birth.year % 100, birth.month, birth.day)
    dates = [(found, line.confidence) for line in lines for found in printed_dates(line.text)]
    if any(
        (year, month, day) == wanted and century in {None, birth.year // 100}
        for (century, year, month, day), _ in dates
    ):
        return True
    sure = {(year, frozenset((month, day))) for (_, year, month, day), confidence in dates if confidence >= SURE}
    return False if len(sure) >= WHOLE_SET else None
