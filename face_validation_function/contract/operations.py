"""What the API's document says of each operation, beyond its route. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from face_validation_function.contract.answers import (
    EnrolAnswer,
    ErasedAnswer,
    FacesAnswer,
    LivenessSessionAnswer,
    SearchAnswer,
    UploadAnswer,
    ValidationAnswer,
    VerificationAnswer,
)
from face_validation_function.contract.jobs import JobAnswer, JobResultsAnswer, JobsAnswer
from face_validation_function.validations.body import MAX_ITEMS
from face_validation_function.validations.job_requests import JobRequest, JobsRequest
from face_validation_function.validations.people_requests import (
    INVISIBLE,
    MAX_NAME,
    EnrolRequest,
    ListRequest,
    SearchRequest,
    UploadRequest,
    VerificationRequest,
)
from face_validation_function.validations.validation_request import (
    MISSPELT_TARGET_PATH,
    FaceValidationRequest,
    LivenessSessionRequest,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a route beyond the route itself.

    `request` is the model of the body, `query` the one of the query parameters, `path` the schema of each path
    parameter. `successes` are the statuses of an answer and what each says, `refusals` the function's own statuses.
    `max_items` is how many requests one body may carry as an array; 1 means that the body is one object.
    `patterns` are what a field's text must match, and `rules` what more a body must hold to, where the model judges in
    code.
    """

    summary: str
    description: str
    answer: type[BaseModel]
    successes: Mapping[HTTPStatus, str]
    refusals: tuple[HTTPStatus, ...]
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    path: Mapping[str, Json] = field(default_factory=dict)
    max_items: int = 1
    aliases: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    rules: Json = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


UUID_V4 = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
OBJECT_KEY = (
    r"^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*://)(?![Dd][Aa][Tt][Aa]:)"
    r"(?!(?:[^/]*/)*\.{1,2}(?:/|$))[^\u0000-\u001f\u007f-\u009f]+$"
)
FACE_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_NO_CONTROL = r"[^\u0000-\u001f\u007f-\u009f]"
FULL_NAME = rf"^{_NO_CONTROL}*[^\s\u0000-\u001f\u007f-\u009f{INVISIBLE}]{_NO_CONTROL}*$"
BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"

_REQUEST_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
_ID = "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11"
_FACES = {"type": "FACE_TO_FACE", "source_path": "people/ada.jpg", "target_path": "selfies/ada.jpg"}
_DOCUMENT = {
    "id_request": _ID,
    "type": "ID_TO_FACE",
    "source_path": "documents/ada-passport.png",
    "target_path": "selfies/ada.jpg",
    "threshold": 95,
    "threshold_label": 60,
    "include": ["boxes"],
}
# A field that is left out may as well be null.
_ABSENT: Json = {"type": "null"}


def _only(name: str, other: str) -> Json:
    return {"required": [name], "properties": {name: {"type": "string"}, other: _ABSENT}}


_ONE_PHOTO: Json = {"oneOf": [_only("image_path", "image"), _only("image", "image_path")]}
_TARGETS = ("target_path", "target_liveness_session")


def _erasure(summary: str, description: str, path: dict[str, Json]) -> Operation:
    return Operation(
        summary=summary,
        description=f"{description} A repeated request also succeeds.",
        path=path,
        answer=ErasedAnswer,
        successes={HTTPStatus.OK: "What was removed; zeros when there was nothing."},
        refusals=_REQUEST_REFUSALS,
    )


def _of_job(
    summary: str, description: str, answer: type[BaseModel], status: HTTPStatus = HTTPStatus.OK, *more: HTTPStatus
) -> Operation:
    return Operation(
        summary=summary,
        description=description,
        path={"job_id": {"type": "string", "format": "uuid", "pattern": UUID_V4, "examples": [_ID]}},
        answer=answer,
        successes={status: "The job."},
        refusals=(*_REQUEST_REFUSALS, HTTPStatus.NOT_FOUND, *more),
    )


