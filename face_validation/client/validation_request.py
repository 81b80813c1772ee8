"""The question: two images in their buckets, how to compare them, and from which similarity on they match."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from face_validation.client.validation_result import DEFAULT_THRESHOLD


class ValidationType(StrEnum):
    """What is compared: a photograph or an identity document with the target, or both within the target."""

    FACE_TO_FACE = "FACE_TO_FACE"
    ID_TO_FACE = "ID_TO_FACE"
    ID_IN_FACE = "ID_IN_FACE"


def new_id() -> str:
    """A request id of our own, so that even a request whose answer is lost can be found in the service's logs."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """One validation; paths are keys in the source and target bucket. ID_IN_FACE has no `source_path`.

    `threshold` is always sent: what the answer was judged by is then known for sure. `threshold_label` (0-100) only
    matters for documents; None leaves it to the service. `include` asks for `boxes`, `reasons`, `quality`, `document`.
    From `threshold_review` on a human shall look; `min_quality` is measure -> score, `claims` claim -> value.
    """

    source_path: str | None
    target_path: str
    type: ValidationType | str
    threshold: float = DEFAULT_THRESHOLD
    threshold_label: float | None = None
    include: Sequence[str] = ()
    id_request: str = field(default_factory=new_id)
    threshold_review: float | None = None
    min_quality: Mapping[str, float] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_body(self) -> dict[str, Any]:
        """The JSON object that the service takes."""
        body: dict[str, Any] = {
            "id_request": self.id_request,
            **({} if self.source_path is None else {"source_path": self.source_path}),
            "target_path": self.target_path,
            "type": str(self.type),
            "threshold": self.threshold,
        }
        if self.threshold_label is not None:
            body["threshold_label"] = self.threshold_label
        if self.include:
            body["include"] = list(self.include)
        if self.threshold_review is not None:
            body["threshold_review"] = self.threshold_review
        if self.min_quality:
            body["min_quality"] = dict(self.min_quality)
        if self.claims:
            body["claims"] = dict(self.claims)
        return body
