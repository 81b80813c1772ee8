"""From descriptors to a model: standardised, a regularised logistic regression, C by grouped cross-validation."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from person_verifier.errors import VerifierError

C_GRID = tuple(float(c) for c in np.logspace(-3, 1, 9))
# The distance alone nearly tells the person apart, so it is penalised 100 times less than the single directions: these
# then correct it where they know better. Weights of 3 to 10 measured alike, and better than 1.
DISTANCE_WEIGHT = 10.0
FOLDS = 5
SEED = 0
MIN_SHOTS_OF_ME, MIN_SHOTS_OF_OTHERS = 10, 30


@dataclass(frozen=True, slots=True)
class Samples:
    """Descriptors to train on or to judge.

    `vectors` is (n, d); `is_me` (n,) booleans; `groups` (n,) integers: samples of one group never lie on both sides of
    a split.
    """

    vectors: NDArray[np.float64]
    is_me: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.is_me)

    def __getitem__(self, rows: NDArray[np.int64]) -> "Samples":
        return Samples(self.vectors[rows], self.is_me[rows], self.groups[rows])


@dataclass(frozen=True, slots=True)
class Classifier:
    """A logistic regression on standardised features: a descriptor's d numbers, and its distance to the person's mean.

    `person` is that mean descriptor, (d,); `mean`, `scale` and `coefficients` are (d + 1,).
    """

    person: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercept: float

    def logits(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, d) descriptors -> (n,) log odds of being the person."""
        features = with_distance(vectors, self.person)
        return np.asarray((features - self.mean) / self.scale @ self.coefficients + self.intercept)

    def scores(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, d) descriptors -> (n,) probabilities (0-1) of being the person."""
        return np.asarray(expit(self.logits(vectors)))


@dataclass(frozen=True, slots=True)
class Training:
    """A classifier and how it came about: C, and `validation_scores` (n,), each by one that never saw its group."""

    classifier: Classifier
    c: float
    validation_scores: NDArray[np.float64]


def train(samples: Samples) -> Training:
    """Choose C by the balanced log loss of held-out groups, then train on everything."""
    with threadpool_limits(1):
        validation = {c: np.empty(len(samples)) for c in C_GRID}
        for c, (seen, unseen) in product(C_GRID, split(samples, FOLDS)):
            validation[c][unseen] = fit(samples[seen], c).logits(samples.vectors[unseen])
        c = min(C_GRID, key=lambda c: balanced_log_loss(validation[c], samples.is_me))
        return Training(fit(samples, c), c, expit(validation[c]))


def fit(samples: Samples, c: float) -> Classifier:
    """One logistic regression with balanced classes and L2 penalty 1/c."""
    mine = samples.vectors[samples.is_me]
    person = mine.mean(axis=0)
    features = with_distance(samples.vectors, person)
    # Each of the person's own samples is part of the mean: without it, it would be n / (n - 1) times as far away.
    features[samples.is_me, -1] *= len(mine) / (len(mine) - 1)
    scaler = StandardScaler().fit(features)
    scale = scaler.scale_.copy()
    scale[-1] /= DISTANCE_WEIGHT
    regression = LogisticRegression(C=c, class_weight="balanced", max_iter=2000)
    regression.fit((features - scaler.mean_) / scale, samples.is_me)
    return Classifier(person, scaler.mean_, scale, regression.coef_[0], float(regression.intercept_[0]))


def with_distance(vectors: NDArray[np.floating], person: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, d) descriptors -> (n, d + 1): each with its Euclidean distance to the person's mean descriptor."""
    return np.hstack([vectors, np.linalg.norm(vectors - person, axis=1, keepdims=True)])


def split(samples: Samples, count: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """`count` times (rows to train on, rows held out): both classes on each side, no group on both, ever the same."""
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=SEED)
    return list(folds.split(samples.vectors, samples.is_me, samples.groups))


def require_enough(samples: Samples) -> None:
    """Raise VerifierError, with what to do, at fewer different shots than any model can be trained from."""
    mine, others = (len(np.unique(samples.groups[samples.is_me == side])) for side in (True, False))
    if mine < MIN_SHOTS_OF_ME:
        raise VerifierError(
            f"Too few photos of the person: {mine} different shots with a face in me/. At least {MIN_SHOTS_OF_ME} are "
            "needed, 40 to 50 advised. Add photos from other days, places and light; copies of a shot count once."
        )
    if others < MIN_SHOTS_OF_OTHERS:
        raise VerifierError(
            f"Too few photos of others: {others} different people or shots with a face in not_me/. At least "
            f"{MIN_SHOTS_OF_OTHERS} are needed, 200 to 400 photos advised. Add photos of many different people."
        )


def balanced_log_loss(logits: NDArray[np.float64], is_me: NDArray[np.bool_]) -> float:
    """Mean over both classes of the mean negative log likelihood."""
    losses = np.logaddexp(0, np.where(is_me, -logits, logits))
    return float((losses[is_me].mean() + losses[~is_me].mean()) / 2)
