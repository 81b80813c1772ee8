"""What can be said of one set of scored pairs for every threshold, and whether a threshold may be trusted."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, GetPydanticSchema

from face_validation.client.validation_result import DEFAULT_THRESHOLD
from face_validation.evaluation.statistics import error_rates, operating_points
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import ScoredPairs
from face_validation.evaluation.statistics.persons import ErrorRateMeter
from face_validation.evaluation.statistics.verdict import MOST_FMR, Assessment, Differentials, assess, differentials

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
        threshold: 0-100; above 100 where even a similarity of 100 is a false match.
        target_fmr: the FMR that was asked for, 0-1; `support` says whether the data carries it.
        needed: non-matches that the next better support takes.
        interval_is_doubtful: whether an interval may hold the truth less than 93 times in 100.
        fpir: to expect at this threshold with `COLLECTION_SIZES` enrolled; none below ten false matches.
    """

    reason: Reason
    threshold: float
    fmr: Rate
    fnmr: Rate
    target_fmr: float | None = None
    support: operating_points.Support | None = None
    needed: int = 0
    interval_is_doubtful: bool = False
    fpir: tuple[error_rates.Extrapolation, ...] = ()


@dataclass(frozen=True, slots=True)
class SafeThreshold:
    """The lowest threshold at which FMR is shown to be at most `most_fmr` (0-1): its whole interval is below."""

    threshold: float
    most_fmr: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class Study:
    """The scores of one type (or of `all`): what can be said for every threshold, as metrics.json says it.

    Attributes:
        matches: scored pairs of one person; likewise `non_matches`.
        persons: how many different persons; None where they are not told for every pair.
        intervals: how all intervals of this study were made.
        auc: None where matches or non-matches are absent; likewise `eer`.
        safe: the safe threshold for the strictest of `SAFE_TARGETS` that the data carries; None where it carries none.
        assessments: the verdict of NIST SP 800-63A-4 at the report's threshold, at 99, at that for FMR 1:10,000, and at
            the safe one for it.
        differentials: error rates by group at `assessments`' last threshold; None without groups.
        rates: thinned for drawing.
    """

    name: str
    matches: int
    non_matches: int
    persons: int | None
    intervals: Literal["wilson", "wilson over persons"]
    auc: float | None
    eer: error_rates.EqualErrorRate | None
    choices: tuple[ThresholdChoice, ...]
    safe: SafeThreshold | None
    assessments: Annotated[tuple[Assessment, ...], Field(serialization_alias="sp800_63a_4")]
    differentials: Differentials | None
    bands: Annotated[tuple[operating_points.ReviewBand, ...], Field(serialization_alias="review")]
    rates: Annotated[error_rates.ErrorRates, Field(serialization_alias="curve")]
    pairs: Annotated[ScoredPairs, GetPydanticSchema(lambda _, schema_of: schema_of(object)), Field(exclude=True)]


def study_of(name: str, pairs: ScoredPairs, threshold: float) -> Study:
    """All figures of `pairs`; `threshold` (0-100) is the report's."""
    meter = ErrorRateMeter(pairs)
    persons = pairs.persons if pairs.persons_are_known else None
    matches, non_matches = pairs.match_scores, pairs.non_match_scores
    rates = error_rates.error_rates(matches, non_matches)
    eer = error_rates.equal_error_rate(rates)
    choices = _choices(pairs, meter, None if eer is None else eer.threshold, threshold, persons)
    found = ((target, operating_points.safe_threshold(pairs, meter, target)) for target in SAFE_TARGETS)
    safe = next(
        (SafeThreshold(at, target, meter.fmr(at), meter.fnmr(at)) for target, at in found if at is not None), None
    )
    chosen = {one.threshold for one in choices if one.threshold <= 100}
    assessed = [threshold, IDENTITY_CHECK_THRESHOLD]
    assessed += [one.threshold for one in choices if one.target_fmr == MOST_FMR and one.threshold <= 100]
    assessed += [safe.threshold] if safe is not None and safe.most_fmr == MOST_FMR else []
    by_group = {at: differentials(pairs, at) for at in assessed}
    return Study(
        name=name,
        matches=matches.size,
        non_matches=non_matches.size,
        persons=persons,
        intervals="wilson" if persons is None else "wilson over persons",
        auc=error_rates.area_under_curve(matches, non_matches),
        eer=eer,
        choices=choices,
        safe=safe,
        assessments=tuple(assess(at, meter.fmr(at), meter.fnmr(at), groups) for at, groups in by_group.items()),
        differentials=list(by_group.values())[-1],
        bands=operating_points.review_bands(pairs, REVIEW_THRESHOLDS, sorted(chosen)),
        rates=error_rates.thinned(rates),
        pairs=pairs,
    )


def _choices(
    pairs: ScoredPairs, meter: ErrorRateMeter, equal: float | None, threshold: float, persons: int | None
) -> tuple[ThresholdChoice, ...]:
    wanted: list[tuple[Reason, float | None, float | None]] = [
        (Reason.DEFAULT, DEFAULT_THRESHOLD, None),
        (Reason.IDENTITY_CHECKS, IDENTITY_CHECK_THRESHOLD, None),
        (Reason.EQUAL_ERROR, equal, None),
    ]
    lowest = partial(operating_points.threshold_for, pairs.similarity, pairs.is_match)
    wanted += [(Reason.TARGET_FMR, lowest(target), target) for target in operating_points.FMR_TARGETS]
    if threshold not in (DEFAULT_THRESHOLD, IDENTITY_CHECK_THRESHOLD):
        wanted.insert(0, (Reason.REPORT, threshold, None))
    choices = []
    for reason, at, target in wanted:
        if at is not None:
            fmr, fnmr = meter.fmr(at), meter.fnmr(at)
            support, needed = (None, 0) if target is None else operating_points.support_of(fmr.of, target)
            doubtful = operating_points.doubts(fmr, persons) or operating_points.doubts(fnmr, persons)
            fpir = error_rates.extrapolations(fmr)
            choices.append(ThresholdChoice(reason, at, fmr, fnmr, target, support, needed, doubtful, fpir))
    return tuple(choices)
