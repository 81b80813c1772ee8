"""The arithmetic of verification and identification: from similarities to error rates, curves and thresholds.

A similarity is 0-100 and means "same person" when it is **>=** the threshold. Rates are of ISO/IEC 19795-1:

- FMR, false match rate: the share of non-match scores at or above the threshold.
- FNMR, false non-match rate: the share of match scores below it.
- Both count scored cases only. A refused case has no score: it is counted in `Tally`, as a wrong answer.

numpy and nothing else; scikit-learn checks every figure in the tests.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evaluation.intervals import F1Score, Rate

Scores = NDArray[np.float64]
FMR_TARGETS = (0.01, 0.001, 0.0001)


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
class Tally:
    """How many cases were answered how: the confusion matrix, and all rates at one threshold that follow from it.

    A failure is never right, whatever was expected; a refusal is right when it was expected and only then.
    """

    counts: Mapping[tuple[Expected, Answer], int]

    @classmethod
    def of(cls, expected: Iterable[Expected], answered: Iterable[Answer]) -> "Tally":
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


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """FMR and FNMR (both (k,), 0-1) at `thresholds` ((k,), rising): every score that occurs, and one above them all.

    Between two neighbours nothing changes. A rate is NaN where its class has no score.
    """

    thresholds: Scores
    fmr: Scores
    fnmr: Scores


def error_rates(match_scores: Scores, non_match_scores: Scores) -> ErrorRates:
    """Both error rates at every threshold that can tell scores apart; (n,) and (m,) similarities 0-100."""
    scores = np.unique(np.concatenate([match_scores, non_match_scores]))
    thresholds = np.append(scores, np.nextafter(scores[-1], np.inf)) if scores.size else scores
    return ErrorRates(
        thresholds=thresholds,
        fmr=1.0 - _share_below(non_match_scores, thresholds),
        fnmr=_share_below(match_scores, thresholds),
    )


def _share_below(scores: Scores, thresholds: Scores) -> Scores:
    """Ratio of `scores` (n,) below each of `thresholds` (k,): (k,), NaN for n = 0."""
    if not scores.size:
        return np.full(thresholds.shape, np.nan)
    return np.searchsorted(np.sort(scores), thresholds, side="left") / scores.size


def area_under_curve(match_scores: Scores, non_match_scores: Scores) -> float | None:
    """AUC: the chance that a match scores above a non-match, ties counted half; None where a class is empty.

    Source: the Mann-Whitney statistic; J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    if not match_scores.size or not non_match_scores.size:
        return None
    others = np.sort(non_match_scores)
    below = np.searchsorted(others, match_scores, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(others, match_scores, side="right").sum(dtype=np.int64)
    return float((below + not_above) / (2.0 * match_scores.size * non_match_scores.size))


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """The rate (0-1) at which FMR and FNMR meet, and the threshold (0-100) nearest to that point."""

    rate: float
    threshold: float


def equal_error_rate(rates: ErrorRates) -> EqualErrorRate | None:
    """Where the ROC, joined by straight lines, crosses FMR = FNMR; None where a class is empty."""
    if not rates.thresholds.size or np.isnan(rates.fmr[0]) or np.isnan(rates.fnmr[0]):
        return None
    gap = rates.fmr - rates.fnmr  # falls from 1 at the lowest threshold to -1 above the highest
    after = int(np.argmax(gap <= 0))
    before = after - 1
    along = gap[before] / (gap[before] - gap[after])
    rate = rates.fmr[before] + along * (rates.fmr[after] - rates.fmr[before])
    nearest = after if along > 0.5 else before
    return EqualErrorRate(float(rate), float(rates.thresholds[nearest]))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The lowest threshold whose measured FMR is at most `target_fmr`, what it costs, and how far to believe it.

    `threshold` can lie above 100 by one rounding step: then even a similarity of 100 is reached by a non-match.
    """

    target_fmr: float
    threshold: float
    fmr: Rate
    fnmr: Rate
    warning: str


def operating_point(match_scores: Scores, non_match_scores: Scores, target_fmr: float) -> OperatingPoint | None:
    """The threshold for a wanted FMR (0-1); None where there is no non-match score.

    Two rules of thumb say whether the data can carry it. Rule of 3: without any false match among n non-matches, FMR
    is below 3 / n with 95 % confidence. Rule of 30: with 30 errors, a rate is within 30 % of the truth with 90 %
    confidence (G. Doddington et al., Speech Communication 31 (2000) 225).
    """
    if not non_match_scores.size:
        return None
    rates = error_rates(match_scores, non_match_scores)
    at = int(np.argmax(rates.fmr <= target_fmr))
    threshold = float(rates.thresholds[at])
    return OperatingPoint(
        target_fmr=target_fmr,
        threshold=threshold,
        fmr=Rate(int(np.count_nonzero(non_match_scores >= threshold)), int(non_match_scores.size)),
        fnmr=Rate(int(np.count_nonzero(match_scores < threshold)), int(match_scores.size)),
        warning=_small_data_warning(int(non_match_scores.size), target_fmr),
    )


def _small_data_warning(non_matches: int, target_fmr: float) -> str:
    enough_to_say, enough_to_trust = math.ceil(3 / target_fmr - 1e-9), math.ceil(30 / target_fmr - 1e-9)
    if non_matches < enough_to_say:
        return f"The data cannot say: {non_matches} non-matches; this rate needs at least {enough_to_say} (rule of 3)."
    if non_matches < enough_to_trust:
        return f"Rough: {non_matches} non-matches, and a steady figure needs {enough_to_trust} (rule of 30)."
    return ""


@dataclass(frozen=True, slots=True)
class IdentificationRates:
    """Who-is-this rates (both (k,), 0-1) at `thresholds` ((k,), rising).

    Attributes:
        thresholds: every score that occurs, and one above them all.
        rank_one: true positive identification rate: known probes whose best candidate is the right person and reaches
            the threshold. NaN without known probes.
        fpir: false positive identification rate: impostors (nobody enrolled) for whom any candidate reaches it. NaN
            without impostors.
    """

    thresholds: Scores
    rank_one: Scores
    fpir: Scores


def identification_rates(
    known_scores: Scores, known_right: NDArray[np.bool_], impostor_scores: Scores
) -> IdentificationRates:
    """Rank-1 rate of known probes and FPIR of impostors against threshold (ISO/IEC 19795-1).

    Args:
        known_scores: (n,) similarity 0-100 of each known probe's best candidate, NaN where it was refused or had none.
        known_right: (n,) whether that candidate is the person.
        impostor_scores: (m,) similarity of each impostor's best candidate, NaN likewise.
    """
    seen = np.concatenate([known_scores, impostor_scores])
    scores = np.unique(seen[~np.isnan(seen)])
    top = scores[-1] if scores.size else 100.0
    thresholds = np.append(scores, np.nextafter(top, np.inf))
    # NaN is below every threshold: nobody was named.
    right = np.where(known_right & ~np.isnan(known_scores), known_scores, -np.inf)
    named = np.where(np.isnan(impostor_scores), -np.inf, impostor_scores)
    return IdentificationRates(
        thresholds=thresholds,
        rank_one=1.0 - _share_below(right, thresholds),
        fpir=1.0 - _share_below(named, thresholds),
    )
