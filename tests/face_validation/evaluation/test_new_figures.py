"""The figures of a biometric report against SciPy, scikit-learn, or plain counting by their definitions."""

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from face_validation.evaluation.runs.identification import Probe, ProbeResult, count
from face_validation.evaluation.statistics.error_rates import (
    COLLECTION_SIZES,
    error_against_rejection,
    error_rates,
    extrapolations,
    normal_deviates,
    thinned,
)
from face_validation.evaluation.statistics.intervals import Rate, cases_needed
from face_validation.evaluation.statistics.operating_points import review_bands, safe_threshold, threshold_for
from face_validation.evaluation.statistics.pairs import ScoredPairs, label_doubts
from face_validation.evaluation.statistics.persons import ErrorRateMeter, PersonBootstrap, fnmr_differences
from face_validation.evaluation.statistics.verdict import (
    LEAST_PERSONS,
    Verdict,
    assess,
    differentials,
    worst_to_geometric_mean,
)
from tests.face_validation.evaluation.fakes import pairs_of_scores

SEEDS = st.integers(0, 2**32 - 1)


def random_pairs(seed: int, *, persons: int = 12, groups: int = 3, most: int = 120) -> ScoredPairs:
    """Up to `most` pairs with ties, persons and groups."""
    random = np.random.default_rng(seed)
    n = int(random.integers(2, most))
    is_match = random.random(n) < random.random()
    similarity = np.where(is_match, random.normal(75, 20, n), random.normal(30, 20, n)).clip(0, 100)
    similarity = similarity.round(int(random.integers(0, 3)))
    source = random.integers(0, persons, n)
    target = np.where(is_match, source, (source + random.integers(1, persons, n)) % persons)
    group = random.integers(0, groups, persons)
    return ScoredPairs(
        similarity,
        is_match,
        source.astype(np.int32),
        target.astype(np.int32),
        group[source].astype(np.int32),
        group[target].astype(np.int32),
        tuple("abcdefgh"[:groups]),
    )


@given(SEEDS)
def test_a_thinned_curve_holds_points_of_scikit_learns_det_curve_and_both_ends(seed: int) -> None:
    pairs = random_pairs(seed)
    assume(0 < pairs.is_match.sum() < pairs.is_match.size)

    curve = thinned(error_rates(pairs.match_scores, pairs.non_match_scores), most=8)

    fpr, fnr, _ = sklearn_metrics.det_curve(pairs.is_match, pairs.similarity)
    on_curve = {(round(float(x), 12), round(float(y), 12)) for x, y in zip(fpr, fnr, strict=True)}
    # scikit-learn leaves out the ends where one rate no longer changes.
    inner = [
        (round(float(x), 12), round(float(y), 12))
        for x, y in zip(curve.fmr, curve.fnmr, strict=True)
        if fpr.min() <= x <= fpr.max() and fnr.min() <= y <= fnr.max()
    ]
    assert curve.thresholds.size <= 9
    assert (curve.fmr[0], curve.fnmr[-1]) == (1.0, 1.0)
    assert (np.diff(curve.thresholds) > 0).all()
    for point in inner:
        at = np.mean(pairs.non_match_scores >= curve.thresholds[0]), 0.0
        assert point in on_curve or point[0] in {x for x, _ in on_curve} or point[1] in {y for _, y in on_curve}, at


@given(SEEDS)
def test_each_point_of_a_thinned_curve_is_what_counting_says(seed: int) -> None:
    pairs = random_pairs(seed)
    assume(0 < pairs.is_match.sum() < pairs.is_match.size)

    curve = thinned(error_rates(pairs.match_scores, pairs.non_match_scores), most=10)

    for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        decided = pairs.similarity >= threshold
        tn, fp, fn, tp = sklearn_metrics.confusion_matrix(pairs.is_match, decided, labels=[False, True]).ravel()
        assert fmr == pytest.approx(fp / (fp + tn))
        assert fnmr == pytest.approx(fn / (fn + tp))


