"""Two runs side by side: which cases changed, and whether the difference is more than chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from face_validation.evaluation.runs.cases import EvaluationError
from face_validation.evaluation.runs.result import Result, answers_at, scored_pairs, similarities
from face_validation.evaluation.statistics.error_rates import area_under_curve, equal_error_rate, error_rates
from face_validation.evaluation.statistics.intervals import Rate, mcnemar_exact
from face_validation.evaluation.statistics.operating_points import threshold_for
from face_validation.evaluation.statistics.pairs import RIGHT_ANSWER, Answer, Expected, Flags, ScoredPairs
from face_validation.evaluation.statistics.persons import PairedDifference, fnmr_differences

SIGNIFICANCE = 0.05
TARGETS = (0.01, 0.001, 0.0001)


class ComparisonError(EvaluationError):
    """The two runs cannot be compared."""


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case that is answered right by only one of the runs; `is_better` where that is the second."""

    first: Result
    second: Result
    first_answer: Answer
    second_answer: Answer
    is_better: bool


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
        first: accuracy of the first run; likewise `second`.
        own: the test at the runs' own thresholds, on all cases.
        at_targets: the tests at each run's threshold for the same FMR, on the pairs that both scored.
        auc: of both runs, on those pairs; None where matches or non-matches are absent. Likewise `eer`.
        fnmr: FNMR at the same FMR, with bootstrap intervals of the difference.
    """

    name: str
    first: Rate
    second: Rate
    own: PairedTest
    at_targets: tuple[PairedTest, ...]
    auc: tuple[float, float] | None
    eer: tuple[float, float] | None
    fnmr: tuple[PairedDifference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two runs: all cases and each type; ids of cases that are not in both.

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
    first: Sequence[Result],
    second: Sequence[Result],
    first_threshold: float,
    second_threshold: float,
) -> Comparison:
    """Compare two runs on the cases they share, each at its own threshold (0-100).

    Raises:
        ComparisonError: they share no case.
    """
    others = {result.case.case_id: result for result in second}
    pairs = [(one, others.pop(one.case.case_id)) for one in first if one.case.case_id in others]
    same = [(one, other) for one, other in pairs if _question(one) == _question(other)]
    if not same:
        raise ComparisonError("The two runs have no case in common, with the same images and expectation.")
    before, after = [one for one, _ in same], [other for _, other in same]
    answers = answers_at(before, first_threshold), answers_at(after, second_threshold)
    wanted = [RIGHT_ANSWER[one.case.expected] for one in before]
    right = [np.array([got is right for got, right in zip(one, wanted, strict=True)], np.bool_) for one in answers]
    changed = [
        ChangedCase(before[at], after[at], answers[0][at], answers[1][at], bool(right[1][at]))
        for at in np.flatnonzero(right[0] != right[1])
    ]
    shared_ids = {one.case.case_id for one, _ in pairs}
    return Comparison(
        groups=_groups(before, after, right, (first_threshold, second_threshold)),
        changed=sorted(changed, key=lambda case: (case.is_better, case.first.case.case_id)),
        only_in_first=[one.case.case_id for one in first if one.case.case_id not in shared_ids],
        only_in_second=list(others),
        other_questions=[one.case.case_id for one, other in pairs if _question(one) != _question(other)],
        median_seconds=(
            float(np.median([one.seconds for one in before])),
            float(np.median([one.seconds for one in after])),
        ),
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
    areas = [area_under_curve(one.match_scores, one.non_match_scores) for one in (first, second)]
    equal = [equal_error_rate(error_rates(one.match_scores, one.non_match_scores)) for one in (first, second)]
    tests = []
    for target in TARGETS:
        at = threshold_for(first, target), threshold_for(second, target)
        if at[0] is not None and at[1] is not None and first.is_match.any() and (~first.is_match).sum() * target >= 3:
            is_right = [(one.similarity >= its) == one.is_match for one, its in ((first, at[0]), (second, at[1]))]
            tests.append(PairedTest.of((at[0], at[1]), target, is_right))
    return GroupComparison(
        name=name,
        first=Rate(int(np.count_nonzero(right[0])), right[0].size),
        second=Rate(int(np.count_nonzero(right[1])), right[1].size),
        own=PairedTest.of(thresholds, None, right),
        at_targets=tuple(tests),
        auc=None if areas[0] is None or areas[1] is None else (areas[0], areas[1]),
        eer=None if equal[0] is None or equal[1] is None else (equal[0].rate, equal[1].rate),
        fnmr=fnmr_differences(first, second.similarity, TARGETS),
    )


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """A comparison for scripts; rates are ratios 0-1."""
    groups = [
        {
            "name": group.name,
            "cases": group.first.of,
            "accuracy": [group.first.value, group.second.value],
            "only_first_right": group.own.only_first,
            "only_second_right": group.own.only_second,
            "p_value": group.own.p_value,
            "verdict": group.own.verdict,
            "at_targets": [asdict(test) for test in group.at_targets],
            "auc": group.auc,
            "eer": group.eer,
            "fnmr": [{**asdict(one), "more_than_chance": one.is_more_than_chance} for one in group.fnmr],
        }
        for group in comparison.groups
    ]
    changed = [
        {
            "case_id": one.first.case.case_id,
            "expected": one.first.case.expected,
            "answers": [one.first_answer, one.second_answer],
            "similarities": [one.first.similarity, one.second.similarity],
            "note": one.first.case.note,
        }
        for one in comparison.changed
    ]
    rest = ("only_in_first", "only_in_second", "other_questions", "median_seconds")
    return {"groups": groups, "changed": changed, **{name: getattr(comparison, name) for name in rest}}
