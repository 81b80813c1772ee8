"""Generated from botocore's model: every paginator and every documented exception of the operations that are built.

A paginator or an exception that a newer botocore brings fails here until it is provided for.
"""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.registry import OPERATIONS
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import service_model
from rekognition_local.server.answers import Answers
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.conftest import FakeServer
from tests.rekognition_local.fakes import FakeEngine, FakeS3, Scene, descriptor, face, picture
from tests.rekognition_local.servers import client, serving

MISSING_FACE = "01234567-89ab-cdef-0123-456789abcdef"
PERSON, GROUP, EMPTY = (160, 120), (320, 240), (100, 100)
ARN = "arn:aws:rekognition:us-east-1:000000000000:collection/office"

# What only AWS's own state brings about: here it is answered on order (`POST /faults`), see test_wire.py.
ON_ORDER_ONLY = {
    "AccessDeniedException",
    "InternalServerError",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
}


def image(size: tuple[int, int]) -> dict[str, Any]:
    return {"Bytes": picture(*size)}


# --- paginators -------------------------------------------------------------------------------------------------------


def fill_collections(rekognition: Any) -> dict[str, Any]:
    for number in range(7):
        rekognition.create_collection(CollectionId=f"collection-{number}")
    return {}


def fill_faces(rekognition: Any) -> dict[str, Any]:
    rekognition.create_collection(CollectionId="office")
    for _ in range(7):
        rekognition.index_faces(CollectionId="office", Image=image(PERSON))
    return {"CollectionId": "office"}


def fill_users(rekognition: Any) -> dict[str, Any]:
    rekognition.create_collection(CollectionId="office")
    for number in range(7):
        rekognition.create_user(CollectionId="office", UserId=f"user-{number}")
    return {"CollectionId": "office"}


FILL: dict[str, Callable[[Any], dict[str, Any]]] = {
    "ListCollections": fill_collections,
    "ListFaces": fill_faces,
    "ListUsers": fill_users,
}
RESULT = {"ListCollections": "CollectionIds", "ListFaces": "Faces", "ListUsers": "Users"}
PYTHON_NAMES = {"ListCollections": "list_collections", "ListFaces": "list_faces", "ListUsers": "list_users"}


@pytest.fixture
def people(fake: FakeServer) -> FakeServer:
    fake.engine.scenes[PERSON] = Scene([face(0.4)], [descriptor(1)])
    return fake


def test_every_paginated_operation_that_is_built_is_tested(fake: FakeServer) -> None:
    names = fake.rekognition.meta.method_to_api_mapping
    paginated = {names[method] for method in names if fake.rekognition.can_paginate(method)}

    assert paginated & set(OPERATIONS) == set(FILL)


