"""Enrolled people in memory: moto's S3 and DynamoDB, a Rekognition of colours, the real services over them.

A face is the colour in the middle of its image. `failing` makes one AWS call of all fail, before or after it was done.
"""

import hashlib
import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from face_validation.local.aws.stores import FACES_DEFINITION
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import KeptPhoto
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.enrolment import Enrolled, EnrolmentService
from face_validation_function.services.identification import IdentificationService
from face_validation_function.services.kept_photos import KeptPhotos
from face_validation_function.services.reindex import ReindexProgress, ReindexService
from face_validation_function.settings import PeopleSettings
from tests.fakes import jpeg, opened

FIRST = "first"
ANA, EVA = "Ana García", "Eva Ruiz"
_BOX = {"Left": 0.4, "Top": 0.3, "Width": 0.2, "Height": 0.3}
_POINTS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")
DETAIL = {
    "BoundingBox": _BOX,
    "Confidence": 99.9,
    "Landmarks": [{"Type": name, "X": 0.4 + place / 50, "Y": 0.4} for place, name in enumerate(_POINTS)],
    "Pose": {"Roll": 1.5, "Yaw": -2.0, "Pitch": 3.0},
    "Quality": {"Brightness": 70.0, "Sharpness": 80.0},
}


_ONE_AT_A_TIME = threading.RLock()


def new_timer() -> RequestTimer:
    return RequestTimer(60)


class ColourRekognition:
    """Rekognition's client: collections of colours; `alike` says which are similar, `unfit` which no one indexes."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {FIRST: {}}
        self.alike: dict[frozenset[tuple[int, ...]], float] = {}
        self.unfit: set[tuple[int, ...]] = set()
        self.detected: list[Any] = [DETAIL]
        self.paid: list[str] = []

    def create_collection(self, **asked: Any) -> Any:
        if asked["CollectionId"] in self.collections:
            raise _refusal("ResourceAlreadyExistsException")
        self.collections[asked["CollectionId"]] = {}
        return {}

    def delete_collection(self, **asked: Any) -> Any:
        self._asked(asked)
        del self.collections[asked["CollectionId"]]
        return {}

    def detect_faces(self, **_: Any) -> Any:
        self.paid.append("DetectFaces")
        return {"FaceDetails": self.detected}

    def index_faces(self, **asked: Any) -> Any:
        self.paid.append("IndexFaces")
        faces, image, external_id = self._asked(asked), asked["Image"]["Bytes"], asked["ExternalImageId"]
        if colour_of(image) in self.unfit:
            return {"FaceRecords": [], "UnindexedFaces": [{"Reasons": ["LOW_SHARPNESS"]}]}
        digest = hashlib.sha256(image + f"{asked['CollectionId']} {external_id}".encode()).digest()
        face_id = str(uuid.UUID(bytes=digest[:16], version=4))
        faces[face_id] = (external_id, colour_of(image))
        return {
            "FaceRecords": [{"Face": {"FaceId": face_id}, "FaceDetail": DETAIL}],
            "FaceModelVersion": f"of {asked['CollectionId']}",
        }

    def search_faces_by_image(self, **asked: Any) -> Any:
        self.paid.append("SearchFacesByImage")
        probe = colour_of(asked["Image"]["Bytes"])
        scored = [(self._similarity(probe, colour), id_) for id_, (_, colour) in self._asked(asked).items()]
        found = sorted((one for one in scored if one[0] >= asked["FaceMatchThreshold"]), reverse=True)
        return {
            "FaceMatches": [
                {"Similarity": score, "Face": {"FaceId": face_id}} for score, face_id in found[: asked["MaxFaces"]]
            ]
        }

    def delete_faces(self, **asked: Any) -> Any:
        faces = self._asked(asked)
        return {"DeletedFaces": [face_id for face_id in asked["FaceIds"] if faces.pop(face_id, None)]}

    def _asked(self, asked: dict[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
        if asked["CollectionId"] not in self.collections:
            raise _refusal("ResourceNotFoundException")
        return self.collections[asked["CollectionId"]]

    def _similarity(self, one: tuple[int, ...], other: tuple[int, ...]) -> float:
        return 100.0 if one == other else self.alike.get(frozenset({one, other}), 0.0)


def colour_of(image: bytes) -> tuple[int, ...]:
    """The colour in the middle, coarse enough for JPEG."""
    picture = opened(image).convert("RGB")
    middle = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(middle, tuple)
    return tuple(round(value / 16) for value in middle)


@dataclass
class Faults:
    """Which AWS call fails, counted from when it is set, and whether it was done before its answer was lost."""

    at: int | None = None
    is_done: bool = False
    calls: list[str] = field(default_factory=list)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        # moto copies a whole table in a transaction: no other thread may change the table meanwhile.
        with _ONE_AT_A_TIME:
            return self._called(name, method, *args, **more)

    def _called(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        self.calls.append(name)
        if self.at == len(self.calls):
            if self.is_done:
                method(*args, **more)
            raise EndpointConnectionError(endpoint_url="https://aws.example")
        return method(*args, **more)


class Failing:
    """A boto3 client whose calls are counted, and fail when `faults` says so."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self._client, self._faults = client, faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in {"meta", "generate_presigned_url", "generate_presigned_post"}:
            return found
        if name == "get_paginator":
            return lambda operation: _Pages(found(operation), operation, self._faults)
        return partial(self._faults.call, name, found)


