"""Enrolling, searching and erasing: what is left when something fails in the middle, and what is asked again."""

import pytest

from face_validation_function.exceptions.exceptions import (
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
    NotFoundError,
    ServiceBusyError,
)
from face_validation_function.faces import BoundingBox, Face
from face_validation_function.integrations.collection_service import IndexedFace
from face_validation_function.integrations.rekognition_service import FaceMatch, NoFaceToCompareError
from face_validation_function.integrations.s3_service import StoredPhoto, name_in
from face_validation_function.people import EnrolledFace, Erased, PhotoVersion, photo_id
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.enrolment import EnrolmentService
from face_validation_function.services.erasure import ErasureService
from face_validation_function.services.search import SearchService
from face_validation_function.services.verification import VerificationService
from tests.fakes import FACE, MIDDLE, FakeRekognition, jpeg

BUCKET = "faces"


class Photos:
    """The faces bucket: versions of keys, with the name in each one's metadata."""

    def __init__(self, **objects: dict[str, str | None]) -> None:
        self.kept = {(f"{key}.jpg", version): name for key, found in objects.items() for version, name in found.items()}
        self.deleted: set[str] = set()
        self.failing = False

    def is_deleted(self, bucket: str, key: str) -> bool:
        return key in self.deleted

    def photo(self, bucket: str, key: str, version: str | None = None) -> StoredPhoto:
        versions = [found for found_key, found in self.kept if found_key == key]
        chosen = version or (versions[-1] if versions else "")
        if (key, chosen) not in self.kept:
            raise InvalidS3ObjectError("S3 answered NoSuchVersion.")
        return StoredPhoto(jpeg(), chosen, self.kept[key, chosen])

    def name_of(self, bucket: str, key: str, version: str) -> str | None:
        return self.kept.get((key, version))

    def versions(self, bucket: str, key: str) -> list[str]:
        return [version for found, version in self.kept if found == key]

    def delete_versions(self, bucket: str, key: str, versions: list[str]) -> int:
        if self.failing:
            raise InternalServerError("S3 kept 1 of 1 versions: try again.")
        for version in versions:
            del self.kept[key, version]
        return len(versions)


