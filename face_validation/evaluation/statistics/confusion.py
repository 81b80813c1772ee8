"""What was expected and what came: every case counted once, and the rates that follow at one threshold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.intervals import F1Score, Rate

Scores = NDArray[np.float64]
"""Similarities, percent 0-100."""


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
    """The answer to each of n cases at `threshold` (0-100).

    Args:
        similarity: (n,) percent 0-100, NaN where there is no score.
        failed: (n,) whether a case without score failed; otherwise it was refused.
        threshold: match when similarity >= it.
    """
    scored = ~np.isnan(similarity)
    chosen = np.select([scored & (similarity >= threshold), scored, failed], [0, 1, 3], default=2)
    kinds = tuple(Answer)
    return [kinds[index] for index in chosen]


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How many cases were answered how: the confusion matrix, and all rates at one threshold that follow from it.

    A failure is never right, whatever was expected; a refusal is right when it was expected and only then.
    """

    counts: Mapping[tuple[Expected, Answer], int]

    @classmethod
    def of(cls, expected: Iterable[Expected], answered: Iterable[Answer]) -> "ConfusionMatrix":
        """Count n cases: the right answers beside those that came."""
        return cls(Counter(zip(expected, answered, strict=True)))

    def count(self, expected: Expected | None = None, answer: Answer | None = None) -> int:
        """Cases with this expectation and this answer; None stands for any."""
        return sum(
            number
            for (truth, answered), number in self.counts.items()
            if expected in (None, truth) and answer in (None, answered)
        )

    @property
    def cases(self) -> int:
        """All of them."""
        return self.count()

    @property
    def true_positives(self) -> int:
        """Expected match, answered match."""
        return self.count(Expected.MATCH, Answer.MATCH)

    @property
    def true_negatives(self) -> int:
        """Expected no match, answered no match."""
        return self.count(Expected.NO_MATCH, Answer.NO_MATCH)

    @property
    def false_positives(self) -> int:
        """Expected no match, answered match."""
        return self.count(Expected.NO_MATCH, Answer.MATCH)

    @property
    def false_negatives(self) -> int:
        """Expected match, answered no match; refused ones are in `unexpected_errors`."""
        return self.count(Expected.MATCH, Answer.NO_MATCH)

    @property
    def expected_errors(self) -> int:
        """Expected a refusal, refused."""
        return self.count(Expected.ERROR, Answer.REFUSED)

    @property
    def unexpected_errors(self) -> int:
        """Pairs of two faces that were refused."""
        return self.count(answer=Answer.REFUSED) - self.expected_errors

    @property
    def missing_errors(self) -> int:
        """Expected a refusal, but got a decision."""
        return self.count(Expected.ERROR, Answer.MATCH) + self.count(Expected.ERROR, Answer.NO_MATCH)

    @property
    def failures(self) -> int:
        """5xx answers, and cases that got none."""
        return self.count(answer=Answer.FAILED)

    @property
    def accuracy(self) -> Rate:
        """Right answers of all cases: TP + TN + expected errors. A refused pair and every failure are wrong."""
        return Rate(self.true_positives + self.true_negatives + self.expected_errors, self.count())

    @property
    def pair_accuracy(self) -> Rate:
        """Right answers of the cases with two faces: (TP + TN) / (expected match + expected no match)."""
        return Rate(self.true_positives + self.true_negatives, self._pairs)

    @property
    def error_accuracy(self) -> Rate:
        """Refused, of the cases to be refused."""
        return Rate(self.expected_errors, self.count(Expected.ERROR))

    @property
    def precision(self) -> Rate:
        """Right among the answers "same person", those to cases that should have been refused included."""
        return Rate(self.true_positives, self.count(answer=Answer.MATCH))

    @property
    def recall(self) -> Rate:
        """Recognised, of the cases expected to match: a refused or failed one was not recognised."""
        return Rate(self.true_positives, self.count(Expected.MATCH))

    @property
    def f1(self) -> F1Score:
        """Harmonic mean of precision and recall."""
        missed = self.count(Expected.MATCH) - self.true_positives
        undue = self.count(answer=Answer.MATCH) - self.true_positives
        return F1Score(self.true_positives, missed + undue)

    @property
    def fmr(self) -> Rate:
        """False matches of the scored non-matches."""
        return Rate(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def fnmr(self) -> Rate:
        """False non-matches of the scored matches."""
        return Rate(self.false_negatives, self.false_negatives + self.true_positives)

    @property
    def failure_to_acquire(self) -> Rate:
        """Pairs of two faces that got no score: refused or failed."""
        scored = self.true_positives + self.false_negatives + self.false_positives + self.true_negatives
        return Rate(self._pairs - scored, self._pairs)

    @property
    def _pairs(self) -> int:
        return self.count(Expected.MATCH) + self.count(Expected.NO_MATCH)
