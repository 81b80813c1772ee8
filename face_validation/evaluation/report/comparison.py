"""Two runs side by side: which cases changed, and whether the difference is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_validation.evaluation.runs.pairs import answers_at, scored_pairs, similarities
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.statistics.confusion import RIGHT_ANSWER, Answer, ConfusionMatrix, Expected
from face_validation.evaluation.statistics.error_rates import area_under_curve, equal_error_rate, error_rates
from face_validation.evaluation.statistics.intervals import Rate, mcnemar_exact
from face_validation.evaluation.statistics.operating_points import operating_point_of_scores
from face_validation.evaluation.statistics.paired import PairedDifference, fnmr_differences
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs

SIGNIFICANCE = 0.05
TARGETS = (0.01, 0.001, 0.0001)


class ComparisonError(ValueError):
    """The two runs cannot be compared."""


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case that is answered right by only one of the runs."""

    first: Result
    second: Result
    first_answer: Answer
    second_answer: Answer

    @property
    def is_better(self) -> bool:
        """Whether the second run has it right."""
        return self.second_answer is RIGHT_ANSWER[self.second.case.expected]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Decisions of both runs on the same cases, each at its own threshold, and McNemar's exact test of them.

    Attributes:
        thresholds: 0-100, of the first and the second run.
        target_fmr: the FMR (0-1) that both thresholds are for; None where they are the runs' own.
        only_first: cases that only the first run has right; likewise `only_second`.
        p_value: of "both are equally often right".
    """

    thresholds: tuple[float, float]
    target_fmr: float | None
    only_first: int
    only_second: int
    p_value: float

    @property
    def verdict(self) -> str:
        """In words (A the first run, B the second), whether the difference is more than chance."""
        if not self.only_first and not self.only_second:
            return "The same cases are right in both."
        if self.only_first == self.only_second:
            return "As many cases got better as worse."
        better = "B" if self.only_second > self.only_first else "A"
        if self.p_value < SIGNIFICANCE:
            return f"{better} is better, by more than chance (p = {self.p_value:.2g})."
        return f"{better} has more right, which may be chance (p = {self.p_value:.2g})."


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The same cases in both runs.

    Attributes:
        name: `all` or a type.
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
    """Everything that differs between two runs.

    Attributes:
        groups: all cases, then each type.
        changed: the cases that only one run has right at its own threshold, those that got worse first.
        only_in_first: ids of cases that the second run does not have; likewise `only_in_second`.
        other_questions: ids of cases whose type, images or expectation differ: left out.
        median_seconds: of a request, in both runs.
    """

    groups: list[GroupComparison]
    changed: list[ChangedCase]
    only_in_first: list[str]
    only_in_second: list[str]
    other_questions: list[str]
    median_seconds: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Shared:
    """The same cases in both runs, with their answers at each run's own threshold."""

    first: list[Result]
    second: list[Result]
    answers: list[tuple[Answer, Answer]]

    def where(self, places: Sequence[int]) -> "_Shared":
        return _Shared(
            [self.first[at] for at in places], [self.second[at] for at in places], [self.answers[at] for at in places]
        )


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
    pairs = [(one, others[one.case.case_id]) for one in first if one.case.case_id in others]
    same = [pair for pair in pairs if _question(pair[0]) == _question(pair[1])]
    if not same:
        raise ComparisonError("The two runs have no case in common, with the same images and expectation.")
    of_first, of_second = [one for one, _ in same], [other for _, other in same]
    answered = zip(answers_at(of_first, first_threshold), answers_at(of_second, second_threshold), strict=True)
    shared = _Shared(of_first, of_second, list(answered))
    thresholds = (first_threshold, second_threshold)
    shared_ids = {one.case.case_id for one, _ in pairs}
    return Comparison(
        groups=[_compare(name, shared.where(places), thresholds) for name, places in _places(of_first).items()],
        changed=_changed(shared),
        only_in_first=[one.case.case_id for one in first if one.case.case_id not in shared_ids],
        only_in_second=[one.case.case_id for one in second if one.case.case_id not in shared_ids],
        other_questions=[one.case.case_id for one, other in pairs if _question(one) != _question(other)],
        median_seconds=(_median_seconds(of_first), _median_seconds(of_second)),
    )


