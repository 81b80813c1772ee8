"""The curves of a verification, from similarities to FMR and FNMR at every threshold; and those of a search.

Similarities are 0-100; a pair matches at or above the threshold. Rates are of ISO/IEC 19795-1:

- FMR, false match rate: the share of non-match scores at or above the threshold.
- FNMR, false non-match rate: the share of match scores below it.
- Both count scored cases only. A refused case has no score: `pairs.Confusion` counts it, as a wrong answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, GetPydanticSchema, PlainSerializer

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Flags, Scores, share_at_or_above

MOST_POINTS = 400
REJECTED = tuple(step / 100 for step in range(0, 31, 5))
LEAST_PAIRS = 100
LEAST_FALSE_MATCHES = 10
COLLECTION_SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)

# Numbers in JSON: null where there is none.
Numbers = Annotated[
    Scores,
    GetPydanticSchema(lambda _, schema_of: schema_of(object)),
    PlainSerializer(
        lambda values: [None if np.isnan(value) else value for value in values.tolist()], return_type=list[float | None]
    ),
]


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """FMR and FNMR (both (k,), 0-1) at `thresholds` ((k,), rising): every score that occurs, and one above them all.

    Between two neighbours nothing changes. A rate is NaN where its class has no score.
    """

    thresholds: Annotated[Numbers, Field(serialization_alias="threshold")]
    fmr: Numbers
    fnmr: Numbers


def error_rates(match_scores: Scores, non_match_scores: Scores) -> ErrorRates:
    """Both error rates at every threshold that can tell scores apart; (n,) and (m,) similarities 0-100."""
    scores = np.unique(np.concatenate([match_scores, non_match_scores]))
    thresholds = np.append(scores, np.nextafter(scores[-1], np.inf)) if scores.size else scores
    missed = np.searchsorted(np.sort(match_scores), thresholds, side="left")
    return ErrorRates(
        thresholds, share_at_or_above(non_match_scores, thresholds), missed / (match_scores.size or np.nan)
    )


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
    from scipy import special  # here: importing it takes longer than all else that a comparison imports

    deviates: Scores = special.ndtri(np.clip(rates, least, 1 - least))
    return deviates


def area_under_curve(match_scores: Scores, non_match_scores: Scores) -> float | None:
    """AUC: the chance that a match scores above a non-match, ties counted half; None where a class is empty.

    Source: the Mann-Whitney statistic; J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    n, m = match_scores.size, non_match_scores.size
    if not n or not m:
        return None
    ordered = np.sort(non_match_scores)
    twice = sum(int(np.searchsorted(ordered, match_scores, side=side).sum()) for side in ("left", "right"))
    return twice / 2 / n / m


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """The rate (0-1) at which FMR and FNMR meet, and the threshold (0-100) nearest to that point."""

    rate: Annotated[float, Field(serialization_alias="value")]
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
class ErrorAgainstRejection:
    """FNMR (0-1) of the `pairs` that remain as each share of `rejected` (0-1), the lowest quality, is turned away."""

    measure: str
    pairs: int
    rejected: tuple[float, ...]
    fnmr: tuple[float, ...]

    @property
    def gain(self) -> float:
        """Mean share of the errors that rejection takes away, 0-1; 0 where there is none, negative where it harms."""
        return 1 - float(np.mean(self.fnmr)) / self.fnmr[0] if self.fnmr[0] else 0.0


def error_against_rejection(measure: str, quality: Scores, errors: Flags) -> ErrorAgainstRejection | None:
    """The curve of one measure at one threshold; None with too few matches to tell.

    Args:
        measure: its name.
        quality: (n,) of each match: the lower of its two images' scores; NaN where there is none. Higher is better.
        errors: (n,) whether the match is a false non-match. Images of equal quality share them evenly: which of them is
            turned away first is arbitrary.

    Source: P. Grother, E. Tabassi, IEEE TPAMI 29 (2007) 531; ISO/IEC 29794-1 calls it the error versus discard
    characteristic.
    """
    known = ~np.isnan(quality)
    quality, errors = quality[known], errors[known]
    if quality.size < LEAST_PAIRS:
        return None
    order = np.argsort(quality, kind="stable")
    _, group, members = np.unique(quality[order], return_inverse=True, return_counts=True)
    spread = (np.bincount(group, weights=errors[order].astype(np.float64)) / members)[group]
    gone = np.concatenate([[0.0], np.cumsum(spread)])
    counts = [int(share * quality.size) for share in REJECTED]
    total = float(errors.sum())
    remaining = tuple(float((total - gone[count]) / (quality.size - count)) for count in counts)
    return ErrorAgainstRejection(measure, int(quality.size), REJECTED, remaining)


@dataclass(frozen=True, slots=True)
class IdentificationRates:
    """Rates of a search (both (k,), 0-1) at `thresholds` ((k,), rising): every score, and one above them all.

    `rank_one` is the detection and identification rate: known probes whose best candidate is the right person and
    reaches the threshold; `fpir`, of impostors (nobody enrolled) for whom any candidate does. NaN without such probes.
    """

    thresholds: Numbers
    rank_one: Numbers
    fpir: Numbers


def identification_rates(known_scores: Scores, known_right: Flags, impostor_scores: Scores) -> IdentificationRates:
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
