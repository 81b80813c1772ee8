"""The arithmetic of a search: identification rates by threshold and rank, and what more enrolled people would cost."""

from collections.abc import Sequence
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
    """Who-is-this rates (both (k,), 0-1) at `thresholds` ((k,), rising): every score, and one above them all.

    Attributes:
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

    Scores are similarities 0-100 of each probe's best candidate, (n,) and (m,), NaN where it was refused or had none;
    `known_right` is (n,) whether that candidate is the person.
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

    `ranks` is (n,) the right person's rank among each known probe's candidates, 1 the best, 0 where it is absent.
    """
    return tuple(Rate(int(np.count_nonzero((ranks > 0) & (ranks <= k))), int(ranks.size)) for k in range(1, most + 1))


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """FPIR (0-1) to expect with `enrolled` persons, and the ends of its 95 % interval."""

    enrolled: int
    value: float
    low: float
    high: float


def extrapolations(
    rate: Rate, observed_with: int = 1, sizes: Sequence[int] = COLLECTION_SIZES
) -> tuple[Extrapolation, ...]:
    """FPIR among N enrolled persons as 1 - (1 - rate)^(N / observed_with), for each of `sizes`.

    None below ten false matches. An extrapolation: it takes the comparisons of one search as independent, and looks no
    further than the data's kind of people. Its interval is the rate's own, put through the same formula. `rate` is of
    comparisons (FMR), or of searches in a collection (FPIR) with `observed_with` persons.
    """
    if rate.hits < LEAST_FALSE_MATCHES or not observed_with or rate.value is None or rate.interval is None:
        return ()
    with np.errstate(divide="ignore"):  # a chance of 1 stays 1
        nobody = np.outer(np.array(sizes) / observed_with, np.log1p(-np.array([rate.value, *rate.interval])))
    return tuple(Extrapolation(size, *row) for size, row in zip(sizes, (-np.expm1(nobody)).tolist(), strict=True))
