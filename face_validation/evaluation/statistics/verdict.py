"""Verdicts on measured rates: how groups of persons differ (ISO/IEC 19795-10), and the limits of NIST SP 800-63A-4."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
from pydantic import computed_field

from face_validation.evaluation.statistics.intervals import Rate, cases_needed
from face_validation.evaluation.statistics.pairs import ScoredPairs
from face_validation.evaluation.statistics.persons import ErrorRateMeter

LEAST_PERSONS = 30  # persons
MOST_FMR = 0.0001
MOST_FNMR = 0.01
MOST_OVER_WHOLE = 1.25
MOST_TIMES_MORE = 100  # beyond it, the rate is so near to its limit that no collection decides it

Limit = Literal["fmr", "fnmr", "group_fmr", "group_fnmr"]


@dataclass(frozen=True, slots=True)
class GroupRates:
    """The error rates of one group: FNMR of its persons' matches, FMR of non-matches of two of its persons."""

    name: str
    persons: int
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class CrossRate:
    """FMR of non-matches between a person of one group and one of another, or of the same."""

    first: str
    second: str
    fmr: Rate


@dataclass(frozen=True, slots=True)
class Differentials:
    """Error rates by group at one threshold.

    Attributes:
        groups: those with at least `LEAST_PERSONS` persons, sorted by name.
        cross: FMR of every two groups, each once, their own included.
        too_small: names of the groups that are left out.
        false_positive: worst FMR within a group over the geometric mean of all; None where a group has no false match.
        false_negative: likewise of FNMR.

    Source: ISO/IEC 19795-10:2024 (false positive and false negative differential performance); the ratio to the
    geometric mean: P. Grother, NIST IR 8429 (2022).
    """

    threshold: float
    groups: tuple[GroupRates, ...]
    cross: tuple[CrossRate, ...]
    too_small: tuple[str, ...]
    false_positive: float | None
    false_negative: float | None


def differentials(pairs: ScoredPairs, threshold: float) -> Differentials | None:
    """Error rates by group at `threshold` (0-100); None where no pair tells its groups."""
    if not ((pairs.source_group >= 0) & (pairs.target_group >= 0)).any():
        return None
    names = pairs.group_names
    persons = [_persons(pairs, index) for index in range(len(names))]
    kept = [index for index, count in enumerate(persons) if count >= LEAST_PERSONS]
    ends = np.sort([pairs.source_group, pairs.target_group], axis=0)
    cross, groups = [], []
    for first, second in combinations_with_replacement(kept, 2):
        meter = ErrorRateMeter(pairs.where((ends[0] == first) & (ends[1] == second)))
        fmr = meter.fmr(threshold)
        cross.append(CrossRate(names[first], names[second], fmr))
        if first == second:
            groups.append(GroupRates(names[first], persons[first], fmr, meter.fnmr(threshold)))
    return Differentials(
        threshold=threshold,
        groups=tuple(groups),
        cross=tuple(cross),
        too_small=tuple(name for index, name in enumerate(names) if index not in kept),
        false_positive=worst_to_geometric_mean([group.fmr.value for group in groups]),
        false_negative=worst_to_geometric_mean([group.fnmr.value for group in groups]),
    )


def worst_to_geometric_mean(rates: Sequence[float | None]) -> float | None:
    """The highest rate over the geometric mean of all; None where one is 0 or missing, or there are fewer than two."""
    known = [rate for rate in rates if rate]
    if len(known) < 2 or len(known) < len(rates):
        return None
    return max(known) / statistics.geometric_mean(known)


def _persons(pairs: ScoredPairs, group: int) -> int:
    """Different persons of a group; where persons are not told, its pairs stand for them."""
    source, target = pairs.source_group == group, pairs.target_group == group
    if not pairs.persons_are_known:
        return int(np.count_nonzero(source | target))
    return int(np.unique(np.concatenate([pairs.source_person[source], pairs.target_person[target]])).size)


class Verdict(StrEnum):
    """Whether a limit is kept: shown, refuted, or left open by the data."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One limit beside what was measured.

    Attributes:
        group: the group of persons; empty for the whole.
        limit: the most that is allowed, 0-1; None where the whole has no rate to be compared with.
        verdict: from the rate's 95 % interval: below the limit, above it, or across.
        more_pairs: pairs still missing for a decision if the rate stays as it is; 0 where it is decided, None where the
            rate is at its limit, so that no number would decide it, or where nothing can be told.
    """

    name: Limit
    group: str
    limit: float | None
    rate: Rate
    verdict: Verdict
    more_pairs: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """All limits at one threshold (0-100). `groups_are_known`: without groups, nothing can be said of them."""

    threshold: float
    requirements: tuple[Requirement, ...]
    groups_are_known: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot check decorated properties (mypy issue 1362)
    @property
    def verdict(self) -> Verdict:
        """Not met as soon as one limit is not; met when every limit is, those of the groups included."""
        verdicts = {one.verdict for one in self.requirements}
        if Verdict.NOT_MET in verdicts:
            return Verdict.NOT_MET
        return Verdict.MET if verdicts == {Verdict.MET} and self.groups_are_known else Verdict.NOT_ENOUGH_DATA


def assess(threshold: float, fmr: Rate, fnmr: Rate, differentials: Differentials | None) -> Assessment:
    """The verdict at `threshold` (0-100): FMR at most 1:10,000, FNMR at most 1:100, no group more than 25 % worse.

    Source: NIST SP 800-63A-4 (2025), section on biometric collection and comparison in identity proofing.
    """
    groups = () if differentials is None else differentials.groups
    most = [MOST_OVER_WHOLE * whole.value if whole.value else None for whole in (fmr, fnmr)]
    requirements = [_requirement("fmr", "", MOST_FMR, fmr), _requirement("fnmr", "", MOST_FNMR, fnmr)]
    for group in groups:
        requirements.append(_requirement("group_fmr", group.name, most[0], group.fmr))
        requirements.append(_requirement("group_fnmr", group.name, most[1], group.fnmr))
    return Assessment(threshold, tuple(requirements), len(groups) > 1)


def _requirement(name: Limit, group: str, limit: float | None, rate: Rate) -> Requirement:
    if limit is None or rate.interval is None or rate.value is None:
        return Requirement(name, group, limit, rate, Verdict.NOT_ENOUGH_DATA, None)
    low, high = rate.interval
    if high <= limit:
        return Requirement(name, group, limit, rate, Verdict.MET, 0)
    if low > limit:
        return Requirement(name, group, limit, rate, Verdict.NOT_MET, 0)
    independent = cases_needed(rate.value, limit)
    # A pair that shares its persons with others tells less than a whole case.
    more = None if independent is None else round(independent * rate.of / rate.independent) - rate.of
    is_told = more is not None and more <= MOST_TIMES_MORE * rate.of
    return Requirement(name, group, limit, rate, Verdict.NOT_ENOUGH_DATA, max(more or 1, 1) if is_told else None)