@given(st.floats(1e-6, 1 - 1e-6))
def test_normal_deviates_are_the_quantiles_of_the_normal_distribution(rate: float) -> None:
    deviate = float(normal_deviates(np.array([rate]))[0])

    assert 0.5 * math.erfc(-deviate / math.sqrt(2)) == pytest.approx(rate, rel=1e-9)


@given(SEEDS, st.sampled_from([0.3, 0.1, 0.07, 0.01]))
def test_a_safe_threshold_is_the_lowest_whose_whole_interval_is_below_the_limit(seed: int, limit: float) -> None:
    pairs = random_pairs(seed, most=150)
    pairs = pairs_of_scores(pairs.match_scores, pairs.non_match_scores)
    assume(pairs.non_match_scores.size)

    found = safe_threshold(pairs, ErrorRateMeter(pairs), limit)

    n = pairs.non_match_scores.size
    candidates = [*np.unique(pairs.similarity), np.nextafter(pairs.similarity.max(), np.inf)]
    safe = [
        one
        for one in candidates
        if one <= 100
        and stats.binomtest(int((pairs.non_match_scores >= one).sum()), n).proportion_ci(method="wilson").high <= limit
    ]
    if found is None:
        assert not safe
    else:
        assert found == pytest.approx(safe[0])


@given(SEEDS, st.sampled_from([0.01, 0.1, 0.25]))
def test_cases_needed_is_the_first_number_at_which_scipys_interval_leaves_the_limit(seed: int, limit: float) -> None:
    value = float(np.random.default_rng(seed).integers(0, 40)) / 40
    assume(abs(value - limit) > 0.02)

    needed = cases_needed(value, limit)

    assert needed is not None

    def leaves(n: int) -> bool:
        return n > 0 and not wilson_end(1 - value, n, 1 - limit) and not wilson_end(value, n, limit)

    assert leaves(needed)
    assert not leaves(needed - 1)


def wilson_end(value: float, n: int, limit: float) -> bool:
    """Whether the score test on n cases accepts `limit`, above `value`: the definition of the interval's upper end."""
    return value <= limit and abs(value - limit) <= stats.norm.ppf(0.975) * math.sqrt(limit * (1 - limit) / n)


@given(SEEDS)
def test_a_resample_counts_a_pair_as_often_as_both_its_persons_were_drawn(seed: int) -> None:
    pairs = random_pairs(seed)
    bootstrap = PersonBootstrap(pairs.source_person, pairs.target_person)
    chosen = pairs.similarity >= 50

    counts = bootstrap.count(chosen)

    for resample in (0, 7):
        weights = bootstrap.weights(resample)
        assert counts[resample] == pytest.approx(float(weights[chosen].sum()))
        # The definition, person by person: how often each was drawn is its own weight as a pair with itself.
        numbers = np.unique(np.concatenate([pairs.source_person, pairs.target_person]))
        drawn = dict(zip(numbers.tolist(), bootstrap._times[resample].tolist(), strict=True))
        assert sum(drawn.values()) == numbers.size
        for weight, one, other in zip(weights, pairs.source_person, pairs.target_person, strict=True):
            assert weight == (drawn[int(one)] if one == other else drawn[int(one)] * drawn[int(other)])


@given(SEEDS)
def test_the_effective_number_of_pairs_is_the_one_with_the_bootstraps_variance(seed: int) -> None:
    pairs = random_pairs(seed)
    bootstrap = PersonBootstrap(pairs.source_person, pairs.target_person)
    chosen = pairs.similarity >= 50

    effective = bootstrap.effective(chosen)

    shares = []
    for resample in range(bootstrap.resamples):
        weights = bootstrap.weights(resample)
        if weights.sum():
            shares.append(float(weights[chosen].sum() / weights.sum()))
    share = float(chosen.mean())
    if np.var(shares) > 1e-12:
        assert effective == pytest.approx(min(share * (1 - share) / np.var(shares), chosen.size), rel=1e-3)
    else:
        assert effective is None or effective == chosen.size