@pytest.mark.parametrize("name", sorted(FILL))
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pages_give_every_item_once_in_order(people: FakeServer, name: str, size: int) -> None:
    request = FILL[name](people.rekognition)
    paginator = people.rekognition.get_paginator(PYTHON_NAMES[name])
    whole = getattr(people.rekognition, PYTHON_NAMES[name])(**request)[RESULT[name]]

    pages = list(paginator.paginate(**request, PaginationConfig={"PageSize": size}))

    assert [item for page in pages for item in page[RESULT[name]]] == whole
    assert len(whole) == 7
    assert all(len(page[RESULT[name]]) == size for page in pages[:-1])
    assert len(pages) == -(-7 // size)


@pytest.mark.parametrize("name", sorted(FILL))
def test_pages_can_be_taken_up_again(people: FakeServer, name: str) -> None:
    request = FILL[name](people.rekognition)
    paginator = people.rekognition.get_paginator(PYTHON_NAMES[name])

    first = paginator.paginate(**request, PaginationConfig={"PageSize": 3, "MaxItems": 3}).build_full_result()
    rest = paginator.paginate(**request, PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()

    assert len(first[RESULT[name]]) == 3
    assert len(rest[RESULT[name]]) == 4
    assert "NextToken" not in rest


def test_a_page_goes_on_where_the_last_one_ended_whatever_was_deleted(people: FakeServer) -> None:
    fill_faces(people.rekognition)
    first = people.rekognition.list_faces(CollectionId="office", MaxResults=3)

    people.rekognition.delete_faces(CollectionId="office", FaceIds=[face["FaceId"] for face in first["Faces"]])
    rest = people.rekognition.list_faces(CollectionId="office", NextToken=first["NextToken"])

    assert len(rest["Faces"]) == 4


@pytest.mark.parametrize("name", sorted(FILL))
def test_no_size_is_the_default_size(people: FakeServer, name: str) -> None:
    request = FILL[name](people.rekognition)
    lowest = 1 if name == "ListUsers" else 0  # the model's bounds

    some = getattr(people.rekognition, PYTHON_NAMES[name])(**request, MaxResults=lowest)

    assert len(some[RESULT[name]]) == (1 if lowest else 7)


@pytest.mark.parametrize("token", ["", "x", "%%%", "MDAwMA==", "a" * 255, "ÄÖÜ"])
@pytest.mark.parametrize("name", sorted(FILL))
def test_a_token_that_was_not_given_out_is_refused(people: FakeServer, name: str, token: str) -> None:
    request = FILL[name](people.rekognition)

    with pytest.raises(people.rekognition.exceptions.InvalidPaginationTokenException):
        getattr(people.rekognition, PYTHON_NAMES[name])(**request, NextToken=token)


def test_a_token_with_a_number_beyond_sqlite_s_is_refused(people: FakeServer) -> None:
    fill_faces(people.rekognition)
    given = people.rekognition.list_faces(CollectionId="office", MaxResults=3)["NextToken"]
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(given) + b"0" * 30).decode()

    with pytest.raises(people.rekognition.exceptions.InvalidPaginationTokenException):
        people.rekognition.list_faces(CollectionId="office", NextToken=forged)


def test_a_token_of_another_list_is_refused(people: FakeServer) -> None:
    fill_faces(people.rekognition)
    people.rekognition.create_collection(CollectionId="home")
    token = people.rekognition.list_faces(CollectionId="office", MaxResults=3)["NextToken"]

    for request in ({"CollectionId": "home"}, {"CollectionId": "office", "FaceIds": [MISSING_FACE]}):
        with pytest.raises(people.rekognition.exceptions.InvalidPaginationTokenException):
            people.rekognition.list_faces(**request, NextToken=token)


# --- exceptions -------------------------------------------------------------------------------------------------------


class World:
    """A server in which each exception can be brought about."""

    def __init__(self, rekognition: Any, endpoint: str) -> None:
        self.rekognition = rekognition
        self._endpoint = endpoint
        self.session_id = rekognition.create_face_liveness_session()["SessionId"]
        rekognition.create_collection(CollectionId="office")
        # First, because what is deleted takes the remembered answers of its collection with it.
        rekognition.create_user(CollectionId="office", UserId="bob")
        rekognition.delete_user(CollectionId="office", UserId="bob", ClientRequestToken="used")
        rekognition.create_user(CollectionId="office", UserId="ann", ClientRequestToken="used")
        (record,) = rekognition.index_faces(CollectionId="office", Image=image(PERSON))["FaceRecords"]
        self.face_id = record["Face"]["FaceId"]
        request = {"CollectionId": "office", "UserId": "ann", "FaceIds": [self.face_id]}
        rekognition.disassociate_faces(**request, ClientRequestToken="used")
        rekognition.associate_faces(**request, ClientRequestToken="used")

    def valid(self, name: str) -> dict[str, Any]:
        """A request that is in order."""
        shape = service_model().operation_model(name).input_shape
        assert shape is not None
        values = {
            "CollectionId": "new" if name == "CreateCollection" else "office",
            "UserId": "new" if name == "CreateUser" else "ann",
            "FaceId": self.face_id,
            "FaceIds": [self.face_id],
            "Image": image(PERSON),
            "SourceImage": image(PERSON),
            "TargetImage": image(PERSON),
            "ResourceArn": ARN,
            "Tags": {"team": "door"},
            "TagKeys": ["team"],
            "SessionId": self.session_id,
        }
        request = {member: values[member] for member in shape.required_members}
        return {**request, "FaceId": self.face_id} if name == "SearchUsers" else request

    def call(self, name: str, request: dict[str, Any]) -> str | None:
        """The name of the exception that the call answers; None for none."""
        methods = {api: python for python, api in self.rekognition.meta.method_to_api_mapping.items()}
        try:
            getattr(self.rekognition, methods[name])(**request)
        except ClientError as error:
            return type(error).__name__  # boto3's own class for it; a plain ClientError where the model has none
        return None

    def order(self, name: str, error: str) -> None:
        """The next call of the operation answers this error."""
        httpx.post(f"{self._endpoint}/faults", json={"operation": name, "error": error}).raise_for_status()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    engine = FakeEngine({PERSON: Scene([face(0.4)], [descriptor(1)])})
    engine.scenes[GROUP] = Scene([face(0.3, place / 10) for place in range(4)], [descriptor(9)] * 4)
    with serving(Service(engine, ImageSource(FakeS3({})), Gallery(Store(None), engine)), faults=Answers()) as endpoint:
        yield World(client(endpoint), endpoint)


def with_image(request: dict[str, Any], replacement: dict[str, Any]) -> dict[str, Any]:
    member = "SourceImage" if "SourceImage" in request else "Image"
    return {**request, member: replacement}


NO_SUCH_CHALLENGE = {"Type": "FaceMovementChallenge", "Versions": {"Minimum": "9.0.0"}}

# How to bring each exception about: (operation, a request that is in order) -> the request that is not.
PROVOKE: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
    "InvalidS3ObjectException": lambda _, request: with_image(
        request, {"S3Object": {"Bucket": "photos", "Name": "missing"}}
    ),
    "InvalidImageFormatException": lambda _, request: with_image(request, {"Bytes": b"no image"}),
    "ImageTooLargeException": lambda _, request: with_image(request, {"Bytes": huge_png()}),
    "InvalidParameterException": lambda name, request: (
        with_image(request, image((79, 79)))
        if {"Image", "SourceImage"} & request.keys()
        else {"Settings": {"ChallengePreferences": [NO_SUCH_CHALLENGE]}}
        if name == "CreateFaceLivenessSession"
        else {**request, "ResourceArn": ARN.replace("collection", "project")}
        if "ResourceArn" in request
        else {**request, **{"SearchFaces": {"FaceId": MISSING_FACE}, "SearchUsers": {"UserId": "ann"}}[name]}
    ),
    "SessionNotFoundException": lambda _, request: {**request, "SessionId": MISSING_FACE},
    "ResourceNotFoundException": lambda _, request: (
        {**request, "ResourceArn": f"{ARN}-missing"}
        if "ResourceArn" in request
        else {**request, "CollectionId": "missing"}
    ),
    "ResourceAlreadyExistsException": lambda _, request: {**request, "CollectionId": "office"},
    "InvalidPaginationTokenException": lambda _, request: {**request, "NextToken": "none"},
    "IdempotentParameterMismatchException": lambda _, request: {
        **request,
        "UserId": "other",
        "ClientRequestToken": "used",
    },
    "ConflictException": lambda _, request: {**request, "UserId": "ann"},
    "ServiceQuotaExceededException": lambda _, request: {
        **request,
        "Tags": {f"key{number}": "" for number in range(51)},
    },
}

