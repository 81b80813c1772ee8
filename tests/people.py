"""Stores for enrolled people that one test module has to itself, the events, and what they are answered."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

from face_validation.local.aws.environment import function_settings
from face_validation.local.aws.moto_services import aws_client
from face_validation.local.aws.stores import PeopleStores
from face_validation.local.samples.questions import sample_files
from face_validation.local.stack import LocalStack
from face_validation_function.settings import PeopleSettings, Settings
from tests.events import people_events

EVENTS = people_events()
# Key in the faces bucket -> the sample shown, and the name in its metadata.
PHOTOS: dict[str, tuple[str, str | None]] = {
    "photos/collins.jpg": ("samples/collins.jpg", None),
    "photos/collins-copy.jpg": ("samples/collins.jpg", None),
    "photos/no-face.jpg": ("samples/no-face.jpg", None),
    "index/collins.jpg": ("samples/collins.jpg", "Eileen Collins"),
    "index/Grace Hopper/photo (1) ü.jpg": ("samples/hopper.jpg", "Grace Hopper"),
    "index/nameless.jpg": ("samples/hopper.jpg", None),
    "index/no-face.jpg": ("samples/no-face.jpg", "Nobody"),
}


COLLINS = "Eileen Collins"
NOTHING = {"faces": 0, "photo_versions": 0, "rows": 0}
# What each event's name promises: HTTP status, and what tells one answer from another. They depend on each other: who
# is enrolled first is found later, and then erased.
EXPECTED: dict[str, tuple[int, object]] = {
    "refused_enrol_no_name": (400, "RequestError"),
    "refused_enrol_no_face": (422, "ImageValidationError"),
    "refused_enrol_object_missing": (422, "InvalidS3ObjectError"),
    "enrol": (201, COLLINS),
    "enrol_again": (200, COLLINS),
    "list_faces": (200, [COLLINS]),
    "list_faces_of_person": (200, [COLLINS]),
    "refused_list_limit": (400, "RequestError"),
    "refused_list_token": (400, "RequestError"),
    "search_found": (200, [COLLINS]),
    "search_image_in_the_body": (200, [COLLINS]),
    "search_nobody": (200, []),
    "search_everybody": (200, [COLLINS]),
    "refused_search_most_of_one": (400, "RequestError"),
    "verify_match": (200, True),
    "verify_no_match": (200, False),
    "refused_verify_unknown_person": (404, "NotFoundError"),
    "refused_verify_no_face": (422, "ImageValidationError"),
    "refused_search_no_face": (422, "ImageValidationError"),
    "refused_search_object_missing": (422, "InvalidS3ObjectError"),
    "refused_search_two_photos": (400, "RequestError"),
    "refused_search_not_base64": (400, "RequestError"),
    "refused_search_threshold_as_text": (400, "RequestError"),
    "upload_source": (201, "uploads/"),
    "upload_target": (201, "uploads/"),
    "upload_face_to_enrol": (201, "index/"),
    "refused_upload_content_type": (400, "RequestError"),
    "refused_upload_name_of_target": (400, "RequestError"),
    "enrol_again_other_key": (200, COLLINS),
    "refused_enrol_other_name": (409, "ConflictError"),
    "refused_enrol_expires_in_the_past": (400, "RequestError"),
    "refused_face_id": (400, "RequestError"),
    "refused_show_face_of_nobody": (404, "NotFoundError"),
    "show_person": (200, [COLLINS, COLLINS]),
    "refused_show_person_nobody": (404, "NotFoundError"),
    "rename": (200, 2),
    "rename_again": (200, 0),
    "rename_back": (200, 2),
    "refused_rename_nobody": (404, "NotFoundError"),
    "refused_rename_same_name": (400, "RequestError"),
    "reindex": (200, 1),
    "erase_face_of_nobody": (200, NOTHING),
    # A face and a copy of its photo, each in two collections: the reindex has not ended.
    "erase_person": (200, {"faces": 2, "photo_versions": 2, "rows": 4}),
}
# What the indexing function counts; the same events again, as S3 may deliver them.
INDEXED: list[tuple[str, dict[str, int]]] = [
    ("s3_test", {"enrolled": 0, "known": 0, "refused": 0}),
    ("s3_folder", {"enrolled": 0, "known": 0, "refused": 0}),
    ("s3_photo", {"enrolled": 1, "known": 0, "refused": 0}),
    ("s3_photo", {"enrolled": 0, "known": 1, "refused": 0}),
    ("s3_photo_encoded_key", {"enrolled": 1, "known": 0, "refused": 0}),
    ("s3_photos_delivered_twice_and_refused", {"enrolled": 0, "known": 2, "refused": 3}),
]


def event_of(name: str) -> dict[str, Any]:
    """A new copy of the event of that name."""
    return deepcopy(EVENTS[name])


def outcome(body: Any) -> object:
    if "error" in body:
        return body["error"]["code"]
    for number in ("photos", "indexed"):
        if number in body:
            return body[number]
    if "records" in body:
        return [record["full_name"] for record in body["records"]]
    if "faces" in body:
        return [face.get("full_name") or face.get("person") for face in body["faces"]]
    if "matched" in body:
        return body["matched"]
    if "matches" in body:
        return [match["full_name"] for match in body["matches"]]
    if "key" in body:
        return body["key"].partition("/")[0] + "/"
    return body["erased"] if "erased" in body else body["full_name"]


@contextmanager
def people_stores(stack: LocalStack) -> Iterator[PeopleStores]:
    """A faces bucket with `PHOTOS`, and an empty table, queue and collection; this process's variables name them.

    Nothing carries their events to the indexing function: the test does.
    """
    s3 = aws_client("s3", stack.info.s3_endpoint)
    rekognition = aws_client("rekognition", stack.info.rekognition_endpoint)
    run = secrets.token_hex(4)
    stores = PeopleStores.create(
        run,
        s3=s3,
        dynamodb=aws_client("dynamodb", stack.info.s3_endpoint),
        sqs=aws_client("sqs", stack.info.s3_endpoint),
        rekognition=rekognition,
    )
    stores = replace(stores, collection_id=f"events-{run}")
    rekognition.create_collection(CollectionId=stores.collection_id)
    samples = sample_files()
    # Not enrolled, and yet erased with the photo's person.
    s3.put_object(Bucket=stores.faces_bucket, Key="photos/collins.jpg", Body=samples["samples/hopper.jpg"])
    for key, (sample, name) in PHOTOS.items():
        s3.put_object(
            Bucket=stores.faces_bucket, Key=key, Body=samples[sample], Metadata={"fullname": name} if name else {}
        )
    for key, image in samples.items():
        stack.put_image("target", key, image)
    variables = function_settings(Settings, PeopleSettings, **asdict(stack.info) | asdict(stores))
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield stores
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        for collection_id in rekognition.list_collections()["CollectionIds"]:
            if collection_id.startswith(stores.collection_id):  # a reindex has made another
                rekognition.delete_collection(CollectionId=collection_id)