@given(SEEDS, st.sampled_from([20.0, 50.0, 77.0]))
def test_rates_with_persons_count_the_same_errors_as_without(seed: int, threshold: float) -> None:
    pairs = random_pairs(seed)
    meter = ErrorRateMeter(pairs)

    fmr, fnmr = meter.fmr(threshold), meter.fnmr(threshold)

    assert (fmr.hits, fmr.of) == (int((pairs.non_match_scores >= threshold).sum()), pairs.non_match_scores.size)
    assert (fnmr.hits, fnmr.of) == (int((pairs.match_scores < threshold).sum()), pairs.match_scores.size)
    for rate in (fmr, fnmr):
        if rate.interval is not None and rate.value is not None:
            assert rate.interval[0] <= rate.value <= rate.interval[1]
            assert rate.independent <= rate.of


@given(SEEDS)
def test_differentials_are_the_counts_within_and_between_groups(seed: int) -> None:
    pairs = random_pairs(seed, persons=70, groups=2, most=300)

    found = differentials(pairs, 50.0)

    assert found is not None
    persons: dict[str, set[int]] = {name: set() for name in pairs.group_names}
    errors: dict[tuple[str, str, bool], list[bool]] = {}
    for index in range(pairs.similarity.size):
        ends = [
            (pairs.group_names[pairs.source_group[index]], int(pairs.source_person[index])),
            (pairs.group_names[pairs.target_group[index]], int(pairs.target_person[index])),
        ]
        for name, person in ends:
            persons[name].add(person)
        first, second = sorted(name for name, _ in ends)
        is_match = bool(pairs.is_match[index])
        wrong = (pairs.similarity[index] >= 50) != is_match
        errors.setdefault((first, second, is_match), []).append(bool(wrong))
    assert {group.name for group in found.groups} == {n for n, p in persons.items() if len(p) >= LEAST_PERSONS}
    for group in found.groups:
        for rate, is_match in ((group.fnmr, True), (group.fmr, False)):
            counted = errors.get((group.name, group.name, is_match), [])
            assert (rate.hits, rate.of) == (sum(counted), len(counted))
    for cross in found.cross:
        counted = errors.get((*sorted((cross.first, cross.second)), False), [])  # type: ignore[arg-type]
        assert (cross.fmr.hits, cross.fmr.of) == (sum(counted), len(counted))


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=6))
def test_the_worst_over_the_geometric_mean_is_scipys(rates: list[float]) -> None:
    assert worst_to_geometric_mean(rates) == pytest.approx(max(rates) / stats.gmean(rates))
    assert worst_to_geometric_mean([*rates, 0.0]) is None
    assert worst_to_geometric_mean([*rates, None]) is None


@given(st.lists(st.integers(0, 6), max_size=30))
def test_rank_k_rates_are_counts_of_probes_found_by_rank_k(ranks: list[int]) -> None:
    probe = Probe("a", Path("a.jpg"), "Ann")
    answers = [ProbeResult(probe, "Ann", 90.0, rank=rank) for rank in ranks]

    found = count(answers, 80, enrolled=1, not_enrolled=[]).rank_k

    assert [rate.hits for rate in found] == [sum(0 < rank <= k for rank in ranks) for k in range(1, 6)]
    assert all(rate.of == len(ranks) for rate in found)


@given(st.integers(10, 200), st.integers(1000, 1_000_000), st.integers(1, 100_000))
def test_an_extrapolated_fpir_is_one_minus_the_chance_of_no_false_match(hits: int, of: int, enrolled: int) -> None:
    (found,) = extrapolations(Rate(hits, of), sizes=(enrolled,))

    # The binomial distribution's chance of at least one hit among `enrolled`.
    assert found.value == pytest.approx(stats.binom.sf(0, enrolled, hits / of), rel=1e-6)
    assert found.low <= found.value <= found.high


def test_below_ten_false_matches_nothing_is_extrapolated() -> None:
    assert not extrapolations(Rate(9, 100_000))
    assert len(extrapolations(Rate(10, 100_000))) == len(COLLECTION_SIZES)


@given(st.integers(10, 79), st.integers(1, 100_000))
def test_a_search_among_more_people_has_as_many_more_chances(named: int, enrolled: int) -> None:
    for found in extrapolations(Rate(named, 80), enrolled):
        # The chance that a stranger is given no name by any of the people, one after another.
        nobody = math.exp(found.enrolled / enrolled * math.log1p(-named / 80))
        assert found.value == pytest.approx(1 - nobody, abs=1e-9)
        assert found.low <= found.value <= found.high
    assert not extrapolations(Rate(9, 80), enrolled)