class Collection:
    """Faces by id."""

    def __init__(self) -> None:
        self.faces: dict[str, str] = {}
        self.found: list[tuple[str, float]] = []
        self.indexed: list[str] = []

    def index_face(self, image: bytes, photo_id: str) -> IndexedFace:
        known = [face_id for face_id, photo in self.faces.items() if photo == photo_id]
        face_id = known[0] if known else f"face-{len(self.indexed)}"
        self.indexed.append(photo_id)
        self.faces[face_id] = photo_id
        return IndexedFace(face_id, 70.0, 80.0)

    def search(self, image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        return [found for found in self.found if found[1] >= threshold][:max_faces]

    def delete_faces(self, face_ids: list[str]) -> int:
        return len([self.faces.pop(face_id) for face_id in face_ids if face_id in self.faces])


class Table:
    """Rows by name and photo; a row without a face is a claim."""

    def __init__(self) -> None:
        self.rows: dict[PhotoVersion, EnrolledFace | None] = {}
        self.failing = False

    def claim(self, photo: PhotoVersion) -> EnrolledFace | None:
        if photo in self.rows:
            if self.rows[photo] is None:
                raise ServiceBusyError("this photo is being enrolled by another request.")
            return self.rows[photo]
        self.rows[photo] = None
        return None

    def complete(self, face: EnrolledFace) -> None:
        if self.failing:
            raise InternalServerError("DynamoDB answered InternalServerError.")
        self.rows[face.photo] = face

    def release(self, photo: PhotoVersion) -> None:
        if self.rows.get(photo) is None:
            self.rows.pop(photo, None)

    def get(self, photo: PhotoVersion) -> EnrolledFace | None:
        return self.rows.get(photo)

    def by_face_id(self, face_id: str) -> EnrolledFace | None:
        return next((row for row in self.rows.values() if row and row.face_id == face_id), None)

    def faces_of(self, full_name: str) -> list[EnrolledFace]:
        return [row for photo, row in self.rows.items() if row and photo.full_name == full_name]

    def photos_of(self, full_name: str) -> list[tuple[PhotoVersion, str | None]]:
        return [
            (photo, row.face_id if row else None) for photo, row in self.rows.items() if photo.full_name == full_name
        ]

    def delete(self, photo: PhotoVersion) -> int:
        return 1 if photo in self.rows and [self.rows.pop(photo)] else 0


class House:
    """The three stores and the services over them."""

    def __init__(self, photos: Photos | None = None, rekognition: FakeRekognition | None = None) -> None:
        self.photos = photos or Photos(ana={"1": "Ana García"})
        self.collection, self.table = Collection(), Table()
        found = rekognition or FakeRekognition()
        # The doubles have the adapters' methods that the services use.
        self.enrolment = EnrolmentService(self.photos, found, self.collection, self.table, BUCKET)  # type: ignore[arg-type]
        self.searching = SearchService(found, self.collection, self.table)  # type: ignore[arg-type]
        self.verification = VerificationService(self.photos, found, self.table, BUCKET)  # type: ignore[arg-type]
        self.erasure = ErasureService(self.photos, self.collection, self.table, BUCKET)  # type: ignore[arg-type]

    def enrol(self, key: str = "ana.jpg", version: str | None = None, name: str | None = None) -> EnrolledFace:
        return self.enrolment.enrol(RequestTimer(10), key, version, name).face

    def is_empty(self) -> bool:
        return not (self.photos.kept or self.collection.faces or self.table.rows)


def test_a_photo_is_enrolled_under_the_name_in_its_metadata() -> None:
    house = House()

    face = house.enrol()

    assert face.photo == PhotoVersion("Ana García", "ana.jpg", "1")
    assert house.collection.faces == {face.face_id: photo_id("ana.jpg", "1")}
    assert face.face == FACE


def test_a_name_that_is_given_goes_before_the_one_in_the_metadata() -> None:
    assert House().enrol(name="Ana G. Pérez").photo.full_name == "Ana G. Pérez"


def test_one_photo_version_delivered_many_times_is_one_face_and_one_row() -> None:
    house = House()

    faces = {house.enrol(version="1").face_id for _ in range(5)}

    assert len(faces) == len(house.collection.faces) == len(house.table.rows) == 1
    assert len(house.collection.indexed) == 1


def test_a_photo_is_not_enrolled_under_a_second_name() -> None:
    house = House()
    first = house.enrol(name="Ana García")

    with pytest.raises(ImageValidationError, match="enrolled under another name"):
        house.enrol(name="Eva Ruiz")

    assert list(house.collection.faces) == [first.face_id]
    assert [photo.full_name for photo in house.table.rows] == ["Ana García"]


def test_two_versions_of_a_photo_are_two_rows_whatever_order_they_come_in() -> None:
    house = House(Photos(ana={"1": "Ana García", "2": "Ana García"}))

    house.enrol(version="2")
    house.enrol(version="1")
    house.enrol(version="2")

    assert len(house.table.rows) == 2


def test_a_photo_under_way_elsewhere_is_told_to_come_again() -> None:
    house = House()
    house.table.claim(PhotoVersion("Ana García", "ana.jpg", "1"))

    with pytest.raises(ServiceBusyError, match="being enrolled by another request"):
        house.enrol()


def test_without_a_name_a_photo_is_refused_before_any_paid_call() -> None:
    rekognition = FakeRekognition()

    with pytest.raises(ImageValidationError, match="no metadata `fullname`"):
        House(Photos(ana={"1": None}), rekognition).enrol()
    assert rekognition.calls == []


def test_without_a_face_nothing_is_left_behind() -> None:
    house = House(rekognition=FakeRekognition(faces=[]))

    with pytest.raises(ImageValidationError, match="photo, detect_faces: no face"):
        house.enrol()
    assert not house.table.rows
    assert not house.collection.faces


def test_when_the_row_cannot_be_written_no_orphan_face_stays_in_the_collection() -> None:
    house = House()
    house.table.failing = True

    with pytest.raises(InternalServerError):
        house.enrol()
    assert not house.collection.faces
    assert not house.table.rows

    house.table.failing = False
    assert house.enrol().face_id in house.collection.faces


def test_an_old_delivery_of_an_erased_photo_brings_nobody_back() -> None:
    house = House()
    house.enrol()
    house.erasure.erase_person(RequestTimer(10), "Ana García")

    with pytest.raises(InvalidS3ObjectError):
        house.enrol(version="1")
    assert house.is_empty()


def test_erasing_a_person_empties_every_store_and_says_what_was_there() -> None:
    house = House(Photos(one={"1": "Ana García", "2": "Ana García"}, two={"1": "Ana García"}))
    for key, version in (("one.jpg", "1"), ("one.jpg", "2"), ("two.jpg", "1")):
        house.enrol(key, version)

    erased = house.erasure.erase_person(RequestTimer(10), "Ana García")

    assert house.is_empty()
    assert (erased.faces, erased.photo_versions, erased.rows) == (3, 3, 3)


def test_erasing_nobody_removes_nothing_and_says_so() -> None:
    house = House()
    house.enrol()

    assert house.erasure.erase_person(RequestTimer(10), "Somebody Else") == Erased()
    assert len(house.table.rows) == 1


def test_erasing_a_face_erases_the_other_versions_of_its_photo_too() -> None:
    house = House(Photos(ana={"1": "Ana García", "2": "Ana Pérez"}))
    first, _ = house.enrol(version="1"), house.enrol(version="2")

    house.erasure.erase_face(RequestTimer(10), first.face_id)

    assert house.is_empty()


def test_erasing_a_face_finds_the_other_versions_however_their_names_were_typed() -> None:
    house = House(Photos(ana={"1": "Ana", "2": " Ana  Garci\u0301a ", "3": "no\nname"}))
    first, _ = house.enrol(version="1"), house.enrol(version="2")

    house.erasure.erase_face(RequestTimer(10), first.face_id)

    assert house.is_empty()


def test_an_erasure_that_fails_in_the_middle_is_finished_by_the_same_request() -> None:
    house = House()
    house.enrol()
    house.photos.failing = True
    with pytest.raises(InternalServerError, match="try again"):
        house.erasure.erase_person(RequestTimer(10), "Ana García")
    assert not house.collection.faces  # no search finds her from the first moment on
    assert house.table.rows  # what is left is still known

    house.photos.failing = False
    house.erasure.erase_person(RequestTimer(10), "Ana García")

    assert house.is_empty()


def test_a_face_without_a_row_is_erased_from_the_collection_all_the_same() -> None:
    house = House()
    house.collection.faces["orphan"] = "unknown"

    assert house.erasure.erase_face(RequestTimer(10), "orphan").faces == 1
    assert not house.collection.faces


def test_a_search_answers_people_not_photos_best_first() -> None:
    house = House(Photos(one={"1": "Ana García"}, two={"1": "Ana García"}, three={"1": "Eva Ruiz"}))
    ana, again, eva = (house.enrol(f"{key}.jpg") for key in ("one", "two", "three"))
    house.collection.found = [(again.face_id, 97.0), (eva.face_id, 91.0), (ana.face_id, 90.0)]

    found = house.searching.search(RequestTimer(10), jpeg(), 80, 5)

    assert [(match.full_name, match.similarity) for match in found.matches] == [
        ("Ana García", 97.0),
        ("Eva Ruiz", 91.0),
    ]
    assert found.searched == FACE


def test_a_search_answers_at_most_the_people_asked_for() -> None:
    house = House(Photos(one={"1": "Ana García"}, two={"1": "Eva Ruiz"}))
    faces = [house.enrol("one.jpg"), house.enrol("two.jpg")]
    house.collection.found = [(face.face_id, 95.0 - place) for place, face in enumerate(faces)]

    assert [match.full_name for match in house.searching.search(RequestTimer(10), jpeg(), 80, 1).matches] == [
        "Ana García"
    ]


def test_a_face_that_has_no_row_yet_has_no_name_to_answer() -> None:
    house = House()
    house.collection.found = [("being-enrolled", 99.0)]

    assert house.searching.search(RequestTimer(10), jpeg(), 80, 5).matches == []


def test_the_face_searched_for_is_the_prominent_one() -> None:
    bystander = Face(BoundingBox(0.8, 0.3, 0.3, 0.4), 99.0)
    house = House(rekognition=FakeRekognition(faces=[bystander, FACE]))

    assert house.searching.search(RequestTimer(10), jpeg(), 80, 5).searched == FACE


@pytest.mark.parametrize(
    ("written", "name"),
    [
        pytest.param("=?bogus?B?QUJD?=", None, id="unknown-encoding"),
        pytest.param("=?utf-8?B?Q?=", None, id="cut-base64"),
        pytest.param("=?utf-8?B?////?=", None, id="not-utf-8"),
        ("Ana", "Ana"),
        ("Ana%20Garc%C3%ADa", "Ana García"),
        ("=?UTF-8?B?QW5hIEdhcmPDrWE=?=", "Ana García"),
        ("=?UTF-8?Q?Ana_Garc=C3=ADa?=", "Ana García"),
        ("100% Ana", "100% Ana"),
        ("  ", None),
    ],
)
def test_a_name_is_read_as_s3_and_its_clients_write_it(written: str, name: str | None) -> None:
    assert name_in({"fullname": written}) == name
    assert name_in({}) is None


def test_a_photo_s_id_holds_no_name_and_differs_by_version() -> None:
    assert photo_id("ana.jpg", "1") == photo_id("ana.jpg", "1") != photo_id("ana.jpg", "2")
    assert "ana" not in photo_id("ana.jpg", "1")


def test_a_photo_deleted_before_its_event_came_is_not_enrolled() -> None:
    house = House()
    house.photos.deleted.add("ana.jpg")

    with pytest.raises(InvalidS3ObjectError, match="deleted after its upload"):
        house.enrol(version="1")

    assert house.collection.indexed == []
    assert house.table.rows == {}


# --- everybody in a photo ---------------------------------------------------------------------------------------------

SMALL, LARGE, MIDDLE_SIZED = (
    Face(BoundingBox(left, 0.1, side, side), 99.0) for left, side in ((0.05, 0.1), (0.2, 0.4), (0.7, 0.2))
)


def test_every_face_is_searched_for_the_largest_first_with_one_paid_search_each() -> None:
    house, timer = House(rekognition=FakeRekognition(faces=[SMALL, LARGE, MIDDLE_SIZED])), RequestTimer(10)
    house.enrol()
    house.collection.found = [("face-0", 99.0)]

    everybody = house.searching.search_everybody(timer, jpeg(), 80, 5, 10)

    assert [one.searched for one in everybody.faces] == [LARGE, MIDDLE_SIZED, SMALL]
    assert [[match.full_name for match in one.matches] for one in everybody.faces] == [["Ana García"]] * 3
    assert (everybody.left_out, timer.rekognition_calls) == (0, 4)


def test_faces_beyond_the_most_are_counted_and_not_paid_for() -> None:
    house, timer = House(rekognition=FakeRekognition(faces=[SMALL, LARGE, MIDDLE_SIZED])), RequestTimer(10)

    everybody = house.searching.search_everybody(timer, jpeg(), 80, 5, 2)

    assert [one.searched for one in everybody.faces] == [LARGE, MIDDLE_SIZED]
    assert (everybody.left_out, timer.rekognition_calls) == (1, 3)


def test_a_face_that_the_search_does_not_find_again_is_nobody_and_the_others_are_named() -> None:
    house = House(rekognition=FakeRekognition(faces=[SMALL, LARGE]))
    house.enrol()
    asked: list[bytes] = []

    def search(image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        asked.append(image)
        if len(asked) == 1:
            raise ImageValidationError("SearchFacesByImage found no face in the crop.")
        return [("face-0", 99.0)]

    house.collection.search = search  # type: ignore[method-assign]

    everybody = house.searching.search_everybody(RequestTimer(10), jpeg(), 80, 5, 10)

    assert sorted(len(one.matches) for one in everybody.faces) == [0, 1]


@pytest.mark.parametrize("failure", [InternalServerError("failed."), ServiceBusyError("busy.")])
def test_a_search_that_fails_is_one_refusal_of_the_whole_request(failure: Exception) -> None:
    house = House(rekognition=FakeRekognition(faces=[SMALL, LARGE]))

    def search(image: bytes, threshold: float, max_faces: int) -> list[tuple[str, float]]:
        raise failure

    house.collection.search = search  # type: ignore[method-assign]

    with pytest.raises(InternalServerError, match="search_faces_by_image"):
        house.searching.search_everybody(RequestTimer(10), jpeg(), 80, 5, 10)


# --- the claim check --------------------------------------------------------------------------------------------------


def claimed(similarities: list[float | Exception], photos: int | None = None) -> tuple[House, FakeRekognition]:
    """Ana with a photo for each similarity, in the order of the comparisons."""
    matches = [one if isinstance(one, Exception) else FaceMatch(MIDDLE, one) for one in similarities]
    rekognition = FakeRekognition(matches=[*matches])
    kept: dict[str, dict[str, str | None]] = {
        f"ana{number}": {"1": "Ana García"} for number in range(photos or len(similarities))
    }
    house = House(Photos(**kept), rekognition)
    for key, _ in list(house.photos.kept):
        house.enrol(key)
    rekognition.calls.clear()
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

    verified = house.verification.verify(RequestTimer(10), jpeg(), "Ana García")

    assert verified.similarity == answered
    assert sorted(rekognition.calls) == ["compare_faces"] * len(similarities) + ["detect_faces"]


def test_a_claim_costs_six_calls_at_most() -> None:
    house, _ = claimed([90.0], photos=7)
    timer = RequestTimer(10)

    house.verification.verify(timer, jpeg(), "Ana García")

    assert timer.rekognition_calls == 6


def test_nobody_of_that_name_is_not_found_and_nothing_is_paid_for() -> None:
    house, rekognition = claimed([90.0])

    with pytest.raises(NotFoundError):
        house.verification.verify(RequestTimer(10), jpeg(), "Bea")

    assert rekognition.calls == []


def test_a_photo_that_cannot_be_compared_is_passed_over() -> None:
    house, _ = claimed([NoFaceToCompareError("none."), 93.0])

    assert house.verification.verify(RequestTimer(10), jpeg(), "Ana García").similarity == 93.0


def test_a_photo_that_is_gone_is_passed_over() -> None:
    house, _ = claimed([90.0], photos=2)
    del house.photos.kept["ana0.jpg", "1"]

    assert house.verification.verify(RequestTimer(10), jpeg(), "Ana García").similarity == 90.0


def test_where_no_photo_can_be_compared_the_refusal_says_so() -> None:
    house, _ = claimed([NoFaceToCompareError("none."), NoFaceToCompareError("none.")])

    with pytest.raises(ImageValidationError, match="compare_faces"):
        house.verification.verify(RequestTimer(10), jpeg(), "Ana García")


def test_a_photo_without_a_face_is_refused_before_anything_is_compared() -> None:
    house, _ = claimed([90.0])
    house.verification = VerificationService(house.photos, FakeRekognition(faces=[]), house.table, BUCKET)  # type: ignore[arg-type]

    with pytest.raises(ImageValidationError, match="no face"):
        house.verification.verify(RequestTimer(10), jpeg(), "Ana García")


@pytest.mark.parametrize("failure", [InternalServerError("failed."), ServiceBusyError("busy.")])
def test_a_comparison_that_fails_is_one_failure_of_the_service(failure: Exception) -> None:
    house, _ = claimed([93.0, failure])

    with pytest.raises(InternalServerError, match="compare_faces"):
        house.verification.verify(RequestTimer(10), jpeg(), "Ana García")
