"""What is kept of a person: told whole, and erased when its time is over."""

import json
import urllib.parse
from dataclasses import replace
from typing import Any

import pytest

from face_validation_function.contract.records import PersonAnswer
from face_validation_function.people import KeptPhoto, PhotoVersion, expiry, moment
from face_validation_function.people_function import OPERATIONS, PeopleAdapters, expire
from face_validation_function.rest_function import RestFunction
from face_validation_function.routes import ADMIN, READ
from face_validation_function.settings import PeopleSettings
from tests.enrolled import ANA, EVA, FIRST, House, new_timer
from tests.fakes import FakeContext, event

LONG_AGO, LATER = "2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"


def adapters_of(house: House) -> PeopleAdapters:
    settings = PeopleSettings("s", "t", "c", house.bucket, house.bucket, FIRST, "q", log_level="DEBUG")
    adapters = PeopleAdapters(settings, rekognition=None, s3=None, dynamodb=None)
    adapters.s3, adapters.table, adapters.kept = house.photos, house.table, house.kept
    adapters.enrolment, adapters.identification = house.enrolment, house.identification
    adapters.reindexing = house.reindexing
    return adapters


def ask(house: House, method: str, resource: str, value: str, *scopes: str) -> tuple[int, Any]:
    ((name, _),) = {resource.partition("{")[2].rstrip("}"): 0}.items()
    request = event(None, httpMethod=method, resource=resource, pathParameters={name: urllib.parse.quote(value)})
    request["requestContext"] = {"authorizer": {"claims": {"scope": " ".join(scopes)}}}
    answer = RestFunction(OPERATIONS, lambda: adapters_of(house))(request, FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def crowded(house: House) -> None:
    """A person with all that can be kept: versions, copies, a claim, a rename and a reindex half-way, a marker."""
    house.put("index/ana.jpg", "teal", "Ana")
    house.enrol("index/ana.jpg")
    house.put("index/ana.jpg", "olive", "Ana Maria")
    house.enrol("index/ana.jpg")
    house.put_and_enrol("two.jpg", "Ana", "navy")
    house.put_and_enrol("copy.jpg", "Ana", "navy")
    house.put_and_enrol("eva.jpg", EVA, "maroon")
    version = house.put("claimed.jpg", "gray")
    house.table.claim(KeptPhoto(PhotoVersion("Ana", "claimed.jpg", version), FIRST))
    two = next(row for row in house.rows() if row.photo.key == "two.jpg")
    house.table.mark(two, "photos/half-way.jpg")
    house.photos.copy(house.bucket, "two.jpg", two.photo.version, "photos/half-way.jpg", "Ana Ruiz")
    house.s3.delete_object(Bucket=house.bucket, Key="two.jpg")
    house.reindexing.grace_s = 100
    house.reindexing.step(new_timer(), "run")


def test_what_is_told_of_a_person_is_what_an_erasure_removes(house: House) -> None:
    crowded(house)
    status, told = ask(house, "GET", "/people/{full_name}", "Ana", ADMIN)
    before_rows, before_versions = house.rows(), house.versions()

    _, answer = ask(house, "DELETE", "/people/{full_name}", "Ana", ADMIN)

    assert status == 200
    PersonAnswer.model_validate(told)
    removed_rows = [row for row in before_rows if row not in house.rows()]
    assert sorted((row.image_path, row.version, row.collection_id) for row in PersonAnswer(**told).records) == sorted(
        (row.photo.key, row.photo.version, row.collection_id) for row in removed_rows
    )
    told_versions = [(one["image_path"], one["version"]) for one in told["photo_versions"]]
    assert sorted(told_versions) == sorted(before_versions - house.versions())
    assert answer["erased"] == {
        "faces": len([row for row in told["records"] if "face" in row]),
        "photo_versions": len(told["photo_versions"]),
        "rows": len(told["records"]),
    }
    assert {row.photo.full_name for row in house.rows()} == {EVA}
    assert {key for key, _ in house.versions()} == {"eva.jpg"}
    assert ask(house, "GET", "/people/{full_name}", "Ana", ADMIN)[0] == 404


def test_every_version_has_a_link_for_five_minutes_that_saves_it_and_a_marker_has_none(house: House) -> None:
    crowded(house)

    _, told = ask(house, "GET", "/people/{full_name}", "Ana", ADMIN)

    markers = [one for one in told["photo_versions"] if one.get("is_delete_marker")]
    assert len(markers) == 1
    assert "url" not in markers[0]
    for one in told["photo_versions"]:
        if one not in markers:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(one["url"]).query)
            assert query["versionId"] == [one["version"]]
            assert query["response-content-disposition"] == ["attachment"]
            assert query.get("X-Amz-Expires", ["300"]) == ["300"]


