"""What a comparison found, and what to make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from face_validation_function.documents.claims import Verdict
from face_validation_function.documents.document import DocumentReading
from face_validation_function.faces import ImageAnalysis
from face_validation_function.quality.measures import shortcomings
from face_validation_function.reasons import Reason

Decision: TypeAlias = Literal["match", "review", "no_match"]
"""What to do with a similarity where there is a band for a human to look at."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer to one request: similarity in percent (0-100, unrounded) beside the thresholds asked for.

    `document` is what was read of it, `claims` the verdicts; each is there when it was asked for, `claims` only for a
    match.
    """

    similarity: float
    threshold: float
    source: ImageAnalysis
    target: ImageAnalysis
    threshold_review: float | None = None
    document: DocumentReading | None = None
    claims: Mapping[str, Verdict] | None = None

    @property
    def is_match(self) -> bool:
        """Whether both are the same person, by the threshold."""
        return self.similarity >= self.threshold

    @property
    def decision(self) -> Decision | None:
        """Match, review or no match; None when the request has no `threshold_review`."""
        if self.threshold_review is None:
            return None
        if self.is_match:
            return "match"
        return "review" if self.similarity >= self.threshold_review else "no_match"

    @property
    def reasons(self) -> list[Reason]:
        """What a caller should know of this answer; the faces' own reasons where their quality was measured."""
        found = [] if self.is_match else [Reason.SIMILARITY_BELOW_THRESHOLD]
        if self.decision == "review":
            found.append(Reason.SIMILARITY_NEAR_THRESHOLD)
        # A document has ghost images of its portrait: several faces on it are expected.
        if self.source.document is None and len(self.source.faces) > 1:
            found.append(Reason.SOURCE_SEVERAL_FACES)
        if len(self.target.faces) > 1:
            found.append(Reason.TARGET_SEVERAL_FACES)
        for side, seen in (("source", self.source), ("target", self.target)):
            if seen.quality is not None:
                found += shortcomings(seen.quality, side)
        return found + ([] if self.document is None else _of_document(self.document))


def _of_document(document: DocumentReading) -> list[Reason]:
    if not document.readable:
        return [Reason.DOCUMENT_NOT_READABLE]
    doubts = {
        Reason.DOCUMENT_EXPIRED: document.expired is True,
        Reason.DOCUMENT_CHECK_DIGIT_WRONG: document.has_wrong_digit,
        Reason.DOCUMENT_PRINT_DIFFERS: document.mrz_matches_print is False,
    }
    return [reason for reason, holds in doubts.items() if holds]
