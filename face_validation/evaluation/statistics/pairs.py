"""Pairs of images: what was expected and what came, every case counted once; and the scored ones as arrays."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.intervals import Measured, Rate, f1_score

Scores = NDArray[np.float64]
"""Similarities, percent 0-100."""
Flags = NDArray[np.bool_]
Indices = NDArray[np.int32]
Places = NDArray[np.intp]

UNKNOWN = -1
ORDINARY = 0.05  # the share of scores that makes one of them ordinary


class Expected(StrEnum):
    """The right answer: the same person, another person, or a refusal."""

    MATCH = "match"
    NO_MATCH = "no_match"
    ERROR = "error"


class Answer(StrEnum):
    """What came back: a decision, a refusal (4xx envelope), or a failure (5xx, or no answer at all)."""

    MATCH = "match"
    NO_MATCH = "no_match"
    REFUSED = "refused"
    FAILED = "failed"


RIGHT_ANSWER = {Expected.MATCH: Answer.MATCH, Expected.NO_MATCH: Answer.NO_MATCH, Expected.ERROR: Answer.REFUSED}


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many cases were answered how, and the rates that follow.

    A failure is never right, whatever was expected; a refusal is right when it was expected and only then.

    Attributes:
        false_negatives: expected match, answered no match; refused ones are in `unexpected_errors`.
        expected_errors: expected a refusal, refused.
        unexpected_errors: pairs of two faces that were refused.
        missing_errors: expected a refusal, but got a decision.
        failures: 5xx answers, and cases that got none.
        accuracy: right answers of all cases: TP + TN + expected errors. A refused pair and every failure are wrong.
        pair_accuracy: right answers of the cases with two faces: (TP + TN) / (expected match + expected no match).
        error_accuracy: refused, of the cases to be refused.
        precision: right among the answers "same person", those to cases that should have been refused included.
        recall: recognised, of the cases expected to match: a refused or failed one was not recognised.
        fmr: false matches of the scored non-matches; likewise `fnmr`, false non-matches of the scored matches.
        failure_to_acquire: pairs of two faces that got no score: refused or failed.
    """

    cases: int
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int
    expected_errors: int
    unexpected_errors: int
    missing_errors: int
    failures: int
    accuracy: Rate
    pair_accuracy: Rate
    error_accuracy: Rate
    precision: Rate
    recall: Rate
    f1: Measured | None
    fmr: Rate
    fnmr: Rate
    failure_to_acquire: Rate

    @classmethod
    def of(cls, cases: Iterable[tuple[Expected, Answer]], *named: str) -> Self:
        """Count cases: the right answer of each, and the one that came; `named` are further fields of a subclass."""
        counts = Counter(cases)
        matches, non_matches, to_refuse = ([counts[one, answer] for answer in Answer] for one in Expected)
        tp, fn, refused_matches, _ = matches
        fp, tn, refused_non_matches, _ = non_matches
        said_match, said_no_match, refused, _ = to_refuse
        pairs, all_said_match = sum(matches) + sum(non_matches), tp + fp + said_match
        total, failures = pairs + sum(to_refuse), matches[-1] + non_matches[-1] + to_refuse[-1]
        errors = (refused, refused_matches + refused_non_matches, said_match + said_no_match, failures)
        right = (Rate(tp + tn + refused, total), Rate(tp + tn, pairs), Rate(refused, sum(to_refuse)))
        found = (Rate(tp, all_said_match), Rate(tp, sum(matches)), f1_score(tp, sum(matches) + all_said_match - 2 * tp))
        wrong = (Rate(fp, fp + tn), Rate(fn, fn + tp), Rate(pairs - tp - tn - fp - fn, pairs))
        return cls(total, tp, tn, fp, fn, *errors, *right, *found, *wrong, *named)


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


def share_at_or_above(scores: Scores, thresholds: Scores) -> Scores:
    """Ratio of `scores` (n,) at or above each of `thresholds` (k,): (k,), NaN for n = 0.

    Counted, not 1 - the share below: 1 - 0.99 is more than 0.01, and would miss an FMR of 1 % by one.
    """
    return (scores.size - np.searchsorted(np.sort(scores), thresholds, side="left")) / (scores.size or np.nan)


def label_doubts(pairs: ScoredPairs) -> tuple[Scores, Flags]:
    """How much more ordinary each pair's score is under the other label, and whether its label looks wrong, (n,) each.

    Compared are the share of the other label's scores that lie at least as far on this pair's side, and the share of
    its own label's scores that do. The first result is the decimal logarithm of their ratio, NaN where the other label
    has no score. The label looks wrong where the first share is at least 5 %, and the second at most.
    """
    matches, non_matches = np.sort(pairs.match_scores), pairs.non_match_scores
    low = np.searchsorted(matches, pairs.similarity, side="right") / (matches.size or np.nan)
    high = share_at_or_above(non_matches, pairs.similarity)
    as_own, as_other = np.where(pairs.is_match, (low, high), (high, low))
    own = np.where(pairs.is_match, matches.size, non_matches.size)
    suspicion: Scores = np.log10(as_other + 0.5 / np.maximum(own.size - own, 1)) - np.log10(as_own + 0.5 / own)
    return suspicion, (as_other >= ORDINARY) & (as_own <= ORDINARY)
