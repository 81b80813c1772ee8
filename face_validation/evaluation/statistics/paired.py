"""Two systems on the same pairs: whether the difference in FNMR at one FMR is more than chance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.persons import PersonBootstrap
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs

Weights = NDArray[np.floating]

RESAMPLES = 400
_SEED = 20260101
_MARGIN = 8  # weights can pile up on few pairs: look this many times further than the target needs


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

    @property
    def is_more_than_chance(self) -> bool:
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
    systems = tuple(
        _System(scores[matches], scores[non_matches], max(carried)) for scores in (first.similarity, second)
    )
    one = tuple(system.fnmr(carried, np.ones(matches.size), np.ones(non_matches.size)) for system in systems)
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
    for resample in range(RESAMPLES):
        if persons is not None:
            weights = persons.weights(resample % persons.resamples)
            yield weights[matches], weights[non_matches]
        else:
            drawn = [random.integers(0, one.size, one.size) for one in (matches, non_matches)]
            counts = [np.bincount(one, minlength=one.size).astype(np.float32) for one in drawn]
            yield counts[0], counts[1]


class _System:
    """One system's scores in order, so that a resample only adds weights up."""

    def __init__(self, matches: Scores, non_matches: Scores, most_fmr: float) -> None:
        self._match_order = np.argsort(matches)
        self._matches = matches[self._match_order]
        order = np.argsort(-non_matches, kind="stable")
        self._order = order[: min(order.size, int(_MARGIN * most_fmr * order.size) + 200)]
        self._whole_order = order
        self._non_matches = non_matches

    def fnmr(self, targets: tuple[float, ...], of_matches: Weights, of_non_matches: Weights) -> Scores:
        """FNMR (0-1) at each FMR, with these weights of matches and non-matches."""
        allowed = np.asarray(targets) * of_non_matches.sum(dtype=np.float64)
        order = self._order
        above = np.cumsum(of_non_matches[order], dtype=np.float64)
        if above[-1] <= allowed.max():
            order = self._whole_order
            above = np.cumsum(of_non_matches[order], dtype=np.float64)
        # The first non-match that is one too many: the threshold lies just above its score.
        at = np.minimum(np.searchsorted(above, allowed * (1 + 1e-9), side="right"), order.size - 1)
        threshold = self._non_matches[order[at]]
        below = np.concatenate([[0.0], np.cumsum(of_matches[self._match_order], dtype=np.float64)])
        missed = below[np.searchsorted(self._matches, threshold, side="right")]
        return np.asarray(missed / below[-1] if below[-1] else np.full(len(targets), np.nan), np.float64)
