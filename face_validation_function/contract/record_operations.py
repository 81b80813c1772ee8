"""What the API's document says of the routes about what is kept of people. Data only."""

from http import HTTPStatus

from face_validation_function.contract.operation import (
    EXAMPLE_ID,
    FACE_ID_PATH,
    FULL_NAME,
    FULL_NAME_PATH,
    REQUEST_REFUSALS,
    UUID_V4,
    Operation,
)
from face_validation_function.contract.records import FaceRecordAnswer, PersonAnswer, ReindexAnswer, RenameAnswer
from face_validation_function.validations.people_requests import ReindexRequest, RenameRequest

RECORD_OPERATIONS: dict[str, Operation] = {
    "show_face": Operation(
        summary="What is kept of a face.",
        description=(
            "Rekognition's record of it: where the face is, its landmarks, pose and quality, and the face model. A "
            "token that has the scope `admin` too is also given a link to the photo, good for five minutes."
        ),
        path=FACE_ID_PATH,
        answer=FaceRecordAnswer,
        successes={HTTPStatus.OK: "The face."},
        refusals=(*REQUEST_REFUSALS, HTTPStatus.NOT_FOUND),
    ),
    "show_person": Operation(
        summary="Everything that is kept about a person.",
        description=(
            "Every row of the table and every version of every photo, with links good for five minutes: what "
            "`DELETE /people/{full_name}` removes, and the answer to a person who asks what is kept."
        ),
        path=FULL_NAME_PATH,
        answer=PersonAnswer,
        successes={HTTPStatus.OK: "All of it."},
        refusals=(*REQUEST_REFUSALS, HTTPStatus.NOT_FOUND),
    ),
    "rename": Operation(
        summary="Put a person under another name.",
        description=(
            "All photos and faces move. A person who has the new name already becomes the same person. A failure in "
            "the middle leaves what is needed to finish: ask again. Photos get new keys, without a name in them."
        ),
        request=RenameRequest,
        answer=RenameAnswer,
        successes={HTTPStatus.OK: "Renamed; 0 photos when an earlier request did it."},
        refusals=(*REQUEST_REFUSALS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        patterns={"id_request": UUID_V4, "from": FULL_NAME, "to": FULL_NAME},
        examples={"marriage": {"from": "Ada Byron", "to": "Ada Lovelace", "id_request": EXAMPLE_ID}},
    ),
    "reindex": Operation(
        summary="Index every photo again, in a new collection with the newest face model.",
        description=(
            "One request does a part: ask again with the same `id_request` until `finished`. Searches answer "
            "throughout. A reindex that was interrupted goes on, whoever asks."
        ),
        request=ReindexRequest,
        answer=ReindexAnswer,
        successes={HTTPStatus.OK: "How far it is."},
        refusals=REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4},
        examples={"run": {"id_request": EXAMPLE_ID}},
    ),
}
