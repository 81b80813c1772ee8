"""The answer to one case: a similarity with what was seen, a refusal, or a failure; and many of them as arrays."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from face_validation.client.validation_result import Boxes, Quality, ValidationResult
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.statistics.pairs import Answer, Expected, Places, ScoredPairs, Scores, answers


class Outcome(StrEnum):
    """How a case ended: with a similarity, with a refusal (4xx), or with a failure (5xx, or no answer)."""

    SCORED = "scored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SideQuality:
    """One quality measure (0-100, higher is better) of both compared faces."""

    measure: str
    source: float
    target: float


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one case.

    Attributes:
        source_sha256: hash of the source's bytes, as uploaded; likewise `target_sha256`.
        seconds: wall time of the request, uploads not counted.
        similarity: 0-100 where scored.
        status: HTTP status; None when no answer came.
        code: the error envelope's code, or the client's name for what went wrong.
        details: the error's details, in one line.
        id_request: what to look for in the service's logs; empty when the request was lost before it had one.
        boxes_json: what was seen in both images, where scored: the contract's `boxes` as JSON. Kept as text, because a
            run of 100,000 cases would not fit into memory otherwise.
        quality_json: scores of the quality measures, `{"source": {measure: 0-100}, "target": {...}}`; may be empty.
        reasons: the answer's codes; may be empty.
    """

    case: Case
    source_sha256: str
    target_sha256: str
    outcome: Outcome
    seconds: float
    similarity: float | None = None
    status: int | None = None
    code: str = ""
    details: str = ""
    id_request: str = ""
    boxes_json: str = ""
    quality_json: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def boxes(self) -> Boxes | None:
        """What was seen in both images."""
        if not self.boxes_json:
            return None
        answer = {"id_request": "", "matched": False, "similarity": 0.0, "boxes": json.loads(self.boxes_json)}
        return ValidationResult.from_answer(answer).boxes

    @property
    def qualities(self) -> tuple[SideQuality, ...]:
        """The measures that both faces have, sorted by name."""
        sides = json.loads(self.quality_json or "{}")
        source, target = sides.get("source", {}), sides.get("target", {})
        return tuple(
            SideQuality(measure, float(source[measure]), float(target[measure]))
            for measure in sorted(source)
            if source[measure] is not None and target.get(measure) is not None
        )

    @property
    def least_sizes(self) -> tuple[float, int] | None:
        """Height in pixels of the smaller compared face, and pixels of the smaller image; None without boxes.

        Read without building the boxes: a report asks it of every case.
        """
        if not self.boxes_json:
            return None
        sides = json.loads(self.boxes_json).values()
        heights = [side["faces"][side["compared"]]["box"]["height"] * side["height"] for side in sides]
        return min(heights), min(side["width"] * side["height"] for side in sides)


def boxes_to_json(boxes: Boxes | None) -> str:
    """`boxes` in the contract's own shape, for `Result.boxes_json`."""
    if boxes is None:
        return ""
    answer = ValidationResult(id_request="", matched=False, similarity=0.0, boxes=boxes).to_answer()
    return json.dumps(answer["boxes"], separators=(",", ":"))


def quality_to_json(quality: Quality | None) -> str:
    """The scores (0-100) of both faces' measures, for `Result.quality_json`."""
    if quality is None:
        return ""
    sides = {"source": quality.source, "target": quality.target}
    scores = {side: {name: round(one.score, 1) for name, one in measures.items()} for side, measures in sides.items()}
    return json.dumps(scores, separators=(",", ":"))


def similarities(results: Iterable[Result]) -> Scores:
    """(n,) percent 0-100, NaN where there is no score."""
    return np.array([math.nan if result.similarity is None else result.similarity for result in results], np.float64)


def answers_at(results: Sequence[Result], threshold: float) -> list[Answer]:
    """The answer to each case at `threshold` (0-100)."""
    failed = np.array([result.outcome is Outcome.FAILED for result in results], np.bool_)
    return answers(similarities(results), failed, threshold)


def scored_places(results: Sequence[Result]) -> Places:
    """Places of the pairs of two faces that got a score."""
    return np.flatnonzero(
        np.array([one.similarity is not None and one.case.expected is not Expected.ERROR for one in results], np.bool_)
    )


def scored_pairs(results: Sequence[Result], groups: Mapping[str, str] | None = None) -> ScoredPairs:
    """The pairs of two faces that got a score, in order; a person's group is the case's where it is not in `groups`."""
    scored = [results[place] for place in scored_places(results)]
    of_person = groups or {}
    persons = [one.case.source_person for one in scored] + [one.case.target_person for one in scored]
    of_case = [one.case.group for one in scored] * 2
    return ScoredPairs.of_images(
        similarities(scored),
        np.array([one.case.expected is Expected.MATCH for one in scored], np.bool_),
        (np.arange(len(scored)), np.arange(len(scored), 2 * len(scored))),
        persons,
        [of_person.get(person, group) for person, group in zip(persons, of_case, strict=True)],
    )
