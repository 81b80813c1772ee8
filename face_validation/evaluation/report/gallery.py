"""The pairs to look at first: labels that look wrong, then the worst errors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_validation.client import ImageAnalysis
from face_validation.evaluation.runs.all_pairs import AllPairs
from face_validation.evaluation.runs.pairs import scored_places
from face_validation.evaluation.runs.result import Result, SideQuality
from face_validation.evaluation.statistics.confusion import Expected
from face_validation.evaluation.statistics.label_noise import label_suspicion, looks_mislabelled
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs

MOST = 40


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A pair on the wrong side of the threshold.

    Attributes:
        name: the case's id, or both persons.
        note: where the case comes from.
        similarity: 0-100.
        is_match: the label: whether both images are said to show one person.
        label_is_doubtful: whether the score would be ordinary under the other label.
        images: source and target: the file, and what was seen in it where that is known.
        qualities: measures of both faces; none where they were not asked for.
        reasons: the answer's codes.
    """

    name: str
    note: str
    similarity: float
    is_match: bool
    label_is_doubtful: bool
    images: tuple[tuple[Path, ImageAnalysis | None], ...]
    qualities: tuple[SideQuality, ...] = ()
    reasons: tuple[str, ...] = ()


def places_to_look_at(pairs: ScoredPairs, threshold: float, most: int = MOST) -> list[tuple[int, bool]]:
    """Places of the pairs to show, and whether the label looks wrong: those first, then the worst errors of both kinds.

    Errors are in turn a false match and a false non-match, each kind from its worst on.
    """
    errors = (pairs.similarity >= threshold) != pairs.is_match
    doubtful = looks_mislabelled(pairs)
    noisy = np.flatnonzero(doubtful)
    first = noisy[np.argsort(-label_suspicion(pairs)[noisy], kind="stable")][:most]
    in_turn: list[tuple[int, int]] = []
    for is_match, sign in ((False, -1.0), (True, 1.0)):
        members = np.flatnonzero(errors & ~doubtful & (pairs.is_match == is_match))
        worst_first = members[np.argsort(sign * pairs.similarity[members], kind="stable")]
        in_turn += enumerate(worst_first[:most].tolist())
    in_turn.sort(key=lambda one: one[0])
    return [(int(place), True) for place in first] + [(place, False) for _, place in in_turn[: most - first.size]]


def gallery_of_results(results: list[Result], pairs: ScoredPairs, threshold: float) -> list[GalleryItem]:
    """The pairs of a run of cases; `pairs` are its `scored_pairs`."""
    scored = scored_places(results)
    items = []
    for place, is_doubtful in places_to_look_at(pairs, threshold):
        result = results[scored[place]]
        case, boxes = result.case, result.boxes
        items.append(
            GalleryItem(
                case.case_id,
                case.note,
                result.similarity or 0.0,
                case.expected is Expected.MATCH,
                is_doubtful,
                ((case.source, boxes and boxes.source), (case.target, boxes and boxes.target)),
                result.qualities,
                result.reasons,
            )
        )
    return items


def gallery_of_all_pairs(all_pairs: AllPairs, pairs: ScoredPairs, threshold: float) -> list[GalleryItem]:
    """The pairs of all photographs against all others."""
    first, second = all_pairs.ends
    items = []
    for place, is_doubtful in places_to_look_at(pairs, threshold):
        source, target = all_pairs.photos[first[place]], all_pairs.photos[second[place]]
        items.append(
            GalleryItem(
                source.person if source.person == target.person else f"{source.person} / {target.person}",
                f"{source.path.name}, {target.path.name}",
                float(pairs.similarity[place]),
                bool(pairs.is_match[place]),
                is_doubtful,
                ((source.path, None), (target.path, None)),
            )
        )
    return items
