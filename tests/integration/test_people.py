"""People over HTTP on the local stack: upload, enrol by event and by request, list, search, erase from every store."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation_function.routes import PEOPLE_ROUTES
from tests.fakes import jpeg
from tests.waiting import until

pytestmark = pytest.mark.slow

SCOPES = " ".join(sorted({route.scope for route in PEOPLE_ROUTES}))


class Api:
    """The API with a token of every scope, and the stores behind it."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.s3 = aws_client("s3", stack.info.s3_endpoint)
        self.sqs = aws_client("sqs", stack.info.s3_endpoint)
        self.http = httpx.Client(
            base_url=stack.info.api_url, headers={"Authorization": f"Bearer {token_of(stack, SCOPES)}"}, timeout=30
        )

    def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        response = self.http.request(method, path, **more)
        return response.status_code, response.json()

    def put(self, key: str, image: bytes, name: str | None) -> None:
        metadata = {"fullname": name} if name else {}
        self.s3.put_object(Bucket=self.stack.people.faces_bucket, Key=key, Body=image, Metadata=metadata)

    def faces_of(self, name: str) -> list[dict[str, Any]]:
        faces: list[dict[str, Any]] = self.ask("GET", "/faces", params={"full_name": name})[1]["faces"]
        return faces


def token_of(stack: LocalStack, scope: str) -> str:
    info = stack.info
    asked = {"grant_type": "client_credentials", "scope": scope}
    client = {"client_id": info.client_id, "client_secret": info.client_secret}
    token: str = httpx.post(info.token_url, data=asked | client).json()["access_token"]
    return token


@pytest.fixture(scope="module")
def api(local_stack: LocalStack) -> Iterator[Api]:
    made = Api(local_stack)
    yield made
    made.http.close()


@pytest.fixture(autouse=True)
def _nobody_is_enrolled(api: Api) -> Iterator[None]:
    """Whoever another test left enrolled would be a duplicate of the same photograph's person."""
    erase_all(api)
    yield
    erase_all(api)


def erase_all(api: Api) -> None:
    for found in api.ask("GET", "/faces", params={"limit": 100})[1]["faces"]:
        api.ask("DELETE", f"/faces/{found['face_id']}")


@pytest.fixture
def name() -> str:
    """A person of this test alone."""
    return f"Ana García {uuid.uuid4()}"


def uploaded(api: Api, image: bytes, full_name: str | None = None) -> str:
    asked = {"bucket": "faces", "content_type": "image/jpeg"} | ({"full_name": full_name} if full_name else {})
    status, form = api.ask("POST", "/uploads", json=asked)
    assert status == 201
    answer = httpx.post(form["url"], data=form["fields"], files={"file": image})
    assert answer.status_code == 204, answer.text
    key: str = form["key"]
    return key


def test_a_photo_uploaded_with_a_name_is_enrolled_by_its_event_and_found(api: Api, name: str) -> None:
    uploaded(api, sample_jpeg("collins"), name)
    until(lambda: api.faces_of(name))

    image = base64.b64encode(sample_jpeg("collins-again")).decode()
    status, body = api.ask("POST", "/search", json={"image": image})

    assert (status, body["found"], body["person"]) == (200, True, name)
    assert body["matches"][0]["face_id"] == api.faces_of(name)[0]["face_id"]
    assert body["searched_face"]["confidence"] > 80
    api.ask("DELETE", f"/people/{name}")


def test_enrolling_by_request_answers_at_once_and_twice_the_same_face(api: Api, name: str) -> None:
    key = uploaded(api, sample_jpeg("hopper"))

    first = api.ask("POST", "/faces", json={"image_path": key, "full_name": name})
    again = api.ask("POST", "/faces", json={"image_path": key, "full_name": name})

    assert (first[0], again[0]) == (201, 200)
    assert first[1]["face_id"] == again[1]["face_id"]
    assert set(first[1]["box"]) == {"left", "top", "width", "height"}
    api.ask("DELETE", f"/people/{name}")