# Documented for these operations and yet without an occasion here: they take nothing but names, whose form the request
# framework judges with a ValidationException, or wait for nobody.
WITHOUT_OCCASION = {
    *((name, "InvalidParameterException") for name in ("CreateCollection", "DeleteCollection", "DescribeCollection")),
    *((name, "InvalidParameterException") for name in ("ListCollections", "ListFaces", "ListUsers", "DeleteFaces")),
    *(
        (name, "InvalidParameterException")
        for name in ("CreateUser", "DeleteUser", "AssociateFaces", "DisassociateFaces")
    ),
    ("ListCollections", "ResourceNotFoundException"),
    ("GetFaceLivenessSessionResults", "InvalidParameterException"),
    # Brought about by a second request in test_collections.py, `test_a_user_that_is_being_updated_is_a_conflict`.
    *((name, "ConflictException") for name in ("DeleteUser", "AssociateFaces", "DisassociateFaces")),
    # They need more users and faces than a developer's machine can hold.
    *((name, "ServiceQuotaExceededException") for name in ("CreateUser", "IndexFaces")),
    # A user that is full, in test_collections.py, `test_a_user_has_at_most_100_faces`.
    ("AssociateFaces", "ServiceQuotaExceededException"),
}


def huge_png() -> bytes:
    """Claims 100 megapixels; the header alone is enough to refuse it."""
    file = bytearray(picture())
    file[16:24] = (10_000).to_bytes(4, "big") * 2
    file[29:33] = zlib.crc32(bytes(file[12:29])).to_bytes(4, "big")
    return bytes(file)


