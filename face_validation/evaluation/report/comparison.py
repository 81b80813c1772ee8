"""Two runs side by side: which cases changed, and whether the difference is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Annotated

import numpy as np
from pydantic import Field, PlainSerializer

from face_validation.evaluation.runs.cases import EvaluationError
from face_validation.evaluation.runs.results import Result, scored_pairs, similarities
from face_validation.evaluation.statistics.error_rates import area_under_curve, equal_error_rate, error_rates
from face_validation.evaluation.statistics.intervals import Rate, mcnemar_exact
from face_validation.evaluation.statistics.operating_points import threshold_for
from face_validation.evaluation.statistics.pairs import RIGHT_ANSWER, Answer, Expected, Flags, ScoredPairs
from face_validation.evaluation.statistics.persons import PairedDifference, fnmr_differences

SIGNIFICANCE = 0.05
TARGETS = (0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case that is answered right by only one of the runs; `is_better` where that is the second."""

    case_id: str
    expected: Expected
    answers: tuple[Answer, Answer]
    similarities: tuple[float | None, float | None]
    note: str
    is_better: Annotated[bool, Field(exclude=True)]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """How many of the same cases only one run has right, and McNemar's exact test of "both are equally often right".

    `thresholds` (0-100, of both runs) are for one `target_fmr` (0-1), or the runs' own where it is None. The verdict
    calls the first run A and the second B.
    """

    thresholds: tuple[float, float]
    target_fmr: float | None
    only_first: int
    only_second: int
    p_value: float
    verdict: str

    @classmethod
    def of(cls, thresholds: tuple[float, float], target_fmr: float | None, right: Sequence[Flags]) -> "PairedTest":
        """The test of n cases; (n,) whether each of both runs has them right."""
        only_first = int(np.count_nonzero(right[0] & ~right[1]))
        only_second = int(np.count_nonzero(right[1] & ~right[0]))
        p_value = mcnemar_exact(only_first, only_second)
        better = "B" if only_second > only_first else "A"
        if not only_first and not only_second:
            verdict = "The same cases are right in both."
        elif only_first == only_second:
            verdict = "As many cases got better as worse."
        elif p_value < SIGNIFICANCE:
            verdict = f"{better} is better, by more than chance (p = {p_value:.2g})."
        else:
            verdict = f"{better} has more right, which may be chance (p = {p_value:.2g})."
        return cls(thresholds, target_fmr, only_first, only_second, p_value, verdict)


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The same cases in both runs, `all` or of one type.

    Attributes:
        accuracy: of both runs at their own thresholds, with the test of these; all cases count.
        at_targets: the tests at each run's threshold for the same FMR, on the pairs that both scored.
        auc: of both runs, on those pairs; None where matches or non-matches are absent. Likewise `eer`.
        fnmr: FNMR at the same FMR, with bootstrap intervals of the difference.
    """

    name: str
    cases: int
    accuracy: Annotated[tuple[Rate, Rate], PlainSerializer(lambda rates: [rate.value for rate in rates])]
    only_first_right: int
    only_second_right: int
    p_value: float
    verdict: str
    at_targets: tuple[PairedTest, ...]
    auc: tuple[float, float] | None
    eer: tuple[float, float] | None
    fnmr: tuple[PairedDifference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs, as `compare --json` says it: all cases and each type, ids of cases in one only.

    `changed` are the cases that only one run has right at its own threshold, those that got worse first. The type,
    images or expectation of `other_questions` differ: they are left out. `median_seconds` is of a request.
    """

    groups: list[GroupComparison]
    changed: list[ChangedCase]
    only_in_first: list[str]
    only_in_second: list[str]
    other_questions: list[str]
    median_seconds: tuple[float, float]


