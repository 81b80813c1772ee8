"""Two thresholds: at or above the upper one a match, below the lower one no match, between them a human looks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs


@dataclass(frozen=True, slots=True)
class ReviewBand:
    """What goes to a human, and which errors remain without one.

    Attributes:
        threshold_review: 0-100, the lower one.
        threshold: 0-100, the upper one.
        matches_reviewed: share of the matches that lie between both; likewise `non_matches_reviewed`.
        fmr: non-matches at or above `threshold`: nobody looks at them.
        fnmr: matches below `threshold_review`: nobody looks at them either.
    """

    threshold_review: float
    threshold: float
    matches_reviewed: Rate
    non_matches_reviewed: Rate
    fmr: Rate
    fnmr: Rate


def review_bands(pairs: ScoredPairs, lower: Sequence[float], upper: Sequence[float]) -> tuple[ReviewBand, ...]:
    """Every pair of a lower and an upper threshold (0-100 each, lower at most upper), the upper ones in order."""
    matches, non_matches = np.sort(pairs.match_scores), np.sort(pairs.non_match_scores)

    def below(scores: Scores, threshold: float) -> int:
        return int(np.searchsorted(scores, threshold, side="left"))

    bands = []
    for high in upper:
        for low in lower:
            if low > high:
                continue
            bands.append(
                ReviewBand(
                    low,
                    high,
                    Rate(below(matches, high) - below(matches, low), int(matches.size)),
                    Rate(below(non_matches, high) - below(non_matches, low), int(non_matches.size)),
                    Rate(int(non_matches.size) - below(non_matches, high), int(non_matches.size)),
                    Rate(below(matches, low), int(matches.size)),
                )
            )
    return tuple(bands)