@given(SEEDS)
def test_a_review_band_is_what_lies_between_both_thresholds(seed: int) -> None:
    pairs = random_pairs(seed)

    bands = review_bands(pairs, (20.0, 50.0), (50.0, 80.0))

    assert [(band.threshold_review, band.threshold) for band in bands] == [(20, 50), (50, 50), (20, 80), (50, 80)]
    for band in bands:
        between = (pairs.similarity >= band.threshold_review) & (pairs.similarity < band.threshold)
        assert band.matches_reviewed.hits == int((between & pairs.is_match).sum())
        assert band.non_matches_reviewed.hits == int((between & ~pairs.is_match).sum())
        assert band.fmr.hits == int((pairs.non_match_scores >= band.threshold).sum())
        assert band.fnmr.hits == int((pairs.match_scores < band.threshold_review).sum())


@given(SEEDS)
def test_error_against_rejection_without_ties_is_fnmr_of_what_remains(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(100, 300))
    quality, errors = random.permutation(n).astype(np.float64), random.random(n) < 0.2
    quality[random.random(n) < 0.05] = np.nan
    assume((~np.isnan(quality)).sum() >= 100)

    curve = error_against_rejection("sharpness", quality, errors)

    assert curve is not None
    known = [(float(one), bool(error)) for one, error in zip(quality, errors, strict=True) if not math.isnan(one)]
    known.sort()
    for share, fnmr in zip(curve.rejected, curve.fnmr, strict=True):
        remaining = known[int(share * len(known)) :]
        assert fnmr == pytest.approx(sum(error for _, error in remaining) / len(remaining))


def test_a_measure_that_says_nothing_takes_no_error_away() -> None:
    errors = np.arange(200) < 40

    curve = error_against_rejection("constant", np.ones(200), errors)

    assert curve is not None
    assert curve.fnmr == pytest.approx((0.2,) * len(curve.rejected))
    assert curve.gain == pytest.approx(0)


@given(SEEDS)
def test_suspicion_compares_how_ordinary_a_score_is_under_both_labels(seed: int) -> None:
    pairs = random_pairs(seed)
    assume(0 < pairs.is_match.sum() < pairs.is_match.size)

    suspicion, doubtful = label_doubts(pairs)

    for index in range(0, pairs.similarity.size, 7):
        score, is_match = pairs.similarity[index], pairs.is_match[index]
        own, other = pairs.similarity[pairs.is_match == is_match], pairs.similarity[pairs.is_match != is_match]
        as_own = np.mean(own <= score) if is_match else np.mean(own >= score)
        as_other = np.mean(other >= score) if is_match else np.mean(other <= score)
        ratio = (as_other + 1 / (2 * other.size)) / (as_own + 1 / (2 * own.size))
        assert suspicion[index] == pytest.approx(math.log10(ratio))
        assert doubtful[index] == (as_other >= 0.05 and as_own <= 0.05)


def test_two_in_a_hundred_flipped_labels_are_among_the_first_forty_shown() -> None:
    random = np.random.default_rng(5)
    shares = []
    for _ in range(20):
        truth = random.random(1000) < 0.5
        scores = np.where(truth, 100 - random.exponential(6, 1000), random.exponential(8, 1000)).clip(0, 100)
        flipped = random.choice(1000, 20, replace=False)
        labels = truth.copy()
        labels[flipped] ^= True
        pairs = pairs_of_scores(scores[labels], scores[~labels])
        order = np.concatenate([np.flatnonzero(labels), np.flatnonzero(~labels)])

        shown = order[np.argsort(-label_doubts(pairs)[0])[:40]]

        shares.append(np.isin(flipped, shown).mean())
    assert np.mean(shares) >= 0.95


