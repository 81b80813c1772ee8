"""The Lambda function of the routes about people, and of the schedule that erases what has expired."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from face_validation_function.contract.answers import (
    EnrolAnswer,
    ErasedAnswer,
    FacesAnswer,
    SearchAnswer,
    UploadAnswer,
    VerificationAnswer,
)
from face_validation_function.deadline import Task
from face_validation_function.faces import Face
from face_validation_function.integrations.s3_service import UPLOAD_S, looked_for_in
from face_validation_function.people import PersonMatch
from face_validation_function.people_adapters import PeopleAdapters
from face_validation_function.reasons import Reason
from face_validation_function.record_operations import (
    face_id_in,
    full_name_in,
    reindex,
    rename,
    show_face,
    show_person,
)
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import (
    Event,
    HttpResponse,
    Invocation,
    Lazy,
    OperationResult,
    RestFunction,
    invocation_of,
    operations,
    run_operation,
)
from face_validation_function.settings import EXPIRE, INDEX_PREFIX
from face_validation_function.utils.response_utils import face_fields
from face_validation_function.validations.body import new_request_id, parse_body, validated
from face_validation_function.validations.people_requests import (
    EnrolRequest,
    ListRequest,
    PhotoRequest,
    SearchRequest,
    UploadRequest,
    VerificationRequest,
)

ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}


def lambda_handler(event: Event, context: Any) -> HttpResponse:
    """Answer one API Gateway proxy event, or do what the schedule's event asks: what AWS Lambda calls."""
    return expire(_adapters.get(), event, context) if event.get("operation") == EXPIRE else _function(event, context)


def enrol(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /faces: 201 when the face is new, 200 when this photo was enrolled before."""
    request = validated(parse_body(invocation.body), EnrolRequest)
    enrolled = adapters.enrolment.enrol(
        timer,
        request.image_path,
        full_name=request.full_name,
        allow_duplicate=request.allow_duplicate,
        expires_at=request.expires_at or "",
    )
    body = face_fields(enrolled.face) | {"possible_duplicate": enrolled.face.possible_duplicate or None}
    return OperationResult(EnrolAnswer, body, HTTPStatus.CREATED if enrolled.is_new else HTTPStatus.OK)


def list_faces(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /faces: a page of faces, by name."""
    request = validated(dict(invocation.event.get("queryStringParameters") or {}), ListRequest)
    with timer.step("table"):
        faces, token = adapters.table.listed(request.limit, request.next_token, request.full_name)
    return OperationResult(FacesAnswer, {"faces": list(map(face_fields, faces)), "next_token": token})


def search(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /search: the people found, best first; of every face when the request asks for all."""
    request = validated(parse_body(invocation.body), SearchRequest)
    photo = _photo(adapters, timer, request)
    if request.faces == "all":
        limits = (request.threshold, request.max_faces, request.max_searched)
        everybody = adapters.identification.search_everybody(timer, photo, *limits)
        faces = [_found(one.matches) | _seen(one.searched) for one in everybody.faces]
        found = any(one.matches for one in everybody.faces)
        return OperationResult(SearchAnswer, {"found": found, "faces": faces, "not_searched": everybody.left_out})
    one = adapters.identification.search(timer, photo, request.threshold, request.max_faces)
    return OperationResult(SearchAnswer, _found(one.matches) | {"searched_face": one.searched})


def verify(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /verification: whether the photo shows the enrolled person of that name."""
    request = validated(parse_body(invocation.body), VerificationRequest)
    verified = adapters.identification.verify(timer, _photo(adapters, timer, request), request.full_name)
    matched = verified.similarity >= request.threshold
    reasons = [
        *([] if matched else [Reason.SIMILARITY_BELOW_THRESHOLD]),
        *([Reason.TARGET_SEVERAL_FACES] if len(verified.seen.faces) > 1 else []),
    ]
    body = {
        "matched": matched,
        "similarity": verified.similarity,
        "reasons": reasons if "reasons" in request.include else None,
        "boxes": {"target": verified.seen} if "boxes" in request.include else None,
    }
    return OperationResult(VerificationAnswer, body)


def erase_face(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /faces/{face_id}: what was erased."""
    face_id = face_id_in(invocation)
    return OperationResult(ErasedAnswer, {"erased": adapters.kept.erase_face(timer, face_id)})


def erase_person(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /people/{full_name}: what was erased."""
    full_name = full_name_in(invocation)
    return OperationResult(ErasedAnswer, {"erased": adapters.kept.erase_person(timer, full_name)})


def upload(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /uploads: a key that nobody else has, and a form that S3 takes for five minutes."""
    request = validated(parse_body(invocation.body), UploadRequest)
    settings = adapters.settings
    buckets = {"source": settings.source_bucket, "target": settings.target_bucket, "faces": settings.faces_bucket}
    folder = "uploads/" if request.bucket != "faces" else INDEX_PREFIX if request.full_name else "photos/"
    key = f"{folder}{uuid.uuid4()}.{ENDINGS[request.content_type]}"
    with timer.step("presign"):
        url, fields = adapters.s3.presigned_post(buckets[request.bucket], key, request.content_type, request.full_name)
    form = {"key": key, "url": url, "fields": fields, "expires_in": UPLOAD_S}
    return OperationResult(UploadAnswer, form, HTTPStatus.CREATED)


def expire(adapters: PeopleAdapters, event: Event, context: Any) -> dict[str, int]:
    """Erase what has expired, as much as there is time for: how much it was; raises when AWS failed."""
    task = Task(new_request_id(), adapters.kept.erase_expired)
    return asdict(run_operation(EXPIRE, task, invocation_of(event, context), adapters.logger))


OPERATIONS = operations(
    (enrol, list_faces, search, verify, erase_face, erase_person, upload, show_face, show_person, rename, reindex)
)

_adapters = Lazy(PeopleAdapters.from_environment)
_function = RestFunction(OPERATIONS, _adapters.get)


def _photo(adapters: PeopleAdapters, timer: RequestTimer, request: PhotoRequest) -> bytes:
    if request.image_path is None:
        return request.photo
    with timer.step("photo, download"), looked_for_in("target"):
        return adapters.s3.photo(adapters.settings.target_bucket, request.image_path).data


def _found(matches: Sequence[PersonMatch]) -> dict[str, Any]:
    """The fields that tell who was found."""
    best = {"person": matches[0].full_name, "similarity": matches[0].similarity} if matches else {}
    return {"found": bool(matches), **best, "matches": list(matches)}


def _seen(face: Face) -> dict[str, Any]:
    return {"box": face.box, "confidence": face.confidence}
