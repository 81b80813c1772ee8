"""What lines of text say about the document that they stand on: titles, field names, numbered fields, zones.

Every piece of evidence adds to the log-odds of a kind, and their sum is its confidence. Nothing but a machine readable
zone is enough by itself: words appear in newspapers too.
"""

import math
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rekognition_local.engine.documents import mrz

_LISTS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
FIELDS = tuple(tuple(names.split()) for names in _LISTS.pop("fields"))
WORDS = {name: tuple(words.split()) for name, words in _LISTS.items()}

# ISO/IEC 18013-1 numbers the fields of driving licences.
NUMBERED_FIELD = re.compile(r"\s*(?:([1-359])\s?[.,]|(4\s?[abcd])[.,:]?(?=[\s\d]|[A-Z]{2}|$))", re.IGNORECASE)
CONTACT = re.compile(r"@|www\.|https?:|\.com\b", re.IGNORECASE)
DATE = re.compile(
    r"\b\d{1,2}[./\- ](?:\d{1,2}|[A-Z]{3,4}(?:\s?/\s?[A-Z]{3,4})?)[./\- ](?:\d{4}|\d{2})\b"
    r"|\b\d{4}[./-]\d{2}[./-]\d{2}\b",
    re.IGNORECASE,
)
# A line of a zone, be it filled in or not.
ZONE_LINE = re.compile(r"<{4,}")

# Log-odds. A title with its portrait and two fields comes to 90 %, a checked zone alone to 92 %.
PRIOR = -2.5
TITLES = (0.0, 2.5, 3.0)  # on no line, on one, on more
FIELD, MOST_FIELDS = 0.35, 7
PORTRAIT = 1.5
VALID_ZONE, READ_ZONE, FIRST_LINE_OF_ZONE, UNFILLED_ZONE = 5.0, 3.5, 2.5, 1.0
LICENCE_MARKS, LICENCE_MARK = 2.5, 0.3  # enough of them, and each that falls short
OTHER_PAPER, ADDRESS_TO_WRITE_TO, VISA = -1.5, -1.0, -4.0
# The cover of a closed passport bears a title and hardly another line.
COVER, COVER_LINES = 0.5, 6

# Characters in a line of a zone: cards have 30 or 36, passports 44.
SHORT_LINE, LONG_LINE = 24, 40
PASSPORT_CARD = "IP"

