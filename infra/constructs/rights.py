"""What each function may do, and on what: the one place to read for whoever reviews the service's rights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb

from face_validation_function.settings import PROBE_KEYS
from infra.constructs.audit import AuditStore
from infra.constructs.function import ServiceFunction
from infra.constructs.people import TABLE_INDEXES, PeopleStores
from infra.constructs.stage import Stage
from infra.constructs.storage import ImageStorage

BY_TIME = "by_time"
ROW_ACTIONS = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem")
FACE_ACTIONS = ("rekognition:DeleteFaces", "rekognition:IndexFaces", "rekognition:SearchFacesByImage")


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that a stage keeps: images, claims (what may be done once), people, jobs, and the audit trail."""

    images: ImageStorage
    claims: dynamodb.Table
    people: PeopleStores
    jobs: dynamodb.Table
    audit: AuditStore | None


def grant(name: str, function: ServiceFunction, stores: Stores, stage: Stage) -> None:
    """Give the function of this name its rights."""
    _RIGHTS[name](function, stores)
    if name == "Validation" and stage.options.idempotency:
        # An answer is kept in its claim, and a claim without one is given up.
        function.allow(["dynamodb:DeleteItem", "dynamodb:UpdateItem"], stores.claims.table_arn)
    if name in ("Validation", "JobLines") and stores.audit:
        stores.audit.allow_writing(function)


def _validation(function: ServiceFunction, stores: Stores) -> None:
    """It has no access to enrolled people."""
    function.is_called_and_waited_for()
    function.allow_reading(stores.images.source, stores.images.target)
    function.allow_anywhere(
        *("CompareFaces", "DetectFaces", "DetectLabels", "DetectText"),
        *("CreateFaceLivenessSession", "GetFaceLivenessSessionResults"),
    )
    function.allow(["dynamodb:GetItem", "dynamodb:PutItem"], stores.claims.table_arn)
    function.allow_key()


def _people(function: ServiceFunction, stores: Stores) -> None:
    images, people = stores.images, stores.people
    function.is_called_and_waited_for()
    function.allow_reading(images.target, images.faces)
    # DeleteObjects always asks for DeleteObject, and for DeleteObjectVersion too where it names a version
    # (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
    function.allow_objects(["s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"], images.faces)
    # Whoever signs an upload's form must be allowed what the form allows.
    function.allow_objects(["s3:PutObject"], images.source, images.target, images.faces)
    function.allow(["s3:ListBucketVersions"], images.faces.bucket_arn)
    function.allow([*ROW_ACTIONS, "dynamodb:Scan", "dynamodb:UpdateItem"], people.table.table_arn)
    function.allow(["dynamodb:Query"], people.table.table_arn, *map(people.index_arn, TABLE_INDEXES))
    people.allow_collections(function, *FACE_ACTIONS, "rekognition:CreateCollection", "rekognition:DeleteCollection")
    function.allow_anywhere("CompareFaces", "DetectFaces")
    function.allow_key()


def _indexing(function: ServiceFunction, stores: Stores) -> None:
    function.allow_reading(stores.images.faces)
    function.allow_objects(["s3:GetObjectVersion"], stores.images.faces)
    _enrol(function, stores.people)
    function.allow(["sqs:SendMessage"], stores.people.dead_letters.queue_arn)
    function.allow_anywhere("DetectFaces")
    function.allow_key()


def _enrol(function: ServiceFunction, people: PeopleStores) -> None:
    """Let a function put faces into the collection that answers, with their rows, and search there."""
    function.allow([*ROW_ACTIONS, "dynamodb:Query"], people.table.table_arn)
    function.allow(["dynamodb:Query"], people.index_arn("by_face_id"))
    people.allow_collections(function, *FACE_ACTIONS)


def _any_of_jobs(function: ServiceFunction, stores: Stores) -> None:
    """What each of the functions about jobs needs: the job's row, and the objects of jobs."""
    function.is_called_and_waited_for()
    function.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], stores.jobs.table_arn)
    function.allow_reading(stores.images.jobs)
    function.allow_key()


def _jobs(function: ServiceFunction, stores: Stores) -> None:
    _any_of_jobs(function, stores)
    function.allow_reading(stores.images.source)
    function.allow(["dynamodb:PutItem"], stores.jobs.table_arn)
    function.allow(["dynamodb:Query"], f"{stores.jobs.table_arn}/index/{BY_TIME}")
    function.allow_anywhere()


def _job_split(function: ServiceFunction, stores: Stores) -> None:
    _any_of_jobs(function, stores)
    function.allow_reading(stores.images.source)
    function.allow_objects(["s3:PutObject"], stores.images.jobs)
    function.allow_anywhere()


def _job_lines(function: ServiceFunction, stores: Stores) -> None:
    _any_of_jobs(function, stores)
    images = stores.images
    function.allow_objects(["s3:PutObject"], images.jobs)
    function.allow_reading(images.source, images.target, images.faces)
    actions = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem")
    function.allow([f"dynamodb:{action}" for action in actions], stores.claims.table_arn)
    _enrol(function, stores.people)
    function.allow_anywhere("CompareFaces", "DetectFaces", "DetectLabels")


def _job_gather(function: ServiceFunction, stores: Stores) -> None:
    _any_of_jobs(function, stores)
    function.allow_objects(["s3:PutObject", "s3:AbortMultipartUpload"], stores.images.jobs)
    function.allow(["dynamodb:BatchGetItem"], stores.claims.table_arn)
    function.allow(["events:PutEvents"], Stack.of(function).format_arn(service="events", resource="event-bus/default"))
    function.allow_anywhere()


def _probe(function: ServiceFunction, stores: Stores) -> None:
    """It may put its own two images; the rest it asks over HTTPS."""
    for bucket, image in zip((stores.images.source, stores.images.target), PROBE_KEYS, strict=True):
        function.allow(["s3:PutObject"], bucket.arn_for_objects(image))
    function.allow_anywhere()


_RIGHTS: Mapping[str, Callable[[ServiceFunction, Stores], None]] = {
    "Validation": _validation,
    "People": _people,
    "Indexing": _indexing,
    "Jobs": _jobs,
    "JobSplit": _job_split,
    "JobLines": _job_lines,
    "JobGather": _job_gather,
    "Probe": _probe,
}
