"""What the cosines of a recogniser mean: measured on photographs of different persons, two of whom never match."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine import images
from rekognition_local.engine.faces.face_engine import FaceEngine

# Of different persons, so many reach 80 and 99.
_PASS_80, _PASS_99 = 1 / 1_000, 1 / 10_000
# 99 then rests on ten pairs.
LEAST_PAIRS = 100_000


class CalibrationError(ValueError):
    """The photographs do not suffice; `str(error)` says how many there are and how many are needed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The cosine for 50 % and how fast the similarity rises there; and the pairs of different persons behind both."""

    middle: float
    slope: float
    pairs: int


def calibrate(engine: FaceEngine, folder: Path) -> Calibration:
    """Of every person (a folder of photographs) against every other, one of 1,000 reaches 80, one of 10,000 reaches 99.

    CalibrationError says that there are fewer than `LEAST_PAIRS` pairs of different persons, or that all are alike.
    """
    described = list(_described(engine, folder))
    persons = np.array([person for person, _ in described])
    vectors = np.stack([vector for _, vector in described]) if described else np.empty((0, 1), np.float32)
    cosines = (vectors @ vectors.T)[np.triu(persons[:, None] != persons[None], 1)]
    if len(cosines) < LEAST_PAIRS:
        raise CalibrationError(
            f"{folder} has {len(described)} photographs with a face, which are {len(cosines)} pairs of different "
            f"persons; {LEAST_PAIRS} are needed. 450 persons with one photograph each suffice."
        )
    at_80, at_99 = np.quantile(cosines.astype(np.float64), [1 - _PASS_80, 1 - _PASS_99])
    if at_99 <= at_80:
        raise CalibrationError(f"The recogniser gives pairs in {folder} the same cosine, {at_80:.4f}.")
    slope = math.log(99 / 4) / (at_99 - at_80)
    return Calibration(at_80 - math.log(4) / slope, slope, len(cosines))


def _described(engine: FaceEngine, folder: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Person and descriptor of the largest face of every JPEG and PNG that has one."""
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            image = images.decode(path.read_bytes())
            if faces := engine.detect(image):
                yield path.parent.name, engine.embed(image, faces[:1])[0]