@given(SEEDS, st.sampled_from([0.3, 0.1]))
def test_paired_fnmr_at_one_fmr_is_that_of_both_operating_points(seed: int, target: float) -> None:
    pairs = random_pairs(seed, most=200)
    random = np.random.default_rng(seed)
    second = (pairs.similarity + random.normal(0, 10, pairs.similarity.size)).round(1)
    assume(pairs.is_match.sum() and (~pairs.is_match).sum() * target >= 3)

    found = fnmr_differences(pairs, second, (target,))

    assert len(found) == 1
    for scores, fnmr in ((pairs.similarity, found[0].first), (second, found[0].second)):
        one = pairs_of_scores(scores[pairs.is_match], scores[~pairs.is_match])
        threshold = threshold_for(scores, pairs.is_match, target)
        assert threshold is not None
        assert fnmr == pytest.approx(ErrorRateMeter(one).fnmr(threshold).value)
    assert found[0].over_persons


def test_a_clear_gain_is_more_than_chance_and_none_is_not() -> None:
    random = np.random.default_rng(1)
    is_match = np.arange(2000) < 1000
    unknown = np.full(2000, -1, np.int32)
    scores = np.where(is_match, 60.0, 40.0) + random.normal(0, 8, 2000)
    pairs = ScoredPairs(scores, is_match, unknown, unknown, unknown, unknown)

    same = fnmr_differences(pairs, scores + random.normal(0, 0.1, 2000), (0.01,))[0]
    better = fnmr_differences(pairs, scores + np.where(is_match, 10.0, 0.0), (0.01,))[0]

    assert not same.more_than_chance
    assert better.more_than_chance
    assert better.low <= better.second - better.first <= better.high < 0
    assert not better.over_persons


@pytest.mark.parametrize(
    ("fmr", "fnmr", "verdict"),
    [
        (Rate(0, 100_000), Rate(0, 2000), Verdict.NOT_ENOUGH_DATA),  # no groups: nothing can be said of them
        (Rate(50, 100_000), Rate(0, 2000), Verdict.NOT_MET),
        (Rate(0, 100_000), Rate(200, 2000), Verdict.NOT_MET),
        (Rate(0, 1000), Rate(0, 2000), Verdict.NOT_ENOUGH_DATA),
    ],
)
def test_the_verdict_is_only_what_the_intervals_show(fmr: Rate, fnmr: Rate, verdict: Verdict) -> None:
    assert assess(99.0, fmr, fnmr, None).verdict is verdict


def test_a_limit_that_is_not_decided_says_how_many_more_pairs_it_takes() -> None:
    found = assess(99.0, Rate(0, 1000), Rate(0, 2000, effective=200), None)

    fmr, fnmr = found.requirements
    assert fmr.verdict is fnmr.verdict is Verdict.NOT_ENOUGH_DATA
    assert fmr.more_pairs is not None
    assert fnmr.more_pairs is not None
    high = stats.binomtest(0, 1000 + fmr.more_pairs).proportion_ci(method="wilson").high
    assert high == pytest.approx(0.0001, rel=1e-3)
    # Ten pairs tell as much as one independent pair here.
    assert fnmr.more_pairs == pytest.approx(10 * (cases_needed(0, 0.01) or 0) - 2000, abs=10)


def test_a_group_that_is_much_worse_than_the_whole_is_not_met() -> None:
    random = np.random.default_rng(0)
    persons = 80
    source, target = np.array(list(combinations(range(persons), 2)), np.int32).T
    group = (np.arange(persons) >= persons // 2).astype(np.int32)
    both_second = (group[source] == 1) & (group[target] == 1)
    similarity = np.where(random.random(source.size) < np.where(both_second, 0.2, 0.01), 99.0, 1.0)
    pairs = ScoredPairs(
        similarity, np.zeros(source.size, np.bool_), source, target, group[source], group[target], ("one", "two")
    )

    found = differentials(pairs, 50.0)
    meter = ErrorRateMeter(pairs)
    assessment = assess(50.0, meter.fmr(50.0), Rate(0, 0), found)

    verdicts = {one.group: one.verdict for one in assessment.requirements if one.name == "group_fmr"}
    assert found is not None
    assert verdicts["two"] is Verdict.NOT_MET
    assert verdicts["one"] is Verdict.MET
    assert assessment.groups_are_known