def test_nobody_above_the_threshold_is_nobody_found(api: Api) -> None:
    api.stack.put_image("target", "search/hopper.jpg", sample_jpeg("hopper"))

    status, body = api.ask("POST", "/search", json={"image_path": "search/hopper.jpg", "threshold": 100})

    assert (status, body["found"], body["matches"]) == (200, False, [])
    assert "person" not in body


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/search", {}, "image_path or image"),
        ("/search", {"image": "AAAA", "image_path": "a.jpg"}, "image_path or image"),
        ("/search", {"image": "no base64!"}, "not base64"),
        ("/search", {"image_path": "a.jpg", "max_faces": 0}, "max_faces"),
        ("/search", {"image_path": "a.jpg", "max_faces": "5"}, "max_faces"),
        ("/search", {"image_path": "../a.jpg"}, "image_path"),
        ("/faces", {"image_path": "a.jpg"}, "full_name"),
        ("/faces", {"image_path": "a.jpg", "full_name": "  "}, "full_name"),
        ("/faces", {"image_path": "a.jpg", "full_name": "a\nb"}, "full_name"),
        ("/faces", {"image_path": "a.jpg", "full_name": "x" * 201}, "full_name"),
        ("/uploads", {"bucket": "logs", "content_type": "image/jpeg"}, "bucket"),
        ("/uploads", {"bucket": "source", "content_type": "text/html"}, "content_type"),
        ("/uploads", {"bucket": "source", "content_type": "image/png", "full_name": "Ana"}, "full_name"),
    ],
)
def test_what_does_not_validate_is_refused_with_its_field(api: Api, path: str, body: object, said: str) -> None:
    status, answer = api.ask("POST", path, json=body)

    assert (status, answer["error"]["code"]) == (400, "RequestError")
    assert said in answer["error"]["details"]


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "ñ",
        *(
            base64.urlsafe_b64encode(made).decode()
            for made in (
                b'{"full_name": 1}',
                b'{"full_name": {"S": "a", "more": 1}, "listing": {"S": "faces"}, "photo_id": {"S": "b"}}',
                b"[" * 4000,
            )
        ),
    ],
)
def test_a_page_token_of_somebody_s_own_making_is_refused(api: Api, token: str) -> None:
    status, answer = api.ask("GET", "/faces", params={"next_token": token})

    assert (status, answer["error"]["code"]) == (400, "RequestError")


def test_faces_are_listed_page_by_page_in_the_order_of_names(api: Api) -> None:
    run = str(uuid.uuid4())
    names = [f"{letter} {run}" for letter in "BCA"]
    for name in names:
        asked = {"image_path": uploaded(api, sample_jpeg("collins")), "full_name": name, "allow_duplicate": True}
        api.ask("POST", "/faces", json=asked)

    listed: list[str] = []
    token: str | None = None
    while True:
        page = api.ask("GET", "/faces", params={"limit": 1} | ({"next_token": token} if token else {}))[1]
        listed += [face["full_name"] for face in page["faces"]]
        token = page.get("next_token")
        if token is None:
            break

    assert [name for name in listed if run in name] == sorted(names)
    for name in names:
        assert api.ask("DELETE", f"/people/{name}")[1]["erased"]["faces"] == 1


def test_after_an_erasure_no_store_holds_the_person_s_vector_key_version_or_name(api: Api, name: str) -> None:
    stores = api.stack.people
    keys = [uploaded(api, sample_jpeg(sample)) for sample in ("collins", "collins-again")]
    faces = [api.ask("POST", "/faces", json={"image_path": key, "full_name": name})[1]["face_id"] for key in keys]
    api.s3.put_object(Bucket=stores.faces_bucket, Key=keys[0], Body=sample_jpeg("hopper"))  # one more version
    api.s3.delete_object(Bucket=stores.faces_bucket, Key=keys[1])  # a delete marker, which S3 answers 405 for

    status, body = api.ask("DELETE", f"/people/{name}")

    assert status == 200
    assert body["erased"] == {"faces": 2, "photo_versions": 4, "rows": 2}
    rekognition = aws_client("rekognition", api.stack.info.rekognition_endpoint)
    pages = rekognition.get_paginator("list_faces").paginate(CollectionId=stores.collection_id)
    assert not {face["FaceId"] for page in pages for face in page["Faces"]} & set(faces)
    versions = api.s3.list_object_versions(Bucket=stores.faces_bucket)
    assert not {found["Key"] for found in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]} & set(
        keys
    )
    rows = aws_client("dynamodb", api.stack.info.s3_endpoint).scan(TableName=stores.faces_table)["Items"]
    assert name not in json.dumps(rows, ensure_ascii=False)
    image = base64.b64encode(sample_jpeg("collins")).decode()
    found = api.ask("POST", "/search", json={"image": image, "threshold": 0, "max_faces": 100})[1]["matches"]
    assert name not in {match["full_name"] for match in found}