class _Pages:
    def __init__(self, paginator: Any, operation: str, faults: Faults) -> None:
        self._paginator, self._operation, self._faults = paginator, operation, faults

    def paginate(self, **asked: Any) -> list[Any]:
        pages: list[Any] = self._faults.call(self._operation, lambda: list(self._paginator.paginate(**asked)))
        return pages


class House:
    """A faces bucket, a table and collections of their own, and the services over them."""

    def __init__(self, *, people_days: int = 0, grace_s: int = 0) -> None:
        run = f"faces-{next(_RUNS)}"
        self.faults, self.bucket, self.rekognition = Faults(), run, ColourRekognition()
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket=run)
        self.s3.put_bucket_versioning(Bucket=run, VersioningConfiguration={"Status": "Enabled"})
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(TableName=run, **FACES_DEFINITION)
        settings = PeopleSettings("s", "t", "c", run, run, FIRST, "q", people_days=people_days)
        self.photos = photos = S3Service(Failing(self.s3, self.faults))
        client = Failing(self.rekognition, self.faults)
        self.table = FacesTable(Failing(dynamodb, self.faults), run, FIRST)
        self._table = FacesTable(dynamodb, run, FIRST)
        self.collection = CollectionService(client, lambda: self.table.collections().active)
        rekognition = RekognitionService(client)
        self.kept = KeptPhotos(photos, self.collection, self.table, run)
        self.enrolment = EnrolmentService(photos, rekognition, self.collection, self.table, settings)
        self.identification = IdentificationService(photos, rekognition, self.collection, self.table, run)
        self.reindexing = ReindexService(photos, rekognition, self.collection, self.table, settings, grace_s)

    def put(self, key: str, colour: str = "teal", name: str | None = None) -> str:
        metadata = {"fullname": name} if name else {}
        version: str = self.s3.put_object(Bucket=self.bucket, Key=key, Body=jpeg(colour=colour), Metadata=metadata)[
            "VersionId"
        ]
        return version

    def enrol(self, key: str, name: str | None = None, version: str | None = None, **more: Any) -> Enrolled:
        return self.enrolment.enrol(new_timer(), key, version, name, **more)

    def put_and_enrol(self, key: str, name: str, colour: str = "teal", **more: Any) -> Enrolled:
        self.put(key, colour)
        return self.enrol(key, name, **more)

    def names_found(self, colour: str) -> list[str]:
        found = self.identification.search(new_timer(), jpeg(colour=colour), 80, 10)
        return [match.full_name for match in found.matches]

    def reindex(self, run: str = "run") -> ReindexProgress:
        while not (progress := self.reindexing.step(new_timer(), run)).finished:
            assert progress.wait_s == 0
        return progress

    @contextmanager
    def failing(self, at: int, *, is_done: bool) -> Iterator[None]:
        """Let the AWS call number `at` from here on fail."""
        self.faults.calls.clear()
        self.faults.at, self.faults.is_done = at, is_done
        try:
            yield
        finally:
            self.faults.at = None

    def rows(self) -> list[KeptPhoto]:
        rows: list[KeptPhoto] = []
        start = ""
        while True:
            some, start = self._table.walk(start)
            rows += some
            if not start:
                return rows

    def versions(self) -> set[tuple[str, str]]:
        found: dict[str, Any] = dict(self.s3.list_object_versions(Bucket=self.bucket))
        return {(one["Key"], one["VersionId"]) for kind in ("Versions", "DeleteMarkers") for one in found.get(kind, ())}

    def is_empty(self) -> bool:
        return not (self.rows() or self.versions() or any(self.rekognition.collections.values()))

    def check(self) -> None:
        """Nobody is lost or doubled: every face that answers has one row, and every row's photo is there.

        An erasure of every person that is left would find each version: none lies where no row points.
        """
        active = self._table.collections().active
        rows = self.rows()
        named = [row.face.face_id for row in rows if row.face and row.collection_id == active]
        assert len(named) == len(set(named))
        assert set(named) <= set(self.rekognition.collections[active])
        versions = self.versions()
        assert {(row.photo.key, row.photo.version) for row in rows} <= versions
        assert {key for key, _ in versions} <= {key for row in rows for key in row.keys}

    def check_settled(self) -> None:
        """No more than `check`: also nothing is left over of what was under way."""
        self.check()
        rows = self.rows()
        assert not [row for row in rows if row.moving_to or row.moved_from or row.claimed_at]
        assert {(row.photo.key, row.photo.version) for row in rows} == self.versions()
        active = self._table.collections().active
        assert {row.collection_id for row in rows} <= {active}
        assert set(self.rekognition.collections) == {active}
        assert {row.face.face_id for row in rows if row.face} == set(self.rekognition.collections[active])


_RUNS = itertools.count()


@contextmanager
def aws_in_memory() -> Iterator[None]:
    """moto in this process; what a local stack of the same process keeps in it stays."""
    aws = mock_aws()
    aws.start(reset=False)
    try:
        yield
    finally:
        aws.stop(remove_data=False)


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told to"}}, "Operation")
