"""Error rates whose intervals know that pairs share persons: a bootstrap over persons, not over pairs."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.scored_pairs import Flags, Indices, ScoredPairs

RESAMPLES = 500
LEAST_RESAMPLES = 100
_DRAWS = 20_000_000  # bytes of weights: with very many persons, fewer resamples
_SEED = 20260101  # any: the same pairs give the same intervals again
_EXTREME = 10  # without an error, dependence is measured on this many scores nearest to being one

# Simulated (`tests.figures.interval_coverage`): with fewer persons or errors the interval may hold the truth less than
# 93 times in 100.
LEAST_PERSONS = 100
LEAST_ERRORS = 5


class PersonBootstrap:
    """Resamples of persons with replacement: a pair counts as often as both its persons were drawn.

    A pair of one person counts as often as that person was drawn.

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
        resamples = int(np.clip(_DRAWS // max(self.persons, 1), LEAST_RESAMPLES, RESAMPLES))
        random = np.random.default_rng(_SEED)
        self._times = np.empty((resamples, self.persons), np.uint8)
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

    @property
    def resamples(self) -> int:
        """How many resamples there are."""
        return len(self._times)

    def count(self, chosen: Flags) -> NDArray[np.float64]:
        """How often the chosen pairs (of n) count in each resample, (resamples,)."""
        from scipy import sparse  # here: a comparison of two runs asks for weights alone

        source, target = self._source[chosen], self._target[chosen]
        own = source == target
        alone = np.bincount(source[own], minlength=self.persons).astype(np.float32)
        shape = (self.persons, self.persons)
        between = sparse.csr_array((np.ones(int((~own).sum()), np.float32), (source[~own], target[~own])), shape=shape)
        counts = np.empty(len(self._times))
        for start in range(0, len(self._times), 50):
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
        self._matches = _OneClass(pairs.where(pairs.is_match), errors_are_high=False)
        self._non_matches = _OneClass(pairs.where(~pairs.is_match), errors_are_high=True)

    def fmr(self, threshold: float) -> Rate:
        """Share of non-matches at or above `threshold` (0-100)."""
        return self._non_matches.rate(threshold)

    def fnmr(self, threshold: float) -> Rate:
        """Share of matches below `threshold` (0-100)."""
        return self._matches.rate(threshold)


class _OneClass:
    """Matches or non-matches: their scores, and the share on the wrong side of a threshold."""

    def __init__(self, pairs: ScoredPairs, *, errors_are_high: bool) -> None:
        self._scores, self._sorted = pairs.similarity, np.sort(pairs.similarity)
        is_known = pairs.persons_are_known
        self._bootstrap = PersonBootstrap(pairs.source_person, pairs.target_person) if is_known else None
        self._errors_are_high = errors_are_high
        self._rates: dict[float, Rate] = {}

    def rate(self, threshold: float) -> Rate:
        if threshold not in self._rates:
            below = int(np.searchsorted(self._sorted, threshold, side="left"))
            errors = self._scores.size - below if self._errors_are_high else below
            self._rates[threshold] = Rate(errors, int(self._scores.size), self._effective(threshold, errors))
        return self._rates[threshold]

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
