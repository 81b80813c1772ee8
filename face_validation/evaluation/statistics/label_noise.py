"""Labels that look wrong: pairs whose score would be ordinary under the other label."""

import numpy as np

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.scored_pairs import Flags, ScoredPairs

ORDINARY = 0.05


def label_suspicion(pairs: ScoredPairs) -> Scores:
    """How much more ordinary each pair's score is under the other label, (n,): decimal logarithm of a ratio.

    Compared are the share of the other label's scores that lie at least as far on this pair's side, and the share of
    its own label's scores that do. Above 0 the label is doubtful. NaN where the other label has no score.
    """
    suspicion = np.full(pairs.similarity.shape, np.nan)
    if not pairs.is_match.any() or pairs.is_match.all():
        return suspicion
    matches, non_matches = np.sort(pairs.match_scores), np.sort(pairs.non_match_scores)
    for label, own, other, sign in ((True, matches, non_matches, 1.0), (False, non_matches, matches, -1.0)):
        chosen = pairs.is_match == label
        score = pairs.similarity[chosen]
        # For a match: the share of non-matches at or above its score, over the share of matches at or below it.
        as_other = _tail(other, score, upper=sign > 0)
        as_own = _tail(own, score, upper=sign < 0)
        suspicion[chosen] = np.log10(as_other + 1 / (2 * other.size)) - np.log10(as_own + 1 / (2 * own.size))
    return suspicion


def looks_mislabelled(pairs: ScoredPairs) -> Flags:
    """Whether each pair's score, (n,), is ordinary under the other label (5 % are as far) and rare under its own."""
    if not pairs.is_match.any() or pairs.is_match.all():
        return np.zeros(pairs.similarity.shape, np.bool_)
    matches, non_matches = np.sort(pairs.match_scores), np.sort(pairs.non_match_scores)
    low = (_tail(non_matches, pairs.similarity, upper=True) >= ORDINARY) & (
        _tail(matches, pairs.similarity, upper=False) <= ORDINARY
    )
    high = (_tail(matches, pairs.similarity, upper=False) >= ORDINARY) & (
        _tail(non_matches, pairs.similarity, upper=True) <= ORDINARY
    )
    doubtful: Flags = np.where(pairs.is_match, low, high)
    return doubtful


def _tail(ordered: Scores, scores: Scores, *, upper: bool) -> Scores:
    """Share of `ordered` (n,) at or above, or at or below, each of `scores` (m,): (m,)."""
    if upper:
        return (ordered.size - np.searchsorted(ordered, scores, side="left")) / ordered.size
    return np.searchsorted(ordered, scores, side="right") / ordered.size
