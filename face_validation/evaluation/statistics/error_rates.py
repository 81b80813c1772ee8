"""The arithmetic of verification and identification: from similarities to error rates, curves and thresholds.

Similarities are 0-100; a pair matches at or above the threshold. Rates are of ISO/IEC 19795-1:

- FMR, false match rate: the share of non-match scores at or above the threshold.
- FNMR, false non-match rate: the share of match scores below it.
- Both count scored cases only. A refused case has no score: `decisions.ConfusionMatrix` counts it, as a wrong answer.

numpy and nothing else; scikit-learn checks every figure in the tests.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.intervals import Rate

FMR_TARGETS = (0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """FMR and FNMR (both (k,), 0-1) at `thresholds` ((k,), rising): every score that occurs, and one above them all.

    Between two neighbours nothing changes. A rate is NaN where its class has no score.
    """

    thresholds: Scores
    fmr: Scores
    fnmr: Scores


def error_rates(match_scores: Scores, non_match_scores: Scores) -> ErrorRates:
    """Both error rates at every threshold that can tell scores apart; (n,) and (m,) similarities 0-100."""
    scores = np.unique(np.concatenate([match_scores, non_match_scores]))
    thresholds = np.append(scores, np.nextafter(scores[-1], np.inf)) if scores.size else scores
    return ErrorRates(
        thresholds=thresholds,
        fmr=_share_at_or_above(non_match_scores, thresholds),
        fnmr=_share_below(match_scores, thresholds),
    )


def _share_below(scores: Scores, thresholds: Scores) -> Scores:
    """Ratio of `scores` (n,) below each of `thresholds` (k,): (k,), NaN for n = 0."""
    if not scores.size:
        return np.full(thresholds.shape, np.nan)
    return np.searchsorted(np.sort(scores), thresholds, side="left") / scores.size


def _share_at_or_above(scores: Scores, thresholds: Scores) -> Scores:
    """The rest of `_share_below`, but counted: 1 - 0.99 is more than 0.01, and would miss an FMR of 1 % by one."""
    if not scores.size:
        return np.full(thresholds.shape, np.nan)
    return (scores.size - np.searchsorted(np.sort(scores), thresholds, side="left")) / scores.size


def area_under_curve(match_scores: Scores, non_match_scores: Scores) -> float | None:
    """AUC: the chance that a match scores above a non-match, ties counted half; None where a class is empty.

    Source: the Mann-Whitney statistic; J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    if not match_scores.size or not non_match_scores.size:
        return None
    others = np.sort(non_match_scores)
    below = np.searchsorted(others, match_scores, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(others, match_scores, side="right").sum(dtype=np.int64)
    return float((below + not_above) / (2.0 * match_scores.size * non_match_scores.size))


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """The rate (0-1) at which FMR and FNMR meet, and the threshold (0-100) nearest to that point."""

    rate: float
    threshold: float


def equal_error_rate(rates: ErrorRates) -> EqualErrorRate | None:
    """Where the ROC, joined by straight lines, crosses FMR = FNMR; None where a class is empty."""
    if not rates.thresholds.size or np.isnan(rates.fmr[0]) or np.isnan(rates.fnmr[0]):
        return None
    gap = rates.fmr - rates.fnmr  # falls from 1 at the lowest threshold to -1 above the highest
    after = int(np.argmax(gap <= 0))
    before = after - 1
    along = gap[before] / (gap[before] - gap[after])
    rate = rates.fmr[before] + along * (rates.fmr[after] - rates.fmr[before])
    nearest = after if along > 0.5 else before
    return EqualErrorRate(float(rate), float(rates.thresholds[nearest]))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The lowest threshold whose measured FMR is at most `target_fmr`, what it costs, and how far to believe it.

    `threshold` can lie above 100 by one rounding step: then even a similarity of 100 is reached by a non-match.
    """

    target_fmr: float
    threshold: float
    fmr: Rate
    fnmr: Rate
    warning: str


def operating_point(match_scores: Scores, non_match_scores: Scores, target_fmr: float) -> OperatingPoint | None:
    """The threshold for a wanted FMR (0-1); None where there is no non-match score.

    Two rules of thumb say whether the data can carry it. Rule of 3: without any false match among n non-matches, FMR
    is below 3 / n with 95 % confidence. Rule of 30: with 30 errors, a rate is within 30 % of the truth with 90 %
    confidence (G. Doddington et al., Speech Communication 31 (2000) 225).
    """
    if not non_match_scores.size:
        return None
    rates = error_rates(match_scores, non_match_scores)
    at = int(np.argmax(rates.fmr <= target_fmr))
    threshold = float(rates.thresholds[at])
    return OperatingPoint(
        target_fmr=target_fmr,
        threshold=threshold,
        fmr=Rate(int(np.count_nonzero(non_match_scores >= threshold)), int(non_match_scores.size)),
        fnmr=Rate(int(np.count_nonzero(match_scores < threshold)), int(match_scores.size)),
        warning=_small_data_warning(int(non_match_scores.size), target_fmr),
    )


def _small_data_warning(non_matches: int, target_fmr: float) -> str:
    enough_to_say, enough_to_trust = math.ceil(3 / target_fmr), math.ceil(30 / target_fmr)
    if non_matches < enough_to_say:
        return f"The data cannot say: {non_matches} non-matches; this rate needs at least {enough_to_say} (rule of 3)."
    if non_matches < enough_to_trust:
        return f"Rough: {non_matches} non-matches, and a steady figure needs {enough_to_trust} (rule of 30)."
    return ""


@dataclass(frozen=True, slots=True)
class IdentificationRates:
    """Who-is-this rates (both (k,), 0-1) at `thresholds` ((k,), rising).

    Attributes:
        thresholds: every score that occurs, and one above them all.
        rank_one: true positive identification rate: known probes whose best candidate is the right person and reaches
            the threshold. NaN without known probes.
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
        rank_one=_share_at_or_above(right, thresholds),
        fpir=_share_at_or_above(named, thresholds),
    )
