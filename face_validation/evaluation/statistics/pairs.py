"""Pairs of images: what was expected and what came, every case counted once; and the scored ones as arrays."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.intervals import F1Score, Rate

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


def answers(similarity: Scores, failed: NDArray[np.bool_], threshold: float) -> list[Answer]:
    """The answer to each of n cases: a match when its similarity (0-100, NaN where there is no score) >= `threshold`.

    `failed` is (n,) whether a case without score failed; otherwise it was refused.
    """
    scored = ~np.isnan(similarity)
    chosen = np.select([scored & (similarity >= threshold), scored, failed], [0, 1, 3], default=2)
    kinds = tuple(Answer)
    return [kinds[index] for index in chosen.tolist()]


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
    f1: F1Score
    fmr: Rate
    fnmr: Rate
    failure_to_acquire: Rate

    @classmethod
    def of(cls, expected: Iterable[Expected], answered: Iterable[Answer], *named: str) -> Self:
        """Count n cases: the right answers beside those that came; `named` are further fields of a subclass."""
        counts = Counter(zip(expected, answered, strict=True))
        of_expected = {one: sum(counts[one, answer] for answer in Answer) for one in Expected}
        of_answer = {one: sum(counts[truth, one] for truth in Expected) for one in Answer}
        tp, fn = counts[Expected.MATCH, Answer.MATCH], counts[Expected.MATCH, Answer.NO_MATCH]
        fp, tn = counts[Expected.NO_MATCH, Answer.MATCH], counts[Expected.NO_MATCH, Answer.NO_MATCH]
        matches, said_match = of_expected[Expected.MATCH], of_answer[Answer.MATCH]
        pairs, to_refuse = matches + of_expected[Expected.NO_MATCH], of_expected[Expected.ERROR]
        refused = counts[Expected.ERROR, Answer.REFUSED]
        return cls(
            pairs + to_refuse,
            tp,
            tn,
            fp,
            fn,
            refused,
            of_answer[Answer.REFUSED] - refused,
            to_refuse - refused - counts[Expected.ERROR, Answer.FAILED],
            of_answer[Answer.FAILED],
            Rate(tp + tn + refused, pairs + to_refuse),
            Rate(tp + tn, pairs),
            Rate(refused, to_refuse),
            Rate(tp, said_match),
            Rate(tp, matches),
            F1Score(tp, matches + said_match - 2 * tp),
            Rate(fp, fp + tn),
            Rate(fn, fn + tp),
            Rate(pairs - tp - tn - fp - fn, pairs),
            *named,
        )


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
