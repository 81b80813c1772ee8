"""The question about two images."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from face_validation.client.errors import FaceValidationError
from face_validation.client.validation_result import DEFAULT_THRESHOLD, ValidationResult

Outcome = ValidationResult | FaceValidationError
"""The outcome of one of many requests: its answer, or its error."""


class ValidationType(StrEnum):
    """What is compared: a photograph or an identity document with the target, or both within the target."""

    FACE_TO_FACE = "FACE_TO_FACE"
    ID_TO_FACE = "ID_TO_FACE"
    ID_IN_FACE = "ID_IN_FACE"


def new_id() -> str:
    """A request id of our own, so that even a request whose answer is lost can be found in the service's logs."""
    return str(uuid.uuid4())


class ValidationOptions(TypedDict, total=False):
    """How to compare two images, and what else to answer.

    threshold: match from this similarity on (0-100).
    threshold_label: ID_TO_FACE: how sure the service must be that the source is a document (0-100).
    include: any of `boxes` (what was seen), `reasons` (stable codes), `quality` (of both faces) and `document` (its
        fields; the client needs the scope `read` too).
    threshold_review: from this similarity (0-100) on the decision is `review`.
    min_quality: measure -> least score (0-100) of both faces.
    claims: what is claimed of the document (`full_name`, `date_of_birth`...), answered only for a match.
    target_liveness_session: a session that takes the place of the target; `target_path` is None then.
    """

    threshold: float
    threshold_label: float | None
    include: Sequence[str]
    threshold_review: float | None
    min_quality: Mapping[str, float] | None
    claims: Mapping[str, str] | None
    target_liveness_session: str | None


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """A Face Liveness session: what an app streams its video to, and until when (ISO 8601) it can be validated."""

    id_request: str
    session_id: str
    expires_at: str
    region: str


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """One validation, see `ValidationOptions`; paths are keys in the source and target bucket.

    ID_IN_FACE has no `source_path`, one with a `target_liveness_session` no `target_path`. `threshold` is always sent:
    what the answer was judged by is then known for sure. None in another option leaves it to the service.
    """

    source_path: str | None
    target_path: str | None
    type: ValidationType | str
    threshold: float = DEFAULT_THRESHOLD
    threshold_label: float | None = None
    include: Sequence[str] = ()
    id_request: str = field(default_factory=new_id)
    threshold_review: float | None = None
    min_quality: Mapping[str, float] | None = None
    claims: Mapping[str, str] | None = field(default=None, repr=False)
    target_liveness_session: str | None = None

    def to_body(self) -> dict[str, Any]:
        """The JSON object that the service takes."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, (), {}, [])}
        return given | {"type": str(self.type)} | ({"include": list(self.include)} if self.include else {})