def _question(result: Result) -> tuple[str, str, str, str]:
    return result.case.type, result.case.expected, result.source_sha256, result.target_sha256


def _places(results: Sequence[Result]) -> dict[str, list[int]]:
    types = sorted({one.case.type for one in results})
    places = {"all": list(range(len(results)))} if len(types) > 1 else {}
    return places | {type_.value: [at for at, one in enumerate(results) if one.case.type is type_] for type_ in types}


def _changed(shared: _Shared) -> list[ChangedCase]:
    changed = [
        ChangedCase(one, other, was, now)
        for one, other, (was, now) in zip(shared.first, shared.second, shared.answers, strict=True)
        if (was is RIGHT_ANSWER[one.case.expected]) is not (now is RIGHT_ANSWER[one.case.expected])
    ]
    return sorted(changed, key=lambda case: (case.is_better, case.first.case.case_id))


def _median_seconds(results: Sequence[Result]) -> float:
    return float(np.median([one.seconds for one in results]))


def _compare(name: str, shared: _Shared, thresholds: tuple[float, float]) -> GroupComparison:
    expected = [one.case.expected for one in shared.first]
    right = [
        (was is RIGHT_ANSWER[wanted], now is RIGHT_ANSWER[wanted])
        for wanted, (was, now) in zip(expected, shared.answers, strict=True)
    ]
    only_first, only_second = right.count((True, False)), right.count((False, True))
    first, second = _scored_by_both(shared)
    curves = [error_rates(one.match_scores, one.non_match_scores) for one in (first, second)]
    areas = [area_under_curve(one.match_scores, one.non_match_scores) for one in (first, second)]
    equal = [equal_error_rate(curve) for curve in curves]
    return GroupComparison(
        name=name,
        first=ConfusionMatrix.of(expected, [was for was, _ in shared.answers]).accuracy,
        second=ConfusionMatrix.of(expected, [now for _, now in shared.answers]).accuracy,
        own=PairedTest(thresholds, None, only_first, only_second, mcnemar_exact(only_first, only_second)),
        at_targets=tuple(_test_at(first, second, target) for target in TARGETS if _carries(first, target)),
        auc=None if areas[0] is None or areas[1] is None else (areas[0], areas[1]),
        eer=None if equal[0] is None or equal[1] is None else (equal[0].rate, equal[1].rate),
        fnmr=fnmr_differences(first, second.similarity, TARGETS),
    )


def _scored_by_both(shared: _Shared) -> tuple[ScoredPairs, ScoredPairs]:
    scored = ~np.isnan(similarities(shared.first)) & ~np.isnan(similarities(shared.second))
    scored &= np.array([one.case.expected is not Expected.ERROR for one in shared.first], np.bool_)
    places = np.flatnonzero(scored)
    first, second = ([results[at] for at in places] for results in (shared.first, shared.second))
    pairs = scored_pairs(first)
    return pairs, replace(pairs, similarity=similarities(second))


def _carries(pairs: ScoredPairs, target_fmr: float) -> bool:
    return bool(pairs.is_match.any() and (~pairs.is_match).sum() * target_fmr >= 3)


def _test_at(first: ScoredPairs, second: ScoredPairs, target_fmr: float) -> PairedTest:
    """McNemar's test at each run's threshold for one FMR; the persons do not matter here, the pairs are the same."""
    thresholds = []
    for pairs in (first, second):
        point = operating_point_of_scores(pairs.match_scores, pairs.non_match_scores, target_fmr)
        thresholds.append(100.0 if point is None else point.threshold)
    right = [(pairs.similarity >= at) == pairs.is_match for pairs, at in zip((first, second), thresholds, strict=True)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return PairedTest(
        (thresholds[0], thresholds[1]), target_fmr, only_first, only_second, mcnemar_exact(only_first, only_second)
    )
