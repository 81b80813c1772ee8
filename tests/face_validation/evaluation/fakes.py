"""An API that answers by what a table says, and keeps count of what it was asked."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from face_validation.client import Box, Boxes, Face, ImageAnalysis, ValidationResult
from face_validation.client.buckets import Bucket
from face_validation.client.errors import FaceValidationError
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import Measure, Quality
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.statistics.pairs import UNKNOWN, Expected, ScoredPairs, Scores

QUALITY = Quality({"sharpness": Measure(0.5, 61.25)}, {"sharpness": Measure(0.2, 30.0)})
SIDE = ImageAnalysis(width=400, height=500, faces=(Face(Box(0.25, 0.2, 0.5, 0.5), 99.0),), compared=0)


def case(case_id: str, expected: Expected = Expected.MATCH, note: str = "", folder: Path = Path("/cases")) -> Case:
    """A case whose two images are called after it."""
    return Case(
        case_id,
        ValidationType.FACE_TO_FACE,
        folder / f"{case_id}-source.jpg",
        folder / f"{case_id}-target.jpg",
        expected,
        note,
    )


def pairs_of_scores(match_scores: Scores, non_match_scores: Scores) -> ScoredPairs:
    """Pairs of which only score and label are known: the matches first."""
    total = match_scores.size + non_match_scores.size
    unknown = np.full(total, UNKNOWN, np.int32)
    is_match = np.arange(total) < match_scores.size
    return ScoredPairs(np.concatenate([match_scores, non_match_scores]), is_match, unknown, unknown, unknown, unknown)


def boxes_to_json(boxes: Boxes) -> str:
    """As a run keeps them."""
    return json.dumps(ValidationResult("", matched=False, similarity=0.0, boxes=boxes).to_answer()["boxes"])


class FakeApi:
    """Answers `answer(source bytes, target bytes)`: a similarity, or the error to raise."""

    def __init__(self, answer: Callable[[bytes, bytes], float | FaceValidationError]) -> None:
        self.answer = answer
        self.uploads: Counter[tuple[str, bytes]] = Counter()
        self.asked: Counter[tuple[bytes, bytes]] = Counter()
        self.thresholds: set[float] = set()
        self._objects: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def upload(self, photo: bytes, side: Bucket, key: str) -> None:
        """Keep the bytes under the key."""
        with self._lock:
            self.uploads[side, photo] += 1
            self._objects[side, key] = photo

    def validate(
        self,
        source_path: str | None,
        target_path: str,
        type: ValidationType,  # noqa: A002 - the contract's own word
        *,
        threshold: float,
        include: Sequence[str],
    ) -> ValidationResult:
        """What the table says."""
        with self._lock:
            target = self._objects["target", target_path]
            images = target if source_path is None else self._objects["source", source_path], target
            self.asked[images] += 1
            self.thresholds.add(threshold)
        answer = self.answer(*images)
        if isinstance(answer, FaceValidationError):
            raise answer
        return ValidationResult(
            f"request of {images[1].decode()}",
            answer >= threshold,
            answer,
            threshold,
            Boxes(SIDE, SIDE),
            reasons=("TARGET_FACE_SMALL",),
            quality=QUALITY,
        )
