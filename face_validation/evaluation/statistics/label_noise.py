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
    as_own, as_other = _tails(pairs)
    own = np.where(pairs.is_match, pairs.match_scores.size, pairs.non_match_scores.size)
    suspicion: Scores = np.log10(as_other + 0.5 / np.maximum(own.size - own, 1)) - np.log10(as_own + 0.5 / own)
    return suspicion


def looks_mislabelled(pairs: ScoredPairs) -> Flags:
    """Whether each pair's score, (n,), is ordinary under the other label (5 % are as far) and rare under its own."""
    as_own, as_other = _tails(pairs)
    doubtful: Flags = (as_other >= ORDINARY) & (as_own <= ORDINARY)
    return doubtful


def _tails(pairs: ScoredPairs) -> tuple[Scores, Scores]:
    """Shares (n,) of the own and of the other label's scores that are as far on each pair's side; NaN for no score."""
    matches, non_matches = np.sort(pairs.match_scores), np.sort(pairs.non_match_scores)
    low = np.searchsorted(matches, pairs.similarity, side="right") / (matches.size or np.nan)
    high = (non_matches.size - np.searchsorted(non_matches, pairs.similarity, side="left")) / (
        non_matches.size or np.nan
    )
    return np.where(pairs.is_match, low, high), np.where(pairs.is_match, high, low)
