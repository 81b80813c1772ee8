"""Enrolling, searching and erasing: what is left when something fails in the middle, and what is asked again."""

from contextlib import suppress
from dataclasses import replace

import pytest

from face_validation_function.exceptions.exceptions import (
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
    ServiceBusyError,
)
from face_validation_function.integrations.s3_service import name_in
from face_validation_function.people import Erased, KeptPhoto, PhotoVersion
from tests.enrolled import ANA, DETAIL, EVA, FIRST, House, new_timer
from tests.fakes import jpeg


def test_a_photo_is_enrolled_under_the_name_in_its_metadata(house: House) -> None:
    version = house.put("ana.jpg", name="Ana%20Garc%C3%ADa")

    face = house.enrol("ana.jpg").face

    assert face.photo == PhotoVersion(ANA, "ana.jpg", version)
    ((external_id, _),) = house.rekognition.collections[FIRST].values()
    assert external_id == PhotoVersion("Ana", "ana.jpg", version).id
    house.check_settled()


def test_a_name_that_is_given_goes_before_the_one_in_the_metadata(house: House) -> None:
    house.put("ana.jpg", name="Somebody")

    assert house.enrol("ana.jpg", ANA).face.photo.full_name == ANA


def test_one_photo_version_delivered_many_times_is_one_face_and_one_row(house: House) -> None:
    version = house.put("ana.jpg", name="Ana")

    faces = {house.enrol("ana.jpg", version=version).face.face_id for _ in range(5)}

    assert len(faces) == len(house.rows()) == 1
    assert house.rekognition.paid.count("IndexFaces") == 1


def test_two_versions_of_a_photo_are_two_rows_whatever_order_they_come_in(house: House) -> None:
    first, second = house.put("ana.jpg", "teal", "Ana"), house.put("ana.jpg", "olive", "Ana")

    for version in (second, first, second):
        house.enrol("ana.jpg", version=version)

    assert len(house.rows()) == 2


def test_a_photo_under_way_elsewhere_is_told_to_come_again(house: House) -> None:
    version = house.put("ana.jpg")
    house.table.claim(KeptPhoto(PhotoVersion(ANA, "ana.jpg", version), FIRST))

    with pytest.raises(ServiceBusyError, match="being enrolled by another request"):
        house.enrol("ana.jpg", ANA)


def test_a_claim_is_left_alone_for_two_minutes_which_no_function_runs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = house.put("ana.jpg")
    claim = KeptPhoto(PhotoVersion(ANA, "ana.jpg", version), FIRST)
    monkeypatch.setattr("time.time", lambda: 1_000_000)
    house.table.claim(claim)
    monkeypatch.setattr("time.time", lambda: 1_000_120)
    with pytest.raises(ServiceBusyError):
        house.table.claim(claim)

    monkeypatch.setattr("time.time", lambda: 1_000_121)
    house.table.claim(claim)

    assert not house.rows()[0].face


def test_without_a_name_a_photo_is_refused_before_any_paid_call(house: House) -> None:
    house.put("ana.jpg")

    with pytest.raises(ImageValidationError, match="no metadata `fullname`"):
        house.enrol("ana.jpg")
    assert house.rekognition.paid == []


def test_without_a_face_nothing_is_left_behind(house: House) -> None:
    house.put("ana.jpg")
    house.rekognition.detected = []

    with pytest.raises(ImageValidationError, match="photo, detect_faces: no face"):
        house.enrol("ana.jpg", ANA)
    assert not house.rows()


@pytest.mark.parametrize("is_done", [False, True])
def test_an_enrolment_that_fails_at_any_call_is_finished_by_the_same_request(house: House, is_done: bool) -> None:
    house.put("count.jpg", "navy")
    house.faults.calls.clear()
    house.enrol("count.jpg", EVA)

    for place in range(1, len(house.faults.calls) + 1):
        key = f"{place}.jpg"
        house.put(key, colour=f"rgb({place * 16}, 40, 90)")
        with house.failing(place, is_done=is_done), suppress(InternalServerError):
            house.enrol(key, f"Person {place}")
        for row in house.rows():  # two minutes later
            if row.claimed_at:
                house.table.delete(row)
        house.enrol(key, f"Person {place}")

    house.check_settled()


def test_an_old_delivery_of_an_erased_photo_brings_nobody_back(house: House) -> None:
    version = house.put("ana.jpg", name="Ana")
    house.enrol("ana.jpg")
    house.kept.erase_person(new_timer(), "Ana")

    with pytest.raises(InvalidS3ObjectError):
        house.enrol("ana.jpg", version=version)
    assert house.is_empty()


def test_a_photo_deleted_before_its_event_came_is_not_enrolled(house: House) -> None:
    version = house.put("ana.jpg", name="Ana")
    house.s3.delete_object(Bucket=house.bucket, Key="ana.jpg")

    with pytest.raises(InvalidS3ObjectError, match="deleted after its upload"):
        house.enrol("ana.jpg", version=version)

    assert house.rekognition.paid == []
    assert house.rows() == []


def test_the_same_image_for_the_same_name_is_the_same_face_whatever_its_key(house: House) -> None:
    first = house.put_and_enrol("one.jpg", ANA)

    again = house.put_and_enrol("two.jpg", ANA)
    once_more = house.enrol("two.jpg", ANA)

    assert (first.is_new, again.is_new, once_more.is_new) == (True, False, False)
    assert first.face == again.face == once_more.face
    assert house.rekognition.paid.count("IndexFaces") == 1
    house.check_settled()


