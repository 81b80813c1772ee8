"""How error rates differ between groups of persons, in the terms of ISO/IEC 19795-10."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.persons import ErrorRateMeter
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs

LEAST_PERSONS = 30


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
