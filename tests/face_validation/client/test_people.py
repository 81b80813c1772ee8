"""Enrol, list, search and erase: what the client asks, with which scope, and what it makes of the answers."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from face_validation.cli.app import app
from face_validation.client import FaceValidationClient, ImageValidationError, RequestFailedError
from tests.face_validation.client.fake_api import FakeApi, Reply, envelope

JPEG = b"\xff\xd8\xff\xe0 not a whole one"
BOX = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
FACE = {
    "face_id": "1b4e28ba-2fa1-4d2e-883f-b9a761bde3fb",
    "full_name": "Ana García",
    "image_path": "photos/a.jpg",
    "box": BOX,
    "confidence": 99.0,
    "enrolled_at": "2026-01-01T00:00:00Z",
}
FOUND = {
    "id_request": "x",
    "found": True,
    "person": "Ana García",
    "similarity": 97.0,
    "matches": [{"full_name": "Ana García", "similarity": 97.0, "face_id": FACE["face_id"]}],
    "searched_face": {"box": BOX, "confidence": 99.0},
}
NOBODY = {"id_request": "x", "found": False, "matches": [], "searched_face": FOUND["searched_face"]}
ERASED = {"id_request": "x", "erased": {"faces": 2, "photo_versions": 3, "rows": 2}}


def form(api: FakeApi) -> Reply:
    fields = {"key": "photos/a.jpg", "policy": "signed"}
    return Reply(201, {"key": "photos/a.jpg", "url": f"{api.address}/faces", "fields": fields, "expires_in": 300})


def scopes(api: FakeApi) -> list[str]:
    return [parse_qs(call.body.decode())["scope"][0] for call in api.token_calls]


def test_enrolling_uploads_by_the_form_then_names_the_person(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.extend([form(api), Reply(201, FACE)])

    face = client.people.enrol(JPEG, "Ana García")

    assert (face.full_name, face.box.width) == ("Ana García", 0.3)
    asked, posted, enrolled = (call for call in api.calls if call.path != "/oauth2/token")
    assert asked.json == {"bucket": "faces", "content_type": "image/jpeg"}
    # S3 reads the form's fields first and the file last; the token is for the API, not for S3.
    assert posted.body.index(b"signed") < posted.body.index(JPEG)
    assert "Authorization" not in posted.headers
    assert enrolled.json == {"image_path": "photos/a.jpg", "full_name": "Ana García"}
    assert scopes(api) == ["face-detection/write"]


def test_a_search_says_who_and_how_sure(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.append(Reply(200, FOUND))

    result = client.people.search(JPEG, threshold=0, max_faces=3)

    assert (result.person, result.matches[0].similarity) == ("Ana García", 97.0)
    question = api.calls_to("/dev/search")[0].json
    assert (question["threshold"], question["max_faces"]) == (0, 3)
    assert base64.b64decode(question["image"]) == JPEG
    assert scopes(api) == ["face-detection/read"]


def test_a_photo_too_large_for_a_request_is_searched_by_its_key(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.extend([form(api), Reply(200, FOUND)])

    client.people.search(JPEG + bytes(4_000_000))

    question = api.calls_to("/dev/search")[0].json
    assert question["image_path"] == "photos/a.jpg"
    assert "image" not in question


def test_every_page_of_faces_is_read(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.extend([Reply(200, {"faces": [FACE], "next_token": "more"}), Reply(200, {"faces": [FACE, FACE]})])

    assert len(list(client.people.faces("Ana García"))) == 3

    queries = [parse_qs(urlsplit(call.path).query) for call in api.calls_to("/dev/faces")]
    assert queries == [{"full_name": ["Ana García"]}, {"full_name": ["Ana García"], "next_token": ["more"]}]


def test_a_name_is_one_segment_of_the_address_whatever_is_in_it(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.append(Reply(200, ERASED))

    assert client.people.erase_person("Ana/García & Co?").rows == 2

    (call,) = [call for call in api.calls if call.method == "DELETE"]
    assert call.path == "/dev/people/Ana%2FGarc%C3%ADa%20%26%20Co%3F"
    assert scopes(api) == ["face-detection/admin"]


def test_a_refusal_is_its_exception(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.extend([form(api), Reply(422, envelope("ImageValidationError"))])

    with pytest.raises(ImageValidationError):
        client.people.enrol(JPEG, "Ana")


def test_a_file_that_is_no_image_is_refused_before_anything_is_asked(
    client: FaceValidationClient, api: FakeApi
) -> None:
    with pytest.raises(ImageValidationError, match="the service takes JPG and PNG"):
        client.people.enrol(b"# a text", "Ana")

    assert api.calls == []


@pytest.mark.parametrize("answer", [[], {}, {"erased": None}, {"erased": {"faces": "some"}}])
def test_an_answer_that_is_not_the_contracts_is_no_erasure(
    client: FaceValidationClient, api: FakeApi, answer: Any
) -> None:
    api.script.append(Reply(200, answer))

    with pytest.raises(RequestFailedError):
        client.people.erase_face("x")


class TestCommands:
    """`enrol`, `search`, `people`, `erase`."""

    @pytest.fixture
    def photo(self, api: FakeApi, tmp_path: Path) -> str:
        (tmp_path / "stack.json").write_text(json.dumps(api.settings), "utf-8")
        Image.new("RGB", (90, 90)).save(tmp_path / "photo.jpg")
        return str(tmp_path / "photo.jpg")

    def run(self, photo: str, *arguments: str, stdin: str | None = None) -> Result:
        profile = str(Path(photo).with_name("stack.json"))
        return CliRunner().invoke(app, [*arguments, "--profile", profile], input=stdin, env={"COLUMNS": "300"})

    def test_enrol_says_the_face(self, api: FakeApi, photo: str) -> None:
        api.script.extend([form(api), Reply(201, FACE)])

        result = self.run(photo, "enrol", photo, "--full-name", "Ana García", "--json")

        assert json.loads(result.stdout) == FACE

    @pytest.mark.parametrize(("answer", "exit_code", "said"), [(FOUND, 0, "Ana García"), (NOBODY, 1, "Nobody")])
    def test_search_leaves_with_whether_somebody_was_found(
        self, api: FakeApi, photo: str, answer: dict[str, Any], exit_code: int, said: str
    ) -> None:
        api.script.append(Reply(200, answer))

        result = self.run(photo, "search", photo)

        assert result.exit_code == exit_code
        assert said in result.stdout

    def test_people_lists_one_face_a_line(self, api: FakeApi, photo: str) -> None:
        api.script.append(Reply(200, {"faces": [FACE, FACE]}))

        assert self.run(photo, "people").stdout.count("Ana García") == 2

    def test_nobody_is_said_to_be_nobody(self, api: FakeApi, photo: str) -> None:
        api.script.extend([Reply(200, {"faces": []})] * 2)
        api.script.append(Reply(200, {"erased": {"faces": 0, "photo_versions": 0, "rows": 0}}))

        assert "Nobody is enrolled" in self.run(photo, "people").stderr
        assert "Ana is not enrolled" in self.run(photo, "people", "--full-name", "Ana").stderr
        assert "Nothing was there to erase" in self.run(photo, "erase", "--full-name", "Ana", "--yes").stderr

    def test_forget_asks_first(self, api: FakeApi, photo: str) -> None:
        refused = self.run(photo, "erase", "--full-name", "Ana", stdin="n\n")
        assert refused.exit_code == 3
        assert not [call for call in api.calls if call.method == "DELETE"]

        api.script.append(Reply(200, ERASED))
        assert "3 photo versions" in self.run(photo, "erase", "--full-name", "Ana", "--yes").stdout

    @pytest.mark.parametrize("arguments", [[], ["--full-name", "Ana", "--face-id", "x"]])
    def test_forget_needs_one_of_name_and_face(self, api: FakeApi, photo: str, arguments: list[str]) -> None:
        assert self.run(photo, "erase", *arguments).exit_code == 3
        assert api.calls == []
