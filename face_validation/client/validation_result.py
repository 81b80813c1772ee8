"""What the service answered, as values: the verdict, the similarity and, when asked for, the boxes."""

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")

DEFAULT_THRESHOLD = 80.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in ratios of the upright, uncropped image, origin top left; may reach past 0 and 1."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was found: where, and how sure the detector was (0-100)."""

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Document:
    """The identity document that was recognised: its label, confidence (0-100) and place."""

    label: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """What was seen in one image of `width` x `height` upright pixels; `compared` is an index into `faces`."""

    width: int
    height: int
    faces: tuple[Face, ...]
    compared: int
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Boxes:
    """What was seen in both images."""

    source: ImageAnalysis
    target: ImageAnalysis


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a face: `value` in its own unit, `score` 0-100, higher is better."""

    value: float
    score: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of both compared faces, by their names in the contract."""

    source: Mapping[str, Measure]
    target: Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class DocumentField:
    """One field of the zone; `valid` is its check digits' verdict, None where it has none."""

    value: str
    valid: bool | None = None
    corrected: bool | None = None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What the document's machine readable zone says, field by field; not in the repr, so that no log holds it."""

    readable: bool
    format: str | None = None
    fields: Mapping[str, DocumentField] | None = field(default=None, repr=False)
    composite_valid: bool | None = None
    expired: bool | None = None
    mrz_matches_print: bool | None = None


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """One answer: `similarity` is 0-100, `threshold` the one that was asked for.

    `boxes`, `reasons` and `quality` are there when the request's `include` names them, `decision` (match, review or
    no_match) when it has a `threshold_review`, `document` when `include` names it, `claims` (claim -> match,
    mismatch or not_readable) when the request made some and it is a match.
    """

    id_request: str
    matched: bool
    similarity: float
    threshold: float = DEFAULT_THRESHOLD
    boxes: Boxes | None = None
    decision: str | None = None
    reasons: tuple[str, ...] | None = None
    quality: Quality | None = None
    document: ReadDocument | None = None
    claims: Mapping[str, str] | None = None

    @property
    def similarity_text(self) -> str:
        """The similarity with two decimals, or with as many as it takes to see on which side of the threshold it is."""
        for digits in range(2, 7):
            text = f"{self.similarity:.{digits}f}"
            if (float(text) >= self.threshold) == (self.similarity >= self.threshold):
                return text
        return repr(self.similarity)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any], threshold: float = DEFAULT_THRESHOLD) -> "ValidationResult":
        """Read the service's JSON answer to a request with `threshold`; raises as `read`."""
        return read(cls, {**answer, "threshold": threshold})

    def to_answer(self) -> dict[str, Any]:
        """The JSON answer again, in the service's own shape: optional parts only where there are any."""
        answer: dict[str, Any] = _without_nulls(dataclasses.asdict(self))
        del answer["threshold"]
        return answer


def _without_nulls(value: Any) -> Any:
    """What has no value is left out, never null, as in the service's own answers."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list | tuple) else value


def read(kind: type[T], answer: Any) -> T:
    """The service's JSON as a `kind`, without fields of later versions; ValueError names a field that is wrong."""
    found: T = _reader(cast(Hashable, kind)).validate_python(answer)
    return found


@cache
def _reader(kind: Hashable) -> Any:
    from pydantic import TypeAdapter  # here: `import face_validation.client` stays quick for the command line's help

    return TypeAdapter(cast(Any, kind))