def documented() -> list[Any]:
    return [
        pytest.param(name, error.name, id=f"{name}-{error.name}")
        for name in sorted(OPERATIONS)
        for error in service_model().operation_model(name).error_shapes
    ]


@pytest.mark.parametrize(("name", "error"), documented())
def test_every_documented_exception_is_brought_about(world: World, name: str, error: str) -> None:
    request = world.valid(name)
    if error in ON_ORDER_ONLY or (name, error) in WITHOUT_OCCASION:
        world.order(name, error)
    else:
        request = PROVOKE[error](name, request)

    assert world.call(name, request) == error


def test_nothing_is_provided_for_that_the_model_does_not_document() -> None:
    pairs = {(name, error.name) for name in OPERATIONS for error in service_model().operation_model(name).error_shapes}
    errors = {error for _, error in pairs}

    assert pairs >= WITHOUT_OCCASION
    assert errors - PROVOKE.keys() == ON_ORDER_ONLY
    assert PROVOKE.keys() <= errors


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_request_in_order_is_answered(fake: FakeServer, name: str) -> None:
    fake.engine.scenes[PERSON] = Scene([face(0.4)], [descriptor(1)])
    world = World(fake.rekognition, fake.endpoint)

    assert world.call(name, world.valid(name)) is None


def bounded_members() -> list[Any]:
    """Every number with bounds of every built operation: (operation, member, least, most)."""
    found = []
    for name in sorted(OPERATIONS):
        shape = service_model().operation_model(name).input_shape
        assert shape is not None
        for member, within in shape.members.items():
            if within.type_name in {"integer", "float"} and "max" in within.metadata:
                found.append(pytest.param(name, member, within.metadata.get("min", 0), within.metadata["max"]))
    return found


@pytest.mark.parametrize(("name", "member", "least", "most"), bounded_members())
def test_numbers_are_accepted_within_their_bounds_and_refused_beyond(
    fake: FakeServer, name: str, member: str, least: int, most: int
) -> None:
    fake.engine.scenes[PERSON] = Scene([face(0.4)], [descriptor(1)])
    world = World(fake.rekognition, fake.endpoint)
    request = world.valid(name)

    def answered(value: float) -> int:
        body = json.dumps({**request, member: value}, default=lambda raw: base64.b64encode(raw).decode())
        target = {"X-Amz-Target": f"RekognitionService.{name}"}
        return httpx.post(fake.endpoint, content=body, headers=target).status_code

    assert [answered(value) for value in (least - 1, least, most, most + 1)] == [400, 200, 200, 400]
