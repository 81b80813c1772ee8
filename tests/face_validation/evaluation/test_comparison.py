"""Two runs side by side: what changed, and whether it is more than chance."""

from dataclasses import replace

import numpy as np
import pytest

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.report.comparison import compare_runs
from face_validation.evaluation.runs.cases import EvaluationError
from face_validation.evaluation.runs.results import Result
from face_validation.evaluation.statistics.pairs import Answer, Expected
from tests.face_validation.evaluation.test_summary import refused, scored


def run(right: int, wrong: int, *, refusals: int = 0) -> list[Result]:
    """Matches with the first ones right, then wrong ones, then refused ones."""
    results = [scored(f"{n:03}", Expected.MATCH, 99.0 if n < right else 10.0) for n in range(right + wrong)]
    return results + [refused(f"{right + wrong + n:03}", Expected.MATCH) for n in range(refusals)]


def test_the_same_run_differs_in_nothing() -> None:
    found = compare_runs(run(5, 2), run(5, 2), 80, 80)

    assert not found.changed
    assert found.groups[0].p_value == 1.0
    assert "same cases" in found.groups[0].verdict


def test_five_cases_more_may_be_chance_and_ten_are_not() -> None:
    slightly, clearly = compare_runs(run(50, 10), run(55, 5), 80, 80), compare_runs(run(50, 10), run(60, 0), 80, 80)

    assert "may be chance" in slightly.groups[0].verdict
    assert "B is better, by more than chance" in clearly.groups[0].verdict
    assert clearly.groups[0].p_value == pytest.approx(2 / 2**10)


def test_changed_cases_are_listed_the_worse_ones_first() -> None:
    first = [scored("a", Expected.MATCH, 10), scored("b", Expected.MATCH, 99), refused("c", Expected.ERROR)]
    second = [scored("a", Expected.MATCH, 99), refused("b", Expected.MATCH), refused("c", Expected.ERROR)]

    found = compare_runs(first, second, 80, 80)

    assert [(one.case_id, one.is_better) for one in found.changed] == [("b", False), ("a", True)]
    assert found.changed[0].answers == (Answer.MATCH, Answer.REFUSED)


def test_each_run_is_judged_at_its_own_threshold() -> None:
    results = [scored("a", Expected.MATCH, 90)]

    found = compare_runs(results, results, 80, 95)

    assert (found.groups[0].only_first_right, found.groups[0].only_second_right) == (1, 0)


def test_cases_that_are_not_the_same_question_are_named_and_left_out() -> None:
    first = [scored("a", Expected.MATCH, 90), scored("b", Expected.MATCH, 90), scored("c", Expected.MATCH, 90)]
    second = [scored("a", Expected.MATCH, 90), scored("c", Expected.MATCH, 90), scored("d", Expected.MATCH, 90)]
    second[1] = replace(second[1], source_sha256="another image")

    found = compare_runs(first, second, 80, 80)

    assert [(group.name, group.cases) for group in found.groups] == [("FACE_TO_FACE", 1)]
    assert (found.only_in_first, found.only_in_second, found.other_questions) == (["b"], ["d"], ["c"])


def test_a_case_of_another_type_is_another_question() -> None:
    first = [scored("a", Expected.MATCH, 90), scored("b", Expected.MATCH, 90)]
    second = [replace(first[0], case=replace(first[0].case, type=ValidationType.ID_TO_FACE)), first[1]]

    assert compare_runs(first, second, 80, 80).other_questions == ["a"]


def test_the_time_of_a_request_is_told_of_both_runs() -> None:
    first = [scored("a", Expected.MATCH, 90)]
    second = [replace(first[0], seconds=1.5)]

    assert compare_runs(first, second, 80, 80).median_seconds == (0.25, 1.5)


def test_separation_is_compared_on_the_cases_that_both_runs_scored() -> None:
    first = [scored("a", Expected.MATCH, 90), scored("b", Expected.MATCH, 10), scored("c", Expected.NO_MATCH, 50)]
    second = [first[0], refused("b", Expected.MATCH), first[2]]
    second[1] = replace(second[1], source_sha256=first[1].source_sha256, target_sha256=first[1].target_sha256)

    for one, other in ((first, second), (second, first)):
        auc = compare_runs(one, other, 80, 80).groups[0].auc
        assert auc is not None
        assert auc == (1.0, 1.0)


def test_runs_without_a_case_in_common_cannot_be_compared() -> None:
    with pytest.raises(EvaluationError, match="no case in common"):
        compare_runs([scored("a", Expected.MATCH, 1)], [scored("b", Expected.MATCH, 1)], 80, 80)


def test_a_clear_gain_in_separation_is_more_than_chance_and_no_gain_is_not() -> None:
    random = np.random.default_rng(3)
    noise = random.normal(0, 10, 800)

    def scores(gap: float, jitter: float) -> list[Result]:
        wobble = random.normal(0, jitter, 800)
        return [
            scored(f"{n}", Expected.MATCH if n % 2 else Expected.NO_MATCH, 50 + noise[n] + wobble[n] + gap * (n % 2))
            for n in range(800)
        ]

    same = compare_runs(scores(15, 0.1), scores(15, 0.1), 80, 80).groups[0]
    better = compare_runs(scores(15, 0.1), scores(25, 0.1), 80, 80).groups[0]

    assert better.auc is not None
    assert better.eer is not None
    assert better.auc[1] > better.auc[0]
    assert better.eer[1] < better.eer[0]
    assert better.fnmr[0].more_than_chance
    assert better.fnmr[0].low <= better.fnmr[0].second - better.fnmr[0].first <= better.fnmr[0].high
    assert not same.fnmr[0].more_than_chance
    assert "B is better, by more than chance" in better.at_targets[0].verdict
    assert (better.at_targets[0].target_fmr, len(better.at_targets)) == (0.01, 1)
