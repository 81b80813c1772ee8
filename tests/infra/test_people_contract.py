"""The functions about people: their roles allow the calls that they really make, on what they really touch."""

import json
from collections.abc import Iterator
from functools import partial

import pytest
from botocore.exceptions import EndpointConnectionError

from face_validation.local.aws.moto_services import aws_client as local_client
from face_validation.local.aws.stores import PeopleStores
from face_validation.local.stack import LocalStack
from face_validation_function.indexing_function import IndexingAdapters, index
from face_validation_function.people_function import OPERATIONS, PeopleAdapters, expire
from face_validation_function.rest_function import RestFunction
from face_validation_function.services.reindex import ReindexService
from face_validation_function.settings import EXPIRE
from tests.fakes import FakeContext
from tests.infra.conftest import Synthesise, watched_metrics
from tests.infra.rights import Recorder, allowed_rights, for_missing_keys
from tests.people import EXPECTED, INDEXED, event_of, people_stores

pytestmark = pytest.mark.slow


@pytest.fixture
def stores(local_stack: LocalStack) -> Iterator[PeopleStores]:
    with people_stores(local_stack) as made:
        yield made


def test_the_role_of_the_people_function_allows_its_calls_and_no_others(
    local_stack: LocalStack, stores: PeopleStores, synthesise: Synthesise, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(local_stack, stores)
    monkeypatch.setattr("face_validation_function.people_function.aws_client", recorder.client)
    monkeypatch.setattr("face_validation_function.people_function.ReindexService", partial(ReindexService, grace_s=0))
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
    for module in ("indexing_function", "people_function"):
        monkeypatch.setattr(f"face_validation_function.{module}.aws_client", recorder.client)
    function = partial(index, IndexingAdapters())
    s3 = local_client("s3", local_stack.info.s3_endpoint)
    event = event_of("s3_photo")
    photo = event["Records"][0]["s3"]["object"]
    photo["versionId"] = s3.head_object(Bucket=stores.faces_bucket, Key=photo["key"])["VersionId"]

    # The row of a face cannot be written: its face must leave the collection again.
    recorder.failing = {"TransactWriteItems": EndpointConnectionError(endpoint_url="https://aws.example")}
    with pytest.raises(Exception, match="not enrolled for now"):
        function(event, FakeContext())
    recorder.failing = {}
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
    indexing = partial(index, IndexingAdapters())
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
