"""The measures of a face's quality: unit, score and limit of each.

Names and formulas follow ISO/IEC 29794-5 where the measure is that one; no conformance is claimed. The standard's own
reference implementation is github.com/BSI-OFIQ/OFIQ-Project. Sharpness is a measure of our own under the standard's
name, for the standard's is a trained model; the chin, which head size and margins need, is not among Rekognition's
landmarks and is estimated (`CHIN`).
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from face_validation_function.reasons import Reason

# The distance from eyes to chin, in distances from eyes to mouth.
CHIN = 1.8


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one face: `value` in the measure's own unit, `score` 0-100, higher is better."""

    value: float
    score: float


Quality = Mapping[str, Measured]
"""Every measure of one face, under the names of `SCALES`, which are those of requests and answers."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure is read: unit and meaning, the score of a value, and from which score down it is a reason.

    `shortcoming` is the reason without its side, for values below `middle`; `other` for values from there on.
    `limit` 0 means that the measure never gives a reason by itself, only when `min_quality` asks for it.
    """

    meaning: str
    unit: str
    score: Callable[[float], float]
    shortcoming: str
    limit: float
    other: str = ""
    middle: float = math.inf

    def reason(self, side: str, value: float) -> Reason:
        """What is wrong with the compared face of `side` (source or target) when its score is too low."""
        kind = self.shortcoming if value < self.middle else self.other
        return Reason(f"{side.upper()}_FACE_{kind}")


def _rise(value: float, middle: float, width: float) -> float:
    """0 to 1, one half at `middle`."""
    # Beyond 60 widths it is 0 or 1 to every digit, and exp would overflow further on.
    return 1 / (1 + math.exp(min(60.0, max(-60.0, (middle - value) / width))))


def _upright(degrees: float) -> float:
    return 100 * max(0.0, math.cos(math.radians(degrees))) ** 2


def _from(middle: float, width: float) -> Callable[[float], float]:
    return lambda value: 100 * _rise(value, middle, width)


_SCORES: Mapping[str, Callable[[float], float]] = {
    "inter_eye_distance": _from(70, 20),
    "head_size": lambda value: 200 * (1 - _rise(abs(value - 0.45), 0, 0.05)),
    "leftward_crop": _from(0.9, 0.1),
    "rightward_crop": _from(0.9, 0.1),
    "margin_above": _from(1.4, 0.1),
    "margin_below": _from(1.8, 0.1),
    "head_pose_yaw": _upright,
    "head_pose_pitch": _upright,
    "head_pose_roll": _upright,
    "luminance_mean": lambda value: 100 * _rise(value, 0.2, 0.05) * (1 - _rise(value, 0.8, 0.05)),
    "luminance_variance": lambda value: 100 * math.sin(math.pi * 60 * value / (60 * value + 1)),
    "under_exposure_prevention": lambda value: 100 * (1 - _rise(value, 0.92, 0.05)),
    "over_exposure_prevention": lambda value: 1 / (0.01 + value),
    "dynamic_range": lambda value: 100 * value / 8,
    "illumination_uniformity": lambda value: 100 * value**0.3,
    "sharpness": _from(0.18, 0.05),
}
# Meanings, units and limits are in `measures.json`.
_TOLD = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
SCALES = {name: Scale(score=score, **_TOLD[name]) for name, score in _SCORES.items()}


def measured(values: Mapping[str, float]) -> Quality:
    """Each value with its score."""
    return {name: Measured(value, min(100.0, max(0.0, SCALES[name].score(value)))) for name, value in values.items()}


def shortcomings(quality: Quality, side: str, least: Mapping[str, float] | None = None) -> list[Reason]:
    """What is wrong with a side's face, each reason once: scores below `least`, or else below the table's limits."""
    limits = {name: scale.limit for name, scale in SCALES.items()} if least is None else least
    low = {name: found for name, found in quality.items() if name in limits and found.score < limits[name]}
    return list(dict.fromkeys(SCALES[name].reason(side, found.value) for name, found in low.items()))
