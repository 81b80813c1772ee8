"""Claims about a document, each answered without telling what the document says."""

from collections.abc import Mapping
from enum import StrEnum

from face_validation_function.documents.document import DocumentReading
from face_validation_function.documents.names import is_name_of


class Claim(StrEnum):
    """What may be claimed."""

    DOCUMENT_NUMBER = "document_number"
    DATE_OF_BIRTH = "date_of_birth"
    FULL_NAME = "full_name"
    EXPIRY_DATE = "expiry_date"
    NATIONALITY = "nationality"


class Verdict(StrEnum):
    """The answer to a claim."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_READABLE = "not_readable"


def judged_claims(claims: Mapping[Claim, str], document: DocumentReading) -> dict[Claim, Verdict]:
    """Each claim's verdict; not readable where the field is not there or its check digit is wrong."""
    return {claim: _verdict(claim, said, document) for claim, said in claims.items()}


def _verdict(claim: Claim, said: str, document: DocumentReading) -> Verdict:
    if claim is Claim.FULL_NAME:
        surname, given = document.proved("surname"), document.proved("given_names") or ""
        if surname is None:
            return Verdict.NOT_READABLE
        matches = is_name_of(said, surname, given, truncated=document.has_truncated_names)
    else:
        found = document.proved(claim.value)
        if found is None:
            return Verdict.NOT_READABLE
        matches = _plain(claim, said) == _plain(claim, found)
    return Verdict.MATCH if matches else Verdict.MISMATCH


def _plain(claim: Claim, text: str) -> str:
    """What is compared: letters and digits alone, and Germany's one-letter code as the three that others write."""
    plain = "".join(character for character in text.upper() if character.isalnum())
    return "DEU" if claim is Claim.NATIONALITY and plain == "D" else plain
