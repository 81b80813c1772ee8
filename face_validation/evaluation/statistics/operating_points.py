"""Thresholds: what they cost, whether the data can carry them, and which pairs go to a human between two of them."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Flags, ScoredPairs, Scores
from face_validation.evaluation.statistics.persons import LEAST_ERRORS, LEAST_PERSONS, ErrorRateMeter

FMR_TARGETS = (0.01, 0.001, 0.0001, 0.00001)


class Support(StrEnum):
    """How far the number of non-matches carries an FMR.

    Rule of 3: without any false match among n non-matches, FMR is below 3 / n with 95 % confidence. Rule of 30: with 30
    errors, a rate is within 30 % of the truth with 90 % confidence (G. Doddington et al., Speech Communication 31
    (2000) 225).
    """

    STEADY = "steady"
    ROUGH = "rough"
    NOT_ENOUGH_DATA = "not_enough_data"


def threshold_for(similarity: Scores, is_match: Flags, target_fmr: float) -> float | None:
    """The lowest threshold for n scores, (n,) each, whose FMR is at most `target_fmr` (0-1); None without non-match."""
    non_matches = np.sort(similarity[~is_match])
    if not non_matches.size:
        return None
    # Counted, not `target * n` alone: 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996.
    allowed = int(np.searchsorted(np.arange(1, non_matches.size + 1) / non_matches.size, target_fmr, side="right"))
    if allowed == non_matches.size:
        return float(similarity.min())
    return _above(similarity, float(non_matches[-allowed - 1]))


def support_of(non_matches: int, target_fmr: float) -> tuple[Support, int]:
    """Whether n non-matches carry an FMR (0-1), and how many the next better support takes."""
    enough_to_say, enough_to_trust = math.ceil(3 / target_fmr), math.ceil(30 / target_fmr)
    if non_matches < enough_to_say:
        return Support.NOT_ENOUGH_DATA, enough_to_say
    if non_matches < enough_to_trust:
        return Support.ROUGH, enough_to_trust
    return Support.STEADY, 0


def safe_threshold(pairs: ScoredPairs, meter: ErrorRateMeter, most_fmr: float) -> float | None:
    """The lowest threshold at which FMR's whole 95 % interval is at most `most_fmr` (0-1); None where no data shows it.

    At the threshold whose measured FMR is just `most_fmr`, the true rate is above it as often as below.
    """
    non_matches = np.sort(pairs.non_match_scores)

    def threshold_with(allowed: int) -> float:
        return _above(pairs.similarity, float(non_matches[-allowed - 1]))

    def is_unsafe(allowed: int) -> bool:
        interval = meter.fmr(threshold_with(allowed)).interval
        return interval is None or interval[1] > most_fmr

    numbers = range(min(math.floor(most_fmr * non_matches.size) + 1, non_matches.size))  # of false matches
    safe = bisect.bisect_left(numbers, True, key=is_unsafe)
    found = threshold_with(safe - 1) if safe else None
    return found if found is not None and found <= 100 else None


def doubts(rate: Rate, persons: int | None) -> bool:
    """Whether the interval may hold the truth less than 93 times in 100; `persons` is None where they are not told."""
    errors = min(rate.hits, rate.of - rate.hits)
    return persons is not None and (persons < LEAST_PERSONS or 0 < errors < LEAST_ERRORS)


def _above(similarity: Scores, score: float) -> float:
    """The next score that occurs above `score`, or the number above it: between two scores nothing changes."""
    higher = similarity[similarity > score]
    return float(higher.min()) if higher.size else float(np.nextafter(score, np.inf))


@dataclass(frozen=True, slots=True)
class ReviewBand:
    """What goes to a human between two thresholds (0-100), and which errors remain without one.

    These are `fmr`, non-matches at or above `threshold`, and `fnmr`, matches below `threshold_review`.
    """

    threshold_review: float
    threshold: float
    matches_reviewed: Rate
    non_matches_reviewed: Rate
    fmr: Rate
    fnmr: Rate


def review_bands(pairs: ScoredPairs, lower: Sequence[float], upper: Sequence[float]) -> tuple[ReviewBand, ...]:
    """Every pair of a lower and an upper threshold (0-100 each, lower at most upper), the upper ones in order."""
    matches, non_matches = pairs.match_scores, pairs.non_match_scores

    def band(low: float, high: float) -> ReviewBand:
        same, other = (Rate.counted((scores >= low) & (scores < high)) for scores in (matches, non_matches))
        return ReviewBand(low, high, same, other, Rate.counted(non_matches >= high), Rate.counted(matches < low))

    return tuple(band(low, high) for high in upper for low in lower if low <= high)
