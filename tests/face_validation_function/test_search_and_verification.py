"""Searching for everybody in a photo, and the claim check: what is asked, what is paid for, what is answered."""

from dataclasses import replace
from typing import Any

import pytest

from face_validation_function.exceptions.exceptions import (
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
    NotFoundError,
    ServiceBusyError,
)
from face_validation_function.faces import BoundingBox, Face
from face_validation_function.integrations.rekognition_service import FaceMatch, NoFaceToCompareError
from face_validation_function.integrations.s3_service import StoredPhoto
from face_validation_function.people import EnrolledFace, KeptPhoto, PhotoVersion
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.identification import IdentificationService
from tests.fakes import FACE, MIDDLE, FakeRekognition, jpeg

BUCKET = "faces"


class Photos:
    """The faces bucket: keys."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def photo(self, bucket: str, key: str, version: str | None = None) -> StoredPhoto:
        if key not in self.kept:
            raise InvalidS3ObjectError("S3 answered NoSuchVersion.")
        return StoredPhoto(jpeg(), version or "1", None)


class Collection:
    """Finds what it was given."""

    def __init__(self) -> None:
        self.found: list[tuple[str, float]] = []

    def search(self, image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        return [found for found in self.found if found[1] >= threshold][:max_faces]


class Table:
    """The faces that were enrolled."""

    def __init__(self) -> None:
        self.faces: list[EnrolledFace] = []

    def by_face_id(self, face_id: str) -> KeptPhoto | None:
        return next((KeptPhoto(face.photo, "c", face) for face in self.faces if face.face_id == face_id), None)

    def faces_of(self, full_name: str) -> list[EnrolledFace]:
        return [face for face in self.faces if face.photo.full_name == full_name]


class House:
    """The three stores and the services over them."""

    def __init__(self, rekognition: FakeRekognition | None = None) -> None:
        self.photos, self.collection, self.table = Photos(), Collection(), Table()
        found = rekognition or FakeRekognition()
        # The doubles have the adapters' methods that the services use.
        doubles: list[Any] = [self.photos, found, self.collection, self.table, BUCKET]
        self.identification = IdentificationService(*doubles)

    def enrol(self, key: str = "ana.jpg") -> None:
        photo, number = PhotoVersion("Ana García", key, "1"), len(self.table.faces)
        self.photos.kept.append(key)
        self.table.faces.append(EnrolledFace(f"face-{number}", photo, FACE, 70.0, 80.0, "2026-01-01T00:00:00+00:00"))


SMALL, LARGE, MIDDLE_SIZED = (
    Face(BoundingBox(left, 0.1, side, side), 99.0) for left, side in ((0.05, 0.1), (0.2, 0.4), (0.7, 0.2))
)


def test_every_face_is_searched_for_the_largest_first_with_one_paid_search_each() -> None:
    house, timer = House(FakeRekognition(faces=[SMALL, LARGE, MIDDLE_SIZED])), RequestTimer(10)
    house.enrol()
    house.collection.found = [("face-0", 99.0)]

    found, left_out = house.identification.search_everybody(timer, jpeg(), 80, 5, 10)

    assert [one.searched for one in found] == [LARGE, MIDDLE_SIZED, SMALL]
    assert [[match.full_name for match in one.matches] for one in found] == [["Ana García"]] * 3
    assert (left_out, timer.rekognition_calls) == (0, 4)


def test_faces_beyond_the_most_are_counted_and_not_paid_for() -> None:
    house, timer = House(FakeRekognition(faces=[SMALL, LARGE, MIDDLE_SIZED])), RequestTimer(10)

    found, left_out = house.identification.search_everybody(timer, jpeg(), 80, 5, 2)

    assert [one.searched for one in found] == [LARGE, MIDDLE_SIZED]
    assert (left_out, timer.rekognition_calls) == (1, 3)


def test_a_face_that_the_search_does_not_find_again_is_nobody_and_the_others_are_named() -> None:
    house = House(FakeRekognition(faces=[SMALL, LARGE]))
    house.enrol()
    asked: list[bytes] = []

    def search(image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        asked.append(image)
        if len(asked) == 1:
            raise ImageValidationError("SearchFacesByImage found no face in the crop.")
        return [("face-0", 99.0)]

    house.collection.search = search  # type: ignore[method-assign]

    found, _ = house.identification.search_everybody(RequestTimer(10), jpeg(), 80, 5, 10)

    assert sorted(len(one.matches) for one in found) == [0, 1]


@pytest.mark.parametrize("failure", [InternalServerError("failed."), ServiceBusyError("busy.")])
def test_a_search_that_fails_is_one_refusal_of_the_whole_request(failure: Exception) -> None:
    house = House(FakeRekognition(faces=[SMALL, LARGE]))

    def search(image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        raise failure

    house.collection.search = search  # type: ignore[method-assign]

    with pytest.raises(InternalServerError, match="search_faces_by_image"):
        house.identification.search_everybody(RequestTimer(10), jpeg(), 80, 5, 10)


def claimed(similarities: list[float | Exception], photos: int | None = None) -> tuple[House, FakeRekognition]:
    """Ana with a photo for each similarity, in the order of the comparisons."""
    matches = [one if isinstance(one, Exception) else FaceMatch(MIDDLE, one) for one in similarities]
    rekognition = FakeRekognition(matches=[*matches])
    house = House(rekognition)
    for number in range(photos or len(similarities)):
        house.enrol(f"ana{number}.jpg")
    return house, rekognition


@pytest.mark.parametrize(
    ("similarities", "answered"),
    [
        pytest.param([91.0], 91.0, id="one-photo"),
        pytest.param([91.0, 97.0], 94.0, id="two"),
        pytest.param([3.0, 99.0, 91.0], 91.0, id="one-poor-photo"),
        pytest.param([99.0, 2.0, 3.0], 3.0, id="a-stranger-like-one-photo"),
    ],
)
def test_a_claim_is_judged_by_the_median_over_the_photos(similarities: list[float], answered: float) -> None:
    house, rekognition = claimed([*similarities])

    similarity, _ = house.identification.verify(RequestTimer(10), jpeg(), "Ana García")

    assert similarity == answered
    assert sorted(rekognition.calls) == ["compare_faces"] * len(similarities) + ["detect_faces"]


def test_a_claim_costs_six_calls_at_most() -> None:
    house, _ = claimed([90.0], photos=7)
    timer = RequestTimer(10)

    house.identification.verify(timer, jpeg(), "Ana García")

    assert timer.rekognition_calls == 6


def test_nobody_of_that_name_is_not_found_and_nothing_is_paid_for() -> None:
    house, rekognition = claimed([90.0])

    with pytest.raises(NotFoundError):
        house.identification.verify(RequestTimer(10), jpeg(), "Bea")

    assert rekognition.calls == []


def test_a_photo_that_cannot_be_compared_is_passed_over() -> None:
    house, _ = claimed([NoFaceToCompareError("none."), 93.0])

    assert house.identification.verify(RequestTimer(10), jpeg(), "Ana García")[0] == 93.0


def test_a_photo_that_is_gone_is_passed_over() -> None:
    house, _ = claimed([90.0], photos=2)
    house.photos.kept.remove("ana0.jpg")

    assert house.identification.verify(RequestTimer(10), jpeg(), "Ana García")[0] == 90.0


def test_where_no_photo_can_be_compared_the_refusal_says_so() -> None:
    house, _ = claimed([NoFaceToCompareError("none."), NoFaceToCompareError("none.")])

    with pytest.raises(ImageValidationError, match="compare_faces"):
        house.identification.verify(RequestTimer(10), jpeg(), "Ana García")


def test_a_photo_without_a_face_is_refused_before_anything_is_compared() -> None:
    house, _ = claimed([90.0])
    house.identification = replace(house.identification, rekognition=FakeRekognition(faces=[]))  # type: ignore[arg-type]

    with pytest.raises(ImageValidationError, match="no face"):
        house.identification.verify(RequestTimer(10), jpeg(), "Ana García")


@pytest.mark.parametrize("failure", [InternalServerError("failed."), ServiceBusyError("busy.")])
def test_a_comparison_that_fails_is_one_failure_of_the_service(failure: Exception) -> None:
    house, _ = claimed([93.0, failure])

    with pytest.raises(InternalServerError, match="compare_faces"):
        house.identification.verify(RequestTimer(10), jpeg(), "Ana García")
