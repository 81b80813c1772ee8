"""How good a verifier is on photographs it never saw, beside the plain distance to the person's mean descriptor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.statistics.error_rates import area_under_curve
from face_validation.evaluation.statistics.intervals import Rate, f1_score
from face_validation.evaluation.statistics.operating_points import Support, support_of, threshold_for
from person_verifier.training.model import ModelMetrics, StoredPart
from person_verifier.training.regression import Samples, split, train

# Each half of the photographs is judged by what was trained on the other half.
HALVES = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """How the threshold comes about: `fixed` (0-1), or by validation scores for a false match rate `fmr` (0-1)."""

    fixed: float | None
    fmr: float = 0.01

    def choose(self, scores: Floats, is_me: NDArray[np.bool_]) -> float:
        """The threshold, given held-out scores (n,)."""
        if self.fixed is not None:
            return self.fixed
        found = threshold_for(scores, is_me, self.fmr)
        # At a score of 1 no threshold above is left to choose.
        return 1.0 if found is None else min(1.0, found)

    def doubts(self, is_me: NDArray[np.bool_]) -> list[str]:
        """Why (n,) held-out photographs cannot carry the wanted rate; empty where they do, or none is wanted."""
        others = int(np.count_nonzero(~is_me))
        support, needed = support_of(others, self.fmr)
        if self.fixed is not None or support is Support.STEADY:
            return []
        if support is Support.ROUGH:
            return [f"Rough: {others} non-matches, and a steady figure needs {needed} (rule of 30)."]
        return [f"The data cannot say: {others} non-matches; this rate needs at least {needed} (rule of 3)."]

    def __str__(self) -> str:
        return "given" if self.fixed is not None else f"auto: false match rate {self.fmr:g} on validation scores"


class Counts(StoredPart):
    """How many photographs were answered how; those without a face are wrong answers of their class."""

    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    faceless_me: int
    faceless_not_me: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores (n,) of photographs by one method, NaN where there is no face; "me" from `thresholds` (n,) on."""

    is_me: NDArray[np.bool_]
    scores: Floats
    thresholds: Floats

    @property
    def counts(self) -> Counts:
        """How many were answered how."""
        faceless = np.isnan(self.scores)
        counted = {
            "true_positives": self.is_me & (self.scores >= self.thresholds),
            "false_negatives": self.is_me & (self.scores < self.thresholds),
            "true_negatives": ~self.is_me & (self.scores < self.thresholds),
            "false_positives": ~self.is_me & (self.scores >= self.thresholds),
            "faceless_me": self.is_me & faceless,
            "faceless_not_me": ~self.is_me & faceless,
        }
        return Counts(**{name: int(np.count_nonzero(flags)) for name, flags in counted.items()})

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(n,) which faces were answered wrongly."""
        return np.asarray(~np.isnan(self.scores) & ((self.scores >= self.thresholds) != self.is_me))

    @property
    def match_scores(self) -> Floats:
        """Scores of the person's photographs that have one."""
        return self.scores[self.is_me & ~np.isnan(self.scores)]

    @property
    def non_match_scores(self) -> Floats:
        """Scores of other people's photographs that have one."""
        return self.scores[~self.is_me & ~np.isnan(self.scores)]

    @property
    def metrics(self) -> ModelMetrics:
        """The rates with their 95 % intervals, and the area under the ROC curve."""
        counts = self.counts
        tp, fp = counts.true_positives, counts.false_positives
        mine = tp + counts.false_negatives + counts.faceless_me
        return ModelMetrics(
            accuracy=Rate(tp + counts.true_negatives, len(self.is_me)).measured(),
            precision=Rate(tp, tp + fp).measured(),
            recall=Rate(tp, mine).measured(),
            f1=f1_score(tp, mine - tp + fp),
            auc=area_under_curve(self.match_scores, self.non_match_scores),
        )


def assess(samples: Samples, rule: ThresholdRule, advance: Callable[[], None]) -> tuple[Judged, Judged]:
    """Judge every sample by a verifier that saw neither it nor its group: each half by what the other half taught.

    C and threshold are chosen inside the half that is trained on. The second answer is the plain baseline's.
    """
    scores, thresholds, closeness, limits = np.empty((4, len(samples)))
    for seen, unseen in split(samples, HALVES):
        training = train(samples[seen])
        scores[unseen] = training.classifier.scores(samples.vectors[unseen])
        thresholds[unseen] = rule.choose(training.validation_scores, samples.is_me[seen])
        mean = samples[seen].vectors[samples.is_me[seen]].mean(axis=0)
        closeness[unseen] = -np.linalg.norm(samples.vectors[unseen] - mean, axis=1)
        limits[unseen] = baseline_limit(-np.linalg.norm(samples.vectors[seen] - mean, axis=1), samples.is_me[seen])
        advance()
    return Judged(samples.is_me, scores, thresholds), Judged(samples.is_me, closeness, limits)


def with_faceless(judged: Judged, is_me: NDArray[np.bool_]) -> Judged:
    """The same with photographs added in which no face was found: they count as wrong answers, they are not dropped."""
    limits = np.full(len(is_me), judged.thresholds[:1].max(initial=0.0))
    return Judged(
        np.append(judged.is_me, is_me),
        np.append(judged.scores, np.full(len(is_me), np.nan)),
        np.append(judged.thresholds, limits),
    )


def baseline_limit(closeness: Floats, is_me: NDArray[np.bool_]) -> float:
    """The limit of closeness (n,) that has the best mean of both classes' accuracies on the samples it is chosen on."""
    values = np.unique(closeness)
    limits = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    recall = (closeness[is_me][None] >= limits[:, None]).mean(axis=1)
    rejected = (closeness[~is_me][None] < limits[:, None]).mean(axis=1)
    return float(limits[np.argmax(recall + rejected)])
