"""The question: two images in their buckets, how to compare them, and from which similarity on they match."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from face_validation.client.validation_result import DEFAULT_THRESHOLD


class ValidationType(StrEnum):
    """What the source is: a photograph of the person, or of the person's identity document."""

    FACE_TO_FACE = "FACE_TO_FACE"
    ID_TO_FACE = "ID_TO_FACE"


def new_id() -> str:
    """A request id of our own, so that even a request whose answer is lost can be found in the service's logs."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """One validation; paths are keys in the source and target bucket.

    `threshold` is always sent: what the answer was judged by is then known for sure. `threshold_label` (0-100) only
    matters for ID_TO_FACE; None leaves it to the service. `include=["boxes"]` asks for what was seen.
    """

    source_path: str
    target_path: str
    type: ValidationType | str
    threshold: float = DEFAULT_THRESHOLD
    threshold_label: float | None = None
    include: Sequence[str] = ()
    id_request: str = field(default_factory=new_id)

    def to_body(self) -> dict[str, Any]:
        """The JSON object that the service takes."""
        body: dict[str, Any] = {
            "id_request": self.id_request,
            "source_path": self.source_path,
            "target_path": self.target_path,
            "type": str(self.type),
            "threshold": self.threshold,
        }
        if self.threshold_label is not None:
            body["threshold_label"] = self.threshold_label
        if self.include:
            body["include"] = list(self.include)
        return body
