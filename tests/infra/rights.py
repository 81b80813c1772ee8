"""The rights that a function's calls need, kept as it makes them, and the rights that its role allows."""

import json
from typing import Any
from urllib.parse import urlsplit

from face_validation.local.aws.stores import PeopleStores
from face_validation.local.stack import LocalStack
from face_validation_function.integrations.aws_client import aws_client
from tests.infra.conftest import Json

# Right -> on what: the logical id of a resource without its hash, the part of an ARN that tells it, or *.
Right = tuple[str, str]
FOR_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
RESOURCES = (
    *("StorageSource", "StorageTarget", "StorageFaces", "StorageJobs", "JobStoresTable", "ClaimsTable"),
    *("PeopleStoresTable", "PeopleStoresCollection", "PeopleStoresDeadLetters", "JobMachine", "event-bus/default"),
)


class Recorder:
    """Makes the clients of a function and keeps the right that each of their calls needs.

    An operation that `failing` names raises that error, and is not called.
    """

    def __init__(self, stack: LocalStack, stores: PeopleStores) -> None:
        info = stack.info
        self.needed: set[Right] = set()
        self.failing: dict[str, Exception] = {}
        self._names = {
            ("Bucket", info.source_bucket): "StorageSource",
            ("Bucket", info.target_bucket): "StorageTarget",
            ("Bucket", stores.faces_bucket): "StorageFaces",
            ("Bucket", info.jobs_bucket): "StorageJobs",
            ("TableName", stores.faces_table): "PeopleStoresTable",
            ("TableName", info.claims_table): "ClaimsTable",
            ("TableName", info.jobs_table): "JobStoresTable",
            ("CollectionId", stores.collection_id): "PeopleStoresCollection",
            ("QueueUrl", stores.dead_letter_queue_url): "PeopleStoresDeadLetters",
            ("stateMachineArn", info.state_machine_arn): "JobMachine",
        }

    def client(self, service: Any, **options: Any) -> Any:
        made = aws_client(service, **options)
        made.meta.events.register("before-parameter-build.*.*", self._called)
        made.meta.events.register("before-sign.s3.PutObject", self._signed)
        return made

    def _called(self, params: Json, model: Any, **_: Any) -> None:
        service, operation = model.service_model.endpoint_prefix, model.name
        if operation == "CreateBucket":
            return  # botocore builds its parameters to find a form's address; it is never called
        if operation in self.failing:
            raise self.failing[operation]
        for name, asked in _steps(operation, params):
            self.needed |= {(f"{service}:{action}", self._resource(name, asked)) for action in _actions(name, asked)}

    def _signed(self, request: Any, signature_version: str, **_: Any) -> None:
        if signature_version == "s3v4-presign-post":  # a form, which gives the function's own right away
            self.needed.add(("s3:PutObject", self._names["Bucket", urlsplit(request.url).path.strip("/")]))

    def _resource(self, operation: str, params: Json) -> str:
        if operation == "PutEvents":
            return "event-bus/default"
        if operation == "DescribeExecution":
            return "JobMachine"
        if "RequestItems" in params:
            (params,) = ({"TableName": table} for table in params["RequestItems"])
        for parameter in ("Bucket", "TableName", "CollectionId", "QueueUrl", "stateMachineArn"):
            if parameter in params:
                index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
                # A reindex names its collection after the stage's, with a dot and an id.
                named = params[parameter].partition(".")[0] if parameter == "CollectionId" else params[parameter]
                return self._names[parameter, named] + index
        return "*"


def _steps(operation: str, params: Json) -> list[tuple[str, Json]]:
    """What is judged by IAM: the call, or each step of a transaction."""
    steps = [(f"{kind}Item", step) for one in params.get("TransactItems", ()) for kind, step in one.items()]
    return steps or [(operation, params)]


def _actions(operation: str, params: Json) -> set[str]:
    """IAM's names of a call: docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html."""
    if operation in {"GetObject", "HeadObject"}:
        return {"GetObjectVersion" if "VersionId" in params else "GetObject"}
    if operation == "CopyObject":
        assert "VersionId" in params["CopySource"]
        return {"GetObjectVersion", "PutObject"}
    if operation == "DeleteObjects":
        assert all("VersionId" in one for one in params["Delete"]["Objects"])
        return {"DeleteObject", "DeleteObjectVersion"}
    return {"ListBucketVersions" if operation == "ListObjectVersions" else operation}


def for_missing_keys(needed: set[Right]) -> set[Right]:
    """Not called, but without it S3 says "denied" of a key that does not exist."""
    return {("s3:ListBucket", bucket) for action, bucket in needed if action == "s3:GetObject"}


def allowed_rights(template: Json, function: str) -> set[Right]:
    """What the role of a function allows beside its log and its traces."""
    (statements,) = (
        resource["Properties"]["PolicyDocument"]["Statement"]
        for id_, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and id_.startswith(f"{function}Role")
    )
    return {
        (action, _label(resource))
        for statement in statements
        for action in _listed(statement["Action"])
        if action not in FOR_LAMBDA
        for resource in _listed(statement["Resource"])
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _label(resource: Any) -> str:
    if resource == "*":
        return "*"
    text = json.dumps(resource)
    (found,) = (name for name in RESOURCES if name in text)
    index = text.partition("/index/")[2].partition('"')[0]
    return f"{found}/index/{index}" if index else found
