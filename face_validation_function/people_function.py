"""The Lambda function of the routes about people, and of the schedule that erases what has expired."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Self

from face_validation_function.contract import answers, records
from face_validation_function.exceptions.exceptions import NotFoundError, RequestError
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import UPLOAD_S, S3Service, looked_for_in
from face_validation_function.people import PersonMatch
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import (
    Event,
    HttpResponse,
    Invocation,
    OperationResult,
    RestFunction,
    invocation_of,
    once,
    operations,
    run_operation,
)
from face_validation_function.routes import ADMIN
from face_validation_function.services.enrolment import EnrolmentService
from face_validation_function.services.identification import IdentificationService
from face_validation_function.services.kept_photos import KeptPhotos
from face_validation_function.services.reindex import ReindexService
from face_validation_function.settings import EXPIRE, INDEX_PREFIX, PeopleSettings
from face_validation_function.utils.logging_config import service_logger
from face_validation_function.utils.response_utils import face_fields, face_record, photo_record
from face_validation_function.validations import people_requests
from face_validation_function.validations.body import validated

ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}
# As Rekognition writes them; it takes no others.
_FACE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class PeopleAdapters:
    """The logger and the services, which hold no state, over boto3 clients."""

    def __init__(self, settings: PeopleSettings, rekognition: Any, s3: Any, dynamodb: Any) -> None:
        images, faces, bucket = S3Service(s3), RekognitionService(rekognition), settings.faces_bucket
        table = FacesTable(dynamodb, settings.faces_table, settings.collection_id)
        collection = CollectionService(rekognition, lambda: table.collections().active)
        self.settings, self.s3, self.table = settings, images, table
        self.enrolment = EnrolmentService(images, faces, collection, table, settings)
        self.identification = IdentificationService(images, faces, collection, table, bucket)
        self.kept = KeptPhotos(images, collection, table, bucket)
        self.reindexing = ReindexService(images, faces, collection, table, settings)
        self.logger = service_logger(settings.log_level)

    @classmethod
    def from_environment(cls) -> Self:
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        settings = PeopleSettings.from_environment()
        return cls(settings, aws_client("rekognition"), aws_client("s3"), aws_client("dynamodb"))


def lambda_handler(event: Event, context: Any) -> HttpResponse:
    """Answer one API Gateway proxy event, or do what the schedule's event asks: what AWS Lambda calls."""
    return expire(_adapters(), event, context) if event.get("operation") == EXPIRE else _function(event, context)