def compare_runs(
    first: Sequence[Result], second: Sequence[Result], first_threshold: float, second_threshold: float
) -> Comparison:
    """Compare two runs on their shared cases, each at its threshold (0-100); EvaluationError where there is none."""
    others = {result.case.case_id: result for result in second}
    pairs = [(one, others.pop(one.case.case_id)) for one in first if one.case.case_id in others]
    same = [(one, other) for one, other in pairs if _question(one) == _question(other)]
    if not same:
        raise EvaluationError("The two runs have no case in common, with the same images and expectation.")
    before, after = [one for one, _ in same], [other for _, other in same]
    answers = [one.answer(first_threshold) for one in before], [one.answer(second_threshold) for one in after]
    wanted = [RIGHT_ANSWER[one.case.expected] for one in before]
    right = [np.array([got is right for got, right in zip(one, wanted, strict=True)], np.bool_) for one in answers]
    changed = []
    for at in np.flatnonzero(right[0] != right[1]):
        case, said = before[at].case, (answers[0][at], answers[1][at])
        scores, is_better = (before[at].similarity, after[at].similarity), bool(right[1][at])
        changed.append(ChangedCase(case.case_id, case.expected, said, scores, case.note, is_better))
    shared_ids = {one.case.case_id for one, _ in pairs}
    return Comparison(
        groups=_groups(before, after, right, (first_threshold, second_threshold)),
        changed=sorted(changed, key=lambda one: (one.is_better, one.case_id)),
        only_in_first=[one.case.case_id for one in first if one.case.case_id not in shared_ids],
        only_in_second=list(others),
        other_questions=[one.case.case_id for one, other in pairs if _question(one) != _question(other)],
        median_seconds=(median(one.seconds for one in before), median(one.seconds for one in after)),
    )


def _question(result: Result) -> tuple[str, str, str, str]:
    return result.case.type, result.case.expected, result.source_sha256, result.target_sha256


def _groups(
    before: Sequence[Result], after: Sequence[Result], right: Sequence[Flags], thresholds: tuple[float, float]
) -> list[GroupComparison]:
    """All cases where there are several types, and each type."""
    second_scores = similarities(after)
    both = ~np.isnan(similarities(before)) & ~np.isnan(second_scores)
    both &= np.array([one.case.expected is not Expected.ERROR for one in before], np.bool_)
    first = scored_pairs([one for one, is_scored in zip(before, both, strict=True) if is_scored])
    second = replace(first, similarity=second_scores[both])
    types = np.array([one.case.type.value for one in before])
    names = np.unique(types).tolist()
    members = {"all": np.ones(len(before), np.bool_)} if len(names) > 1 else {}
    members |= {name: types == name for name in names}
    return [
        _compared(
            name, [one[chosen] for one in right], thresholds, first.where(chosen[both]), second.where(chosen[both])
        )
        for name, chosen in members.items()
    ]


def _compared(
    name: str, right: Sequence[Flags], thresholds: tuple[float, float], first: ScoredPairs, second: ScoredPairs
) -> GroupComparison:
    tests = []
    for target in TARGETS:
        at = [threshold_for(one.similarity, one.is_match, target) for one in (first, second)]
        if at[0] is not None and at[1] is not None and first.is_match.any() and (~first.is_match).sum() * target >= 3:
            is_right = [(one.similarity >= its) == one.is_match for one, its in ((first, at[0]), (second, at[1]))]
            tests.append(PairedTest.of((at[0], at[1]), target, is_right))
    own = PairedTest.of(thresholds, None, right)
    scores = [(one.match_scores, one.non_match_scores) for one in (first, second)]
    areas = [area_under_curve(*one) for one in scores]
    equal = [equal_error_rate(error_rates(*one)) for one in scores]
    return GroupComparison(
        name=name,
        cases=right[0].size,
        accuracy=(Rate.counted(right[0]), Rate.counted(right[1])),
        only_first_right=own.only_first,
        only_second_right=own.only_second,
        p_value=own.p_value,
        verdict=own.verdict,
        at_targets=tuple(tests),
        auc=None if areas[0] is None or areas[1] is None else (areas[0], areas[1]),
        eer=None if equal[0] is None or equal[1] is None else (equal[0].rate, equal[1].rate),
        fnmr=fnmr_differences(first, second.similarity, TARGETS),
    )
