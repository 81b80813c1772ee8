"""Every figure against scikit-learn and scipy, on random scores with ties, one class only, or none at all."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from face_validation.evaluation.runs.results import Outcome, Result
from face_validation.evaluation.statistics.error_rates import (
    area_under_curve,
    equal_error_rate,
    error_rates,
    identification_rates,
)
from face_validation.evaluation.statistics.intervals import Rate, f1_score, mcnemar_exact
from face_validation.evaluation.statistics.operating_points import Support, support_of, threshold_for
from face_validation.evaluation.statistics.pairs import Answer, Confusion, Expected, Scores
from face_validation.evaluation.statistics.persons import ErrorRateMeter
from tests.face_validation.evaluation.fakes import case, pairs_of_scores

# Few distinct values, so that ties between and within the classes are the rule, beside arbitrary ones.
SCORE = st.one_of(st.integers(0, 6).map(lambda step: step * 100 / 6), st.floats(0, 100, allow_nan=False))
SCORES = st.lists(SCORE, max_size=40).map(lambda values: np.array(values, dtype=np.float64))
SOME_SCORES = st.lists(SCORE, min_size=1, max_size=40).map(lambda values: np.array(values, dtype=np.float64))


def pooled(match_scores: Scores, non_match_scores: Scores) -> tuple[Scores, Scores]:
    truth = np.r_[np.ones(match_scores.size), np.zeros(non_match_scores.size)]
    return truth, np.r_[match_scores, non_match_scores]


@given(SOME_SCORES, SOME_SCORES)
def test_the_area_under_the_curve_is_scikit_learns(match_scores: Scores, non_match_scores: Scores) -> None:
    expected = sklearn_metrics.roc_auc_score(*pooled(match_scores, non_match_scores))

    assert area_under_curve(match_scores, non_match_scores) == pytest.approx(expected, abs=1e-12)


@given(SOME_SCORES, SOME_SCORES)
def test_error_rates_are_scikit_learns_at_every_threshold(match_scores: Scores, non_match_scores: Scores) -> None:
    truth, scores = pooled(match_scores, non_match_scores)
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(truth, scores, drop_intermediate=False)

    rates = error_rates(match_scores, non_match_scores)

    assert rates.thresholds[:-1] == pytest.approx(thresholds[:0:-1])  # scikit-learn's first one is infinity
    assert rates.fmr == pytest.approx(fpr[::-1], abs=1e-12)
    assert rates.fnmr == pytest.approx(1 - tpr[::-1], abs=1e-12)


@given(SOME_SCORES, SOME_SCORES)
def test_the_equal_error_rate_lies_on_scikit_learns_curve(match_scores: Scores, non_match_scores: Scores) -> None:
    fpr, tpr, _ = sklearn_metrics.roc_curve(*pooled(match_scores, non_match_scores), drop_intermediate=False)

    found = equal_error_rate(error_rates(match_scores, non_match_scores))

    assert found is not None
    # FMR - FNMR rises strictly along the curve wherever it moves at all, so its zero can be interpolated.
    assert found.rate == pytest.approx(np.interp(0.0, fpr - (1 - tpr), fpr), abs=1e-9)


@given(SOME_SCORES, SOME_SCORES)
def test_the_equal_error_threshold_is_where_both_rates_come_nearest_and_enclose_the_equal_error_rate(
    match_scores: Scores, non_match_scores: Scores
) -> None:
    rates = error_rates(match_scores, non_match_scores)

    found = equal_error_rate(rates)

    assert found is not None
    fmr, fnmr = np.mean(non_match_scores >= found.threshold), np.mean(match_scores < found.threshold)
    assert min(fmr, fnmr) - 1e-12 <= found.rate <= max(fmr, fnmr) + 1e-12
    assert abs(fmr - fnmr) <= np.abs(rates.fmr - rates.fnmr).min() + 1e-12


@given(SCORES, SOME_SCORES, st.sampled_from([0.5, 0.1, 0.01, 0.0001]))
def test_the_operating_point_is_the_lowest_threshold_with_that_false_match_rate(
    match_scores: Scores, non_match_scores: Scores, target: float
) -> None:
    pairs = pairs_of_scores(match_scores, non_match_scores)

    threshold = threshold_for(pairs.similarity, pairs.is_match, target)

    assert threshold is not None
    assert np.mean(non_match_scores >= threshold) <= target
    assert ErrorRateMeter(pairs).fmr(threshold).value == np.mean(non_match_scores >= threshold)
    lower = pairs.similarity[pairs.similarity < threshold]
    assert not lower.size or np.mean(non_match_scores >= lower.max()) > target
    if match_scores.size:
        assert ErrorRateMeter(pairs).fnmr(threshold).value == np.mean(match_scores < threshold)


@pytest.mark.parametrize(("non_matches", "target"), [(100, 0.01), (300, 0.01), (1000, 0.001), (10_000, 0.0001)])
def test_round_numbers_of_non_matches_use_up_the_false_match_rate(non_matches: int, target: float) -> None:
    pairs = pairs_of_scores(np.array([99.0]), np.linspace(0, 90, non_matches))

    threshold = threshold_for(pairs.similarity, pairs.is_match, target)

    assert threshold is not None
    assert ErrorRateMeter(pairs).fmr(threshold).value == target


def test_without_one_of_the_classes_there_is_no_curve_to_speak_of() -> None:
    some, none = np.array([10.0, 90.0]), np.array([])

    assert area_under_curve(some, none) is None
    assert area_under_curve(none, some) is None
    assert equal_error_rate(error_rates(some, none)) is None
    assert equal_error_rate(error_rates(none, some)) is None
    assert equal_error_rate(error_rates(none, none)) is None
    assert threshold_for(some, np.ones(2, np.bool_), 0.01) is None
    assert np.isnan(error_rates(some, none).fmr).all()
    assert error_rates(some, none).fnmr == pytest.approx([0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("non_matches", "support"),
    [
        (299, (Support.NOT_ENOUGH_DATA, 300)),
        (300, (Support.ROUGH, 3000)),
        (2999, (Support.ROUGH, 3000)),
        (3000, (Support.STEADY, 0)),
    ],
)
def test_small_data_is_said_by_the_rules_of_3_and_30(non_matches: int, support: tuple[Support, int]) -> None:
    assert support_of(non_matches, 0.01) == support


AnsweredCase = tuple[Expected, float, bool]
ANSWERED_CASES = st.lists(
    st.tuples(st.sampled_from(Expected), st.one_of(SCORE, st.just(math.nan)), st.booleans()), max_size=60
)


def answer(similarity: float, failed: bool, threshold: float) -> Answer:
    lost = Outcome.FAILED if failed else Outcome.REFUSED
    outcome, score = (lost, None) if math.isnan(similarity) else (Outcome.SCORED, similarity)
    return Result(case("a"), "", "", outcome, 0.1, similarity=score).answer(threshold)


def confusion(cases: list[AnsweredCase], threshold: float) -> Confusion:
    return Confusion.of((expected, answer(score, failed, threshold)) for expected, score, failed in cases)


@given(ANSWERED_CASES, st.one_of(SCORE, st.sampled_from([0.0, 100.0])))
def test_rates_at_a_threshold_are_scikit_learns(cases: list[AnsweredCase], threshold: float) -> None:
    found = confusion(cases, threshold)

    # scikit-learn is told plainly: what was wanted, what came; a failure is an answer that nothing wants.
    def came(similarity: float, failed: bool) -> str:
        if math.isnan(similarity):
            return "failed" if failed else "error"
        return "match" if similarity >= threshold else "no_match"

    wanted = [case[0].value for case in cases]
    got = [came(case[1], case[2]) for case in cases]
    is_match, said_match = [w == "match" for w in wanted], [g == "match" for g in got]
    assert found.cases == len(cases)
    if cases:
        assert found.accuracy.value == pytest.approx(sklearn_metrics.accuracy_score(wanted, got))
    for name, measure in (
        ("precision", sklearn_metrics.precision_score),
        ("recall", sklearn_metrics.recall_score),
        ("f1", sklearn_metrics.f1_score),
    ):
        value = getattr(getattr(found, name), "value", None)
        if value is None:
            value = math.nan
        expected = measure(is_match, said_match, zero_division=np.nan) if cases else math.nan
        assert value == pytest.approx(expected, nan_ok=True), name


@given(ANSWERED_CASES, SCORE)
def test_the_confusion_matrix_is_scikit_learns(cases: list[AnsweredCase], threshold: float) -> None:
    found = confusion(cases, threshold)
    scored = [case for case in cases if not math.isnan(case[1]) and case[0] is not Expected.ERROR]
    assume(scored)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of one class only, which is a case here
        (tn, fp), (fn, tp) = sklearn_metrics.confusion_matrix(
            [case[0] is Expected.MATCH for case in scored],
            [case[1] >= threshold for case in scored],
            labels=[False, True],
        )

    assert (found.true_negatives, found.false_positives) == (tn, fp)
    assert (found.false_negatives, found.true_positives) == (fn, tp)
    assert found.fmr == Rate(fp, fp + tn)
    assert found.fnmr == Rate(fn, fn + tp)


@given(ANSWERED_CASES, SCORE)
def test_every_case_is_counted_once_and_no_refusal_is_dropped(cases: list[AnsweredCase], threshold: float) -> None:
    found = confusion(cases, threshold)

    counted = (
        found.true_positives
        + found.true_negatives
        + found.false_positives
        + found.false_negatives
        + found.expected_errors
        + found.unexpected_errors
        + found.missing_errors
        + found.failures
    )
    assert counted == found.cases == len(cases)
    assert found.failures == sum(math.isnan(score) and failed for _, score, failed in cases)


def test_a_refused_pair_is_wrong_a_refused_error_case_is_right_and_a_failure_never_is() -> None:
    wanted = [Expected.MATCH, Expected.NO_MATCH, Expected.ERROR, Expected.ERROR]

    refused = Confusion.of((one, Answer.REFUSED) for one in wanted)
    failed = Confusion.of((one, Answer.FAILED) for one in wanted)

    assert (refused.accuracy, refused.pair_accuracy, refused.error_accuracy) == (Rate(2, 4), Rate(0, 2), Rate(2, 2))
    assert (refused.expected_errors, refused.unexpected_errors, refused.failures) == (2, 2, 0)
    assert (failed.accuracy, failed.error_accuracy, failed.failures) == (Rate(0, 4), Rate(0, 2), 4)
    assert refused.failure_to_acquire == failed.failure_to_acquire == Rate(2, 2)
    assert refused.recall == Rate(0, 1)


def test_the_threshold_itself_is_a_match() -> None:
    answers = [answer(score, False, 80.0) for score in (79.999, 80.0, 80.001)]

    assert answers == [Answer.NO_MATCH, Answer.MATCH, Answer.MATCH]


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_rate_is_scipys_wilson_interval(hits_of: tuple[int, int]) -> None:
    hits, of = hits_of

    interval = Rate(hits, of).interval

    assert interval is not None
    low, high = interval
    expected = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= hits / of <= high <= 1


def test_a_rate_of_nothing_has_no_value() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval is None
    assert f1_score(0, 0) is None


@pytest.mark.parametrize("truth", [(0.40, 0.05, 0.05), (0.48, 0.01, 0.02), (0.3, 0.15, 0.1)])
def test_the_f1_interval_holds_the_true_f1_about_95_times_in_100(truth: tuple[float, float, float]) -> None:
    tp, fp, fn = truth
    f1 = 2 * tp / (2 * tp + fp + fn)
    draws = np.random.default_rng(7).multinomial(300, [tp, fp, fn, 1 - tp - fp - fn], size=2000)

    scores = [f1_score(int(hits), int(a + b)) for hits, a, b, _ in draws]

    covered = np.mean([score is not None and score.low <= f1 <= score.high for score in scores])
    assert 0.93 <= covered <= 0.975


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemars_exact_test_is_scipys_binomial_test(only_first: int, only_second: int) -> None:
    n = only_first + only_second
    expected = stats.binomtest(only_first, n, 0.5).pvalue if n else 1.0

    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected)


def test_mcnemars_test_bears_thousands_of_changed_cases() -> None:
    assert mcnemar_exact(3000, 3300) == pytest.approx(stats.binomtest(3000, 6300, 0.5).pvalue, rel=1e-6)


PROBES = st.lists(st.tuples(st.one_of(SCORE, st.just(math.nan)), st.booleans()), max_size=30)


@given(PROBES, st.lists(st.one_of(SCORE, st.just(math.nan)), max_size=30), SCORE)
def test_identification_rates_are_the_counts_at_any_threshold(
    known: list[tuple[float, bool]], impostors: list[float], threshold: float
) -> None:
    rates = identification_rates(
        np.array([score for score, _ in known], dtype=np.float64),
        np.array([right for _, right in known], dtype=bool),
        np.array(impostors, dtype=np.float64),
    )

    at = int(np.searchsorted(rates.thresholds, threshold))  # the curve is constant from one score to the next
    at = min(at, rates.thresholds.size - 1)
    named_right = sum(right and score >= threshold for score, right in known)
    named = sum(score >= threshold for score in impostors)
    assert rates.rank_one[at] == pytest.approx(named_right / len(known) if known else math.nan, nan_ok=True)
    assert rates.fpir[at] == pytest.approx(named / len(impostors) if impostors else math.nan, nan_ok=True)
    assert (np.diff(rates.thresholds) > 0).all()
