"""What the API's document says of each operation, beyond its route. Data only."""

from http import HTTPStatus

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
from face_validation_function.contract.job_operations import JOB_OPERATIONS
from face_validation_function.contract.operation import (
    BASE64,
    EXAMPLE_ID,
    FACE_ID_PATH,
    FULL_NAME,
    FULL_NAME_PATH,
    OBJECT_KEY,
    REQUEST_REFUSALS,
    UUID_V4,
    Json,
    Operation,
)
from face_validation_function.contract.record_operations import RECORD_OPERATIONS
from face_validation_function.validations.body import MAX_ITEMS
from face_validation_function.validations.people_requests import (
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

_FACES = {"type": "FACE_TO_FACE", "source_path": "people/ada.jpg", "target_path": "selfies/ada.jpg"}
_DOCUMENT = {
    "id_request": EXAMPLE_ID,
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
        refusals=REQUEST_REFUSALS,
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
        refusals=(*REQUEST_REFUSALS, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
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
        refusals=REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "source_path": OBJECT_KEY},
        examples={"session": {"id_request": EXAMPLE_ID, "source_path": "people/ada.jpg"}},
    ),
    "enrol": Operation(
        summary="Enrol a person from a photo.",
        description=(
            "The photo lies in the faces bucket (`POST /uploads` puts it there). Its most prominent face is enrolled; "
            "the same image for the same name again answers the same face, whatever its key. A face that is enrolled "
            "under another name is refused, or marked as a possible duplicate, from the deployment's two thresholds "
            "on. Photos under `index/` need no request: their upload enrols them."
        ),
        request=EnrolRequest,
        answer=EnrolAnswer,
        successes={HTTPStatus.CREATED: "Enrolled.", HTTPStatus.OK: "This photo was enrolled before: its face."},
        refusals=(*REQUEST_REFUSALS, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        patterns={"id_request": UUID_V4, "image_path": OBJECT_KEY, "full_name": FULL_NAME},
        examples={"photo": {"image_path": "photos/ada.jpg", "full_name": "Ada Lovelace", "id_request": EXAMPLE_ID}},
    ),
    "list_faces": Operation(
        summary="List the enrolled faces, by name.",
        description="One page at a time; only one person's faces when `full_name` is given.",
        query=ListRequest,
        answer=FacesAnswer,
        successes={HTTPStatus.OK: "A page."},
        refusals=REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "full_name": FULL_NAME},
    ),
    "erase_face": _erasure(
        summary="Erase one face, with every version of its photo.",
        description="Also erases the faces of the photo's other versions.",
        path=FACE_ID_PATH,
    ),
    "erase_person": _erasure(
        summary="Erase a person: every face, every version of every photo, every row.",
        description="If an erasure fails, send the request again to finish it.",
        path=FULL_NAME_PATH,
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
        refusals=(*REQUEST_REFUSALS, HTTPStatus.UNPROCESSABLE_ENTITY),
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
        refusals=(*REQUEST_REFUSALS, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
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
        refusals=REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4, "full_name": FULL_NAME},
        rules={"anyOf": [{"properties": {"bucket": {"const": "faces"}}}, {"properties": {"full_name": _ABSENT}}]},
        examples={
            "selfie": {"bucket": "target", "content_type": "image/jpeg"},
            "face": {"bucket": "faces", "content_type": "image/png", "full_name": "Ada Lovelace"},
        },
    ),
    **RECORD_OPERATIONS,
    **JOB_OPERATIONS,
}
