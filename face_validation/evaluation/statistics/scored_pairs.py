"""Scored pairs as arrays: what every figure of a verification is counted from; and labels that look wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.confusion import Scores

Flags = NDArray[np.bool_]
Indices = NDArray[np.int32]
Places = NDArray[np.intp]

UNKNOWN = -1
ORDINARY = 0.05  # the share of scores that makes one of them ordinary


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """n pairs of images that got a score, a similarity of 0-100; all arrays are (n,).

    Attributes:
        is_match: whether both images are labelled as the same person's.
        source_person: number of the source's person, `UNKNOWN` where it is not told; likewise `target_person`.
        source_group: index into `group_names` of the source's person, `UNKNOWN` likewise; likewise `target_group`.
        group_names: the groups of persons, sorted.
    """

    similarity: Scores
    is_match: Flags
    source_person: Indices
    target_person: Indices
    source_group: Indices
    target_group: Indices
    group_names: tuple[str, ...] = ()

    @classmethod
    def of_scores(cls, match_scores: Scores, non_match_scores: Scores) -> "ScoredPairs":
        """Pairs of which only score and label are known: the matches first."""
        total = match_scores.size + non_match_scores.size
        unknown = np.full(total, UNKNOWN, np.int32)
        is_match = np.arange(total) < match_scores.size
        return cls(np.concatenate([match_scores, non_match_scores]), is_match, unknown, unknown, unknown, unknown)

    @classmethod
    def of_images(
        cls,
        similarity: Scores,
        is_match: Flags,
        ends: tuple[Places, Places],
        persons: Sequence[str],
        groups: Sequence[str],
    ) -> "ScoredPairs":
        """Pairs of images whose persons and groups are told by name, empty where not; `ends` are places in both."""
        person, group = numbers_of(persons), numbers_of(groups)
        source, target = ends
        names = tuple(sorted(set(groups) - {""}))
        return cls(similarity, is_match, person[source], person[target], group[source], group[target], names)

    @property
    def match_scores(self) -> Scores:
        """Similarities of the pairs of one person."""
        return self.similarity[self.is_match]

    @property
    def non_match_scores(self) -> Scores:
        """Similarities of the pairs of two persons."""
        return self.similarity[~self.is_match]

    @property
    def persons_are_known(self) -> bool:
        """Whether both persons of every pair are told."""
        return bool(self.similarity.size and (self.source_person >= 0).all() and (self.target_person >= 0).all())

    @property
    def persons(self) -> int:
        """How many different persons are told."""
        told = np.concatenate([self.source_person, self.target_person])
        return int(np.unique(told[told >= 0]).size)

    def where(self, chosen: Flags) -> "ScoredPairs":
        """The pairs that are chosen, (n,)."""
        return replace(self, **{field.name: getattr(self, field.name)[chosen] for field in fields(self)[:-1]})


def numbers_of(names: Sequence[str]) -> Indices:
    """Each name's place among all different names, sorted; `UNKNOWN` for an empty one."""
    places = {name: place for place, name in enumerate(sorted(set(names) - {""}))}
    return np.array([places.get(name, UNKNOWN) for name in names], np.int32)


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
