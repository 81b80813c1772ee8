"""Which quality measure is worth asking for: errors that remain when the worst images are turned away."""

from dataclasses import dataclass

import numpy as np

from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.scored_pairs import Flags

REJECTED = tuple(step / 100 for step in range(0, 31, 5))
LEAST_PAIRS = 100


@dataclass(frozen=True, slots=True)
class ErrorAgainstRejection:
    """FNMR (0-1) of the `pairs` that remain as each share of `rejected` (0-1), the lowest quality, is turned away."""

    measure: str
    pairs: int
    rejected: tuple[float, ...]
    fnmr: tuple[float, ...]

    @property
    def gain(self) -> float:
        """Mean share of the errors that rejection takes away, 0-1; 0 where there is none, negative where it harms."""
        return 1 - float(np.mean(self.fnmr)) / self.fnmr[0] if self.fnmr[0] else 0.0


def error_against_rejection(
    measure: str, quality: Scores, errors: Flags, rejected: tuple[float, ...] = REJECTED
) -> ErrorAgainstRejection | None:
    """The curve of one measure at one threshold; None with too few matches to tell.

    Args:
        measure: its name.
        quality: (n,) of each match: the lower of its two images' scores; NaN where there is none. Higher is better.
        errors: (n,) whether the match is a false non-match. Images of equal quality share them evenly: which of them is
            turned away first is arbitrary.
        rejected: shares to turn away, rising from 0.

    Source: P. Grother, E. Tabassi, IEEE TPAMI 29 (2007) 531; ISO/IEC 29794-1 calls it the error versus discard
    characteristic.
    """
    known = ~np.isnan(quality)
    quality, errors = quality[known], errors[known]
    if quality.size < LEAST_PAIRS:
        return None
    order = np.argsort(quality, kind="stable")
    _, group, members = np.unique(quality[order], return_inverse=True, return_counts=True)
    spread = (np.bincount(group, weights=errors[order].astype(np.float64)) / members)[group]
    gone = np.concatenate([[0.0], np.cumsum(spread)])
    counts = [int(share * quality.size) for share in rejected]
    total = float(errors.sum())
    remaining = tuple(float((total - gone[count]) / (quality.size - count)) for count in counts)
    return ErrorAgainstRejection(measure, int(quality.size), rejected, remaining)
