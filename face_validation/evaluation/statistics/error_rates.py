"""The curves of a verification: from similarities to FMR and FNMR at every threshold.

Similarities are 0-100; a pair matches at or above the threshold. Rates are of ISO/IEC 19795-1:

- FMR, false match rate: the share of non-match scores at or above the threshold.
- FNMR, false non-match rate: the share of match scores below it.
- Both count scored cases only. A refused case has no score: `confusion.ConfusionMatrix` counts it, as a wrong answer.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from face_validation.evaluation.statistics.confusion import Scores

MOST_POINTS = 400


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
        fmr=share_at_or_above(non_match_scores, thresholds),
        fnmr=share_below(match_scores, thresholds),
    )


def share_below(scores: Scores, thresholds: Scores) -> Scores:
    """Ratio of `scores` (n,) below each of `thresholds` (k,): (k,), NaN for n = 0."""
    if not scores.size:
        return np.full(thresholds.shape, np.nan)
    return np.searchsorted(np.sort(scores), thresholds, side="left") / scores.size


def share_at_or_above(scores: Scores, thresholds: Scores) -> Scores:
    """The rest of `share_below`, but counted: 1 - 0.99 is more than 0.01, and would miss an FMR of 1 % by one."""
    if not scores.size:
        return np.full(thresholds.shape, np.nan)
    return (scores.size - np.searchsorted(np.sort(scores), thresholds, side="left")) / scores.size


def thinned(rates: ErrorRates, most: int = MOST_POINTS) -> ErrorRates:
    """At most `most` of the points, spread evenly along the DET curve; each kept point is exact, both ends are kept."""
    if rates.thresholds.size <= most:
        return rates
    # Distance along the curve in normal deviates: what the eye sees of it.
    steps = sum(np.abs(np.diff(normal_deviates(rate))) for rate in (rates.fmr, rates.fnmr) if not np.isnan(rate).any())
    along = np.concatenate([[0.0], np.cumsum(steps)])
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most - 1), side="left"))
    kept = np.union1d(kept, [rates.thresholds.size - 1])
    return ErrorRates(rates.thresholds[kept], rates.fmr[kept], rates.fnmr[kept])


def normal_deviates(rates: Scores, least: float = 1e-6) -> Scores:
    """The axis of a DET curve: rates (0-1, kept `least` away from both) as quantiles of the normal distribution.

    Source: A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech (1997) 1895.
    """
    deviates: Scores = stats.norm.ppf(np.clip(rates, least, 1 - least))
    return deviates


def area_under_curve(match_scores: Scores, non_match_scores: Scores) -> float | None:
    """AUC: the chance that a match scores above a non-match, ties counted half; None where a class is empty.

    Source: the Mann-Whitney statistic; J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    n, m = match_scores.size, non_match_scores.size
    if not n or not m:
        return None
    ranks = stats.rankdata(np.concatenate([match_scores, non_match_scores]))
    return float((ranks[:n].sum() - n * (n + 1) / 2) / n / m)


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
