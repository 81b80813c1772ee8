"""The copy of the template that sam reads, and the variables that sam gets."""

import json
from pathlib import Path

import pytest

from face_validation.local.gateway.proxy_event import REGION
from infra.sam import ENDPOINTS, SAM_VARIABLES, function_ids, local_template, main
from tests.infra.conftest import Json, Synthesise

pytestmark = pytest.mark.slow

NAMES = ("Validation", "People", "Indexing", "Jobs", "JobSplit", "JobLines", "JobGather")
STACK = {
    "s3_endpoint": "http://127.0.0.1:5000",
    "rekognition_endpoint": "http://127.0.0.1:6000",
    "source_bucket": "sources",
    "target_bucket": "targets",
    "claims_table": "claims",
    "faces_bucket": "faces",
    "faces_table": "table",
    "collection_id": "collection",
    "dead_letter_queue_url": "http://127.0.0.1:5000/1/letters",
    "jobs_bucket": "jobs",
    "jobs_table": "jobs",
    "state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:jobs",
}


@pytest.fixture(scope="module")
def template(synthesise: Synthesise) -> Json:
    """As the command line writes it; only that has the constructs' paths."""
    template = dict(synthesise(stage="dev"))
    template["Resources"] = dict(template["Resources"])
    for id_, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            for name in NAMES:
                if id_.startswith(f"{name}Function"):
                    path = {"aws:cdk:path": f"FaceValidation-dev/{name}/Function/Resource"}
                    template["Resources"][id_] = {**resource, "Metadata": path}
    return template


def test_functions_are_found_by_name_and_cdks_own_are_not_among_them(template: Json) -> None:
    assert set(function_ids(template)) == {name.lower() for name in NAMES}


def test_every_function_finds_the_local_stack_and_nothing_that_a_deployment_would_fill_in(template: Json) -> None:
    changed = local_template(template, STACK, host="host.docker.internal")

    for logical_id in function_ids(template).values():
        variables = changed["Resources"][logical_id]["Properties"]["Environment"]["Variables"]
        assert variables["SOURCE_BUCKET"] == "sources"
        assert all(isinstance(value, str) and "127.0.0.1" not in value for value in variables.values())
        assert variables["AWS_ENDPOINT_URL_S3"] == "http://host.docker.internal:5000"
        assert set(ENDPOINTS) <= set(variables)


def test_a_file_of_an_older_stack_is_refused_with_the_name_that_it_lacks(template: Json) -> None:
    older = {name: value for name, value in STACK.items() if name != "faces_table"}

    with pytest.raises(ValueError, match="faces_table: write the file anew"):
        local_template(template, older)


def test_sam_runs_functions_in_the_local_stacks_region() -> None:
    assert SAM_VARIABLES["AWS_DEFAULT_REGION"] == REGION


def test_a_variable_of_the_callers_never_stands_in_for_a_functions(
    template: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "FaceValidation-dev.template.json").write_text(json.dumps(template))
    (tmp_path / "stack.json").write_text(json.dumps({**STACK, "pid": 1}))
    sam = tmp_path / "sam"
    sam.write_text(f"#!/bin/sh\nenv > {tmp_path / 'seen'}\n")
    sam.chmod(0o755)
    monkeypatch.setenv("FACES_BUCKET", "of-the-caller")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    status = main(["--info", str(tmp_path / "stack.json"), "--assembly", str(tmp_path), "--sam", str(sam), "start-api"])

    seen = (tmp_path / "seen").read_text()
    assert status == 0
    assert "FACES_BUCKET" not in seen
    assert "HTTPS_PROXY=http://proxy.example:3128" in seen
