"""What is kept of people: what the client asks, with which scope, and what it makes of the answers."""

from urllib.parse import parse_qs

import pytest

from face_validation.client import ConflictError, FaceValidationClient, NotFoundError
from tests.face_validation.client.fake_api import FakeApi, Reply, envelope
from tests.face_validation.client.test_people import FACE, JPEG, form, scopes

RECORD = FACE | {
    "brightness": 70.0,
    "sharpness": 80.0,
    "landmarks": {"nose": {"x": 0.5, "y": 0.5}},
    "pose": {"roll": 1.0, "yaw": 2.0, "pitch": 3.0},
    "model_version": "7.0",
}
ROW = {"full_name": "Ana", "image_path": "a.jpg", "version": "1", "collection_id": "c", "face": RECORD}
PROGRESS = {"id_request": "x", "finished": False, "collection_id": "c.1", "indexed": 5, "wait_s": 0, "not_indexed": []}


def test_a_face_s_record_is_read_and_a_link_needs_another_scope(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.extend([Reply(200, RECORD), Reply(200, RECORD | {"url": "https://s3.example/a"})])

    record = client.records.face(str(FACE["face_id"]))
    linked = client.records.face(str(FACE["face_id"]), with_link=True)

    assert record.landmarks
    assert (record.landmarks["nose"]["x"], record.url, linked.url) == (0.5, None, "https://s3.example/a")
    assert scopes(api) == ["face-detection/read", "face-detection/read face-detection/admin"]


def test_everything_of_a_person_is_read(client: FaceValidationClient, api: FakeApi) -> None:
    versions = [
        {"image_path": "a.jpg", "version": "1", "url": "https://s3.example/a"},
        {"image_path": "a.jpg", "version": "2", "is_delete_marker": True},
    ]
    api.script.append(Reply(200, {"full_name": "Ana", "records": [ROW], "photo_versions": versions}))

    person = client.records.person("Ana/B")

    assert person.records[0].face
    assert [stored.is_delete_marker for stored in person.photo_versions] == [False, True]
    assert api.calls[-1].path == "/dev/people/Ana%2FB"
    assert scopes(api) == ["face-detection/admin"]


def test_an_unknown_person_is_its_exception(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.append(Reply(404, envelope("NotFoundError")))

    with pytest.raises(NotFoundError):
        client.records.rename("Nobody", "Somebody")
    assert api.calls[-1].json == {"from": "Nobody", "to": "Somebody"}


def test_a_reindex_is_asked_under_one_id_until_it_is_finished(client: FaceValidationClient, api: FakeApi) -> None:
    lost = [{"full_name": "Ana", "image_path": "a.jpg", "reason": "LOW_SHARPNESS"}]
    api.script.extend([Reply(200, PROGRESS), Reply(200, PROGRESS | {"finished": True, "not_indexed": lost})])

    steps = list(client.records.reindex())

    assert [step.finished for step in steps] == [False, True]
    assert steps[-1].not_indexed[0].reason == "LOW_SHARPNESS"
    assert len({call.json["id_request"] for call in api.calls_to("/dev/reindexings")}) == 1


def test_a_face_under_another_name_is_refused_or_let_in(client: FaceValidationClient, api: FakeApi) -> None:
    reasons = ["FACE_ENROLLED_UNDER_ANOTHER_NAME"]
    refused = envelope("ConflictError")
    refused["error"]["reasons"] = reasons
    api.script.extend([form(api), Reply(409, refused), form(api), Reply(201, FACE | {"possible_duplicate": True})])

    with pytest.raises(ConflictError) as error:
        client.people.enrol(JPEG, "Ana")
    face = client.people.enrol(JPEG, "Ana", allow_duplicate=True, expires_at="2030-01-01T00:00:00Z")

    assert error.value.reasons == tuple(reasons)
    assert face.possible_duplicate
    assert {"allow_duplicate", "expires_at"} <= api.calls_to("/dev/faces")[-1].json.keys()


def test_no_scope_is_asked_for_that_is_not_needed(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.append(Reply(200, {"full_name": "Eva", "photos": 2}))

    assert client.records.rename("Ana", "Eva").photos == 2

    (asked,) = api.token_calls
    assert parse_qs(asked.body.decode())["scope"] == ["face-detection/admin"]
