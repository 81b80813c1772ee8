"""Two runs side by side: which cases changed, and whether the difference is more than chance."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from face_validation.evaluation.runs.results import Result, answers_at, similarities
from face_validation.evaluation.statistics.confusion import RIGHT_ANSWER, Answer, ConfusionMatrix, Expected, Scores
from face_validation.evaluation.statistics.error_rates import area_under_curve, equal_error_rate, error_rates
from face_validation.evaluation.statistics.intervals import Rate, mcnemar_exact

SIGNIFICANCE = 0.05
RESAMPLES = 1000
_SEED = 20260101  # any: the same two runs give the same intervals again


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
class Difference:
    """Second minus first of a figure that is made of many scores, with its 95 % bootstrap interval."""

    first: float
    second: float
    low: float
    high: float

    @property
    def is_more_than_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The same cases in both runs.

    Attributes:
        name: `all` or a type.
        first: accuracy of the first run; likewise `second`.
        only_first: cases only the first run has right; likewise `only_second`.
        p_value: exact McNemar test of "both are equally often right".
        auc: the AUCs; None where matches or non-matches are absent. Likewise `eer`, the equal error rates.
    """

    name: str
    first: Rate
    second: Rate
    only_first: int
    only_second: int
    p_value: float
    auc: Difference | None
    eer: Difference | None

    @property
    def verdict(self) -> str:
        """In words (A the first run, B the second), whether the difference in accuracy is more than chance."""
        if not self.only_first and not self.only_second:
            return "The same cases are right in both."
        if self.only_first == self.only_second:
            return "As many cases got better as worse."
        better = "B" if self.only_second > self.only_first else "A"
        if self.p_value < SIGNIFICANCE:
            return f"{better} is better, by more than chance (p = {self.p_value:.2g})."
        return f"{better} has more right, which may be chance (p = {self.p_value:.2g})."


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two runs.

    Attributes:
        groups: all cases, then each type.
        changed: the cases that only one run has right, those that got worse first.
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


def compare_runs(
    first: Sequence[Result], second: Sequence[Result], first_threshold: float, second_threshold: float
) -> Comparison:
    """Compare two runs on the cases they share, each at its own threshold (0-100).

    Raises:
        ComparisonError: they share no case.
    """
    others = {result.case.case_id: result for result in second}
    shared = [(result, others[result.case.case_id]) for result in first if result.case.case_id in others]
    pairs = [pair for pair in shared if _question(pair[0]) == _question(pair[1])]
    if not pairs:
        raise ComparisonError("The two runs have no case in common, with the same images and expectation.")
    shared_ids = {one.case.case_id for one, _ in shared}
    answers = list(
        zip(
            answers_at([one for one, _ in pairs], first_threshold),
            answers_at([other for _, other in pairs], second_threshold),
            strict=True,
        )
    )
    types = sorted({one.case.type for one, _ in pairs})
    chosen = {"all": np.ones(len(pairs), np.bool_)} if len(types) > 1 else {}
    chosen |= {type_.value: np.array([one.case.type is type_ for one, _ in pairs]) for type_ in types}
    groups = []
    for name, member in chosen.items():
        indices = np.flatnonzero(member)
        groups.append(_compare_group(name, [pairs[index] for index in indices], [answers[index] for index in indices]))
    changed = [
        ChangedCase(one, other, was, now)
        for (one, other), (was, now) in zip(pairs, answers, strict=True)
        if (was is RIGHT_ANSWER[one.case.expected]) is not (now is RIGHT_ANSWER[one.case.expected])
    ]
    return Comparison(
        groups=groups,
        changed=sorted(changed, key=lambda case: (case.is_better, case.first.case.case_id)),
        only_in_first=[result.case.case_id for result in first if result.case.case_id not in shared_ids],
        only_in_second=[result.case.case_id for result in second if result.case.case_id not in shared_ids],
        other_questions=[one.case.case_id for one, other in shared if _question(one) != _question(other)],
        median_seconds=(
            float(np.median([one.seconds for one, _ in pairs])),
            float(np.median([other.seconds for _, other in pairs])),
        ),
    )


def _question(result: Result) -> tuple[str, str, str, str]:
    return result.case.type, result.case.expected, result.source_sha256, result.target_sha256


def _compare_group(
    name: str, pairs: Sequence[tuple[Result, Result]], answers: Sequence[tuple[Answer, Answer]]
) -> GroupComparison:
    expected = [one.case.expected for one, _ in pairs]
    right = [
        (was is RIGHT_ANSWER[wanted], now is RIGHT_ANSWER[wanted])
        for wanted, (was, now) in zip(expected, answers, strict=True)
    ]
    only_first, only_second = right.count((True, False)), right.count((False, True))
    scores = similarities([one for one, _ in pairs]), similarities([other for _, other in pairs])
    return GroupComparison(
        name=name,
        first=ConfusionMatrix.of(expected, [was for was, _ in answers]).accuracy,
        second=ConfusionMatrix.of(expected, [now for _, now in answers]).accuracy,
        only_first=only_first,
        only_second=only_second,
        p_value=mcnemar_exact(only_first, only_second),
        auc=_difference(expected, *scores, area_under_curve),
        eer=_difference(expected, *scores, _equal_error),
    )


def _equal_error(matches: Scores, non_matches: Scores) -> float | None:
    found = equal_error_rate(error_rates(matches, non_matches))
    return None if found is None else found.rate


def _difference(
    expected: Sequence[Expected],
    first: Scores,
    second: Scores,
    figure: Callable[[Scores, Scores], float | None],
) -> Difference | None:
    """Bootstrap over cases that both runs scored: each is drawn with both its scores, matches and non-matches apart."""
    scored = ~np.isnan(first) & ~np.isnan(second)
    matches = np.flatnonzero(scored & np.array([one is Expected.MATCH for one in expected], np.bool_))
    non_matches = np.flatnonzero(scored & np.array([one is Expected.NO_MATCH for one in expected], np.bool_))
    was, now = (figure(scores[matches], scores[non_matches]) for scores in (first, second))
    if was is None or now is None:
        return None
    random = np.random.default_rng(_SEED)
    differences = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn, others = random.choice(matches, matches.size), random.choice(non_matches, non_matches.size)
        before, after = (figure(scores[drawn], scores[others]) for scores in (first, second))
        differences[index] = math.nan if before is None or after is None else after - before
    low, high = np.percentile(differences, [2.5, 97.5])
    return Difference(was, now, float(low), float(high))
