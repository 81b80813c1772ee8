"""A face's descriptor depends on the person, hardly on size, tilt or mirror; distances become honest percentages."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from rekognition_local.engine import Engine
from rekognition_local.engine.faces.pyramid import Pyramid, placement
from rekognition_local.engine.faces.recognition import logistic, squared_distances
from tests.rekognition_local.photographs import Picture, grace_hopper, sample

Photo = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    return Image.fromarray(grace_hopper())


def _descriptor(engine: Engine, picture: Image.Image | Picture) -> NDArray[np.float32]:
    image = np.array(picture)
    return engine.embed(image, engine.detect(image)[:1])


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500), st.integers(0, 2**32 - 1))
def test_the_alignment_is_the_very_motion_that_moved_the_points(
    angle: float, scale: float, right: float, down: float, seed: int
) -> None:
    points = np.random.default_rng(seed).normal(size=(5, 2)).astype(np.float32)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (points @ turn.T + (right, down)).astype(np.float32)

    back = placement(points, moved)

    assert np.allclose(moved @ back[:, :2].T + back[:, 2], points, atol=1e-2)


def test_a_face_much_larger_than_its_chip_is_averaged_not_sampled() -> None:
    lines = np.zeros((1600, 1600, 3), np.uint8)
    lines[:, ::2] = 255
    points = np.array([(500, 500), (1100, 500), (800, 800), (550, 1100), (1050, 1100)], np.float32)

    chip = Pyramid(lines).face(points, (points / 8).astype(np.float32), 150)

    assert chip.shape == (150, 150, 3)
    assert np.abs(chip[20:130, 20:130].astype(int) - 127).max() < 20


def test_a_face_is_described_the_same_beside_others(engine: Engine, hopper: Image.Image) -> None:
    image = np.array(hopper)
    face = engine.detect(image)[0]
    other = replace(face, landmarks=face.landmarks + np.float32(0.2))

    alone, beside = engine.embed(image, [face]), engine.embed(image, [other, face])

    assert np.array_equal(beside[1], alone[0])


@given(
    arrays(np.float32, (4, 8), elements=st.floats(-2, 2, width=32)),
    arrays(np.float32, (3, 8), elements=st.floats(-2, 2, width=32)),
)
def test_distances_are_squared_euclidean_for_every_pair(some: NDArray[np.float32], others: NDArray[np.float32]) -> None:
    expected = ((some[:, None].astype(float) - others[None]) ** 2).sum(axis=2)

    assert np.allclose(squared_distances(some, others), expected, atol=1e-6)


def test_percentages_stay_within_bounds_and_in_order() -> None:
    percent = logistic(np.array([-1e6, -5.0, 0.0, 5.0, 1e6]))

    assert np.all(np.diff(percent) > 0)
    assert percent[2] == 50
    assert percent.min() >= 0
    assert percent.max() <= 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda photo: photo.rotate(15, Image.Resampling.BICUBIC), id="tilted"),
        pytest.param(lambda photo: photo.resize((128, 150), Image.Resampling.LANCZOS), id="small"),
        pytest.param(lambda photo: photo.resize((2048, 2400), Image.Resampling.BICUBIC), id="large"),
        pytest.param(lambda photo: photo.convert("L").convert("RGB"), id="grey"),
        pytest.param(lambda photo: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT), id="mirrored"),
        pytest.param(lambda photo: photo.point(lambda value: value // 2), id="dark"),
        pytest.param(lambda photo: photo.transpose(Image.Transpose.ROTATE_90), id="on its side"),
    ],
)
def test_another_picture_of_the_same_photo_is_the_same_person(
    engine: Engine, hopper: Image.Image, change: Photo
) -> None:
    similarity = engine.similarity(_descriptor(engine, hopper), _descriptor(engine, change(hopper)))

    assert similarity[0, 0] > 99


@pytest.mark.slow
def test_another_person_is_another_person(engine: Engine, hopper: Image.Image) -> None:
    similarity = engine.similarity(_descriptor(engine, hopper), _descriptor(engine, sample("astronaut")))

    assert similarity[0, 0] < 1


@pytest.mark.slow
def test_many_faces_are_described_as_one_by_one(engine: Engine, hopper: Image.Image) -> None:
    wide = np.array(hopper.resize((256, 300)))
    group = np.ascontiguousarray(np.hstack([wide, wide[:, ::-1]] * 3))
    faces = engine.detect(group)

    together = engine.embed(group, faces)

    alone = np.concatenate([engine.embed(group, [face]) for face in faces])
    assert together.shape == (6, 256)
    assert np.allclose(together, alone, atol=1e-5)


@pytest.mark.slow
def test_no_faces_have_no_descriptors(engine: Engine) -> None:
    assert engine.embed(np.zeros((80, 80, 3), np.uint8), []).shape == (0, 256)
