"""Error rates and differences whose intervals know that pairs share persons: a bootstrap over persons, not pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import computed_field

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Flags, Indices, ScoredPairs, Scores

Weights = NDArray[np.floating]

RESAMPLES, PAIRED_RESAMPLES = 500, 400
LEAST_RESAMPLES = 100
_DRAWS = 20_000_000  # bytes of weights: with very many persons, fewer resamples
_SEED = 20260101  # any: the same pairs give the same intervals again
_EXTREME = 10  # without an error, dependence is measured on this many scores nearest to being one

# Simulated (`tests.figures.interval_coverage`): with fewer persons or errors the interval may hold the truth less than
# 93 times in 100.
LEAST_PERSONS = 100
LEAST_ERRORS = 5


class PersonBootstrap:
    """Resamples of persons with replacement: a pair counts as often as both its persons (or its one) were drawn.

    Source: R. M. Bolle et al., "Error analysis of pattern recognition systems: the subsets bootstrap", Computer Vision
    and Image Understanding 93 (2004) 1; A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007)
    386, which shows that its variance is, if anything, too large.
    """

    def __init__(self, source: Indices, target: Indices) -> None:
        """Persons of n pairs, (n,) each."""
        numbers, both = np.unique(np.concatenate([source, target]), return_inverse=True)
        self._source, self._target = both[: source.size], both[source.size :]
        self._of_one_person = np.flatnonzero(self._source == self._target)
        self.persons = int(numbers.size)
        self.resamples = int(np.clip(_DRAWS // max(self.persons, 1), LEAST_RESAMPLES, RESAMPLES))
        random = np.random.default_rng(_SEED)
        self._times = np.empty((self.resamples, self.persons), np.uint8)
        for row in self._times:
            row[:] = np.bincount(random.integers(0, self.persons, self.persons), minlength=self.persons)

    @cached_property
    def _totals(self) -> NDArray[np.float64]:
        """How often all pairs count in each resample."""
        return self.count(np.ones(self._source.size, np.bool_))

    def weights(self, resample: int) -> NDArray[np.float32]:
        """How often each pair counts in a resample, (n,)."""
        times = self._times[resample].astype(np.float32)
        weights: NDArray[np.float32] = times.take(self._source)
        of_target = times.take(self._target)
        of_target[self._of_one_person] = 1
        weights *= of_target
        return weights

    def count(self, chosen: Flags) -> NDArray[np.float64]:
        """How often the chosen pairs (of n) count in each resample, (resamples,)."""
        from scipy import sparse  # here: a comparison of two runs asks for weights alone

        source, target = self._source[chosen], self._target[chosen]
        own = source == target
        alone = np.bincount(source[own], minlength=self.persons).astype(np.float32)
        shape = (self.persons, self.persons)
        between = sparse.csr_array((np.ones(int((~own).sum()), np.float32), (source[~own], target[~own])), shape=shape)
        counts = np.empty(self.resamples)
        for start in range(0, self.resamples, 50):
            times = self._times[start : start + 50].astype(np.float32)
            counts[start : start + 50] = ((times @ between) * times).sum(axis=1, dtype=np.float64) + times @ alone
        return counts

    def effective(self, chosen: Flags) -> float | None:
        """How many independent pairs give the share of chosen pairs as surely as these n; None where it cannot vary."""
        share = float(chosen.mean()) if chosen.size else 0.0
        drawn = self._totals > 0
        variance = float(np.var(self.count(chosen)[drawn] / self._totals[drawn])) if drawn.any() else 0.0
        return min(share * (1 - share) / variance, float(chosen.size)) if variance > 0 else None


class ErrorRateMeter:
    """FMR and FNMR of scored pairs at any threshold, with 95 % intervals.

    Intervals are Wilson's. Where the persons are told, the number of independent pairs is measured by a bootstrap over
    persons; otherwise each pair is taken as independent.
    """

    def __init__(self, pairs: ScoredPairs) -> None:
        self.fmr = cache(_OneClass(pairs.where(~pairs.is_match), errors_are_high=True).rate)
        """Share of non-matches at or above a threshold (0-100)."""
        self.fnmr = cache(_OneClass(pairs.where(pairs.is_match), errors_are_high=False).rate)
        """Share of matches below a threshold (0-100)."""


class _OneClass:
    """Matches or non-matches: their scores, and the share on the wrong side of a threshold."""

    def __init__(self, pairs: ScoredPairs, *, errors_are_high: bool) -> None:
        self._scores, self._sorted = pairs.similarity, np.sort(pairs.similarity)
        is_known = pairs.persons_are_known
        self._bootstrap = PersonBootstrap(pairs.source_person, pairs.target_person) if is_known else None
        self._errors_are_high = errors_are_high

    def rate(self, threshold: float) -> Rate:
        """The share, with how many independent pairs tell it as surely."""
        errors = int(np.count_nonzero(self._wrong(threshold)))
        return Rate(errors, int(self._scores.size), self._effective(threshold, errors))

    def _effective(self, threshold: float, errors: int) -> float | None:
        if self._bootstrap is None or not self._scores.size:
            return None
        right = int(self._scores.size) - errors
        if errors and right:
            return self._bootstrap.effective(self._wrong(threshold))
        # Nothing varies at this threshold: take the dependence where some scores are on the other side.
        rank = min(_EXTREME, self._sorted.size // 2)
        is_top = self._errors_are_high == (errors == 0)
        nearest = float(self._sorted[-rank] if is_top else self._sorted[rank]) if rank else threshold
        return self._bootstrap.effective(self._wrong(nearest))

    def _wrong(self, threshold: float) -> Flags:
        return self._scores >= threshold if self._errors_are_high else self._scores < threshold


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """FNMR of two systems, each at its own threshold for the same FMR; all 0-1.

    `low` to `high` is the 95 % interval of second minus first, by drawing persons, or pairs where not `over_persons`.
    """

    target_fmr: float
    first: float
    second: float
    low: float
    high: float
    over_persons: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot check decorated properties (mypy issue 1362)
    @property
    def more_than_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def fnmr_differences(first: ScoredPairs, second: Scores, targets: tuple[float, ...]) -> tuple[PairedDifference, ...]:
    """Second minus first FNMR at each FMR, with bootstrap intervals over persons where they are told.

    `first` holds the first system's scores, `second` (n,) the second's of the same pairs. Of the `targets` (FMRs, 0-1),
    those for which there are fewer than 3 / FMR non-matches are left out.
    """
    matches, non_matches = np.flatnonzero(first.is_match), np.flatnonzero(~first.is_match)
    carried = tuple(target for target in targets if non_matches.size * target >= 3)
    if not matches.size or not carried:
        return ()
    systems = [_System(scores[matches], scores[non_matches]) for scores in (first.similarity, second)]
    one = [system.fnmr(carried, np.ones(matches.size), np.ones(non_matches.size)) for system in systems]
    differences = []
    for weights in _draws(first, matches, non_matches):
        before, after = (system.fnmr(carried, *weights) for system in systems)
        differences.append(after - before)
    rows = np.stack([*one, *np.nanpercentile(differences, [2.5, 97.5], axis=0)], axis=1).tolist()
    return tuple(
        PairedDifference(target, before, after, low, high, first.persons_are_known)
        for target, (before, after, low, high) in zip(carried, rows, strict=True)
    )


def _draws(
    pairs: ScoredPairs, matches: NDArray[np.int64], non_matches: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weights of the pairs of both classes in each resample: persons are drawn where they are told, otherwise pairs."""
    random = np.random.default_rng(_SEED)
    persons = PersonBootstrap(pairs.source_person, pairs.target_person) if pairs.persons_are_known else None
    for resample in range(PAIRED_RESAMPLES):
        if persons is not None:
            weights = persons.weights(resample % persons.resamples)
            yield weights[matches], weights[non_matches]
        else:
            drawn = [random.integers(0, one.size, one.size) for one in (matches, non_matches)]
            counts = [np.bincount(one, minlength=one.size).astype(np.float32) for one in drawn]
            yield counts[0], counts[1]


class _System:
    """One system's scores in order, so that a resample only adds weights up."""

    def __init__(self, matches: Scores, non_matches: Scores) -> None:
        self._match_order, self._non_match_order = np.argsort(matches), np.argsort(-non_matches, kind="stable")
        self._rising, self._falling = matches[self._match_order], non_matches[self._non_match_order]

    def fnmr(self, targets: tuple[float, ...], of_matches: Weights, of_non_matches: Weights) -> Scores:
        """FNMR (0-1) at each FMR, with these weights of matches and non-matches."""
        above = np.cumsum(of_non_matches[self._non_match_order], dtype=np.float64)
        allowed = np.asarray(targets) * above[-1]
        # The first non-match that is one too many: the threshold lies just above its score.
        at = np.minimum(np.searchsorted(above, allowed * (1 + 1e-9), side="right"), above.size - 1)
        below = np.concatenate([[0.0], np.cumsum(of_matches[self._match_order], dtype=np.float64)])
        missed = below[np.searchsorted(self._rising, self._falling[at], side="right")]
        return np.asarray(missed / (below[-1] or np.nan), np.float64)
