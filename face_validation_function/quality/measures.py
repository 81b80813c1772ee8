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
from enum import StrEnum
from pathlib import Path

from face_validation_function.reasons import Reason

# The distance from eyes to chin, in distances from eyes to mouth.
CHIN = 1.8


class QualityMeasure(StrEnum):
    """The names in requests and answers."""

    INTER_EYE_DISTANCE = "inter_eye_distance"
    HEAD_SIZE = "head_size"
    LEFTWARD_CROP = "leftward_crop"
    RIGHTWARD_CROP = "rightward_crop"
    MARGIN_ABOVE = "margin_above"
    MARGIN_BELOW = "margin_below"
    HEAD_POSE_YAW = "head_pose_yaw"
    HEAD_POSE_PITCH = "head_pose_pitch"
    HEAD_POSE_ROLL = "head_pose_roll"
    LUMINANCE_MEAN = "luminance_mean"
    LUMINANCE_VARIANCE = "luminance_variance"
    UNDER_EXPOSURE_PREVENTION = "under_exposure_prevention"
    OVER_EXPOSURE_PREVENTION = "over_exposure_prevention"
    DYNAMIC_RANGE = "dynamic_range"
    ILLUMINATION_UNIFORMITY = "illumination_uniformity"
    SHARPNESS = "sharpness"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one face: `value` in the measure's own unit, `score` 0-100, higher is better."""

    value: float
    score: float


Quality = Mapping[QualityMeasure, Measured]
"""Every measure of one face."""


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


_SCORES: Mapping[QualityMeasure, Callable[[float], float]] = {
    QualityMeasure.INTER_EYE_DISTANCE: _from(70, 20),
    QualityMeasure.HEAD_SIZE: lambda value: 200 * (1 - _rise(abs(value - 0.45), 0, 0.05)),
    QualityMeasure.LEFTWARD_CROP: _from(0.9, 0.1),
    QualityMeasure.RIGHTWARD_CROP: _from(0.9, 0.1),
    QualityMeasure.MARGIN_ABOVE: _from(1.4, 0.1),
    QualityMeasure.MARGIN_BELOW: _from(1.8, 0.1),
    QualityMeasure.HEAD_POSE_YAW: _upright,
    QualityMeasure.HEAD_POSE_PITCH: _upright,
    QualityMeasure.HEAD_POSE_ROLL: _upright,
    QualityMeasure.LUMINANCE_MEAN: lambda value: 100 * _rise(value, 0.2, 0.05) * (1 - _rise(value, 0.8, 0.05)),
    QualityMeasure.LUMINANCE_VARIANCE: lambda value: 100 * math.sin(math.pi * 60 * value / (60 * value + 1)),
    QualityMeasure.UNDER_EXPOSURE_PREVENTION: lambda value: 100 * (1 - _rise(value, 0.92, 0.05)),
    QualityMeasure.OVER_EXPOSURE_PREVENTION: lambda value: 1 / (0.01 + value),
    QualityMeasure.DYNAMIC_RANGE: lambda value: 100 * value / 8,
    QualityMeasure.ILLUMINATION_UNIFORMITY: lambda value: 100 * value**0.3,
    QualityMeasure.SHARPNESS: _from(0.18, 0.05),
}
# Meanings, units and limits are in `measures.json`.
_TOLD = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
SCALES: Mapping[QualityMeasure, Scale] = {
    measure: Scale(score=score, **_TOLD[measure.value]) for measure, score in _SCORES.items()
}


def measured(values: Mapping[QualityMeasure, float]) -> Quality:
    """Each value with its score."""
    return {
        measure: Measured(value, min(100.0, max(0.0, SCALES[measure].score(value))))
        for measure, value in values.items()
    }


def shortcomings(quality: Quality, side: str, least: Mapping[QualityMeasure, float] | None = None) -> list[Reason]:
    """What is wrong with the face of a side (source or target), each reason once, in the table's order.

    `least` is the score that is enough, by default the table's own limits, of every measure.
    """
    limits = {measure: scale.limit for measure, scale in SCALES.items()} if least is None else least
    return list(
        dict.fromkeys(
            SCALES[measure].reason(side, found.value)
            for measure, found in quality.items()
            if measure in limits and found.score < limits[measure]
        )
    )
