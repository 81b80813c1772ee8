"""Collections of different regions do not see each other; collections have tags, as Terraform sets them."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rekognition_local.protocol.wire import region_of
from rekognition_local.storage import records
from rekognition_local.storage.database import Store
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import Scene, descriptor, face, picture
from tests.rekognition_local.servers import client

SELFIE = (160, 120)


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


# --- regions ----------------------------------------------------------------------------------------------------------


def test_two_regions_have_collections_of_one_name_that_know_nothing_of_each_other(fake: FakeServer) -> None:
    fake.engine.scenes[SELFIE] = Scene([face()], [descriptor(1)])
    image = {"Bytes": picture(*SELFIE)}
    east, west = fake.rekognition, client(fake.endpoint, "eu-west-1")
    made = [region.create_collection(CollectionId="office")["CollectionArn"] for region in (east, west)]

    east.index_faces(CollectionId="office", Image=image)

    assert made == [f"aws:rekognition:{name}:000000000000:collection/office" for name in ("us-east-1", "eu-west-1")]
    assert east.search_faces_by_image(CollectionId="office", Image=image)["FaceMatches"]
    assert west.search_faces_by_image(CollectionId="office", Image=image)["FaceMatches"] == []
    assert west.describe_collection(CollectionId="office")["FaceCount"] == 0
    east.delete_collection(CollectionId="office")
    assert (east.list_collections()["CollectionIds"], west.list_collections()["CollectionIds"]) == ([], ["office"])


def test_a_token_of_one_region_is_free_in_another(fake: FakeServer) -> None:
    for region in (fake.rekognition, client(fake.endpoint, "eu-west-1")):
        region.create_collection(CollectionId="office")
        region.create_user(CollectionId="office", UserId="ann", ClientRequestToken="once")

        assert region.list_users(CollectionId="office")["Users"] == [{"UserId": "ann", "UserStatus": "CREATED"}]


@pytest.mark.parametrize(
    ("authorization", "region"),
    [
        pytest.param("AWS4-HMAC-SHA256 Credential=a/20261127/eu-west-1/rekognition/aws4_request, ...", "eu-west-1"),
        pytest.param("AWS4-HMAC-SHA256 Credential=a/20261127/../rekognition/aws4_request", "us-east-1"),
        pytest.param("Bearer a", "us-east-1"),
        pytest.param(None, "us-east-1"),
    ],
)
def test_the_region_is_that_of_the_signature(authorization: str | None, region: str) -> None:
    assert region_of(authorization) == region


def test_collections_of_a_folder_from_before_regions_are_us_east_1s(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "collections.sqlite3") as old:
        old.executescript(
            """
            CREATE TABLE collections (number INTEGER PRIMARY KEY AUTOINCREMENT, collection_id TEXT NOT NULL UNIQUE,
                created REAL NOT NULL, model_id TEXT NOT NULL) STRICT;
            CREATE TABLE users (number INTEGER PRIMARY KEY AUTOINCREMENT,
                collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
                user_id TEXT NOT NULL, UNIQUE (collection, user_id)) STRICT;
            INSERT INTO collections VALUES (7, 'office', 1.5, 'fake-1');
            INSERT INTO users (collection, user_id) VALUES (7, 'ann');
            """
        )
    old.close()

    for _ in range(2):  # opened again, it is as it was left
        store = Store(tmp_path)
        found = store.find(records.Collection, region="us-east-1", collection_id="office")
        users = store.find(records.User, collection=7)
        store.close()

        assert found == [records.Collection(7, "office", 1.5, "fake-1", "us-east-1")]
        assert [user.user_id for user in users] == ["ann"]


# --- tags -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def arn(fake: FakeServer) -> str:
    fake.rekognition.create_collection(CollectionId="office", Tags={"team": "door", "stage": "dev"})
    return str(fake.rekognition.describe_collection(CollectionId="office")["CollectionARN"])


def tags(fake: FakeServer, arn: str) -> dict[str, str]:
    return dict(fake.rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"])


def test_a_collections_tags_are_those_that_it_was_made_with_and_change(fake: FakeServer, arn: str) -> None:
    made = tags(fake, arn)
    fake.rekognition.tag_resource(ResourceArn=arn, Tags={"stage": "prod", "owner": ""})
    fake.rekognition.untag_resource(ResourceArn=arn, TagKeys=["team", "never-set"])

    assert made == {"team": "door", "stage": "dev"}
    assert tags(fake, arn) == {"stage": "prod", "owner": ""}


def test_the_arn_that_create_collection_answers_is_taken_too(fake: FakeServer, arn: str) -> None:
    assert tags(fake, arn.removeprefix("arn:")) == tags(fake, arn)


def test_tags_go_with_their_collection(fake: FakeServer, arn: str) -> None:
    fake.rekognition.delete_collection(CollectionId="office")

    assert refusal(fake.rekognition.list_tags_for_resource, ResourceArn=arn) == "ResourceNotFoundException"
    fake.rekognition.create_collection(CollectionId="office")
    assert tags(fake, arn) == {}


def test_a_collection_has_at_most_fifty_tags_and_keeps_them_when_more_are_refused(fake: FakeServer, arn: str) -> None:
    many = {f"key{number}": "" for number in range(49)}

    assert refusal(fake.rekognition.tag_resource, ResourceArn=arn, Tags=many) == "ServiceQuotaExceededException"
    assert tags(fake, arn) == {"team": "door", "stage": "dev"}


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ("arn:aws:rekognition:us-east-1:000000000000:collection/nobody", "ResourceNotFoundException"),
        ("arn:aws:rekognition:eu-west-1:000000000000:collection/office", "ResourceNotFoundException"),
        ("arn:aws:rekognition:us-east-1:000000000000:project/office/version/1", "InvalidParameterException"),
        ("nothing of the kind at all", "InvalidParameterException"),
    ],
)
def test_another_resource_has_no_tags_here(fake: FakeServer, arn: str, other: str, code: str) -> None:
    assert refusal(fake.rekognition.list_tags_for_resource, ResourceArn=other) == code
