"""The arithmetic of a search: identification rates by threshold and rank, and what more enrolled people would cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.error_rates import Numbers, share_at_or_above
from face_validation.evaluation.statistics.intervals import Rate

LEAST_FALSE_MATCHES = 10
COLLECTION_SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class IdentificationRates:
    """Who-is-this rates (both (k,), 0-1) at `thresholds` ((k,), rising).

    Attributes:
        thresholds: every score that occurs, and one above them all.
        rank_one: true positive identification rate (detection and identification rate, DIR): known probes whose best
            candidate is the right person and reaches the threshold. NaN without known probes.
        fpir: false positive identification rate: impostors (nobody enrolled) for whom any candidate reaches it. NaN
            without impostors.
    """

    thresholds: Numbers
    rank_one: Numbers
    fpir: Numbers


def identification_rates(
    known_scores: Scores, known_right: NDArray[np.bool_], impostor_scores: Scores
) -> IdentificationRates:
    """Rank-1 rate of known probes and FPIR of impostors against threshold (ISO/IEC 19795-1).

    Args:
        known_scores: (n,) similarity 0-100 of each known probe's best candidate, NaN where it was refused or had none.
        known_right: (n,) whether that candidate is the person.
        impostor_scores: (m,) similarity of each impostor's best candidate, NaN likewise.
    """
    seen = np.concatenate([known_scores, impostor_scores])
    scores = np.unique(seen[~np.isnan(seen)])
    thresholds = np.append(scores, np.nextafter(scores[-1] if scores.size else 100.0, np.inf))
    # NaN is below every threshold: nobody was named.
    right = np.where(known_right & ~np.isnan(known_scores), known_scores, -np.inf)
    named = np.where(np.isnan(impostor_scores), -np.inf, impostor_scores)
    return IdentificationRates(thresholds, share_at_or_above(right, thresholds), share_at_or_above(named, thresholds))


def cumulative_match(ranks: NDArray[np.int64], most: int) -> tuple[Rate, ...]:
    """Rank-k identification rates for k = 1..`most`: known probes whose person is among the k best candidates.

    Args:
        ranks: (n,) rank of the right person among each known probe's candidates, 1 the best, 0 where it is absent.
        most: the number of candidates that were asked for.
    """
    return tuple(Rate(int(np.count_nonzero((ranks > 0) & (ranks <= k))), int(ranks.size)) for k in range(1, most + 1))


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """FPIR (0-1) to expect with `enrolled` persons, and the ends of its 95 % interval."""

    enrolled: int
    value: float
    low: float
    high: float


def extrapolated_fpir(rate: Rate, enrolled: int, observed_with: int = 1) -> Extrapolation | None:
    """FPIR among `enrolled` persons as 1 - (1 - rate)^(enrolled / observed_with); None below ten false matches.

    An extrapolation: it takes the comparisons of one search as independent, and looks no further than the data's kind
    of people. Its interval is the rate's own, put through the same formula.

    Args:
        rate: false matches of comparisons (FMR), or of searches in a collection (FPIR).
        enrolled: persons in the collection to come.
        observed_with: how many were enrolled when the rate was observed; 1 for FMR.
    """
    if rate.hits < LEAST_FALSE_MATCHES or not observed_with or rate.value is None or rate.interval is None:
        return None
    with np.errstate(divide="ignore"):  # a chance of 1 stays 1
        nobody = enrolled / observed_with * np.log1p(-np.array([rate.value, *rate.interval]))
    return Extrapolation(enrolled, *(-np.expm1(nobody)).tolist())


def extrapolations(rate: Rate, observed_with: int = 1) -> tuple[Extrapolation, ...]:
    """`extrapolated_fpir` for each of `COLLECTION_SIZES`; none below ten false matches."""
    found = (extrapolated_fpir(rate, size, observed_with) for size in COLLECTION_SIZES)
    return tuple(one for one in found if one is not None)
