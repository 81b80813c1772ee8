"""Accuracy on the development photographs, through the real engine: a fall below these figures is a regression."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from person_verifier.errors import VerifierError
from person_verifier.training.assessment import ThresholdRule
from person_verifier.training.project import VerifierProject
from rekognition_local.engine import Engine
from tests.person_verifier.conftest import no_progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Person:
    """How one person's verifier did on the photographs that it did not see."""

    name: str
    accuracy: float
    recall: float
    f1: float
    auc: float
    baseline_f1: float


@pytest.fixture(scope="module")
def people(face_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Person]:
    """Each person of `me/` is "me" once; everybody else, with the other persons of `me/`, is "not me"."""
    engine, out = Engine.load(), tmp_path_factory.mktemp("verifier")
    return [judged(person, layout(person, face_data, out), out, engine) for person in me_folders(face_data)]


def me_folders(face_data: Path) -> list[Path]:
    return sorted((face_data / "verifier" / "me").iterdir())


def layout(person: Path, face_data: Path, out: Path) -> Path:
    """A data folder as training reads it, of links to the photographs."""
    folder = out / person.name
    (folder / "not_me").mkdir(parents=True)
    (folder / "me").symlink_to(person)
    for photo in others(person, face_data):
        (folder / "not_me" / photo.name).symlink_to(photo)
    return folder


def others(person: Path, face_data: Path) -> Iterator[Path]:
    yield from sorted((face_data / "verifier" / "not_me").glob("*.jpg"))
    for other in me_folders(face_data):
        if other != person:
            yield from sorted(other.glob("*.jpg"))


def judged(person: Path, folder: Path, out: Path, engine: Engine) -> Person:
    # One place for all: a photograph's face and descriptor are computed once for the five verifiers.
    report = VerifierProject(folder, out / "shared", engine, no_progress).evaluate(ThresholdRule(0.75), person.name)
    rates, baseline = report.verifier.rates, report.baseline.rates
    assert rates.accuracy is not None
    assert rates.recall is not None
    assert rates.f1 is not None
    assert rates.auc is not None
    assert baseline.f1 is not None
    return Person(person.name, rates.accuracy.value, rates.recall.value, rates.f1.value, rates.auc, baseline.f1.value)


@pytest.mark.long
def test_the_mean_over_the_persons_keeps_its_figures(people: list[Person]) -> None:
    accuracy, recall, f1 = np.mean([(person.accuracy, person.recall, person.f1) for person in people], axis=0)

    print(*people, sep="\n")  # noqa: T201 - the figures, for who runs the test with -s
    print(f"mean accuracy {accuracy:.4f}, recall {recall:.4f}, F1 {f1:.4f}")  # noqa: T201
    assert accuracy >= 0.99
    assert recall >= 0.97
    assert f1 >= 0.97


@pytest.mark.long
def test_each_person_is_told_apart(people: list[Person]) -> None:
    assert min(person.f1 for person in people) >= 0.93
    assert min(person.auc for person in people) >= 0.995


def test_photos_of_two_people_in_me_are_refused(face_data: Path, tmp_path: Path) -> None:
    one, other = me_folders(face_data)[:2]
    folder = layout(one, face_data, tmp_path)
    (folder / "me").unlink()
    (folder / "me").mkdir()
    # Who is in me/ is judged by the photographs in me/ alone.
    for photo in sorted((folder / "not_me").iterdir())[30:]:
        photo.unlink()
    for photo in [*sorted(one.glob("*.jpg"))[:20], *sorted(other.glob("*.jpg"))[:10]]:
        (folder / "me" / photo.name).symlink_to(photo)
        (folder / "not_me" / photo.name).unlink(missing_ok=True)
    project = VerifierProject(folder, tmp_path / "out", Engine.load(), no_progress)

    with pytest.raises(VerifierError, match=f"several people.*{other.name}"):
        project.evaluate(ThresholdRule(0.75), "two")
