"""Claims about a document, each answered without telling what the document says.

A name in its own letters is compared with one of a machine readable zone, which has A to Z alone. Source of the
letters: ICAO Doc 9303-3, section 6, A (Latin) and B (Cyrillic); states choose among the forms.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from face_validation_function.documents.document import DocumentReading

# A letter and its forms, the usual one first; an empty form is left out.
_LATIN = (
    "Ä=AE,A Ö=OE,O Ü=UE,UXX,U ß=SS ẞ=SS Å=AA,A Æ=AE Ø=OE,O Œ=OE Ñ=N,NXX Ð=D,DH Đ=D,DJ Þ=TH Ł=L Ħ=H Ĳ=IJ ı=I Ŋ=N Ŧ=T "
    "ĸ=Q Ə=A,E"
)
_CYRILLIC = (
    "А=A Б=B В=V Г=G,H Ґ=G Д=D Е=E,IE,YE Ё=E,IO,YO Є=IE,YE Ж=ZH,Z З=Z И=I,Y І=I Ї=I,YI Й=I,Y К=K Л=L М=M Н=N О=O П=P "
    "Р=R С=S Т=T У=U Ў=U Ф=F Х=KH,H,X Ц=TS,C Ч=CH,C Ш=SH,S Щ=SHCH,SHT Ъ=IE,,A Ы=Y Ь=,I Э=E Ю=IU,YU,JU Я=IA,YA,JA "
    "Ђ=D,DJ Ј=J Љ=LJ Њ=NJ Ћ=C Џ=DZ,DJ"
)
_FORMS = {entry[0]: tuple(entry[2:].split(",")) for entry in f"{_LATIN} {_CYRILLIC}".split()}
# Left out of a zone; any other character that is not a letter separates names.
_LEFT_OUT = re.compile("['\u2018\u2019\u02bb\u02bc.,]")
MOST_NAMES = 12

Verdict: TypeAlias = Literal["match", "mismatch", "not_readable"]


def judged_claims(claims: Mapping[str, str], document: DocumentReading) -> dict[str, Verdict]:
    """The verdict of each claim; `not_readable` where the field is missing or its check digit is wrong."""
    return {claim: _verdict(claim, said, document) for claim, said in claims.items()}


def _verdict(claim: str, said: str, document: DocumentReading) -> Verdict:
    found = document.proved("surname" if claim == "full_name" else claim)
    if found is None:
        return "not_readable"
    if claim == "full_name":
        given_names = document.proved("given_names") or ""
        matches = is_name_of(said, found, given_names, truncated=document.has_truncated_names)
    else:
        matches = _plain(claim, said) == _plain(claim, found)
    return "match" if matches else "mismatch"


def _plain(claim: str, text: str) -> str:
    """What is compared: letters and digits alone, and Germany's one-letter code as the three that others write."""
    plain = "".join(character for character in text.upper() if character.isalnum())
    return "DEU" if claim == "nationality" and plain == "D" else plain


def is_name_of(full_name: str, surname: str, given_names: str, *, truncated: bool) -> bool:
    """Whether `full_name`, in any letters and order, has the zone's names, all of them and no others.

    `truncated`: the zone's names fill their field, so that the last may be cut, and more may be cut off.
    """
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFC", full_name))
    # For each letter of each name, a regular expression of every form that it may have in a zone.
    claimed = [[f"(?:{'|'.join(_forms(letter))})" for letter in name] for name in re.findall(r"[^\W\d_]+", plain)]
    zone = [*surname.split(), *given_names.split()]
    if not claimed or not zone or len(claimed) > MOST_NAMES:
        return False
    if _assigned(claimed, zone, truncated=truncated):
        return True
    # One name may be written as two, and two as one: De la Cruz, DELACRUZ.
    whole = re.compile("".join(letter for letters in claimed for letter in letters))
    joined = ("".join(surname.split()), "".join(given_names.split()))
    return not truncated and any(whole.fullmatch("".join(order)) for order in (joined, joined[::-1]))


def _forms(letter: str) -> tuple[str, ...]:
    for written in (letter, letter.upper()):
        if written in _FORMS:
            return _FORMS[written]
    # Any other mark falls away: É is E, and so is what Vietnamese writes with two.
    plain = "".join(part for part in unicodedata.normalize("NFD", letter.upper()) if not unicodedata.combining(part))
    forms = [_FORMS.get(part, (re.escape(part),)) for part in plain]
    return forms[0] if len(forms) == 1 else (re.escape(plain),)


def _assigned(claimed: Sequence[Sequence[str]], zone: Sequence[str], *, truncated: bool) -> bool:
    """Whether each of the zone's names is one of those claimed, each used once; and none is left, unless truncated."""
    if not zone:
        return truncated or not claimed
    if not claimed:
        return False
    first, rest = zone[0], zone[1:]
    return any(
        _is(letters, first, cut=truncated) and _assigned([*claimed[:at], *claimed[at + 1 :]], rest, truncated=truncated)
        for at, letters in enumerate(claimed)
    )


def _is(letters: Sequence[str], name: str, *, cut: bool) -> bool:
    # A cut name is the beginning of the whole one: some form of its first letters.
    counts = range(1, len(letters) + 1) if cut else (len(letters),)
    return any(re.fullmatch("".join(letters[:count]), name) for count in counts)
