"""From recognised lines of text to the zone among them; what was misread is put right only where that is proved.

A field that has digits alone, or letters alone, proves a character of the other kind wrong. In a document number, which
may have both, a letter between digits is taken for the digit that looks like it only when that alone makes the check
digit right. A digit is never taken for a letter there: whoever changes a digit could then make a false number right.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations, product

from face_validation_function.documents.zones import (
    DATES,
    FILLER,
    LAYOUTS,
    Layout,
    Zone,
    check_digit,
    field_is_right,
    judged,
)
from face_validation_function.faces import TextLine

# An image can show both sides of a card, or lines in between; a zone has three lines at most.
MAX_CANDIDATES = 8
MIN_CANDIDATE = 24
MAX_MISCOUNTED = 6
# Two check digits are right by chance once in a hundred lines that already look like a zone.
MIN_RIGHT = 2
MAX_DOUBTS = 4

_FOREIGN = re.compile(r"[^0-9A-Z<]")
_DATES = re.compile(r"[0-9]{7}[A-Z0-9]{0,4}[MFX<][0-9]{7}")
_AS_FILLERS = str.maketrans(dict.fromkeys("\u2039\uff1c\u3008\u304f\u039b\u2227", FILLER))
_DIGIT_OF = {"O": "0", "Q": "0", "D": "0", "U": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}
_AS_DIGITS = str.maketrans(_DIGIT_OF)
# What a check digit can prove: L counts 21 and U 30, as 1 and 0 do to it, and G as 6.
_PROVABLE = {letter: digit for letter, digit in _DIGIT_OF.items() if check_digit(letter) != check_digit(digit)}
_AS_LETTERS = str.maketrans("012568", "OIZSGB")


def find_zone(lines: Sequence[TextLine]) -> Zone | None:
    """The most credible zone among lines of text; None without one."""
    candidates = [text for text in map(_cleaned, _rows(lines)) if _is_candidate(text)][-MAX_CANDIDATES:]
    found = [zone for layout in LAYOUTS for zone in _zones(layout, candidates)]
    best = max(found, key=lambda zone: (zone.right_digits, -len(zone.corrected)), default=None)
    return best if best is not None and best.right_digits >= MIN_RIGHT else None


def is_of_zone(text: str) -> bool:
    """Whether a line of text looks like part of a zone, and so is not print."""
    return _is_candidate(_cleaned(text))


def _rows(lines: Sequence[TextLine]) -> list[str]:
    """Texts from top to bottom; lines that stand side by side at one height are one row."""
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
    return apart and level and all(FILLER in _cleaned(part.text) or len(part.text) > MIN_CANDIDATE for part in row)


def _cleaned(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.upper()).replace("«", "<<").translate(_AS_FILLERS)
    return _FOREIGN.sub("", plain)


def _is_candidate(text: str) -> bool:
    return len(text) >= MIN_CANDIDATE and ("<<" in text or bool(_DATES.search(text.translate(_AS_DIGITS))))


def _zones(layout: Layout, candidates: Sequence[str]) -> Iterator[Zone]:
    """Every way to take the layout's lines from the candidates in order, characters put where they can stand."""
    fitted = [line for text in candidates if (line := _fitted(text, layout.length))]
    for lines in combinations(fitted, layout.lines):
        text = _in_alphabets(layout, "".join(lines))
        # Empty dates have right check digits: an empty form is not a zone.
        if text.startswith(layout.begins) and text[slice(*layout.fields["date_of_birth"])].strip(FILLER):
            yield _with_number(layout, text)


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
    digits = [layout.fields[name] for name in DATES if name in layout.fields]
    places = [*layout.checks.values(), *([] if layout.composite is None else [layout.composite])]
    digits += [(place, place + 1) for place in places]
    for start, stop in digits:
        text = text[:start] + text[start:stop].translate(_AS_DIGITS) + text[stop:]
    for name in layout.letters:
        start, stop = layout.fields[name]
        text = text[:start] + text[start:stop].translate(_AS_LETTERS) + text[stop:]
    return text


def _with_number(layout: Layout, text: str) -> Zone:
    """The zone, its number corrected where exactly one correction makes its check digit right."""
    zone = judged(layout, text)
    if zone.valid["document_number"]:
        return zone
    start, stop = layout.fields["document_number"]
    number = text[start:stop]
    doubtful = [place for place, letter in enumerate(number) if letter in _PROVABLE and _among_digits(number, place)]
    right = set()
    for choice in product((False, True), repeat=min(len(doubtful), MAX_DOUBTS)):
        characters = list(number)
        for place, change in zip(doubtful, choice, strict=False):
            characters[place] = _DIGIT_OF[number[place]] if change else number[place]
        changed = text[:start] + "".join(characters) + text[stop:]
        if field_is_right(layout, changed, "document_number"):
            right.add(changed)
    return judged(layout, right.pop(), frozenset({"document_number"})) if len(right) == 1 else zone


def _among_digits(number: str, place: int) -> bool:
    """Whether the characters beside a letter are digits, or letters that look like some."""
    beside = number[max(0, place - 1) : place] + number[place + 1 : place + 2]
    return all(character.isdecimal() or character in _DIGIT_OF or character == FILLER for character in beside)