def test_a_copy_of_a_photo_goes_with_its_face(house: House) -> None:
    face = house.put_and_enrol("one.jpg", ANA).face
    house.put_and_enrol("two.jpg", ANA)

    erased = house.kept.erase_face(new_timer(), face.face_id)

    assert (erased.faces, erased.photo_versions, erased.rows) == (1, 2, 2)
    assert house.is_empty()


def test_erasing_a_person_empties_every_store_and_says_what_was_there(house: House) -> None:
    for key, colour in (("one.jpg", "teal"), ("one.jpg", "olive"), ("two.jpg", "navy")):
        house.put_and_enrol(key, ANA, colour)

    erased = house.kept.erase_person(new_timer(), ANA)

    assert house.is_empty()
    assert (erased.faces, erased.photo_versions, erased.rows) == (3, 3, 3)


def test_erasing_nobody_removes_nothing_and_says_so(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA)

    assert house.kept.erase_person(new_timer(), "Somebody Else") == Erased()
    assert len(house.rows()) == 1


def test_erasing_a_face_erases_the_other_versions_of_its_photo_too(house: House) -> None:
    house.put("ana.jpg", "teal", "Ana")
    face = house.enrol("ana.jpg").face
    house.put("ana.jpg", "olive", "Ana Maria")
    house.enrol("ana.jpg")

    house.kept.erase_face(new_timer(), face.face_id)

    assert house.is_empty()


def test_erasing_a_face_finds_the_other_versions_however_their_names_were_typed(house: House) -> None:
    house.put("ana.jpg", "teal", "Ana")
    face = house.enrol("ana.jpg").face
    for colour, name in (("olive", "%20Ana%20%20Garci%CC%81a%20"), ("navy", "no%0Aname")):
        house.put("ana.jpg", colour, name)
    house.enrol("ana.jpg", ANA)
    house.put("ana.jpg", "maroon", "%20Ana%20%20Garci%CC%81a%20")
    house.enrol("ana.jpg")

    house.kept.erase_person(new_timer(), ANA)
    house.kept.erase_face(new_timer(), face.face_id)

    assert house.is_empty()


@pytest.mark.parametrize("is_done", [False, True])
def test_an_erasure_that_fails_at_any_call_is_finished_by_the_same_request(house: House, is_done: bool) -> None:
    for place in calls_of_an_erasure(house):
        house.put_and_enrol("one.jpg", ANA)
        with house.failing(place, is_done=is_done), pytest.raises(InternalServerError):
            house.kept.erase_person(new_timer(), ANA)

        house.kept.erase_person(new_timer(), ANA)

        assert house.is_empty()


def calls_of_an_erasure(house: House) -> range:
    house.put_and_enrol("count.jpg", ANA)
    house.faults.calls.clear()
    house.kept.erase_person(new_timer(), ANA)
    return range(1, len(house.faults.calls) + 1)


def test_a_face_without_a_row_is_erased_from_the_collection_all_the_same(house: House) -> None:
    house.rekognition.collections[FIRST]["orphan"] = ("unknown", (0, 0, 0))

    assert house.kept.erase_face(new_timer(), "orphan").faces == 1
    assert not house.rekognition.collections[FIRST]


def test_a_row_that_comes_while_a_person_is_erased_goes_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put_and_enrol("one.jpg", ANA)
    house.put("late.jpg", "olive")
    delete = house.table.delete

    def late(kept: KeptPhoto) -> int:
        monkeypatch.setattr(house.table, "delete", delete)
        house.enrol("late.jpg", ANA)
        return delete(kept)

    monkeypatch.setattr(house.table, "delete", late)
    house.kept.erase_person(new_timer(), ANA)

    assert house.is_empty()


def test_a_search_answers_people_not_photos_best_first(house: House) -> None:
    house.put_and_enrol("one.jpg", ANA, "teal")
    house.put_and_enrol("two.jpg", ANA, "navy")
    house.put_and_enrol("three.jpg", EVA, "olive")
    teal, navy, olive = (colour for _, colour in house.rekognition.collections[FIRST].values())
    house.rekognition.alike = {frozenset({teal, olive}): 91.0, frozenset({teal, navy}): 90.0}

    found = house.identification.search(new_timer(), jpeg(colour="teal"), 80, 5)

    assert [(match.full_name, match.similarity) for match in found.matches] == [(ANA, 100.0), (EVA, 91.0)]
    assert found.searched.confidence == 99.9
    assert len(house.identification.search(new_timer(), jpeg(colour="teal"), 80, 1).matches) == 1


def test_a_face_that_has_no_row_yet_has_no_name_to_answer(house: House) -> None:
    enrolled = house.put_and_enrol("one.jpg", ANA)
    house.table.delete(replace(house.rows()[0], face=enrolled.face))

    assert house.names_found("teal") == []


def test_the_face_searched_for_is_the_prominent_one(house: House) -> None:
    bystander = DETAIL | {"BoundingBox": {"Left": 0.8, "Top": 0.3, "Width": 0.3, "Height": 0.4}}
    house.rekognition.detected = [bystander, DETAIL]

    assert house.identification.search(new_timer(), jpeg(), 80, 5).searched.box.left == 0.4


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
    ids = [PhotoVersion(name, "ana.jpg", version).id for name, version in (("Ana", "1"), ("Eva", "1"), ("Ana", "2"))]

    assert ids[0] == ids[1] != ids[2]
    assert "ana" not in ids[0]
