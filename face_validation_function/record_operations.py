"""The routes about what is kept of people: a face, a person, another name, another face model, and what expires."""

import re
from typing import Any

from face_validation_function.contract.records import (
    FaceRecordAnswer,
    PersonAnswer,
    ReindexAnswer,
    RenameAnswer,
)
from face_validation_function.exceptions.exceptions import NotFoundError, RequestError
from face_validation_function.integrations.s3_service import StoredVersion
from face_validation_function.people import EnrolledFace, KeptPhoto
from face_validation_function.people_adapters import PeopleAdapters
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import Invocation, OperationResult, path_parameter
from face_validation_function.routes import ADMIN
from face_validation_function.utils.response_utils import face_fields, landmarks_of
from face_validation_function.validations.body import parse_body, validated
from face_validation_function.validations.people_requests import ReindexRequest, RenameRequest, full_name_of

# As Rekognition writes them; it takes no others.
_FACE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def show_face(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /faces/{face_id}: what is kept of a face; with the scope `admin` a link to its photo."""
    face_id = face_id_in(invocation)
    with timer.step("table"):
        kept = adapters.table.by_face_id(face_id)
    if kept is None or kept.face is None:
        raise NotFoundError(f"there is no face {face_id}.")
    url = None
    if ADMIN in invocation.scopes:
        photo = kept.photo
        with timer.step("link"):
            url = adapters.s3.link(adapters.settings.faces_bucket, StoredVersion(photo.key, photo.version))
    return OperationResult(FaceRecordAnswer, _record(kept.face, kept) | {"url": url})


def show_person(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /people/{full_name}: everything that is kept about a person, and that an erasure removes."""
    full_name, bucket = full_name_in(invocation), adapters.settings.faces_bucket
    found = list(adapters.kept.of_person(timer, full_name))
    if not found:
        raise NotFoundError(f"{full_name} is not enrolled.")
    with timer.step("links"):
        versions = [
            {
                "image_path": one.key,
                "version": one.version,
                "is_delete_marker": one.is_delete_marker or None,
                "url": None if one.is_delete_marker else adapters.s3.link(bucket, one),
            }
            for records in found
            for one in records.versions
        ]
    rows = [_row(kept) for records in found for kept in records.rows]
    return OperationResult(PersonAnswer, {"full_name": full_name, "records": rows, "photo_versions": versions})


def rename(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /renames: all of a person under another name."""
    request = validated(parse_body(invocation.body), RenameRequest)
    photos = adapters.kept.rename(timer, request.old, request.to)
    return OperationResult(RenameAnswer, {"full_name": request.to, "photos": photos})


def reindex(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /reindexings: a part of a reindex; the same `id_request` again goes on with it."""
    validated(parse_body(invocation.body), ReindexRequest)
    progress = adapters.reindexing.step(timer, invocation.id_request)
    body = {
        "finished": progress.is_finished,
        "collection_id": progress.collection_id,
        "indexed": progress.indexed,
        "wait_s": progress.wait_s,
        "not_indexed": [
            {"full_name": kept.photo.full_name, "image_path": kept.photo.key, "reason": kept.reason}
            for kept in progress.not_indexed
        ],
    }
    return OperationResult(ReindexAnswer, body)


def face_id_in(invocation: Invocation) -> str:
    """The face id of the path; raises RequestError when it is none."""
    face_id = path_parameter(invocation, "face_id")
    if not _FACE_ID.fullmatch(face_id):
        raise RequestError(f"face_id: a face id is a UUID in lower case; the value sent is {face_id[:80]!r}.")
    return face_id


def full_name_in(invocation: Invocation) -> str:
    """The person's name in the path; raises RequestError when it is none."""
    try:
        return full_name_of(path_parameter(invocation, "full_name"))
    except ValueError as error:
        raise RequestError(f"full_name: {error}.") from error


def _record(face: EnrolledFace, kept: KeptPhoto) -> dict[str, Any]:
    return {
        **face_fields(face),
        "landmarks": landmarks_of(face.face.landmarks) if face.face.landmarks else None,
        "pose": face.face.pose,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
        "model_version": face.model_version or None,
        "possible_duplicate": face.possible_duplicate or None,
        "expires_at": kept.expires_at or None,
    }


def _row(kept: KeptPhoto) -> dict[str, Any]:
    return {
        "full_name": kept.photo.full_name,
        "image_path": kept.photo.key,
        "version": kept.photo.version,
        "collection_id": kept.collection_id,
        "digest": kept.digest or None,
        "not_indexed": kept.reason or None,
        "expires_at": kept.expires_at or None,
        "face": _record(kept.face, kept) if kept.face else None,
    }
