"""The Lambda function of the routes about people: enrol, list, search, verify, erase, upload."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from face_validation_function.contract.answers import (
    BoxesOfOne,
    EnrolAnswer,
    ErasedAnswer,
    ErasedCounts,
    FaceAnswer,
    FacesAnswer,
    FoundFace,
    Match,
    SearchAnswer,
    UploadAnswer,
    VerificationAnswer,
)
from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.collection_service import CollectionService
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import RekognitionService
from face_validation_function.integrations.s3_service import UPLOAD_S, S3Service, looked_for_in
from face_validation_function.people import EnrolledFace, Erased, PersonMatch
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import Event, HttpResponse, Invocation, RestFunction
from face_validation_function.rest_operation import OperationResult, operations, path_parameter
from face_validation_function.services.enrolment import EnrolmentService
from face_validation_function.services.erasure import ErasureService
from face_validation_function.services.search import SearchService
from face_validation_function.services.verification import VerificationService
from face_validation_function.settings import INDEX_PREFIX, PeopleSettings
from face_validation_function.utils.logging_config import service_logger
from face_validation_function.utils.response_utils import box_of, face_of, side_of
from face_validation_function.validations.body import parse_body, validated
from face_validation_function.validations.people_requests import (
    EnrolRequest,
    ListRequest,
    PhotoRequest,
    SearchRequest,
    UploadRequest,
    VerificationRequest,
    full_name_of,
)

ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}
# As Rekognition writes them; it takes no others.
_FACE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class PeopleAdapters:
    """What is made once for each process: settings, clients, the logger and the services, which hold no state."""

    settings: PeopleSettings
    s3: S3Service
    table: FacesTable
    enrolment: EnrolmentService
    search: SearchService
    verification: VerificationService
    erasure: ErasureService
    logger: Logger

    @classmethod
    def from_environment(cls) -> "PeopleAdapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        return cls.of(
            PeopleSettings.from_environment(),
            rekognition=aws_client("rekognition"),
            s3=aws_client("s3"),
            dynamodb=aws_client("dynamodb"),
        )

    @classmethod
    def of(cls, settings: PeopleSettings, *, rekognition: Any, s3: Any, dynamodb: Any) -> "PeopleAdapters":
        """Adapters over these boto3 clients."""
        images, faces = S3Service(s3), RekognitionService(rekognition)
        collection = CollectionService(rekognition, settings.collection_id)
        table = FacesTable(dynamodb, settings.faces_table)
        return cls(
            settings=settings,
            s3=images,
            table=table,
            enrolment=EnrolmentService(images, faces, collection, table, settings.faces_bucket),
            verification=VerificationService(images, faces, table, settings.faces_bucket),
            search=SearchService(faces, collection, table),
            erasure=ErasureService(images, collection, table, settings.faces_bucket),
            logger=service_logger(settings.log_level),
        )


def lambda_handler(event: Event, context: Any) -> HttpResponse:
    """Answer one API Gateway proxy event: what AWS Lambda calls."""
    return _function(event, context)


def enrol(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /faces: 201 when the face is new, 200 when this photo was enrolled before."""
    request = validated(parse_body(invocation.body), EnrolRequest)
    enrolled = adapters.enrolment.enrol(timer, request.image_path, full_name=request.full_name)
    body = EnrolAnswer(id_request=invocation.id_request, **_fields_of(enrolled.face))
    return OperationResult(body, HTTPStatus.CREATED if enrolled.is_new else HTTPStatus.OK)