def enrol(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /faces: 201 when the face is new, 200 when this photo was enrolled before."""
    request = invocation.asked(people_requests.EnrolRequest)
    enrolled = adapters.enrolment.enrol(
        timer,
        request.image_path,
        full_name=request.full_name,
        allow_duplicate=request.allow_duplicate,
        expires_at=request.expires_at or "",
    )
    body = face_fields(enrolled.face) | {"possible_duplicate": enrolled.face.possible_duplicate or None}
    return OperationResult(answers.EnrolAnswer, body, HTTPStatus.CREATED if enrolled.is_new else HTTPStatus.OK)


def list_faces(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /faces: a page of faces, by name."""
    request = validated(invocation.query, people_requests.ListRequest)
    with timer.step("table"):
        faces, token = adapters.table.listed(request.limit, request.next_token, request.full_name)
    return OperationResult(answers.FacesAnswer, {"faces": list(map(face_fields, faces)), "next_token": token})


def search(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /search: the people found, best first; of every face when the request asks for all."""
    request = invocation.asked(people_requests.SearchRequest)
    photo = _photo(adapters, timer, request)
    if request.faces == "all":
        limits = (request.threshold, request.max_faces, request.max_searched)
        found, left_out = adapters.identification.search_everybody(timer, photo, *limits)
        faces = [
            _found(one.matches) | {"box": one.searched.box, "confidence": one.searched.confidence} for one in found
        ]
        body = {"found": any(one.matches for one in found), "faces": faces, "not_searched": left_out}
    else:
        one = adapters.identification.search(timer, photo, request.threshold, request.max_faces)
        body = _found(one.matches) | {"searched_face": one.searched}
    return OperationResult(answers.SearchAnswer, body)


def verify(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /verification: whether the photo shows the enrolled person of that name."""
    request = invocation.asked(people_requests.VerificationRequest)
    similarity, seen = adapters.identification.verify(timer, _photo(adapters, timer, request), request.full_name)
    matched = similarity >= request.threshold
    reasons = [] if matched else [Reason.SIMILARITY_BELOW_THRESHOLD]
    if len(seen.faces) > 1:
        reasons.append(Reason.TARGET_SEVERAL_FACES)
    body = {
        "matched": matched,
        "similarity": similarity,
        "reasons": reasons if "reasons" in request.include else None,
        "boxes": {"target": seen} if "boxes" in request.include else None,
    }
    return OperationResult(answers.VerificationAnswer, body)


def show_face(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /faces/{face_id}: what is kept of a face; with the scope `admin` a link to its photo."""
    face_id = _face_id(invocation)
    with timer.step("table"):
        kept = adapters.table.by_face_id(face_id)
    if kept is None or kept.face is None:
        raise NotFoundError(f"there is no face {face_id}.")
    url = None
    if ADMIN in invocation.scopes:
        with timer.step("link"):
            url = adapters.s3.link(adapters.settings.faces_bucket, kept.photo.key, kept.photo.version)
    return OperationResult(records.FaceRecordAnswer, face_record(kept.face, kept) | {"url": url})


def erase_face(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /faces/{face_id}: what was erased."""
    erased = adapters.kept.erase_face(timer, _face_id(invocation))
    return OperationResult(answers.ErasedAnswer, {"erased": erased})


def show_person(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /people/{full_name}: everything that is kept about a person, and that an erasure removes."""
    full_name, bucket = _full_name(invocation), adapters.settings.faces_bucket
    found = list(adapters.kept.of_person(timer, full_name))
    if not found:
        raise NotFoundError(f"{full_name} is not enrolled.")
    with timer.step("links"):
        versions = [
            {
                "image_path": one.key,
                "version": one.version,
                "is_delete_marker": one.is_delete_marker or None,
                "url": None if one.is_delete_marker else adapters.s3.link(bucket, one.key, one.version),
            }
            for kept in found
            for one in kept.versions
        ]
    rows = [photo_record(row) for kept in found for row in kept.rows]
    body = {"full_name": full_name, "records": rows, "photo_versions": versions}
    return OperationResult(records.PersonAnswer, body)


def erase_person(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /people/{full_name}: what was erased."""
    erased = adapters.kept.erase_person(timer, _full_name(invocation))
    return OperationResult(answers.ErasedAnswer, {"erased": erased})


def rename(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /renames: all of a person under another name."""
    request = invocation.asked(people_requests.RenameRequest)
    photos = adapters.kept.rename(timer, request.old, request.to)
    return OperationResult(records.RenameAnswer, {"full_name": request.to, "photos": photos})


def reindex(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /reindexings: a part of a reindex; the same `id_request` again goes on with it."""
    invocation.asked(people_requests.ReindexRequest)
    return OperationResult(records.ReindexAnswer, asdict(adapters.reindexing.step(timer, invocation.id_request)))


def upload(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /uploads: a key that nobody else has, and a form that S3 takes for five minutes."""
    request = invocation.asked(people_requests.UploadRequest)
    settings = adapters.settings
    buckets = {"source": settings.source_bucket, "target": settings.target_bucket, "faces": settings.faces_bucket}
    folder = "uploads/" if request.bucket != "faces" else INDEX_PREFIX if request.full_name else "photos/"
    key = f"{folder}{uuid.uuid4()}.{ENDINGS[request.content_type]}"
    with timer.step("presign"):
        url, fields = adapters.s3.presigned_post(buckets[request.bucket], key, request.content_type, request.full_name)
    form = {"key": key, "url": url, "fields": fields, "expires_in": UPLOAD_S}
    return OperationResult(answers.UploadAnswer, form, HTTPStatus.CREATED)


def expire(adapters: PeopleAdapters, event: Event, context: Any) -> dict[str, int]:
    """Erase what has expired, as much as there is time for: how much it was; raises when AWS failed."""
    erased = run_operation(EXPIRE, adapters.kept.erase_expired, invocation_of(event, context), adapters.logger)
    return asdict(erased)


OPERATIONS = operations(
    enrol, list_faces, search, verify, erase_face, erase_person, upload, show_face, show_person, rename, reindex
)

_adapters = once(PeopleAdapters.from_environment)
_function = RestFunction(OPERATIONS, _adapters)


def _photo(adapters: PeopleAdapters, timer: RequestTimer, request: people_requests.PhotoRequest) -> bytes:
    if request.image_path is None:
        return request.photo
    with timer.step("photo, download"), looked_for_in("target"):
        return adapters.s3.photo(adapters.settings.target_bucket, request.image_path).data


def _found(matches: Sequence[PersonMatch]) -> dict[str, Any]:
    best = {"person": matches[0].full_name, "similarity": matches[0].similarity} if matches else {}
    return {"found": bool(matches), **best, "matches": list(matches)}


def _face_id(invocation: Invocation) -> str:
    face_id = invocation.in_path("face_id")
    if not _FACE_ID.fullmatch(face_id):
        raise RequestError(f"face_id: a face id is a UUID in lower case; the value sent is {face_id[:80]!r}.")
    return face_id


def _full_name(invocation: Invocation) -> str:
    try:
        return people_requests.full_name_of(invocation.in_path("full_name"))
    except ValueError as error:
        raise RequestError(f"full_name: {error}.") from error