_WORD = re.compile(r"[^\W_]+")
# Digits and Greek capitals that recognition takes for letters, and letters that Unicode does not decompose.
_GREEK = "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
_LOOKALIKES = str.maketrans(f"01358{_GREEK}\u0141\u00d8\u0110\u00d0", "OISSBABEZHIKMNOPTYXLODD")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Confidences in percent (0-100) that the text stands on a passport, or on another identity document."""

    passport: float
    id_card: float


def judge(lines: Sequence[str], *, portrait: bool, people: bool = False) -> Verdict:
    """Weighs the legible lines of one page, given from top to bottom.

    `portrait` is whether a face stands among the lines as a portrait would, `people` whether the image has any face.
    """
    page, zone = _Lines.of(lines), mrz.find(lines)
    # "Passport No." is a field of many papers; identity cards do put their number beside their title.
    passport_titles = _titles("passport_titles", page=page, excluded=("sentence_words", "number_words"))
    id_card_titles = _titles("driving_titles", "id_card_titles", page=page, excluded=("sentence_words",))
    named = sum(any(page.mention(name) for name in names) for names in FIELDS)
    fields = min(MOST_FIELDS, named + (len(page.dates) > 1))

    common = PRIOR + FIELD * fields + _contrary(page, zone)
    # Beside a word on a shirt or a headline a face is anyone's: it takes two hints of a document to make it a portrait.
    # Newspapers and web pages are dated and have many lines too: neither is a hint.
    numbered = _numbered_fields(page)
    has_zone = zone is not None or page.unfilled_zone > 0
    hints = fields + passport_titles + id_card_titles + has_zone + any(mark[0] == "4" for mark in numbered)
    if portrait and hints >= 2:
        common += PORTRAIT
    elif not portrait and not people and passport_titles and len(lines) <= COVER_LINES:
        common += COVER
    zone_of_passport, zone_of_card = _zones(page, zone)
    passport = TITLES[min(2, passport_titles)] + zone_of_passport
    id_card = TITLES[min(2, id_card_titles)] + zone_of_card + _licence_marks(page, numbered)
    # One document is one or the other. Portrait and fields without a title make a card: passports name themselves.
    if passport > id_card:
        return Verdict(_percent(common + passport), _percent(common + id_card - passport))
    return Verdict(_percent(PRIOR + common + passport - id_card), _percent(common + id_card))


def folded(text: str) -> str:
    """Capitals A-Z and CJK characters only: accents dropped, look-alike digits and Greek capitals read as letters."""
    plain = unicodedata.normalize("NFKD", text.upper().replace("Æ", "AE").replace("Þ", "TH")).translate(_LOOKALIKES)
    return "".join(character for character in plain if "A" <= character <= "Z" or "\u3040" <= character <= "\u9fff")


def contains(text: str, word: str) -> bool:
    """Whether a folded word stands in a folded text, one misread letter forgiven in eight."""
    if word in text:
        return True
    errors = min(3, len(word) // 8)
    if errors == 0 or len(text) < len(word) - errors:
        return False
    # With so few errors at least one piece of the word is intact: a quick way to say no.
    step = len(word) // (errors + 1)
    pieces = (word[at : at + step] for at in range(0, step * (errors + 1), step))
    return any(piece in text for piece in pieces) and _distance_inside(text, word) <= errors


def _distance_inside(text: str, word: str) -> int:
    """Least edit distance of the word to any part of the text (Sellers)."""
    column = list(range(len(word) + 1))
    best = column[-1]
    for character in text:
        before, column[0] = column[0], 0
        for row, letter in enumerate(word, 1):
            before, column[row] = column[row], min(before + (letter != character), column[row] + 1, column[row - 1] + 1)
        best = min(best, column[-1])
    return best


_Folded = tuple[str, frozenset[str], bool]
"""A line folded whole, its folded words, and whether it is in capitals."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A page's lines, as read and folded; all their words and dates.

    `unfilled_zone` is the length of the longest line that has a zone's fillers, 0 without one.
    """

    read: tuple[str, ...]
    folded: tuple[_Folded, ...]
    words: frozenset[str]
    dates: frozenset[str]
    unfilled_zone: int

    @classmethod
    def of(cls, lines: Sequence[str]) -> "_Lines":
        words = [frozenset(map(folded, _WORD.findall(line))) for line in lines]
        capitals = [sum(map(str.isupper, line)) >= 0.8 * sum(map(str.isalpha, line)) for line in lines]
        return cls(
            tuple(lines),
            tuple(zip(map(folded, lines), words, capitals, strict=True)),
            frozenset().union(*words),
            frozenset(date for line in lines for date in DATE.findall(line)),
            max((len(line) for line in lines if ZONE_LINE.search(line)), default=0),
        )

    def mention(self, word: str) -> bool:
        """Whether the word stands anywhere; within other words only if it is long."""
        return word in self.words or (len(word) >= 8 and any(word in text for text, *_ in self.folded))


def _titles(*lists: str, page: _Lines, excluded: Sequence[str]) -> int:
    """How many lines are titles of these lists, a title broken over two lines counting as one.

    Sentences and fields mention documents too: a title is much of a line in capitals, or most of any other, without the
    words of the lists `excluded`.
    """
    known, others = ({word for name in names for word in WORDS[name]} for names in (lists, excluded))

    def is_title(text: str, words: frozenset[str], capitals: bool) -> bool:
        least = (0.33 if capitals else 0.6) * len(text)
        return words.isdisjoint(others) and any(len(title) >= least and contains(text, title) for title in known)

    found = sum(is_title(*line) for line in page.folded)
    return found or int(any(is_title(*joined) for joined in _joined(page.folded)))


def _joined(lines: Sequence[_Folded]) -> Iterator[_Folded]:
    """Each short line with one of the next few: long titles are broken, and columns stand between."""
    short = [line for line in lines if 3 <= len(line[0]) <= 24]
    for at, (text, words, capitals) in enumerate(short):
        for more, others, are_capitals in short[at + 1 : at + 4]:
            yield text + more, words | others, capitals and are_capitals


def _contrary(page: _Lines, zone: mrz.MachineReadableZone | None) -> float:
    """What speaks against an identity document: names of other papers, addresses to write to, visas."""
    others = OTHER_PAPER * min(3, sum(map(page.mention, WORDS["other_papers"])))
    contact = ADDRESS_TO_WRITE_TO * any(map(CONTACT.search, page.read))
    titled = any(len(words) <= 2 and not words.isdisjoint(WORDS["visa_words"]) for _, words, _ in page.folded)
    visa = titled if zone is None else zone.code.startswith("V")
    return others + contact + VISA * visa


def _zones(page: _Lines, zone: mrz.MachineReadableZone | None) -> tuple[float, float]:
    """What a zone says for a passport, and for another card."""
    if zone is None:
        length = page.unfilled_zone
        return UNFILLED_ZONE * (length >= LONG_LINE), UNFILLED_ZONE * (SHORT_LINE <= length < LONG_LINE)
    strength = VALID_ZONE if zone.is_valid else READ_ZONE if zone.is_whole else FIRST_LINE_OF_ZONE
    is_passport = zone.code.startswith("P") or zone.code == PASSPORT_CARD
    is_card = zone.code[:1] not in "PV" and zone.code != PASSPORT_CARD
    return strength * is_passport, strength * is_card


def _numbered_fields(page: _Lines) -> frozenset[str]:
    """The numbers that lines begin with as the fields of driving licences do: 1, 2, 4a..."""
    marks = (NUMBERED_FIELD.match(line) for line in page.read)
    return frozenset((mark[1] or mark[2]).lower().replace(" ", "") for mark in marks if mark)


def _licence_marks(page: _Lines, numbered: frozenset[str]) -> float:
    american = len(page.words.intersection(WORDS["american_fields"]))
    is_numbered = len(numbered) >= 4 and any(mark[0] == "4" for mark in numbered)
    return LICENCE_MARKS if is_numbered or american >= 5 else LICENCE_MARK * american


def _percent(log_odds: float) -> float:
    return 100 / (1 + math.exp(-log_odds))
