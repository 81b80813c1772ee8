"""The answers of the routes about what is kept of people, and about jobs, with the row that results have for a line."""

from typing import Any

from pydantic import Field

from face_validation_function.contract.answer import Answer, AnswerToRequest, Count, Maybe, Moment, Percent, Uuid, maybe
from face_validation_function.contract.answers import Error, FaceAnswer
from face_validation_function.jobs import Kind, Outcome, State


class Point(Answer):
    """A point in ratios of the upright photo, origin top left."""

    x: float
    y: float


class LandmarksRecord(Answer):
    """Points of a face; left and right are the image's."""

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point


class PoseRecord(Answer):
    """How the face is turned, in degrees; 0 looks straight into the camera."""

    roll: float
    yaw: float
    pitch: float


class FaceRecord(FaceAnswer):
    """What is kept of a face: Rekognition's record of it, in ratios of the upright photo."""

    landmarks: Maybe[LandmarksRecord] = None
    pose: Maybe[PoseRecord] = None
    brightness: Percent
    sharpness: Percent
    model_version: Maybe[str] = maybe("The face model of the collection; absent for older faces.")
    possible_duplicate: Maybe[bool] = maybe("There, and true, when a search found the face under another name.")
    expires_at: Maybe[str] = maybe("When the face is erased; absent when it stays.")


class FaceRecordAnswer(FaceRecord):
    """One face, and with the scope `admin` its photo."""

    id_request: Uuid
    url: Maybe[str] = maybe("A link to the photo, good for five minutes; there when the token has the scope `admin`.")


class PersonRecord(Answer):
    """One row of the table: a version of a photo, with its face where it has one."""

    full_name: str
    image_path: str
    version: str
    collection_id: str
    digest: Maybe[str] = maybe("SHA-256 of the file.")
    not_indexed: Maybe[str] = maybe("Why a reindex could not index the photo.")
    expires_at: Maybe[str] = maybe("When the photo is erased; absent when it stays.")
    face: Maybe[FaceRecord] = None


class PhotoVersionRecord(Answer):
    """One version of one object of the faces bucket."""

    image_path: str
    version: str
    is_delete_marker: Maybe[bool] = maybe("There, and true, of a version without content.")
    url: Maybe[str] = maybe("A link to the photo, good for five minutes.")


class PersonAnswer(AnswerToRequest):
    """Everything that is kept about a person: what DELETE /people/{full_name} removes."""

    full_name: str
    records: list[PersonRecord]
    photo_versions: list[PhotoVersionRecord]


class RenameAnswer(AnswerToRequest):
    """The name that the person has now, and how many photos were moved by this request."""

    full_name: str
    photos: Count


class NotIndexed(Answer):
    """A photo that has no face any more, and why: it stays in the table and in the bucket."""

    full_name: str
    image_path: str
    reason: str


class ReindexAnswer(AnswerToRequest):
    """How far a reindex is."""

    finished: bool = Field(description="False: ask again with the same `id_request`, after `wait_s` seconds.")
    collection_id: str = Field(description="The collection that is being filled, or that answers now.")
    indexed: Count = Field(description="Photos indexed by this request.")
    wait_s: Count
    not_indexed: list[NotIndexed] = Field(description="At the end: every photo that could not be indexed.")


class JobCounts(Answer):
    """Lines by outcome; `waiting` have none yet. While a job runs they are counted batch by batch."""

    answered: Count
    refused: Count = Field(description="Refused by the service (4xx): the outcome of the line, no failure.")
    failed: Count = Field(description="Without an answer or a refusal: a redrive asks them again.")
    waiting: Count


class JobSummary(Answer):
    """One job."""

    job_id: Uuid
    kind: Kind
    manifest_path: str
    state: State
    attempt: int = Field(ge=1, description="1, and one more for each redrive.")
    lines: Maybe[int] = maybe("How many lines the manifest has; there once it is split.")
    counts: JobCounts
    paid_calls: Count = Field(description="Rekognition calls that were paid for lines with an outcome.")
    cost_usd: float = Field(ge=0, description="Of these calls, at the price of the first million a month.")
    created_at: Moment
    finished_at: Maybe[str] = maybe("ISO 8601; there when the state is final.")
    lines_per_second: Maybe[float] = maybe("On average; there while the first attempt runs.")
    seconds_left: Maybe[float] = maybe("At that rate.")
    error: Maybe[str] = maybe("Why the manifest was refused, or why the job stopped.")


class JobAnswer(JobSummary):
    """The job that was asked for."""

    id_request: Uuid


class JobsAnswer(AnswerToRequest):
    """A page of the client's jobs, newest first."""

    jobs: list[JobSummary]
    next_token: Maybe[str] = maybe("There when there is another page: ask with it.")


class JobResultsAnswer(AnswerToRequest):
    """Where the results lie: JSONL, a `JobLine` for every line of the manifest, in its order."""

    url: str
    expires_in: int = Field(description="Seconds for which the address is good.")


class JobLine(Answer):
    """One line of the results: `answer` is what the line's own route answers, `error` what it refuses."""

    line: int = Field(ge=1)
    id_request: Uuid
    outcome: Outcome
    status: int
    paid_calls: Count
    answer: Maybe[dict[str, Any]] = maybe("There when the line is answered.")
    error: Maybe[Error] = maybe("There when the line is refused or failed.")
