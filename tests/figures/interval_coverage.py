"""How often the evaluation's 95 % intervals hold the true rate, by simulation of persons who are alike or unlike.

    python -m tests.figures.interval_coverage [--repeats 400]

Each person has a tendency to be confused, each image another; the score of a pair is the sum of both persons', both
images' and its own noise, so that the true rates are known from the normal distribution. Every pair of images of
different persons is a non-match, every pair of one person's images a match. "As pairs" takes pairs as independent.
"""

import argparse
import itertools
import math

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import stats

from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import UNKNOWN, ScoredPairs
from face_validation.evaluation.statistics.persons import ErrorRateMeter

IMAGES = 2
DEPENDENCE = {"none": (0.0, 0.0), "some": (0.05, 0.05), "strong": (0.15, 0.1)}
RATES = (0.01, 0.001, 0.0001)
MATCH_IMAGES = 5  # ten matches a person: FNMR is measured on far fewer pairs than FMR


def non_matches(random: np.random.Generator, persons: int, of_person: float, of_image: float) -> ScoredPairs:
    """All pairs of images of different persons; scores are standard normal."""
    person = np.repeat(np.arange(persons, dtype=np.int32), IMAGES)
    own = np.repeat(random.normal(0, math.sqrt(of_person), persons), IMAGES)
    own = own + random.normal(0, math.sqrt(of_image), own.size)
    first, second = np.triu_indices(own.size, 1)
    apart = person[first] != person[second]
    first, second = first[apart], second[apart]
    noise = random.normal(0, math.sqrt(1 - 2 * of_person - 2 * of_image), first.size)
    return _pairs(own[first] + own[second] + noise, person[first], person[second], is_match=False)


def matches(random: np.random.Generator, persons: int, of_person: float, of_image: float) -> ScoredPairs:
    """All pairs of images of one person; scores are standard normal."""
    first, second = np.triu_indices(MATCH_IMAGES, 1)
    image = random.normal(0, math.sqrt(of_image), (persons, MATCH_IMAGES))
    own = random.normal(0, math.sqrt(2 * of_person), (persons, 1))
    noise = random.normal(0, math.sqrt(1 - 2 * of_person - 2 * of_image), (persons, first.size))
    scores = own + image[:, first] + image[:, second] + noise
    person = np.repeat(np.arange(persons, dtype=np.int32), first.size)
    return _pairs(scores.ravel(), person, person, is_match=True)


def _pairs(
    scores: NDArray[np.float64], source: NDArray[np.int32], target: NDArray[np.int32], *, is_match: bool
) -> ScoredPairs:
    unknown = np.full(scores.size, UNKNOWN, np.int32)
    return ScoredPairs(scores, np.full(scores.size, is_match), source, target, unknown, unknown)


def coverage(kind: str, persons: int, dependence: str, rate: float, repeats: int) -> tuple[float, float, float]:
    """Share of intervals over persons that hold `rate` (0-1), of intervals as pairs, and the mean number of errors."""
    random = np.random.default_rng(persons)
    threshold = float(stats.norm.isf(rate) if kind == "FMR" else stats.norm.ppf(rate))
    held, held_as_pairs, errors = 0, 0, 0
    for _ in range(repeats):
        drawn = (non_matches if kind == "FMR" else matches)(random, persons, *DEPENDENCE[dependence])
        meter = ErrorRateMeter(drawn)
        measured = meter.fmr(threshold) if kind == "FMR" else meter.fnmr(threshold)
        for interval, over_persons in ((measured.interval, True), (Rate(measured.hits, measured.of).interval, False)):
            holds = interval is not None and interval[0] <= rate <= interval[1]
            held += holds and over_persons
            held_as_pairs += holds and not over_persons
        errors += measured.hits
    return held / repeats, held_as_pairs / repeats, errors / repeats


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--persons", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--kinds", nargs="+", default=["FMR", "FNMR"], choices=["FMR", "FNMR"])
    parser.add_argument("--dependence", nargs="+", default=list(DEPENDENCE), choices=list(DEPENDENCE))
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    arguments = parser.parse_args()
    table = Table(box=box.SIMPLE_HEAD, title="Intervals that hold the true rate, percent", title_justify="left")
    for column in ("rate", "persons", "dependence", "true", "errors", "over persons", "as pairs"):
        table.add_column(column, justify="right")
    chosen = (arguments.kinds, arguments.persons, arguments.dependence, arguments.rates)
    for kind, persons, dependence, rate in itertools.product(*chosen):
        held, as_pairs, errors = coverage(kind, persons, dependence, rate, arguments.repeats)
        row = (kind, str(persons), dependence, f"{rate:g}", f"{errors:.1f}")
        table.add_row(*row, f"{held * 100:.1f}", f"{as_pairs * 100:.1f}")
        print(*row, held, as_pairs, flush=True)
    Console().print(table)


if __name__ == "__main__":
    main()
