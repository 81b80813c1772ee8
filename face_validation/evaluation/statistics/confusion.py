"""What was expected and what came: every case counted once, and the rates that follow at one threshold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

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
