"""What a face's mesh tells, on photographs; needs the models that `rekognition-local models` fetches."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rekognition_local.engine import Engine
from rekognition_local.engine.faces.attributes import FaceTraits
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.engine.faces.pyramid import Image as Pixels
from rekognition_local.engine.weights.model_files import FACE_MESH, IRIS

LABELS = Path(__file__).parent / "labels" / "face_traits.csv"

pytestmark = pytest.mark.slow
needs_models = pytest.mark.skipif(
    FACE_MESH.locate() is None or IRIS.locate() is None, reason="`rekognition-local models` has not fetched the mesh"
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


def pixels(image: Image.Image) -> Pixels:
    return np.array(image.convert("RGB"))


def first(engine: Engine, image: Pixels) -> tuple[DetectedFace, FaceTraits]:
    face = engine.detect(image)[0]
    return face, engine.traits(image, face)


@needs_models
def test_a_laughing_face_has_open_eyes_an_open_mouth_and_30_landmarks(engine: Engine, astronaut: Image.Image) -> None:
    face, traits = first(engine, pixels(astronaut))

    marks = traits.landmarks
    assert traits.eyes_open > 0.9
    assert traits.mouth_open > 0.9
    assert len(marks) == 25
    assert marks["leftEyeLeft"] < marks["leftPupil"] < marks["leftEyeRight"] < marks["rightEyeLeft"]
    assert marks["leftEyeBrowUp"][1] < marks["leftEyeUp"][1] < marks["leftEyeDown"][1] < marks["mouthUp"][1]
    assert marks["mouthUp"][1] < marks["mouthDown"][1] < marks["chinBottom"][1]
    width = face.landmarks[1][0] - face.landmarks[0][0]
    assert np.abs(np.array(marks["leftPupil"]) - face.landmarks[0]).max() < 0.15 * width
    assert np.abs(np.array(marks["rightPupil"]) - face.landmarks[1]).max() < 0.15 * width


@needs_models
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_a_mirrored_photo_tells_the_mirrored_face(engine: Engine, name: str, request: pytest.FixtureRequest) -> None:
    photo: Image.Image = request.getfixturevalue(name)

    _, traits = first(engine, pixels(photo))
    _, mirrored = first(engine, pixels(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))

    assert mirrored.eyes_open == pytest.approx(traits.eyes_open, abs=0.05)
    assert mirrored.eye_yaw == pytest.approx(-traits.eye_yaw, abs=5)
    assert 1 - mirrored.landmarks["rightPupil"][0] == pytest.approx(traits.landmarks["leftPupil"][0], abs=0.01)


@needs_models
def test_a_turned_photo_tells_the_turned_face(engine: Engine, astronaut: Image.Image) -> None:
    upright = pixels(astronaut.crop((80, 0, 400, 320)))
    turned = pixels(astronaut.crop((80, 0, 400, 320)).rotate(-30))

    _, traits = first(engine, upright)
    _, leaning = first(engine, turned)

    assert leaning.mouth_open == pytest.approx(traits.mouth_open, abs=0.1)
    x, y = np.array(traits.landmarks["chinBottom"]) - 0.5
    cosine, sine = np.cos(np.radians(30)), np.sin(np.radians(30))
    assert leaning.landmarks["chinBottom"] == pytest.approx(
        (0.5 + cosine * x - sine * y, 0.5 + sine * x + cosine * y), abs=0.02
    )


def test_without_its_models_every_face_is_neutral(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, astronaut: Image.Image, engine: Engine
) -> None:
    face, _ = first(engine, pixels(astronaut))
    monkeypatch.setenv("REKOGNITION_LOCAL_MODELS", str(tmp_path))
    if FACE_MESH.locate() is not None:
        pytest.skip("mediapipe itself is installed here")

    assert Engine.load().traits(pixels(astronaut), face) == FaceTraits()


@needs_models
def test_labelled_photographs_are_told_right(engine: Engine, face_data: Path) -> None:
    """Both readers agree on the photographs that count; docs/rekognition.md has the figures."""
    with LABELS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = {row["path"]: first(engine, pixels(Image.open(face_data / row["path"])))[1] for row in rows}

    def accuracy(member: str, probability: Callable[[FaceTraits], float]) -> dict[str, float]:
        agreed = [row for row in rows if row[f"{member}_1"] == row[f"{member}_2"] != "unsure"]
        right: dict[str, list[bool]] = {}
        for row in agreed:
            is_open = row[f"{member}_1"] == "open"
            right.setdefault(row[f"{member}_1"], []).append((probability(told[row["path"]]) > 0.5) is is_open)
        return {label: sum(found) / len(found) for label, found in right.items()}

    eyes, mouth = accuracy("eyes", lambda traits: traits.eyes_open), accuracy("mouth", lambda traits: traits.mouth_open)
    assert eyes["open"] > 0.97
    assert mouth["open"] > 0.8
    assert mouth["shut"] > 0.8