def test_a_face_s_record_is_told_and_a_link_only_to_an_admin(house: House) -> None:
    face = house.put_and_enrol("ana.jpg", ANA, expires_at=LATER).face

    status, told = ask(house, "GET", "/faces/{face_id}", face.face_id, READ)
    _, with_link = ask(house, "GET", "/faces/{face_id}", face.face_id, READ, ADMIN)

    assert status == 200
    assert (told["full_name"], told["brightness"], told["sharpness"]) == (ANA, 70, 80)
    assert told["landmarks"]["right_eye"] == pytest.approx({"x": 0.42, "y": 0.4})
    assert told["pose"] == {"roll": 1.5, "yaw": -2.0, "pitch": 3.0}
    assert (told["model_version"], told["expires_at"]) == (f"of {FIRST}", LATER)
    assert "url" not in told
    assert "ana.jpg" in with_link["url"]


def test_an_unknown_face_is_not_found(house: House) -> None:
    status, told = ask(house, "GET", "/faces/{face_id}", "5f0c0001-0000-4000-8000-0000000000ff", READ)

    assert (status, told["error"]["code"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("days", "asked", "ends"),
    [
        (0, "", ""),
        (0, LATER, LATER),
        (365, "", "2026-01-01T00:00:00+00:00"),
        (365, LATER, "2026-01-01T00:00:00+00:00"),
        (365, "2025-06-01T00:00:00+00:00", "2025-06-01T00:00:00+00:00"),
    ],
)
def test_an_enrolment_ends_at_the_earlier_of_the_stage_s_days_and_the_time_asked(
    days: int, asked: str, ends: str
) -> None:
    assert expiry("2025-01-01T00:00:00+00:00", days, asked) == ends


def test_what_has_expired_is_erased_from_every_store_and_nothing_else(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal", expires_at=LONG_AGO)
    house.put_and_enrol("copy.jpg", ANA, "teal", expires_at=LONG_AGO)
    house.put_and_enrol("later.jpg", ANA, "navy", expires_at=LATER)
    house.put_and_enrol("eva.jpg", EVA, "olive")

    erased = expire(adapters_of(house), {"operation": "expire"}, FakeContext())

    assert erased == {"faces": 1, "photo_versions": 2, "rows": 2}
    assert {key for key, _ in house.versions()} == {"later.jpg", "eva.jpg"}
    house.check_settled()


def test_a_later_version_of_an_expired_photo_stays_until_its_own_time(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal", expires_at=LONG_AGO)
    house.put_and_enrol("ana.jpg", ANA, "navy", expires_at=LATER)

    house.kept.erase_expired(new_timer())

    assert (house.names_found("teal"), house.names_found("navy")) == ([], [ANA])
    house.check_settled()


@pytest.mark.usefixtures("_aws")
def test_the_stage_s_days_count_for_faces_enrolled_before_from_the_next_reindex_on() -> None:
    house = House(people_days=30)
    assert house.put_and_enrol("new.jpg", EVA, "navy").is_new
    (row,) = house.rows()
    assert moment() < row.expires_at
    version = house.put("old.jpg", "teal")
    settings = PeopleSettings("s", "t", "c", house.bucket, house.bucket, FIRST, "q")
    house.enrolment = replace(house.enrolment, settings=settings)
    house.enrol("old.jpg", ANA, version)

    house.reindex()

    assert all(kept.expires_at for kept in house.rows())