OPERATIONS: dict[str, Operation] = {
    "validate": Operation(
        summary="Do the source image and the target image show the same person?",
        description=(
            "One object gives one answer. An array of 1 to 10 gives an array in the same order, with status 200: each "
            "item is an answer or an error envelope. Images are read from the buckets: JPG or PNG by content, 80x80 to "
            "4096x4096 pixels, at most 15 MB. AWS recommends a threshold of 99 for identity checks; 80 is the default."
        ),
        request=FaceValidationRequest,
        answer=ValidationAnswer,
        successes={HTTPStatus.OK: "Validated."},
        refusals=(*_REQUEST_REFUSALS, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        max_items=MAX_ITEMS,
        aliases={"target_path": MISSPELT_TARGET_PATH},
        patterns={"id_request": UUID_V4, "source_path": OBJECT_KEY, "target_path": OBJECT_KEY},
        rules={"oneOf": [_only(*_TARGETS), _only(*reversed(_TARGETS))]},
        examples={"faces": _FACES, "document": _DOCUMENT, "several": [_FACES, _DOCUMENT]},
    ),
    "create_liveness_session": Operation(
        summary="A Face Liveness session: a living person in front of the camera takes the place of the target image.",
        description=(
            "The app shows Amplify's FaceLivenessDetector with `session_id` and `region`; then `POST /validation` "
            "names `target_liveness_session` in place of `target_path`. A session lives three minutes and is good for "
            "one validation with this `source_path`, by this client. The same `id_request` answers the same session."
        ),
        request=LivenessSessionRequest,
        answer=LivenessSessionAnswer,
        successes={HTTPStatus.CREATED: "The session."},
        refusals=_REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "source_path": OBJECT_KEY},
        examples={"session": {"id_request": _ID, "source_path": "people/ada.jpg"}},
    ),
    "enrol": Operation(
        summary="Enrol a person from a photo.",
        description=(
            "The photo lies in the faces bucket (`POST /uploads` puts it there). Its most prominent face is enrolled; "
            "the same version of a photo again answers the same face. Photos under `index/` need no request: their "
            "upload enrols them."
        ),
        request=EnrolRequest,
        answer=EnrolAnswer,
        successes={HTTPStatus.CREATED: "Enrolled.", HTTPStatus.OK: "This photo was enrolled before: its face."},
        refusals=(*_REQUEST_REFUSALS, HTTPStatus.UNPROCESSABLE_ENTITY),
        patterns={"id_request": UUID_V4, "image_path": OBJECT_KEY, "full_name": FULL_NAME},
        examples={"photo": {"image_path": "photos/ada.jpg", "full_name": "Ada Lovelace", "id_request": _ID}},
    ),
    "list_faces": Operation(
        summary="List the enrolled faces, by name.",
        description="One page at a time; only one person's faces when `full_name` is given.",
        query=ListRequest,
        answer=FacesAnswer,
        successes={HTTPStatus.OK: "A page."},
        refusals=_REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "full_name": FULL_NAME},
    ),
    "erase_face": _erasure(
        summary="Erase one face, with every version of its photo.",
        description="Also erases the faces of the photo's other versions.",
        path={"face_id": {"type": "string", "pattern": FACE_ID, "examples": [_ID]}},
    ),
    "erase_person": _erasure(
        summary="Erase a person: every face, every version of every photo, every row.",
        description="If an erasure fails, send the request again to finish it.",
        path={
            "full_name": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_NAME,
                "pattern": FULL_NAME,
                "examples": ["Ada Lovelace"],
            }
        },
    ),
    "search": Operation(
        summary="Find the enrolled people in a photo.",
        description=(
            "By `image_path` (a key of the target bucket) or by `image` (base64; AWS Lambda takes bodies up to 6 MB, "
            "so photos up to 4.4 MB). The most prominent face is searched for; people come best first, each once, by "
            "the most similar of their faces. Nobody at the threshold: `found` is false. With `faces: all`, every face "
            "of the photo is searched for, the largest first: one paid search for each, `max_searched` at most."
        ),
        request=SearchRequest,
        answer=SearchAnswer,
        successes={HTTPStatus.OK: "Searched."},
        refusals=(*_REQUEST_REFUSALS, HTTPStatus.UNPROCESSABLE_ENTITY),
        patterns={"id_request": UUID_V4, "image_path": OBJECT_KEY, "image": BASE64},
        rules=_ONE_PHOTO
        | {
            "anyOf": [
                {"required": ["faces"], "properties": {"faces": {"const": "all"}}},
                {"not": {"required": ["max_searched"]}},
            ]
        },
        examples={
            "key": {"image_path": "selfies/ada.jpg", "threshold": 90, "max_faces": 3},
            "everybody": {"image_path": "parties/ada.jpg", "faces": "all", "max_searched": 20},
        },
    ),
    "verify": Operation(
        summary="Is this the enrolled person of that name?",
        description=(
            "The most prominent face of the photo is compared with at most five of the person's photos, the newest; "
            "`similarity` is the median, on the scale of `POST /validation`. At most six paid calls."
        ),
        request=VerificationRequest,
        answer=VerificationAnswer,
        successes={HTTPStatus.OK: "Compared."},
        refusals=(*_REQUEST_REFUSALS, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
        patterns={"id_request": UUID_V4, "image_path": OBJECT_KEY, "image": BASE64, "full_name": FULL_NAME},
        rules=_ONE_PHOTO,
        examples={"key": {"full_name": "Ada Lovelace", "image_path": "selfies/ada.jpg", "threshold": 90}},
    ),
    "upload": Operation(
        summary="Get a form to upload one image to a bucket, without AWS credentials.",
        description=(
            "The service chooses the key; S3 itself enforces what was signed: this key, this content type, 1 byte to "
            "15 MB, five minutes. With `full_name`, for bucket `faces`, the photo is enrolled as soon as it is there."
        ),
        request=UploadRequest,
        answer=UploadAnswer,
        successes={HTTPStatus.CREATED: "The form."},
        refusals=_REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "full_name": FULL_NAME},
        rules={"anyOf": [{"properties": {"bucket": {"const": "faces"}}}, {"properties": {"full_name": _ABSENT}}]},
        examples={
            "selfie": {"bucket": "target", "content_type": "image/jpeg"},
            "face": {"bucket": "faces", "content_type": "image/png", "full_name": "Ada Lovelace"},
        },
    ),
    "create_job": Operation(
        summary="Repeat a request for every line of a manifest.",
        description=(
            "The manifest lies in the source bucket: JSONL of requests, or CSV with a header. The answer comes at "
            "once; `GET /jobs/{job_id}` tells how far the job is. Each line has one outcome and is paid for once. A "
            "job needs the scope of the route that it repeats. Its id is `id_request`: the same request under the same "
            "id is the same job."
        ),
        request=JobRequest,
        answer=JobAnswer,
        successes={HTTPStatus.ACCEPTED: "The job."},
        refusals=(
            *_REQUEST_REFUSALS,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        patterns={"id_request": UUID_V4, "manifest_path": OBJECT_KEY},
        examples={
            "validations": {
                "kind": "validation",
                "manifest_path": "jobs/customers.jsonl",
                "defaults": {"type": "FACE_TO_FACE", "threshold": 95},
                "id_request": _ID,
            }
        },
    ),
    "list_jobs": Operation(
        summary="The client's own jobs, newest first.",
        description="A page at a time. Jobs are forgotten after 30 days, with their results.",
        query=JobsRequest,
        answer=JobsAnswer,
        successes={HTTPStatus.OK: "A page."},
        refusals=_REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4},
    ),
    "show_job": _of_job("How far a job is.", "Another client's job is not there.", JobAnswer),
    "stop_job": _of_job(
        "Ask no more lines of a job.",
        "What was paid for is kept, and the results are written. A job that has ended stays as it is.",
        JobAnswer,
        HTTPStatus.ACCEPTED,
    ),
    "redrive_job": _of_job(
        "Ask the lines again that have neither an answer nor a refusal.",
        "The job must have ended. Answers and refusals are kept, and nobody pays for them again.",
        JobAnswer,
        HTTPStatus.ACCEPTED,
        HTTPStatus.CONFLICT,
    ),
    "job_results": _of_job(
        "Where the results of a job lie.",
        "An address that is good for five minutes: JSONL with an outcome for every line of the manifest, in its order.",
        JobResultsAnswer,
        HTTPStatus.OK,
        HTTPStatus.CONFLICT,
    ),
}
