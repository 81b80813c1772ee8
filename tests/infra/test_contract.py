"""The deployment against the running service: the role allows what is called, and OpenAPI says what is answered."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from face_validation.local.demo import client_of
from face_validation.local.stack import LocalStack
from face_validation_function.contract.openapi import document
from face_validation_function.routes import ADMIN, READ, ROUTES, WRITE
from tests.answered import Answered
from tests.infra.conftest import Synthesise, watched_metrics

pytestmark = pytest.mark.slow

# Not called, but without it S3 says "denied" of a key that does not exist.
FOR_A_MISSING_KEY = {"s3:ListBucket"}
# Lambda's own, for the log and the traces.
FOR_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_the_role_allows_the_calls_that_the_handler_makes_and_no_others(
    answered: Answered, synthesise: Synthesise
) -> None:
    allowed = {
        action
        for id_, resource in synthesise(stage="prod")["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and id_.startswith("ValidationRole")
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert allowed == answered.calls | FOR_A_MISSING_KEY | FOR_LAMBDA


def test_every_metric_of_the_dashboard_and_the_alarms_is_one_that_the_handler_emits(
    answered: Answered, synthesise: Synthesise
) -> None:
    emitted = {
        (one["Namespace"], metric["Name"], tuple(sorted(dimensions)))
        for line in answered.metrics
        for one in line["_aws"]["CloudWatchMetrics"]
        for metric in one["Metrics"]
        for dimensions in one["Dimensions"]
    }
    watched = watched_metrics(synthesise(stage="prod"))
    wanted = {name for name, id_ in watched if id_.startswith("ValidationFunction")}

    assert wanted
    assert wanted <= {name for _, name, _ in emitted} | {"InternalServerError"}
    assert {name for _, name, _ in emitted} >= {
        "Validations", "Matches", "NonMatches", "Similarity", "RekognitionCalls", "Throttles",
        "RequestError", "ImageValidationError", "ImageTooLargeError", "InvalidS3ObjectError",
    }  # fmt: skip
    assert {(namespace, dimensions) for namespace, _, dimensions in emitted} == {
        ("FaceValidation", ("function_name", "service"))
    }


@pytest.mark.long
def test_schemathesis_finds_no_failure_and_no_5xx(stack: LocalStack, tmp_path: Path) -> None:
    description, settings = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    # A valid request for an image that is not there is refused with 422, for a person or a job with 404, and
    # what a reindex under way forbids with 409; not with 400.
    # Only a token that a page came with is a valid one, and which fields of a validation go together depends on their
    # values (ID_IN_FACE has no source, claims need a threshold of 80), as do a job's defaults: no schema can say this.
    settings.write_text(
        '[checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "404", "409", "422"]\n'
        '[[operations]]\ninclude-name = ["GET /faces", "GET /jobs"]\n'
        '[operations.checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "400"]\n'
        '[[operations]]\ninclude-name = ["POST /validation", "POST /jobs", "POST /faces"]\n'
        '[operations.checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "400", "409", "422"]\n'
        '[[operations]]\ninclude-name = ["POST /renames"]\n'
        '[operations.checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "400", "404", "409"]\n'
    )
    description.write_text(json.dumps(document(server_url=stack.info.api_url)))
    token = httpx.post(
        stack.info.token_url,
        data={"grant_type": "client_credentials", "scope": " ".join({READ, WRITE, ADMIN})},
        auth=(stack.info.client_id, stack.info.client_secret),
        trust_env=False,
    ).json()["access_token"]

    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--config-file", settings,
            "run", description, "--url", stack.info.api_url,
            "--header", f"Authorization: Bearer {token}", "--checks", "all",
            # API Gateway answers 403 for a method that it does not have; this check wants 405.
            "--exclude-checks", "unsupported_method",
            "--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--seed", "1", "--continue-on-failure",
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip

    with client_of(stack.info) as client:
        assert list(client.records.reindex())[-1].finished  # one that the run has begun holds up other tests

    assert run.returncode == 0, run.stdout + run.stderr
    cases = re.search(r"(\d+) generated", run.stdout)
    assert cases is not None
    assert int(cases[1]) > 500
    assert re.search(rf"Tested: {len(ROUTES)}\b", run.stdout)


def test_the_local_stack_serves_the_document_and_a_page_that_needs_nothing_from_elsewhere(stack: LocalStack) -> None:
    root = stack.info.api_url.removesuffix("/dev")
    with httpx.Client(base_url=root, trust_env=False) as client:
        page = client.get("/docs")
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)

        assert client.get("/openapi.json").json() == document(server_url="/dev")
        assert sources
        assert {source: client.get(f"/{source}").status_code for source in sources} == dict.fromkeys(sources, 200)
