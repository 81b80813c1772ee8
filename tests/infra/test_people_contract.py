"""The functions about people: their roles allow the calls that they really make, on what they really touch."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from face_validation.local.aws.moto_services import aws_client as local_client
from face_validation.local.aws.people_stores import PeopleStores
from face_validation.local.stack import LocalStack
from face_validation_function.indexing_function import IndexingAdapters, IndexingFunction
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.people_adapters import PeopleAdapters
from face_validation_function.people_function import OPERATIONS, expire
from face_validation_function.rest_function import Lazy, RestFunction
from face_validation_function.services.reindex import ReindexService
from face_validation_function.settings import EXPIRE
from tests.fakes import FakeContext
from tests.infra.conftest import Json, Synthesise, watched_metrics
from tests.people import EXPECTED, INDEXED, event_of, people_stores

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

# Right -> on what: the logical id of a resource, without its hash, or *.
Right = tuple[str, str]
FOR_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}


@pytest.fixture
def stores(local_stack: LocalStack) -> Iterator[PeopleStores]:
    with people_stores(local_stack) as made:
        yield made


class Recorder:
    """Makes the clients of a function and keeps the right that each of its calls needs."""

    def __init__(self, stack: LocalStack, stores: PeopleStores) -> None:
        self.needed: set[Right] = set()
        self.failing: Callable[[str, Json], bool] = lambda operation, parameters: False
        self._names = {
            ("Bucket", stack.info.source_bucket): "StorageSource",
            ("Bucket", stack.info.target_bucket): "StorageTarget",
            ("Bucket", stores.faces_bucket): "StorageFaces",
            ("TableName", stores.faces_table): "PeopleStoresTable",
            ("CollectionId", stores.collection_id): "PeopleStoresCollection",
            ("QueueUrl", stores.dead_letter_queue_url): "PeopleStoresDeadLetters",
        }

    def client(self, service: Any) -> Any:
        made = aws_client(service)
        made.meta.events.register("before-parameter-build.*.*", self._called)
        made.meta.events.register("before-sign.s3.PutObject", self._signed)
        return made

    def _called(self, params: Json, model: Any, **_: Any) -> None:
        service, operation = model.service_model.endpoint_prefix, model.name
        if operation == "CreateBucket":
            return  # botocore builds its parameters to find a form's address; it is never called
        if self.failing(operation, params):
            raise EndpointConnectionError(endpoint_url="https://aws.example")
        for name, asked in steps_of(operation, params):
            self.needed |= {(f"{service}:{action}", self._resource(asked)) for action in actions_of(name, asked)}

    def _signed(self, request: Any, signature_version: str, **_: Any) -> None:
        assert signature_version == "s3v4-presign-post"
        self.needed.add(("s3:PutObject", self._names["Bucket", urlsplit(request.url).path.strip("/")]))

    def _resource(self, params: Json) -> str:
        for parameter in ("Bucket", "TableName", "CollectionId", "QueueUrl"):
            if parameter in params:
                index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
                # A reindex names its collection after the stage's, with a dot and an id.
                named = params[parameter].partition(".")[0] if parameter == "CollectionId" else params[parameter]
                return self._names[parameter, named] + index
        return "*"


def steps_of(operation: str, params: Json) -> list[tuple[str, Json]]:
    """What is judged by IAM: the call, or each step of a transaction."""
    steps = [(f"{kind}Item", step) for one in params.get("TransactItems", ()) for kind, step in one.items()]
    return steps or [(operation, params)]


def actions_of(operation: str, params: Json) -> set[str]:
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


def allowed_rights(template: Json, function: str) -> set[Right]:
    """What the role of a function allows beside its log and its traces."""
    (statements,) = (
        resource["Properties"]["PolicyDocument"]["Statement"]
        for id_, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and id_.startswith(f"{function}Role")
    )
    return {
        (action, _named(resource))
        for statement in statements
        for action in listed(statement["Action"])
        if action not in FOR_LAMBDA
        for resource in listed(statement["Resource"])
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(resource: Any) -> str:
    """The logical id without its hash of eight digits; with the name of the index, when it is one."""
    if resource == "*":
        return "*"
    if "Fn::Join" in resource:
        arn, suffix = resource["Fn::Join"][1]
        return _named(arn) + (suffix if suffix.startswith("/index/") else "")
    logical_id: str = resource["Fn::GetAtt"][0]
    return logical_id[:-8]


def for_missing_keys(needed: set[Right]) -> set[Right]:
    """Not called, but without it S3 says "denied" of a key that does not exist."""
    return {("s3:ListBucket", bucket) for action, bucket in needed if action == "s3:GetObject"}


def test_the_role_of_the_people_function_allows_its_calls_and_no_others(
    local_stack: LocalStack, stores: PeopleStores, synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(local_stack, stores)
    monkeypatch.setattr("face_validation_function.people_adapters.aws_client", recorder.client)
    monkeypatch.setattr("face_validation_function.people_adapters.ReindexService", partial(ReindexService, grace_s=0))
    adapters = PeopleAdapters.from_environment()
    function = RestFunction(OPERATIONS, lambda: adapters)

    for name in EXPECTED:
        function(event_of(name), FakeContext())
    expire(adapters, {"operation": EXPIRE}, FakeContext())

    allowed = allowed_rights(synthesise(stage="prod"), "People")
    assert allowed == recorder.needed | for_missing_keys(recorder.needed)


def test_the_role_of_the_indexing_function_allows_its_calls_and_no_others(
    local_stack: LocalStack, stores: PeopleStores, synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(local_stack, stores)
    monkeypatch.setattr("face_validation_function.indexing_function.aws_client", recorder.client)
    function = IndexingFunction(Lazy(IndexingAdapters.from_environment))
    s3 = local_client("s3", local_stack.info.s3_endpoint)
    event = event_of("s3_photo")
    photo = event["Records"][0]["s3"]["object"]
    photo["versionId"] = s3.head_object(Bucket=stores.faces_bucket, Key=photo["key"])["VersionId"]

    # The row of a face cannot be written: its face must leave the collection again.
    recorder.failing = lambda operation, params: operation == "TransactWriteItems"
    with pytest.raises(Exception, match="not enrolled for now"):
        function(event, FakeContext())
    recorder.failing = lambda operation, params: False
    for name, _ in INDEXED:
        function(event_of(name), FakeContext())

    allowed = allowed_rights(synthesise(stage="prod"), "Indexing")
    assert allowed == recorder.needed | for_missing_keys(recorder.needed)


def test_every_metric_of_people_on_the_dashboard_is_one_that_their_functions_emit(
    local_stack: LocalStack,
    stores: PeopleStores,
    synthesise: Synthesise,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    people = RestFunction(OPERATIONS, PeopleAdapters.from_environment)
    for name in EXPECTED:
        people(event_of(name), FakeContext())
    of_people = emitted(capsys.readouterr().out)
    indexing = IndexingFunction(Lazy(IndexingAdapters.from_environment))
    for name, _ in INDEXED:
        indexing(event_of(name), FakeContext())
    of_indexing = emitted(capsys.readouterr().out)

    watched = set(watched_metrics(synthesise(stage="prod")))
    # What the events do not bring about: a failure of AWS, images of a wrong size, a scope that the gateway misses.
    rare = {"InternalServerError", "ImageTooLargeError", "ForbiddenError", "NotFoundError", "ConflictError"}
    for function, found in (("PeopleFunction", of_people), ("IndexingFunction", of_indexing)):
        wanted = {name for name, id_ in watched if id_.startswith(function)}
        assert {"Operations", "RekognitionCalls", "Throttles"} <= wanted <= found | rare
        assert {"Operations", "Duration", "RekognitionCalls", "Throttles", "ImageValidationError"} <= found


def emitted(output: str) -> set[str]:
    lines = [json.loads(line) for line in output.splitlines() if '"CloudWatchMetrics"' in line]
    metrics = [one for line in lines for one in line["_aws"]["CloudWatchMetrics"]]
    assert {one["Namespace"] for one in metrics} == {"FaceValidation"}
    assert {tuple(sorted(keys)) for one in metrics for keys in one["Dimensions"]} == {("function_name", "service")}
    return {metric["Name"] for one in metrics for metric in one["Metrics"]}
