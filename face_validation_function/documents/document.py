"""What a document's text says: the zone's fields as values, whether it has expired, and whether the print agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from face_validation_function.documents.dates import birth_date, expiry_date
from face_validation_function.documents.printed import print_agrees
from face_validation_function.documents.reading import find_zone
from face_validation_function.documents.zones import FILLER, Zone
from face_validation_function.faces import TextLine

NAMES = ("surname", "given_names")
# In the order of answers.
FIELDS = (
    *("document_code", "issuing_state", *NAMES, "document_number", "nationality", "date_of_birth", "sex"),
    *("expiry_date", "optional_data"),
)


@dataclass(frozen=True, slots=True)
class DocumentField:
    """One field: its value, the verdict of its check digits (None: it has none), and whether a letter was corrected."""

    value: str
    valid: bool | None = None
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """What was read; nothing where the document shows no zone. Never to be logged.

    `expired` and `matches_print` are None where the date, or the print, was not read for sure. `has_truncated_names`
    tells that the names fill their field to its end, so that some of them may be cut off.
    """

    layout: str | None = None
    fields: Mapping[str, DocumentField] = field(default_factory=dict, repr=False)
    composite: bool | None = None
    expired: bool | None = None
    matches_print: bool | None = None
    has_truncated_names: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether there is a zone."""
        return self.layout is not None

    @property
    def has_wrong_digit(self) -> bool:
        """Whether any check digit is wrong."""
        return self.composite is False or any(found.valid is False for found in self.fields.values())

    def proved(self, name: str) -> str | None:
        """A field's value, unless it is not there, empty, or its check digit is wrong."""
        found = self.fields.get(name)
        return found.value or None if found is not None and found.valid is not False else None


def read_document(lines: Sequence[TextLine], today: date) -> DocumentReading:
    """The reading of all the text on a document; `today` decides on centuries and on the expiry."""
    zone = find_zone(lines)
    if zone is None:
        return DocumentReading()
    values = _values(zone, today)
    fields = {name: _field(zone, name, values[name]) for name in FIELDS if name in values}
    expiry = _proved_date(fields.get("expiry_date"))
    birth = _proved_date(fields.get("date_of_birth"))
    number = fields["document_number"]
    return DocumentReading(
        zone.layout.name,
        fields,
        zone.composite,
        expired=None if expiry is None else expiry < today,
        matches_print=print_agrees(lines, number.value if number.valid else None, birth),
        has_truncated_names=not (zone.field("names") or FILLER).endswith(FILLER),
    )


def _values(zone: Zone, today: date) -> dict[str, str]:
    values = {}
    for name in FIELDS:
        text = zone.field(name)
        if text is not None:
            values[name] = text.replace(FILLER, " ").strip() if name in NAMES else text.replace(FILLER, "")
    names = zone.field("names")
    if names is not None:
        surname, _, given = names.partition(2 * FILLER)
        values |= {"surname": _words(surname), "given_names": _words(given)}
    values["sex"] = values.get("sex") or "X"
    for name, read in (("date_of_birth", birth_date), ("expiry_date", expiry_date)):
        text = zone.field(name)
        if text is not None:
            values[name] = read(text, today) or ""
    return values


def _words(text: str) -> str:
    return " ".join(text.replace(FILLER, " ").split())


def _field(zone: Zone, name: str, value: str) -> DocumentField:
    valid = zone.is_proved(name)
    if name in {"date_of_birth", "expiry_date"} and not value:
        # Digits that are not a date, whatever their check digit says.
        valid = False
    return DocumentField(value, valid, name in zone.corrected)


def _proved_date(found: DocumentField | None) -> date | None:
    """A whole date whose check digit is right; None for one of which the day or the month is not known."""
    if found is None or not found.valid or len(found.value) != len("2026-11-27"):
        return None
    return date.fromisoformat(found.value)
