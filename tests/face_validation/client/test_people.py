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

        assert json.loads(result.stdout) == FACE | {"possible_duplicate": False}

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


# --- everybody, and a claim -------------------------------------------------------------------------------------------


def run(api: FakeApi, folder: Path, *arguments: str) -> Result:
    (folder / "stack.json").write_text(json.dumps(api.settings), "utf-8")
    profile = ["--profile", str(folder / "stack.json")]
    return CliRunner().invoke(app, [*arguments, *profile], env={"COLUMNS": "300"})


EVERYBODY = {
    "id_request": "x",
    "found": True,
    "faces": [
        {
            "box": BOX,
            "confidence": 99.0,
            **{name: FOUND[name] for name in ("found", "person", "similarity", "matches")},
        },
        {"box": BOX, "confidence": 98.0, "found": False, "matches": []},
    ],
    "not_searched": 2,
}
CLAIM = {"id_request": "x", "matched": False, "similarity": 12.5, "reasons": ["SIMILARITY_BELOW_THRESHOLD"]}


def test_everybody_in_a_photo_is_asked_for_and_told_face_by_face(client: FaceValidationClient, api: FakeApi) -> None:
    api.script.append(Reply(200, EVERYBODY))

    result = client.people.search_everybody(JPEG, max_searched=20)

    assert [face.person for face in result.faces] == ["Ana García", None]
    assert (result.faces[0].box.width, result.not_searched) == (0.3, 2)
    question = api.calls_to("/dev/search")[0].json
    assert (question["faces"], question["max_searched"]) == ("all", 20)
    assert scopes(api) == ["face-detection/read"]


def test_a_claim_is_asked_with_the_name_and_answered_with_the_similarity(
    client: FaceValidationClient, api: FakeApi
) -> None:
    api.script.append(Reply(200, CLAIM))

    result = client.people.verify(JPEG, "Ana García", threshold=90)

    assert (result.matched, result.similarity, result.reasons) == (False, 12.5, ("SIMILARITY_BELOW_THRESHOLD",))
    question = api.calls_to("/dev/verification")[0].json
    assert (question["full_name"], question["threshold"]) == ("Ana García", 90)


def test_the_command_names_every_face_and_writes_the_picture(api: FakeApi, tmp_path: Path) -> None:
    api.script.append(Reply(200, EVERYBODY))
    photo, picture = tmp_path / "photo.jpg", tmp_path / "all.png"
    Image.new("RGB", (120, 160)).save(photo)

    done = run(api, tmp_path, "search", str(photo), "--all", "--annotate", str(picture))

    assert done.exit_code == 0
    assert "1. face at 10%, 20%: Ana García  similarity 97.00" in done.stdout
    assert "2. face at 10%, 20%: not found" in done.stdout
    assert "2 smaller faces were not looked for" in done.stderr
    with Image.open(picture) as drawn:
        assert drawn.width > 120


def test_a_picture_of_a_search_for_one_is_refused_before_anything_is_asked(api: FakeApi, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (120, 160)).save(photo)

    done = run(api, tmp_path, "search", str(photo), "--annotate", str(tmp_path / "one.png"))

    assert (done.exit_code, api.calls) == (3, [])


@pytest.mark.parametrize(("matched", "code"), [(True, 0), (False, 1)])
def test_a_claim_leaves_with_0_or_1(api: FakeApi, tmp_path: Path, matched: bool, code: int) -> None:
    api.script.append(Reply(200, CLAIM | {"matched": matched}))
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (120, 160)).save(photo)

    done = run(api, tmp_path, "verify", str(photo), "--full-name", "Ana García")

    assert (done.exit_code, "similarity 12.50" in done.stdout) == (code, True)


# --- liveness sessions ------------------------------------------------------------------------------------------------

SESSION = {
    "id_request": "x",
    "session_id": "6f5902ac-2370-4b6a-8b6e-9d6a2c7f6d10",
    "expires_at": "2026-01-01T00:03:00+00:00",
    "region": "eu-west-1",
}


def test_a_session_is_created_for_a_source_and_takes_the_targets_place(
    client: FaceValidationClient, api: FakeApi
) -> None:
    api.script.append(Reply(201, SESSION))

    session = client.create_liveness_session("people/ana.jpg")
    client.validate("people/ana.jpg", None, "FACE_TO_FACE", target_liveness_session=session.session_id)

    assert api.calls_to("/dev/liveness-sessions")[0].json["source_path"] == "people/ana.jpg"
    asked = api.validations[-1].json
    assert asked["target_liveness_session"] == session.session_id
    assert "target_path" not in asked


def test_a_session_that_is_refused_says_why_in_words(api: FakeApi, tmp_path: Path) -> None:
    refused = envelope("LivenessError", "the session is FAILED.")
    refused["error"]["reasons"] = ["LIVENESS_FAILED"]
    api.script.append(Reply(422, refused))

    done = run(
        api, tmp_path, "validate", "people/ana.jpg", "--liveness", SESSION["session_id"], "--type", "FACE_TO_FACE"
    )

    assert done.exit_code == 2
    assert "The liveness check failed" in done.stderr
    assert "liveness create" in done.stderr


def test_the_command_prints_the_session_and_the_next_step(api: FakeApi, tmp_path: Path) -> None:
    api.script.append(Reply(201, SESSION))

    done = run(api, tmp_path, "liveness", "create", "people/ana.jpg", "--key")

    assert done.exit_code == 0
    assert f"validate people/ana.jpg --liveness {SESSION['session_id']}" in done.stdout


def test_outcomes_are_declared_on_a_running_local_stack_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_VALIDATION_STACK", str(tmp_path / "none.json"))

    done = CliRunner().invoke(app, ["liveness", "declare", SESSION["session_id"]])

    assert done.exit_code == 3
    assert "No local stack runs here" in done.stderr
