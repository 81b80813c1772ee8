"""The arithmetic of a search: identification rates by threshold and rank, and what more enrolled people would cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.error_rates import share_at_or_above
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

    thresholds: Scores
    rank_one: Scores
    fpir: Scores


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
    top = scores[-1] if scores.size else 100.0
    thresholds = np.append(scores, np.nextafter(top, np.inf))
    # NaN is below every threshold: nobody was named.
    right = np.where(known_right & ~np.isnan(known_scores), known_scores, -np.inf)
    named = np.where(np.isnan(impostor_scores), -np.inf, impostor_scores)
    return IdentificationRates(
        thresholds=thresholds,
        rank_one=share_at_or_above(right, thresholds),
        fpir=share_at_or_above(named, thresholds),
    )


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


def extrapolated_fpir(fmr: Rate, enrolled: int) -> Extrapolation | None:
    """FPIR among `enrolled` persons as 1 - (1 - FMR)^enrolled; None below ten observed false matches.

    An extrapolation: it takes the comparisons of one search as independent, and looks no further than the data's kind
    of people. Its interval is FMR's own, put through the same formula.
    """
    if fmr.hits < LEAST_FALSE_MATCHES or fmr.value is None or fmr.interval is None:
        return None
    low, high = fmr.interval
    return Extrapolation(enrolled, _any_of(fmr.value, enrolled), _any_of(low, enrolled), _any_of(high, enrolled))


def _any_of(chance: float, times: float) -> float:
    """The chance (0-1) that what has this `chance` happens at least once in `times`: exact for tiny chances too."""
    return float(-np.expm1(times * np.log1p(-chance))) if chance < 1 else 1.0


def extrapolated_search(fpir: Rate, enrolled: int) -> tuple[Extrapolation, ...]:
    """FPIR with `COLLECTION_SIZES` enrolled, from what was observed with `enrolled`; none below ten false matches.

    The same formula, with the chance per enrolled person solved for first: 1 - (1 - FPIR)^(size / enrolled).
    """
    if fpir.hits < LEAST_FALSE_MATCHES or not enrolled or fpir.value is None or fpir.interval is None:
        return ()
    low, high = fpir.interval
    found = []
    for size in COLLECTION_SIZES:
        value, least, most = (_any_of(one, size / enrolled) for one in (fpir.value, low, high))
        found.append(Extrapolation(size, value, least, most))
    return tuple(found)
