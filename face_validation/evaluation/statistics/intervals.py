"""How sure a measured rate is: intervals of proportions and the test of two runs on the same cases."""

import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from pydantic import model_serializer

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % point: two-sided 95 % intervals


@dataclass(frozen=True, slots=True)
class Measured:
    """A ratio with its 95 % interval, as JSON holds it.

    `independent` is the number of independent cases behind the interval, where a bootstrap has measured it.
    """

    value: float
    low: float
    high: float
    hits: int | None = None
    of: int | None = None
    independent: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends, as `Rate` has them."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of` cases, as a ratio 0-1 with its 95 % interval; all None where there is no case.

    `effective` is how many independent cases tell as much as these `of` do, where a bootstrap over persons has measured
    it (`persons.PersonBootstrap`); None takes every case as independent.
    """

    hits: int
    of: int
    effective: float | None = None

    @classmethod
    def counted(cls, flags: NDArray[np.bool_]) -> "Rate":
        """The share of flags that are set."""
        return cls(int(np.count_nonzero(flags)), int(flags.size))

    @property
    def value(self) -> float | None:
        """The ratio itself."""
        return self.hits / self.of if self.of else None

    @property
    def independent(self) -> float:
        """The number of independent cases that the interval is made of."""
        return float(self.of) if self.effective is None else self.effective

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % score interval, which keeps its promise near 0 and 1 and for few cases, unlike +-1.96 sigma.

        SciPy has it for whole numbers only (`binomtest`), and an effective number of cases is not whole.

        Source: E. B. Wilson, JASA 22 (1927) 209; L. D. Brown et al., Statistical Science 16 (2001) 101.
        """
        if not self.of:
            return None
        n, p, z2 = self.independent, self.hits / self.of, Z_95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        # At 0 and all hits the bound is 0 or 1 exactly; the arithmetic alone would miss it by a rounding error.
        return (0.0 if self.hits == 0 else centre - half), (1.0 if self.hits == self.of else centre + half)

    @model_serializer
    def measured(self) -> Measured | None:
        """Value, interval and counts; None where there is no case."""
        if self.value is None or self.interval is None:
            return None
        return Measured(self.value, *self.interval, self.hits, self.of, self.effective)


def f1_score(true_positives: int, wrong: int) -> Measured | None:
    """F1 = 2 TP / (2 TP + FP + FN) with its 95 % interval, `wrong` being FP + FN; None where both are 0.

    F1 = 2 J / (1 + J) grows with J = TP / (TP + FP + FN), which is a proportion: its Wilson interval, put through the
    same formula, is F1's. It needs no resampling, and unlike a bootstrap's it does not shrink to nothing at F1 = 1.
    """
    share = Rate(true_positives, true_positives + wrong)
    if share.value is None or share.interval is None:
        return None
    value, low, high = (2 * one / (1 + one) for one in (share.value, *share.interval))
    return Measured(value, low, high)


def cases_needed(value: float, limit: float) -> int | None:
    """Independent cases after which a rate that stays at `value` is told from `limit` (both 0-1); None where equal.

    Wilson's interval inverts the score test: `limit` lies outside it once n (value - limit)^2 > z^2 limit (1 - limit).
    """
    return None if value == limit else math.floor(Z_95**2 * limit * (1 - limit) / (value - limit) ** 2) + 1


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """P-value (two-sided, exact) that two runs are equally right, by the cases that only one of them has right.

    Source: Q. McNemar, Psychometrika 12 (1947) 153; the exact form is a sign test, binomial with p = 1/2.
    """
    # In whole numbers, not by `scipy.stats.binomtest`: importing SciPy would take a fifth of a whole comparison.
    changed, fewer = only_first + only_second, min(only_first, only_second)
    ways = accumulate(range(fewer), lambda ways, done: ways * (changed - done) // (done + 1), initial=1)
    return float(min(1.0, 2 * sum(ways) / 2**changed))
