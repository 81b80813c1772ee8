"""The template on an AWS that others wrote: deployed, asked over HTTP, updated, broken, rolled back and destroyed.

The tests run in this order on one deployment: `make deploy-check`.
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import botocore.exceptions
import pytest

from face_validation.local.samples.questions import IMAGES, jpeg
from face_validation_function.routes import READ, WRITE
from face_validation_function.settings import PeopleSettings, Settings
from tests.deployment.conftest import STACK, Assembly, Deployment
from tests.deployment.emulated_aws import EmulatedAws
from tests.deployment.patches import PATCHES, Patch, give_back_dropped_tags, patched
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment"), pytest.mark.timeout(600)]

UPLOADS = {"collins.jpg": "collins", "collins-again.jpg": "collins-again", "hopper.jpg": "hopper"}


@pytest.fixture(scope="session")
def images() -> dict[str, bytes]:
    return {name: jpeg(IMAGES[sample]()) for name, sample in UPLOADS.items()} | {
        "passport.jpg": jpeg(IMAGES["passport-collins"]())
    }


@pytest.fixture(scope="session")
def service(deployed: Deployment, images: dict[str, bytes]) -> Deployment:
    """The deployed stage with images in both buckets."""
    for key, image in images.items():
        for bucket in ("SourceBucket", "TargetBucket"):
            deployed.put(bucket, key, image)
    return deployed


def pair(source: str, target: str, type_: str = "FACE_TO_FACE", **more: Any) -> dict[str, Any]:
    return {"source_path": source, "target_path": target, "type": type_, **more}


def eventually(ask: Callable[[], list[Any]]) -> list[Any]:
    """What `ask` answers once that is not empty."""
    answers: list[Any] = []

    def answered() -> bool:
        answers[:] = ask()
        return bool(answers)

    until(answered, timeout_s=60)
    return answers


# -- the template ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_a_patch_is_needed_and_changes_the_template(
    patch: Patch, aws: EmulatedAws, assemblies: tuple[Assembly, Assembly]
) -> None:
    with (
        pytest.raises(botocore.exceptions.ClientError, match=patch.refusal)
        if patch.name == "collection"
        else (pytest.raises(botocore.exceptions.WaiterError))
    ):
        cloudformation = aws.client("cloudformation")
        cloudformation.create_stack(StackName=f"probe-{patch.name}", TemplateBody=json.dumps(patch.probe))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=f"probe-{patch.name}", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    assert patched(assemblies[0].synthesised, without=patch.name) != patched(assemblies[0].synthesised)


def test_every_resource_is_created_and_a_second_look_finds_no_difference(service: Deployment) -> None:
    cloudformation = service.aws.client("cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    created = {
        resource["LogicalResourceId"]: resource["ResourceStatus"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }

    diff = service.aws.cdk("diff", STACK, "--app", str(service.first.folder), "--fail")

    wanted = {id_ for id_, of in service.first.template["Resources"].items() if of["Type"] != "AWS::CDK::Metadata"}
    assert set(created) >= wanted
    assert {created[id_] for id_ in wanted} == {"CREATE_COMPLETE"}
    assert diff.returncode == 0, diff.stdout


@pytest.mark.parametrize(
    ("function", "settings", "timeout_s"),
    [("Validation", Settings, 28), ("People", PeopleSettings, 28), ("Indexing", PeopleSettings, 60)],
)
def test_a_function_has_the_environment_that_its_settings_read_and_its_timeout(
    service: Deployment, function: str, settings: type, timeout_s: int
) -> None:
    deployed = service.function(f"{function}Function")

    variables = deployed["Environment"]["Variables"]
    assert set(variables) == {field.name.upper() for field in fields(settings)}
    assert variables["SOURCE_BUCKET"] == service.outputs["SourceBucket"]
    assert deployed["Timeout"] == timeout_s
    assert deployed["TracingConfig"] == {"Mode": "Active"}


# -- jobs ------------------------------------------------------------------------------------------------------------
def test_a_job_runs_on_the_deployed_state_machine_and_gives_every_line_its_outcome(service: Deployment) -> None:
    lines = [json.dumps(pair("collins.jpg", target)) for target in ("collins-again.jpg", "hopper.jpg", "missing.jpg")]
    service.put("SourceBucket", "jobs/lines.jsonl", "\n".join([*lines, "{broken"]).encode())
    created = service.ask("POST", "/jobs", {"kind": "validation", "manifest_path": "jobs/lines.jsonl"})
    assert created.status_code == 202, created.text
    path = f"/jobs/{created.json()['job_id']}"

    def has_ended() -> bool:
        time.sleep(1)  # the stage throttles who asks without a pause
        return service.ask("GET", path).json()["state"] not in {"running", "stopping"}

    until(has_ended, timeout_s=120)

    job = service.ask("GET", path).json()
    assert (job["state"], job["counts"]) == ("succeeded", {"answered": 2, "refused": 2, "failed": 0, "waiting": 0})
    assert service.ask("GET", f"{path}/results").status_code == 200
    stored = service.aws.client("s3").get_object(
        Bucket=service.outputs["JobsBucket"], Key=f"{job['job_id']}/results.jsonl"
    )
    rows = [json.loads(row) for row in stored["Body"].read().splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [row.get("answer", {}).get("matched") for row in rows] == [True, False, None, None]


# -- access ---------------------------------------------------------------------------------------------------------
def test_a_wrong_secret_gets_no_token(service: Deployment) -> None:
    answer = service.token(WRITE, secret="wrong")

    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("token", ["", "not-a-token"])
def test_without_a_token_the_gateway_answers_401_in_the_contracts_envelope(service: Deployment, token: str) -> None:
    answer = service.ask("POST", "/validation", pair("collins.jpg", "hopper.jpg"), token=token)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UnauthorizedError"
    assert answer.json()["id_request"]


def test_a_token_without_the_routes_scope_is_refused_in_the_contracts_envelope(service: Deployment) -> None:
    answer = service.ask(
        "POST", "/validation", pair("collins.jpg", "hopper.jpg"), token=service.token(READ).json()["access_token"]
    )

    # AWS answers a missing scope with 403; the emulator with 401.
    assert answer.status_code in (401, 403)
    assert answer.json()["error"]["code"] in ("UnauthorizedError", "ForbiddenError")


# -- POST /validation ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "is_match"),
    [
        pytest.param(pair("collins.jpg", "collins-again.jpg"), True, id="same-person"),
        pytest.param(pair("collins.jpg", "hopper.jpg"), False, id="other-person"),
        pytest.param(pair("passport.jpg", "collins.jpg", "ID_TO_FACE"), True, id="passport-and-its-holder"),
        pytest.param(pair("passport.jpg", "hopper.jpg", "ID_TO_FACE"), False, id="passport-and-another"),
    ],
)
def test_a_pair_is_compared(service: Deployment, body: dict[str, Any], is_match: bool) -> None:
    answer = service.ask("POST", "/validation", body)

    assert answer.status_code == 200, answer.text
    assert answer.json()["matched"] is is_match
    assert (answer.json()["similarity"] >= 80) is is_match


def test_an_array_is_answered_in_order(service: Deployment) -> None:
    answer = service.ask("POST", "/validation", [pair("collins.jpg", "collins-again.jpg"), pair("gone.jpg", "x.jpg")])

    first, second = answer.json()
    assert answer.status_code == 200
    assert first["matched"] is True
    assert second["error"]["code"] == "InvalidS3ObjectError"
    assert "NoSuchKey" in second["error"]["details"]


def test_an_invalid_request_is_refused(service: Deployment) -> None:
    answer = service.ask("POST", "/validation", pair("collins.jpg", "hopper.jpg", threshhold=95))

    assert answer.status_code == 400
    assert "threshhold" in answer.json()["error"]["details"]


# -- IAM and TLS, which the emulator enforces ------------------------------------------------------------------------
def test_a_function_whose_role_lost_one_action_is_refused_by_aws(service: Deployment) -> None:
    iam = service.aws.client("iam")
    role = service.function("ValidationFunction")["Role"].rsplit("/", 1)[1]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    allowed = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    reduced = copy.deepcopy(allowed)
    reduced["Statement"] = [one for one in reduced["Statement"] if "s3:GetObject" not in one["Action"]]

    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(reduced))
    refused = service.ask("POST", "/validation", pair("collins.jpg", "collins-again.jpg"))
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(allowed))
    answered = service.ask("POST", "/validation", pair("collins.jpg", "collins-again.jpg"))

    assert refused.status_code == 422
    assert "AccessDenied" in refused.json()["error"]["details"]
    assert answered.status_code == 200


@pytest.mark.parametrize("bucket", ["SourceBucket", "TargetBucket", "FacesBucket"])
def test_a_bucket_refuses_what_does_not_come_over_tls(service: Deployment, bucket: str) -> None:
    reader = service.aws.as_a_role_that_may("s3:ListBucket")
    over_tls = reader.client("s3", endpoint_url=service.aws.endpoint, verify=str(service.aws.certificate))
    in_the_clear = reader.client("s3", endpoint_url=service.aws.plain_endpoint)

    over_tls.list_objects_v2(Bucket=service.outputs[bucket])

    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        in_the_clear.list_objects_v2(Bucket=service.outputs[bucket])


# -- people ----------------------------------------------------------------------------------------------------------
def test_an_upload_by_form_is_enrolled_by_its_event_and_found(service: Deployment, images: dict[str, bytes]) -> None:
    form = service.ask(
        "POST", "/uploads", {"bucket": "faces", "content_type": "image/jpeg", "full_name": "Eileen Collins"}
    ).json()

    uploaded = service.aws.http.post(
        form["url"], data=form["fields"], files={"file": ("face.jpg", images["collins.jpg"], "image/jpeg")}
    )

    assert uploaded.is_success, uploaded.text
    listed = eventually(lambda: service.ask("GET", "/faces").json()["faces"])
    assert [face["full_name"] for face in listed] == ["Eileen Collins"]
    found = service.ask("POST", "/search", {"image_path": "collins-again.jpg"}).json()
    assert found["found"] is True
    assert found["person"] == "Eileen Collins"
    assert service.ask("POST", "/search", {"image_path": "hopper.jpg"}).json()["found"] is False


def test_what_cannot_be_enrolled_ends_in_the_dead_letters(service: Deployment) -> None:
    service.put("FacesBucket", "index/no-image.jpg", b"not an image", Metadata={"full_name": "Nobody"})

    sqs = service.aws.client("sqs")
    (letter,) = eventually(
        lambda: sqs.receive_message(QueueUrl=service.outputs["DeadLetterQueueUrl"]).get("Messages", [])
    )
    assert "index/no-image.jpg" in letter["Body"]


def test_an_erased_person_is_gone_with_every_version_of_the_photo(service: Deployment) -> None:
    erased = service.ask("DELETE", "/people/Eileen%20Collins")

    assert erased.status_code == 200, erased.text
    assert erased.json()["erased"]["faces"] == 1
    assert erased.json()["erased"]["photo_versions"] == 1
    assert service.ask("POST", "/search", {"image_path": "collins-again.jpg"}).json()["found"] is False
    assert service.aws.rekognition().describe_collection(CollectionId=service.outputs["CollectionId"])["FaceCount"] == 0


# -- updates ---------------------------------------------------------------------------------------------------------
def test_an_update_in_place_changes_the_limits_and_keeps_what_is_stored(service: Deployment) -> None:
    before = service.outputs["SourceBucket"], service.outputs["FacesTable"], service.outputs["UserPoolId"]

    service.deploy(service.second)

    vars(service).pop("outputs")
    assert (service.outputs["SourceBucket"], service.outputs["FacesTable"], service.outputs["UserPoolId"]) == before
    assert service.function("ValidationFunction")["Environment"]["Variables"]["LOG_LEVEL"] == "INFO"
    assert service.ask("POST", "/validation", pair("collins.jpg", "collins-again.jpg")).json()["matched"] is True


def test_a_broken_update_is_rolled_back_and_the_service_keeps_answering(service: Deployment) -> None:
    broken = copy.deepcopy(service.second.template)
    function = next(id_ for id_ in broken["Resources"] if id_.startswith("ValidationFunction"))
    broken["Resources"][function]["Properties"]["Environment"]["Variables"]["LOG_LEVEL"] = "ERROR"
    broken["Resources"]["NeverSignalled"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    broken["Resources"]["Breaks"] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [function],
        "Properties": {"Handle": {"Ref": "NeverSignalled"}, "Timeout": "1", "Count": 1},
    }
    working = service.second.template
    service.second.write(broken)

    with pytest.raises(RuntimeError, match="failed to deploy"):
        service.deploy(service.second)

    service.second.write(working)
    (stack,) = service.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert service.function("ValidationFunction")["Environment"]["Variables"]["LOG_LEVEL"] == "INFO"
    assert service.ask("POST", "/validation", pair("collins.jpg", "collins-again.jpg")).json()["matched"] is True


def test_destroying_the_development_stage_leaves_nothing_behind(service: Deployment) -> None:
    give_back_dropped_tags(service.aws.client("s3"), service.second.template, service.physical_id)

    destroyed = service.aws.cdk("destroy", STACK, "--app", str(service.second.folder), "--force")

    assert destroyed.returncode == 0, destroyed.stdout[-3000:]
    buckets = [bucket["Name"] for bucket in service.aws.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in buckets if name.startswith(STACK.lower().replace("-", "")) or "storage" in name]
    assert service.aws.client("dynamodb").list_tables()["TableNames"] == []
    assert service.aws.client("lambda").list_functions()["Functions"] == []
