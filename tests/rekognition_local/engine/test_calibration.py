"""A recogniser of one's own gets a scale on which 80 and 99 mean what they mean with the built-in one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.engine.engine import CalibrationError
from rekognition_local.engine.faces.recognition import logistic

POINTS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)


class FakeEngine(Engine):
    """A face in every image that is not black; its descriptor is a random direction that the first pixel names."""

    def __init__(self) -> None:
        """No models."""

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        return [DetectedFace(0.1, 0.1, 0.8, 0.8, 99.0, POINTS)] if image.any() else []

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        vector = np.random.default_rng(image[0, 0].tolist()).normal(size=32)
        return (vector / np.linalg.norm(vector))[None].astype(np.float32)


def photograph(folder: Path, person: int, shot: int = 0) -> None:
    (folder / str(person)).mkdir(exist_ok=True)
    colour = (1 + person % 250, person // 250, shot)
    Image.new("RGB", (80, 80), colour).save(folder / str(person) / f"{shot}.png", compress_level=0)


def test_80_and_99_are_where_so_many_different_persons_pass(tmp_path: Path) -> None:
    for person in range(460):
        photograph(tmp_path, person)

    found = FakeEngine().calibrate(tmp_path)

    vectors = np.concatenate(
        [FakeEngine().embed(np.full((1, 1, 3), (1 + p % 250, p // 250, 0), np.uint8), []) for p in range(460)]
    )
    similarities = logistic(found.slope * ((vectors @ vectors.T)[np.triu_indices(460, 1)] - found.middle))
    assert found.pairs == 460 * 459 // 2
    assert (similarities >= 80).mean() == pytest.approx(1 / 1_000, rel=0.05)
    assert (similarities >= 99).mean() == pytest.approx(1 / 10_000, rel=0.15)


def test_photographs_of_one_person_are_no_pairs_of_strangers(tmp_path: Path) -> None:
    for shot in range(3):
        photograph(tmp_path, 1, shot)
    photograph(tmp_path, 2)

    with pytest.raises(CalibrationError, match=r"4 photographs with a face, which are 3 pairs .* 100000 are needed"):
        FakeEngine().calibrate(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="0 photographs with a face"):
        FakeEngine().calibrate(tmp_path)