def list_faces(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """GET /faces: a page of faces, by name."""
    request = validated(dict(invocation.event.get("queryStringParameters") or {}), ListRequest)
    with timer.step("table"):
        faces, token = adapters.table.listed(request.limit, request.next_token, request.full_name)
    page = [FaceAnswer(**_fields_of(face)) for face in faces]
    return OperationResult(FacesAnswer(id_request=invocation.id_request, faces=page, next_token=token))


def search(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /search: the people found, best first; of every face when the request asks for all."""
    request = validated(parse_body(invocation.body), SearchRequest)
    photo = _photo(adapters, timer, request)
    if request.faces == "all":
        limits = (request.threshold, request.max_faces, request.max_searched)
        everybody = adapters.search.search_everybody(timer, photo, *limits)
        faces = [FoundFace(**_found(one.matches), **dict(face_of(one.searched))) for one in everybody.faces]
        return OperationResult(
            SearchAnswer(
                id_request=invocation.id_request,
                found=any(face.found for face in faces),
                faces=faces,
                not_searched=everybody.left_out,
            )
        )
    found = adapters.search.search(timer, photo, request.threshold, request.max_faces)
    searched = face_of(found.searched)
    return OperationResult(
        SearchAnswer(id_request=invocation.id_request, **_found(found.matches), searched_face=searched)
    )


def verify(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /verification: whether the photo shows the enrolled person of that name."""
    request = validated(parse_body(invocation.body), VerificationRequest)
    verified = adapters.verification.verify(timer, _photo(adapters, timer, request), request.full_name)
    matched = verified.similarity >= request.threshold
    reasons = [
        *([] if matched else [Reason.SIMILARITY_BELOW_THRESHOLD]),
        *([Reason.TARGET_SEVERAL_FACES] if len(verified.seen.faces) > 1 else []),
    ]
    return OperationResult(
        VerificationAnswer(
            id_request=invocation.id_request,
            matched=matched,
            similarity=verified.similarity,
            reasons=reasons if "reasons" in request.include else None,
            boxes=BoxesOfOne(target=side_of(verified.seen)) if "boxes" in request.include else None,
        )
    )


def erase_face(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /faces/{face_id}: what was erased."""
    face_id = path_parameter(invocation, "face_id")
    if not _FACE_ID.fullmatch(face_id):
        raise RequestError(f"face_id: a face id is a UUID in lower case; the value sent is {face_id[:80]!r}.")
    return _erased(invocation, adapters.erasure.erase_face(timer, face_id))


def erase_person(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """DELETE /people/{full_name}: what was erased."""
    try:
        full_name = full_name_of(path_parameter(invocation, "full_name"))
    except ValueError as error:
        raise RequestError(f"full_name: {error}.") from error
    return _erased(invocation, adapters.erasure.erase_person(timer, full_name))


def upload(adapters: PeopleAdapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /uploads: a key that nobody else has, and a form that S3 takes for five minutes."""
    request = validated(parse_body(invocation.body), UploadRequest)
    settings = adapters.settings
    buckets = {"source": settings.source_bucket, "target": settings.target_bucket, "faces": settings.faces_bucket}
    folder = "uploads/" if request.bucket != "faces" else INDEX_PREFIX if request.full_name else "photos/"
    key = f"{folder}{uuid.uuid4()}.{ENDINGS[request.content_type]}"
    with timer.step("presign"):
        url, fields = adapters.s3.presigned_post(buckets[request.bucket], key, request.content_type, request.full_name)
    form = UploadAnswer(id_request=invocation.id_request, key=key, url=url, fields=fields, expires_in=UPLOAD_S)
    return OperationResult(form, HTTPStatus.CREATED)


OPERATIONS = operations((enrol, list_faces, search, verify, erase_face, erase_person, upload))

_function = RestFunction(OPERATIONS, PeopleAdapters.from_environment)


def _photo(adapters: PeopleAdapters, timer: RequestTimer, request: PhotoRequest) -> bytes:
    if request.image_path is None:
        return request.photo
    with timer.step("photo, download"), looked_for_in("target"):
        return adapters.s3.image(adapters.settings.target_bucket, request.image_path)


def _found(matches: Sequence[PersonMatch]) -> dict[str, Any]:
    """The fields that tell who was found."""
    people = [Match(full_name=one.full_name, similarity=one.similarity, face_id=one.face_id) for one in matches]
    best = {"person": people[0].full_name, "similarity": people[0].similarity} if people else {}
    return {"found": bool(people), **best, "matches": people}


def _fields_of(face: EnrolledFace) -> dict[str, Any]:
    """The fields that a face has in every answer."""
    return {
        "face_id": face.face_id,
        "full_name": face.photo.full_name,
        "image_path": face.photo.key,
        "box": box_of(face.face.box),
        "confidence": face.face.confidence,
        "enrolled_at": face.enrolled_at,
    }


def _erased(invocation: Invocation, erased: Erased) -> OperationResult:
    counts = ErasedCounts(faces=erased.faces, photo_versions=erased.photo_versions, rows=erased.rows)
    return OperationResult(ErasedAnswer(id_request=invocation.id_request, erased=counts))