def test_one_face_is_erased_with_its_photo(api: Api, name: str) -> None:
    key = uploaded(api, sample_jpeg("hopper"))
    face_id = api.ask("POST", "/faces", json={"image_path": key, "full_name": name})[1]["face_id"]

    assert api.ask("DELETE", f"/faces/{face_id}")[1]["erased"] == {"faces": 1, "photo_versions": 1, "rows": 1}
    assert api.faces_of(name) == []


def test_a_face_id_that_is_none_is_refused(api: Api) -> None:
    status, body = api.ask("DELETE", "/faces/not-an-id")

    assert (status, body["error"]["code"]) == (400, "RequestError")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/faces", "face-detection/write"),
        ("POST", "/faces", "face-detection/read"),
        ("POST", "/search", "face-detection/write"),
        ("POST", "/uploads", "face-detection/read"),
        ("DELETE", "/people/ana", "face-detection/write"),
        ("DELETE", "/faces/f", "face-detection/write face-detection/read"),
    ],
)
def test_a_route_asks_for_its_own_scope(api: Api, method: str, path: str, scope: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(api.stack, scope)}"}

    status, body = api.ask(method, path, headers=headers, json={})

    assert (status, body["error"]["code"]) == (403, "ForbiddenError")


def test_keys_that_s3_encodes_in_its_events_are_enrolled(api: Api, name: str) -> None:
    api.put(
        "index/a b+c/ü (1).jpg", sample_jpeg("collins"), "=?UTF-8?B?" + base64.b64encode(name.encode()).decode() + "?="
    )

    until(lambda: api.faces_of(name))

    assert api.faces_of(name)[0]["image_path"] == "index/a b+c/ü (1).jpg"
    api.ask("DELETE", f"/people/{name}")


@pytest.mark.parametrize(
    ("image", "full_name", "said"),
    [
        pytest.param(sample_jpeg("collins"), None, "no metadata `fullname`", id="no-name"),
        pytest.param(jpeg((300, 300)), "Nobody", "no face", id="no-face"),
        pytest.param(b"no image", "Nobody", "neither JPG nor PNG", id="no-image"),
    ],
)
def test_a_photo_that_cannot_be_enrolled_ends_in_the_dead_letter_queue_with_the_reason(
    api: Api, image: bytes, full_name: str | None, said: str
) -> None:
    key = f"index/{uuid.uuid4()}.jpg"
    api.put(key, image, full_name)
    letters: list[dict[str, Any]] = []

    def arrived() -> bool:
        queue = api.stack.people.dead_letter_queue_url
        found = api.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=1)
        letters.extend(json.loads(message["Body"]) for message in found.get("Messages", ()))
        return any(letter["record"]["s3"]["object"]["key"].endswith(key.split("/")[1]) for letter in letters)

    until(arrived)
    reason = next(
        letter["reason"] for letter in letters if letter["record"]["s3"]["object"]["key"].endswith(key.split("/")[1])
    )
    assert said in reason


def test_an_upload_keeps_to_the_policy_that_was_signed(api: Api) -> None:
    form = api.ask("POST", "/uploads", json={"bucket": "source", "content_type": "image/png"})[1]

    def post(fields: dict[str, str], image: bytes = b"x") -> tuple[int, str]:
        answer = httpx.post(form["url"], data=form["fields"] | fields, files={"file": image})
        return answer.status_code, answer.text

    assert post({"Content-Type": "text/html"})[0] == 403
    assert post({"key": "someone-elses.png"})[0] == 403
    assert post({"acl": "public-read"})[0] == 403
    assert post({"x-amz-signature": "0" * 64})[0] == 403
    assert "EntityTooLarge" in post({}, bytes(15 * 1024 * 1024 + 1))[1]
    assert "EntityTooSmall" in post({}, b"")[1]
    assert post({})[0] == 204
    # As on S3, a form holds until it expires: who sends it again after a broken connection has not sent it in vain.
    assert post({}, b"again")[0] == 204
    assert api.s3.get_object(Bucket=api.stack.info.source_bucket, Key=form["key"])["Body"].read() == b"again"


def test_erasing_a_face_that_nobody_has_removes_nothing_and_says_so(api: Api) -> None:
    status, body = api.ask("DELETE", f"/faces/{uuid.uuid4()}")

    assert (status, body["erased"]) == (200, {"faces": 0, "photo_versions": 0, "rows": 0})


def test_an_encoded_line_break_in_a_name_is_refused_by_the_service_not_lost_on_the_way(api: Api) -> None:
    status, body = api.ask("DELETE", "/people/Ana%0AGarc%C3%ADa")

    assert (status, body["error"]["code"]) == (400, "RequestError")
    assert "control character" in body["error"]["details"]
