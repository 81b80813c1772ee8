"""What can be said of one set of scored pairs for every threshold, and whether a threshold may be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from face_validation.evaluation.statistics.differentials import Differentials, differentials
from face_validation.evaluation.statistics.error_rates import (
    EqualErrorRate,
    ErrorRates,
    area_under_curve,
    equal_error_rate,
    error_rates,
    thinned,
)
from face_validation.evaluation.statistics.identification import (
    COLLECTION_SIZES,
    Extrapolation,
    extrapolated_fpir,
)
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.operating_points import (
    FMR_TARGETS,
    Support,
    doubts,
    operating_point,
    safe_threshold,
    support_of,
)
from face_validation.evaluation.statistics.persons import ErrorRateMeter
from face_validation.evaluation.statistics.review import ReviewBand, review_bands
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs
from face_validation.evaluation.statistics.sp800_63a import MOST_FMR, Assessment, assess

DEFAULT_THRESHOLD = 80.0
IDENTITY_CHECK_THRESHOLD = 99.0
SAFE_TARGETS = (MOST_FMR, 0.001, 0.01)
REVIEW_THRESHOLDS = (50.0, 70.0, 80.0, 90.0, 95.0)


class Reason(StrEnum):
    """Why a threshold is shown."""

    REPORT = "report"
    DEFAULT = "default"
    IDENTITY_CHECKS = "identity_checks"
    EQUAL_ERROR = "equal_error"
    TARGET_FMR = "target_fmr"


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold one might choose: why, what it lets through, whom it turns away, and how far to believe that.

    Attributes:
        reason: why it is shown.
        threshold: 0-100; above 100 where even a similarity of 100 is a false match.
        fmr: non-matches let through; likewise `fnmr`, matches turned away.
        target_fmr: the FMR that was asked for, 0-1.
        support: whether the data carries that target.
        needed: non-matches that the next better support takes.
        interval_is_doubtful: whether an interval may hold the truth less than 93 times in 100.
        fpir: to expect at this threshold with `COLLECTION_SIZES` enrolled; none below ten false matches.
    """

    reason: Reason
    threshold: float
    fmr: Rate
    fnmr: Rate
    target_fmr: float | None = None
    support: Support | None = None
    needed: int = 0
    interval_is_doubtful: bool = False
    fpir: tuple[Extrapolation, ...] = ()


@dataclass(frozen=True, slots=True)
class SafeThreshold:
    """The lowest threshold at which FMR is shown to be at most `most_fmr` (0-1): its whole interval is below."""

    threshold: float
    most_fmr: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class Study:
    """The scores of one type (or of all): what can be said for every threshold.

    Attributes:
        name: `all` or a type.
        pairs: the scored pairs.
        persons: how many different persons; None where they are not told for every pair.
        rates: the error rates, thinned for drawing.
        auc: None where matches or non-matches are absent; likewise `eer`.
        choices: thresholds one might choose.
        safe: the safe threshold for the strictest of `SAFE_TARGETS` that the data carries; None where it carries none.
        assessments: the verdict of NIST SP 800-63A-4 at the report's threshold, at 99, at that for FMR 1:10,000, and at
            the safe one for it.
        differentials: error rates by group at `assessments`' last threshold; None without groups.
        bands: every pair of a review threshold and a threshold.
    """

    name: str
    pairs: ScoredPairs
    persons: int | None
    rates: ErrorRates
    auc: float | None
    eer: EqualErrorRate | None
    choices: tuple[ThresholdChoice, ...]
    safe: SafeThreshold | None
    assessments: tuple[Assessment, ...]
    differentials: Differentials | None
    bands: tuple[ReviewBand, ...]

    @property
    def intervals(self) -> Literal["wilson", "wilson over persons"]:
        """How all intervals of this study were made."""
        return "wilson" if self.persons is None else "wilson over persons"

    def choice(self, target_fmr: float) -> ThresholdChoice | None:
        """The threshold for an FMR (0-1); None where there is no non-match."""
        return next((one for one in self.choices if one.target_fmr == target_fmr), None)


def study_of(name: str, pairs: ScoredPairs, threshold: float) -> Study:
    """All figures of `pairs`; `threshold` (0-100) is the report's."""
    meter = ErrorRateMeter(pairs)
    persons = pairs.persons if pairs.persons_are_known else None
    rates = error_rates(pairs.match_scores, pairs.non_match_scores)
    eer = equal_error_rate(rates)
    choices = _choices(pairs, meter, eer, threshold, persons)
    safe = _safe(pairs, meter)
    assessments = [_assessment(pairs, meter, at) for at in _assessed(choices, safe, threshold)]
    upper = sorted({one.threshold for one in choices if one.threshold <= 100})
    return Study(
        name=name,
        pairs=pairs,
        persons=persons,
        rates=thinned(rates),
        auc=area_under_curve(pairs.match_scores, pairs.non_match_scores),
        eer=eer,
        choices=choices,
        safe=safe,
        assessments=tuple(assessment for assessment, _ in assessments),
        differentials=assessments[-1][1] if assessments else None,
        bands=review_bands(pairs, REVIEW_THRESHOLDS, upper),
    )


def _choices(
    pairs: ScoredPairs, meter: ErrorRateMeter, eer: EqualErrorRate | None, threshold: float, persons: int | None
) -> tuple[ThresholdChoice, ...]:
    def choice(reason: Reason, at: float, target: float | None = None) -> ThresholdChoice:
        fmr, fnmr = meter.fmr(at), meter.fnmr(at)
        searches = [extrapolated_fpir(fmr, size) for size in COLLECTION_SIZES]
        support, needed = (None, 0) if target is None else support_of(pairs.non_match_scores.size, target)
        return ThresholdChoice(
            reason,
            at,
            fmr,
            fnmr,
            target,
            support,
            needed,
            doubts(fmr, persons) or doubts(fnmr, persons),
            tuple(one for one in searches if one is not None),
        )

    fixed = {DEFAULT_THRESHOLD: Reason.DEFAULT, IDENTITY_CHECK_THRESHOLD: Reason.IDENTITY_CHECKS}
    choices = [choice(Reason.REPORT, threshold)] if threshold not in fixed else []
    choices += [choice(reason, at) for at, reason in fixed.items()]
    if eer is not None:
        choices.append(choice(Reason.EQUAL_ERROR, eer.threshold))
    for target in FMR_TARGETS:
        point = operating_point(pairs, meter, target)
        if point is not None:
            choices.append(choice(Reason.TARGET_FMR, point.threshold, target))
    return tuple(choices)


def _assessed(choices: Sequence[ThresholdChoice], safe: SafeThreshold | None, threshold: float) -> list[float]:
    thresholds = [threshold, IDENTITY_CHECK_THRESHOLD]
    thresholds += [one.threshold for one in choices if one.target_fmr == MOST_FMR and one.threshold <= 100]
    thresholds += [safe.threshold] if safe is not None and safe.most_fmr == MOST_FMR else []
    return list(dict.fromkeys(thresholds))


def _assessment(pairs: ScoredPairs, meter: ErrorRateMeter, threshold: float) -> tuple[Assessment, Differentials | None]:
    by_group = differentials(pairs, threshold)
    return assess(threshold, meter.fmr(threshold), meter.fnmr(threshold), by_group), by_group


def _safe(pairs: ScoredPairs, meter: ErrorRateMeter) -> SafeThreshold | None:
    for target in SAFE_TARGETS:
        threshold = safe_threshold(pairs, meter, target)
        if threshold is not None:
            return SafeThreshold(threshold, target, meter.fmr(threshold), meter.fnmr(threshold))
    return None
