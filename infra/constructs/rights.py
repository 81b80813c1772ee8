"""What each function may do, and on what: the one place to read for whoever reviews the service's rights."""

from collections.abc import Callable, Mapping

from aws_cdk import Stack

from face_validation_function.settings import PROBE_KEYS
from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage, accept, wildcard
from infra.constructs.storage import BY_TIME, FACES_INDEXES, Stores

ROW_ACTIONS = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem")
FACE_ACTIONS = ("rekognition:DeleteFaces", "rekognition:IndexFaces", "rekognition:SearchFacesByImage")


def grant(name: str, function: ServiceFunction, stores: Stores, stage: Stage) -> None:
    """Give the function of this name its rights."""
    if name not in ("Indexing", "Probe"):
        accept(
            function.function,
            "API Gateway calls the function and waits, so that whoever asked is told of a failure. Only asynchronous "
            "calls fill a dead letter queue, and there are none.",
            "Serverless-LambdaDLQ",
        )
    if name.startswith("Job"):
        # The job's row, and the objects of jobs.
        function.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], stores.jobs_table.table_arn)
        function.allow_reading(stores.jobs)
        function.allow_key()
    _RIGHTS[name](function, stores)
    if name == "Validation" and stage.options.idempotency:
        # An answer is kept in its claim, and a claim without one is given up.
        function.allow(["dynamodb:DeleteItem", "dynamodb:UpdateItem"], stores.claims_table.table_arn)
    if name in ("Validation", "JobLines") and stores.audit:
        # Records are added: not read, changed or unlocked.
        bucket, hmac_key = stores.audit
        function.allow_objects(["s3:PutObject"], bucket)
        function.allow(["kms:GenerateMac"], hmac_key.key_arn)
        if stage.key:
            stage.key.grant(function.role, "kms:GenerateDataKey", "kms:Decrypt")


def _validation(function: ServiceFunction, stores: Stores) -> None:
    """It has no access to enrolled people."""
    function.allow_reading(stores.source, stores.target)
    function.allow_anywhere(
        *("CompareFaces", "DetectFaces", "DetectLabels", "DetectText"),
        *("CreateFaceLivenessSession", "GetFaceLivenessSessionResults"),
    )
    function.allow(["dynamodb:GetItem", "dynamodb:PutItem"], stores.claims_table.table_arn)
    function.allow_key()


def _people(function: ServiceFunction, stores: Stores) -> None:
    function.allow_reading(stores.target, stores.faces)
    # DeleteObjects always asks for DeleteObject, and for DeleteObjectVersion too where it names a version
    # (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
    function.allow_objects(["s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"], stores.faces)
    # Whoever signs an upload's form must be allowed what the form allows.
    function.allow_objects(["s3:PutObject"], stores.source, stores.target, stores.faces)
    function.allow(["s3:ListBucketVersions"], stores.faces.bucket_arn)
    function.allow([*ROW_ACTIONS, "dynamodb:Scan", "dynamodb:UpdateItem"], stores.faces_table.table_arn)
    function.allow(["dynamodb:Query"], stores.faces_table.table_arn, *(_index(stores, name) for name in FACES_INDEXES))
    _allow_collections(function, stores, *FACE_ACTIONS, "rekognition:CreateCollection", "rekognition:DeleteCollection")
    function.allow_anywhere("CompareFaces", "DetectFaces")
    function.allow_key()


def _indexing(function: ServiceFunction, stores: Stores) -> None:
    function.allow_reading(stores.faces)
    function.allow_objects(["s3:GetObjectVersion"], stores.faces)
    _enrol(function, stores)
    function.allow(["sqs:SendMessage"], stores.dead_letters.queue_arn)
    function.allow_anywhere("DetectFaces")
    function.allow_key()


def _enrol(function: ServiceFunction, stores: Stores) -> None:
    """Let a function put faces into the collection that answers, with their rows, and search there."""
    function.allow([*ROW_ACTIONS, "dynamodb:Query"], stores.faces_table.table_arn)
    function.allow(["dynamodb:Query"], _index(stores, "by_face_id"))
    _allow_collections(function, stores, *FACE_ACTIONS)


def _index(stores: Stores, name: str) -> str:
    """One of the indexes of faces; rights to it are not those to the table."""
    return f"{stores.faces_table.table_arn}/index/{name}"


def _allow_collections(function: ServiceFunction, stores: Stores, *actions: str) -> None:
    """Let a function do `actions` on this stage's collection, and on those that a reindex makes after it."""
    function.allow(actions, stores.collection.attr_arn, f"{stores.collection.attr_arn}.*")
    accept(
        function.role,
        "A reindex names its new collection after this stage's own, with a dot and an id: no other collection's "
        "name begins so.",
        wildcard(f"<{Stack.of(function).get_logical_id(stores.collection)}.Arn>.*"),
    )


def _jobs(function: ServiceFunction, stores: Stores) -> None:
    function.allow_reading(stores.source)
    function.allow(["dynamodb:PutItem"], stores.jobs_table.table_arn)
    function.allow(["dynamodb:Query"], f"{stores.jobs_table.table_arn}/index/{BY_TIME}")
    function.allow_anywhere()


def _job_split(function: ServiceFunction, stores: Stores) -> None:
    function.allow_reading(stores.source)
    function.allow_objects(["s3:PutObject"], stores.jobs)
    function.allow_anywhere()


def _job_lines(function: ServiceFunction, stores: Stores) -> None:
    function.allow_objects(["s3:PutObject"], stores.jobs)
    function.allow_reading(stores.source, stores.target, stores.faces)
    actions = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem")
    function.allow([f"dynamodb:{action}" for action in actions], stores.claims_table.table_arn)
    _enrol(function, stores)
    function.allow_anywhere("CompareFaces", "DetectFaces", "DetectLabels")


def _job_gather(function: ServiceFunction, stores: Stores) -> None:
    function.allow_objects(["s3:PutObject", "s3:AbortMultipartUpload"], stores.jobs)
    function.allow(["dynamodb:BatchGetItem"], stores.claims_table.table_arn)
    function.allow(["events:PutEvents"], Stack.of(function).format_arn(service="events", resource="event-bus/default"))
    function.allow_anywhere()


def _probe(function: ServiceFunction, stores: Stores) -> None:
    """It may put its own two images; the rest it asks over HTTPS."""
    for bucket, image in zip((stores.source, stores.target), PROBE_KEYS, strict=True):
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
