"""The synthesised template, read as operations and a security reviewer would: what fails here must not be deployed."""

import json
import operator
import re
import string
from typing import Any

import pytest

from face_validation.local.aws.environment import function_settings
from face_validation.local.aws.step_functions import definition
from face_validation.local.aws.stores import (
    CLAIMS_DEFINITION,
    FACES_DEFINITION,
    JOBS_DEFINITION,
)
from face_validation.local.stack_info import StackInfo
from face_validation_function.contract.operations import REFUSALS
from face_validation_function.exceptions.exceptions import FaceValidationError
from face_validation_function.integrations.claims_table import EXPIRES_AT
from face_validation_function.integrations.jobs_on_aws import EVENT_SOURCE, EVENT_TYPE, KEPT_S
from face_validation_function.routes import ADMIN, JOB_ROUTES, READ, ROUTES, VALIDATION_ROUTES, WRITE
from face_validation_function.settings import (
    EXPIRE,
    INDEX_PREFIX,
    JobsSettings,
    PeopleSettings,
    ProbeSettings,
    Settings,
)
from infra.bundling import ROOT
from tests.infra.conftest import Json, Synthesise

pytestmark = pytest.mark.slow

FUNCTIONS = ("Validation", "People", "Indexing")
JOB_FUNCTIONS = ("Jobs", "JobSplit", "JobLines", "JobGather")
EVERY_OPTION = {
    "stage": "prod",
    "kms": "true",
    "waf": "true",
    "alarm_email": "ops@example.com",
    "reserved_concurrency": "20",
    "source_days": "7",
    "target_days": "90",
    "clients": "kiosk:write,back-office:read+admin",
    "release": "canary",
    "provisioned_concurrency": "2",
    "rekognition_tps": "50",
    "liveness": "true",
    "threshold_liveness": "80",
    "liveness_challenge": "FaceMovementChallenge",
    "liveness_audit_images": "2",
    "jobs_tps": "20",
    "jobs_webhook_url": "https://hooks.example.com/jobs",
    "jobs_webhook_secret_arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook-abcdef",
    "idempotency": "true",
    "audit": "true",
    "audit_days": "90",
    "probe": "true",
    "domain": "faces.example.com",
    "certificate_arn": "arn:aws:acm:eu-west-1:111122223333:certificate/00000000",
    "hosted_zone_id": "Z000",
    "hosted_zone_name": "example.com",
}


@pytest.fixture(scope="module", params=["dev", "prod"])
def template(request: pytest.FixtureRequest, synthesise: Synthesise) -> Json:
    return synthesise(stage=request.param)


@pytest.fixture(scope="module")
def dev(synthesise: Synthesise) -> Json:
    return synthesise(stage="dev")


@pytest.fixture(scope="module")
def prod(synthesise: Synthesise) -> Json:
    return synthesise(stage="prod")


def resources(template: Json, kind: str) -> dict[str, Json]:
    found = {id_: resource for id_, resource in template["Resources"].items() if resource["Type"] == kind}
    assert found, f"no {kind} in the template"
    return found


def only(template: Json, kind: str) -> Json:
    (resource,) = resources(template, kind).values()
    properties: Json = resource["Properties"]
    return properties


def bucket_id(template: Json, name: str) -> str:
    (found,) = (id_ for id_ in resources(template, "AWS::S3::Bucket") if id_.startswith(f"Storage{name}"))
    return found


def table_of(template: Json, name: str) -> Json:
    (found,) = (of for id_, of in resources(template, "AWS::DynamoDB::Table").items() if id_.startswith(f"{name}Table"))
    properties: Json = found["Properties"]
    return properties


def function(template: Json, name: str) -> Json:
    (found,) = (
        resource["Properties"]
        for id_, resource in resources(template, "AWS::Lambda::Function").items()
        if id_.startswith(f"{name}Function")
    )
    properties: Json = found
    return properties


def statements(template: Json, name: str) -> list[Json]:
    """What a function's own role allows."""
    (found,) = (
        policy["Properties"]["PolicyDocument"]["Statement"]
        for id_, policy in resources(template, "AWS::IAM::Policy").items()
        if id_.startswith(f"{name}Role")
    )
    allowed: list[Json] = found
    return allowed


def actions(statement: Json) -> list[str]:
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def path_of(template: Json, resource_id: str) -> str:
    properties = template["Resources"][resource_id]["Properties"]
    parent = properties["ParentId"].get("Ref")
    return f"{path_of(template, parent) if parent else ''}/{properties['PathPart']}"


def watched_by(alarm: Json) -> tuple[str, str, str]:
    """Namespace, metric and statistic of an alarm, whichever of CloudFormation's two forms it has."""
    if "Metrics" in alarm:
        (only_metric,) = alarm["Metrics"]
        stat = only_metric["MetricStat"]
        return stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], stat["Stat"]
    return alarm["Namespace"], alarm["MetricName"], alarm.get("Statistic") or alarm["ExtendedStatistic"]


def test_every_route_is_a_method_with_the_authorizer_and_its_scope(template: Json) -> None:
    (authorizer,) = resources(template, "AWS::ApiGateway::Authorizer")

    methods = {
        (method["Properties"]["HttpMethod"], path_of(template, method["Properties"]["ResourceId"]["Ref"])): method[
            "Properties"
        ]
        for method in resources(template, "AWS::ApiGateway::Method").values()
    }

    assert methods.keys() == {(route.method, route.resource) for route in ROUTES}
    for route in ROUTES:
        method = methods[route.method, route.resource]
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert method["AuthorizerId"] == {"Ref": authorizer}
        assert method["AuthorizationScopes"] == route.scopes


def test_a_body_is_checked_by_the_validator_and_its_model(template: Json) -> None:
    validator_id, validator = resources(template, "AWS::ApiGateway::RequestValidator").popitem()
    assert validator["Properties"]["ValidateRequestBody"] is True

    for method in resources(template, "AWS::ApiGateway::Method").values():
        assert method["Properties"]["RequestValidatorId"] == {"Ref": validator_id}
        path = path_of(template, method["Properties"]["ResourceId"]["Ref"])
        if method["Properties"]["HttpMethod"] == "POST" and not path.endswith("/redrive"):
            assert method["Properties"]["RequestModels"]["application/json"]
        else:
            assert "RequestModels" not in method["Properties"]


def test_each_route_is_answered_by_its_function_which_api_gateway_may_call(template: Json) -> None:
    answered = {
        (method["Properties"]["HttpMethod"], path_of(template, method["Properties"]["ResourceId"]["Ref"])): json.dumps(
            method["Properties"]["Integration"]["Uri"]
        )
        for method in resources(template, "AWS::ApiGateway::Method").values()
    }
    callable_ = [
        permission["Properties"]
        for permission in resources(template, "AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
    ]

    for route in ROUTES:
        name = "Validation" if route in VALIDATION_ROUTES else "Jobs" if route in JOB_ROUTES else "People"
        assert f"{name}Function" in answered[route.method, route.resource]
    assert len(callable_) == len(ROUTES)
    assert all("SourceArn" in permission for permission in callable_)


def test_the_authorizer_and_the_client_are_of_the_same_pool_with_the_scopes_of_the_routes(template: Json) -> None:
    (pool,) = resources(template, "AWS::Cognito::UserPool")
    client = only(template, "AWS::Cognito::UserPoolClient")
    servers = [server["Properties"] for server in resources(template, "AWS::Cognito::UserPoolResourceServer").values()]

    scopes = {f"{server['Identifier']}/{scope['ScopeName']}" for server in servers for scope in server["Scopes"]}

    assert only(template, "AWS::ApiGateway::Authorizer")["ProviderARNs"] == [{"Fn::GetAtt": [pool, "Arn"]}]
    assert scopes == set(client["AllowedOAuthScopes"]) == {route.scope for route in ROUTES}
    assert client["UserPoolId"] == {"Ref": pool}
    assert client["AllowedOAuthFlows"] == ["client_credentials"]
    assert client["GenerateSecret"] is True
    assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (60, "minutes")


def test_every_bucket_is_private_and_encrypted(template: Json) -> None:
    for bucket in resources(template, "AWS::S3::Bucket").values():
        assert bucket["Properties"]["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert bucket["Properties"]["BucketEncryption"]


def test_every_bucket_denies_what_does_not_come_over_tls(template: Json) -> None:
    policies = {
        policy["Properties"]["Bucket"]["Ref"]: policy["Properties"]["PolicyDocument"]["Statement"]
        for policy in resources(template, "AWS::S3::BucketPolicy").values()
    }

    assert policies.keys() == resources(template, "AWS::S3::Bucket").keys()
    for statements in policies.values():
        (denied,) = (s for s in statements if s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}})
        assert (denied["Effect"], denied["Action"], denied["Principal"]) == ("Deny", "s3:*", {"AWS": "*"})


def test_every_image_bucket_logs_its_accesses(template: Json) -> None:
    log = {"Ref": bucket_id(template, "AccessLogs")}

    for name in ("Source", "Target", "Faces"):
        logging = template["Resources"][bucket_id(template, name)]["Properties"]["LoggingConfiguration"]
        assert logging["DestinationBucketName"] == log


def test_the_targets_move_to_infrequent_access_after_30_days(template: Json) -> None:
    rules = template["Resources"][bucket_id(template, "Target")]["Properties"]["LifecycleConfiguration"]["Rules"]

    transitions = [transition for rule in rules for transition in rule.get("Transitions", ())]

    assert transitions == [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]


def test_uploads_are_removed_after_the_days_chosen_and_enrolled_photos_never(synthesise: Synthesise) -> None:
    template = synthesise(**EVERY_OPTION)

    def days(name: str) -> list[int]:
        rules = template["Resources"][bucket_id(template, name)]["Properties"]["LifecycleConfiguration"]["Rules"]
        return [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]

    assert (days("Source"), days("Target"), days("Faces")) == ([7], [90], [])
    test_the_targets_move_to_infrequent_access_after_30_days(template)


def test_each_program_has_a_client_with_its_own_scopes_and_its_id_is_an_output(synthesise: Synthesise) -> None:
    template = synthesise(**EVERY_OPTION)

    clients = resources(template, "AWS::Cognito::UserPoolClient")
    scopes = {
        name: clients[output["Value"]["Ref"]]["Properties"]["AllowedOAuthScopes"]
        for name, output in template["Outputs"].items()
        if name.startswith("ClientId")
    }

    assert scopes["ClientIdKiosk"] == [WRITE]
    assert scopes["ClientIdBackOffice"] == [READ, ADMIN]
    assert sorted(scopes["ClientId"]) == sorted({route.scope for route in ROUTES})
    assert all(client["Properties"]["GenerateSecret"] for client in clients.values())


def test_every_log_group_ends_some_day(template: Json) -> None:
    for group in resources(template, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] in {30, 365}


def test_what_api_gateway_logs_of_failed_executions_ends_too(template: Json) -> None:
    """API Gateway writes to a group of a fixed name, and makes one that never ends where there is none."""
    (stage,) = resources(template, "AWS::ApiGateway::Stage").values()
    name = {"Fn::Join": ["", [
        "API-Gateway-Execution-Logs_", stage["Properties"]["RestApiId"], f"/{stage['Properties']['StageName']}"
    ]]}  # fmt: skip

    (group,) = (
        id_
        for id_, group in resources(template, "AWS::Logs::LogGroup").items()
        if group["Properties"].get("LogGroupName") == name
    )

    assert group in stage["DependsOn"]


def test_a_function_stays_below_the_gateways_29_seconds_and_is_traced(template: Json) -> None:
    for name in FUNCTIONS:
        properties = function(template, name)

        assert properties["Timeout"] == (60 if name == "Indexing" else 28)
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["LoggingConfig"]["LogGroup"]["Ref"] in resources(template, "AWS::Logs::LogGroup")


def test_settings_are_what_the_lambda_finds_and_what_the_local_stack_exports(template: Json) -> None:
    fields = {name.upper() for name in Settings.__dataclass_fields__}
    of_people = {name.upper() for name in PeopleSettings.__dataclass_fields__}

    assert function(template, "Validation")["Environment"]["Variables"].keys() == fields
    for name in ("People", "Indexing"):
        assert function(template, name)["Environment"]["Variables"].keys() == of_people
    of_jobs = {name.upper() for name in JobsSettings.__dataclass_fields__}
    starts = {"STATE_MACHINE_ARN"}
    assert function(template, "Jobs")["Environment"]["Variables"].keys() == of_jobs
    for name in ("JobSplit", "JobGather"):
        assert function(template, name)["Environment"]["Variables"].keys() == of_jobs - starts
    lines = function(template, "JobLines")["Environment"]["Variables"].keys()
    assert lines == (fields | of_people | of_jobs) - starts
    named = dict.fromkeys(StackInfo.__dataclass_fields__, "n")
    exported = function_settings(Settings, PeopleSettings, JobsSettings, **named)
    assert exported.keys() == fields | of_people | of_jobs


def test_the_three_functions_are_one_asset_with_three_handlers(template: Json) -> None:
    code = [json.dumps(function(template, name)["Code"], sort_keys=True) for name in FUNCTIONS]

    assert len(set(code)) == 1
    assert [function(template, name)["Handler"] for name in ("People", "Indexing")] == [
        "face_validation_function.people_function.lambda_handler",
        "face_validation_function.indexing_function.lambda_handler",
    ]
    assert len({json.dumps(function(template, name)["Role"]) for name in FUNCTIONS}) == 3


def test_the_table_has_the_keys_and_indexes_of_the_local_one_and_can_be_restored(template: Json) -> None:
    table = table_of(template, "PeopleStores")

    assert {name: table[name] for name in FACES_DEFINITION} == FACES_DEFINITION
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_the_table_of_claims_has_the_key_of_the_local_one_and_forgets_by_the_attribute_that_claims_expire_by(
    template: Json,
) -> None:
    table = table_of(template, "Claims")

    assert {name: table[name] for name in CLAIMS_DEFINITION} == CLAIMS_DEFINITION
    assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRES_AT, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_the_table_of_jobs_has_the_keys_and_the_index_of_the_local_one_and_forgets_with_the_claims(
    template: Json,
) -> None:
    table, wanted = table_of(template, "JobStores"), JOBS_DEFINITION
    by_name = operator.itemgetter("AttributeName")

    assert sorted(table["AttributeDefinitions"], key=by_name) == sorted(wanted["AttributeDefinitions"], key=by_name)
    assert {name: table[name] for name in ("KeySchema", "LocalSecondaryIndexes")} == {
        name: wanted[name] for name in ("KeySchema", "LocalSecondaryIndexes")
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRES_AT, "Enabled": True}


def test_batches_and_results_are_removed_with_the_claims_and_the_jobs(template: Json) -> None:
    rules = template["Resources"][bucket_id(template, "Jobs")]["Properties"]["LifecycleConfiguration"]["Rules"]

    assert [rule["ExpirationInDays"] * 24 * 3600 for rule in rules if "ExpirationInDays" in rule] == [KEPT_S]


def test_the_state_machine_that_is_deployed_is_the_one_that_runs_on_one_machine(template: Json) -> None:
    machine = only(template, "AWS::StepFunctions::StateMachine")

    deployed = string.Template(machine["DefinitionString"]).safe_substitute(
        SplitFunction="split", LinesFunction="lines", GatherFunction="gather"
    )
    assert json.loads(deployed) == json.loads(definition())
    called = {name: arn["Fn::GetAtt"][0] for name, arn in machine["DefinitionSubstitutions"].items()}
    assert {name: id_[:-8] for name, id_ in called.items()} == {
        "SplitFunction": "JobSplitFunction",
        "LinesFunction": "JobLinesFunction",
        "GatherFunction": "JobGatherFunction",
    }
    assert machine.get("StateMachineType", "STANDARD") == "STANDARD"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_state_machine_may_call_its_functions_start_its_children_and_read_its_lists_alone(
    template: Json,
) -> None:
    policies = [
        statement
        for id_, policy in resources(template, "AWS::IAM::Policy").items()
        if id_.startswith("JobMachine")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    named = {action: json.dumps(s["Resource"]) for s in policies for action in actions(s) if s["Resource"] != "*"}

    assert set(named) == {
        "lambda:InvokeFunction",
        "s3:GetObject",
        "states:DescribeExecution",
        "states:StartExecution",
        "states:StopExecution",
    }
    assert named["lambda:InvokeFunction"].count("Job") == 3
    assert bucket_id(template, "Jobs") in named["s3:GetObject"]
    assert "batches-*.json" in named["s3:GetObject"]
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine")
    assert all(machine in named[action] for action in named if action.startswith("states:"))
    anywhere = {action.split(":")[0] for s in policies if s["Resource"] == "*" for action in actions(s)}
    assert anywhere == {"logs", "xray"}


def test_a_webhook_is_told_the_end_of_a_job_by_eventbridge_with_a_secret_that_no_template_holds(
    synthesise: Synthesise,
) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook-abcdef"
    template = synthesise(jobs_webhook_url="https://hooks.example.com/jobs", jobs_webhook_secret_arn=arn)

    assert only(template, "AWS::Events::ApiDestination")["InvocationEndpoint"] == "https://hooks.example.com/jobs"
    rules = [rule["Properties"] for rule in resources(template, "AWS::Events::Rule").values()]
    (pattern,) = (rule["EventPattern"] for rule in rules if "EventPattern" in rule)
    assert pattern == {"source": [EVENT_SOURCE], "detail-type": [EVENT_TYPE]}
    shown = only(template, "AWS::Events::Connection")["AuthParameters"]["ApiKeyAuthParameters"]["ApiKeyValue"]
    assert shown == f"{{{{resolve:secretsmanager:{arn}:SecretString:::}}}}"


def test_the_people_function_is_asked_every_quarter_of_an_hour_to_erase_what_has_expired(template: Json) -> None:
    (rule,) = (
        rule["Properties"]
        for rule in resources(template, "AWS::Events::Rule").values()
        if "ScheduleExpression" in rule["Properties"]
    )
    (target,) = rule["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(15 minutes)", "ENABLED")
    assert target["Input"] == json.dumps({"operation": EXPIRE}, separators=(",", ":"))
    assert target["Arn"]["Fn::GetAtt"][0].startswith("PeopleFunction")


def test_how_long_people_stay_and_which_faces_are_duplicates_is_chosen_per_deployment(
    synthesise: Synthesise,
) -> None:
    chosen = synthesise(people_days="365", threshold_duplicate="95", threshold_possible_duplicate="50")

    for name in ("People", "Indexing"):
        found = function(chosen, name)["Environment"]["Variables"]
        assert (found["PEOPLE_DAYS"], found["THRESHOLD_DUPLICATE"], found["THRESHOLD_POSSIBLE_DUPLICATE"]) == (
            "365",
            "95",
            "50",
        )


def test_a_photo_put_under_the_prefix_starts_the_indexing_function_and_nothing_else_does(template: Json) -> None:
    events = only(template, "Custom::S3BucketNotifications")
    (configured,) = events["NotificationConfiguration"]["LambdaFunctionConfigurations"]
    (called,) = (
        permission["Properties"]
        for permission in resources(template, "AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "s3.amazonaws.com"
    )

    assert events["BucketName"] == {"Ref": bucket_id(template, "Faces")}
    assert configured["Events"] == ["s3:ObjectCreated:*"]
    assert configured["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": INDEX_PREFIX}]
    assert configured["LambdaFunctionArn"]["Fn::GetAtt"][0].startswith("IndexingFunction")
    assert called["SourceArn"] == {"Fn::GetAtt": [bucket_id(template, "Faces"), "Arn"]}
    assert called["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_an_event_that_fails_three_times_ends_in_the_dead_letter_queue(template: Json) -> None:
    (queue,) = resources(template, "AWS::SQS::Queue")
    config = only(template, "AWS::Lambda::EventInvokeConfig")

    assert config["FunctionName"]["Ref"].startswith("IndexingFunction")
    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [queue, "Arn"]}


def test_the_dead_letter_queue_is_encrypted_keeps_two_weeks_and_denies_what_does_not_come_over_tls(
    template: Json,
) -> None:
    queue = only(template, "AWS::SQS::Queue")
    (denied,) = only(template, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]

    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert (denied["Effect"], denied["Action"], denied["Principal"]) == ("Deny", "sqs:*", {"AWS": "*"})
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_faces_bucket_keeps_every_version_until_it_is_erased(template: Json) -> None:
    bucket = template["Resources"][bucket_id(template, "Faces")]["Properties"]

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {key for rule in rules for key in rule} == {"AbortIncompleteMultipartUpload", "Status"}


def test_access_logs_are_json_without_a_body_or_a_token(template: Json) -> None:
    stage = only(template, "AWS::ApiGateway::Stage")

    fields = json.loads(stage["AccessLogSetting"]["Format"])

    assert {"requestId", "status", "latencyMs", "client"} <= fields.keys()
    assert not [value for value in fields.values() if "body" in value.lower() or "header" in value.lower()]
    (every,) = stage["MethodSettings"]
    assert every["DataTraceEnabled"] is False
    assert every["ThrottlingRateLimit"] > 0
    assert every["ThrottlingBurstLimit"] > 0


def test_alarms_on_5xx_throttles_slow_answers_and_dead_letters_reach_the_topic(template: Json) -> None:
    (topic,) = resources(template, "AWS::SNS::Topic")
    alarms = [alarm["Properties"] for alarm in resources(template, "AWS::CloudWatch::Alarm").values()]

    watched = {watched_by(alarm) for alarm in alarms}

    stack = "FaceValidation-" + only(template, "AWS::ApiGateway::Stage")["StageName"]
    assert watched == {
        ("AWS/ApiGateway", "5XXError", "Sum"),
        ("AWS/ApiGateway", "Latency", "p99"),
        ("AWS/Lambda", "Throttles", "Sum"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
        ("AWS/States", "ExecutionsFailed", "Sum"),
        ("FaceValidation", "ClaimsInDoubt", "Sum"),
        ("FaceValidation", "Throttles", "Sum"),
        (stack, "GatewayThrottles", "Sum"),
    }
    throttled = [json.dumps(alarm) for alarm in alarms if watched_by(alarm)[1] == "Throttles"]
    for name in ("Validation", "People"):
        assert len([alarm for alarm in throttled if f"{name}Function" in alarm]) == 2
    for alarm in alarms:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]


def test_the_topic_takes_what_the_accounts_alarms_publish(template: Json) -> None:
    """A policy of the topic's own replaces SNS's default one, so that it must say so itself."""
    (topic,) = resources(template, "AWS::SNS::Topic")

    allowed = [
        statement
        for statement in only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    assert [(s["Principal"], s["Action"], s["Resource"]) for s in allowed] == [
        ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish", {"Ref": topic})
    ]
    assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_similarities_are_counted_between_values_and_not_between_percentiles(template: Json) -> None:
    """`TC(20%:40%)` would be a fifth of all validations, whatever their similarity."""
    body = json.dumps(only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"])

    counted = re.findall(r"TC\(([^)]*)\)", body)

    assert counted[0] == ":20"
    assert [tuple(band.split(":")) for band in counted[1:]] == [
        ("20", "40"), ("40", "60"), ("60", "70"), ("70", "80"), ("80", "90"), ("90", "95"), ("95", "99"), ("99", "100")
    ]  # fmt: skip


def test_gateway_responses_are_the_table_in_the_contracts_envelope(template: Json) -> None:
    responses = {
        r["Properties"]["ResponseType"]: r["Properties"]
        for r in resources(template, "AWS::ApiGateway::GatewayResponse").values()
    }

    assert responses.keys() == {refusal.response_type for refusal in REFUSALS}
    for refusal in REFUSALS:
        response = responses[refusal.response_type]
        envelope = json.loads(response["ResponseTemplates"]["application/json"])
        assert envelope == {
            "id_request": "$context.requestId",
            "error": {"code": refusal.code, "message": refusal.message, "details": refusal.details},
        }
        assert response.get("StatusCode") == (str(int(refusal.status)) if refusal.status else None)


def test_a_code_that_gateway_and_function_share_has_one_status_and_message() -> None:
    """(R) 401, 403, 413 and 429 are refused by API Gateway in the same envelope, through gateway responses."""
    errors = {error.__name__: error for error in FaceValidationError.__subclasses__()}

    for refusal in REFUSALS:
        if refusal.code in errors and refusal.status is not None:
            assert refusal.status == errors[refusal.code].status
            # An address that is not there is said as that, whatever the status.
            assert refusal.message in {errors[refusal.code].message, "There is no such address in this API."}
    assert {(refusal.status, refusal.code) for refusal in REFUSALS if refusal.code not in errors} == {
        (401, "UnauthorizedError"),
        (413, "PayloadTooLargeError"),
        (429, "TooManyRequestsError"),
    }


@pytest.mark.parametrize(
    ("name", "buckets"),
    [
        ("Validation", {"Source", "Target"}),
        ("People", {"Source", "Target", "Faces"}),
        ("Indexing", {"Faces"}),
        ("Jobs", {"Source", "Jobs"}),
        ("JobSplit", {"Source", "Jobs"}),
        ("JobLines", {"Source", "Target", "Faces", "Jobs"}),
        ("JobGather", {"Jobs"}),
    ],
)
def test_a_function_may_do_nothing_to_other_buckets(template: Json, name: str, buckets: set[str]) -> None:
    named = {bucket_id(template, bucket): bucket for bucket in ("Source", "Target", "Faces", "Jobs", "AccessLogs")}
    touched: set[str] = set()

    for statement in statements(template, name):
        assert not [action for action in actions(statement) if "*" in action]
        if any(action.startswith("s3:") for action in actions(statement)):
            text = json.dumps(statement["Resource"])
            assert statement["Resource"] != "*"
            touched |= {bucket for id_, bucket in named.items() if id_ in text}

    assert touched == buckets


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_iam_ties_to_a_resource_is_allowed_on_this_stages_alone(template: Json, name: str) -> None:
    anywhere = {action for s in statements(template, name) if s["Resource"] == "*" for action in actions(s)}
    compared = {
        *("rekognition:CompareFaces", "rekognition:DetectLabels", "rekognition:DetectText"),
        *("rekognition:CreateFaceLivenessSession", "rekognition:GetFaceLivenessSessionResults"),
    }
    detections = {"Validation": compared, "People": {"rekognition:CompareFaces"}}.get(name, set())

    assert anywhere == detections | {
        "rekognition:DetectFaces",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_the_validation_function_has_no_right_to_the_enrolled_people(template: Json) -> None:
    text = json.dumps(statements(template, "Validation"))

    for kind in ("AWS::DynamoDB::Table", "AWS::Rekognition::Collection", "AWS::SQS::Queue"):
        (id_,) = (id_ for id_ in resources(template, kind) if id_.startswith("PeopleStores"))
        assert id_ not in text
    assert bucket_id(template, "Faces") not in text


def test_browsers_may_start_the_stream_of_a_liveness_session_and_nothing_else(
    synthesise: Synthesise, dev: Json
) -> None:
    template = synthesise(stage="dev", liveness="true")
    (role,) = resources(template, "AWS::Cognito::IdentityPoolRoleAttachment").values()
    (visitors,) = (
        policy["Properties"]
        for policy in resources(template, "AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"] == [{"Ref": role["Properties"]["Roles"]["unauthenticated"]["Fn::GetAtt"][0]}]
    )
    (pool,) = resources(template, "AWS::Cognito::IdentityPool")
    (allowed,) = visitors["PolicyDocument"]["Statement"]

    assert role["Properties"]["Roles"].keys() == {"unauthenticated"}
    assert allowed["Action"] == "rekognition:StartFaceLivenessSession"
    assert allowed["Condition"] == {"StringEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}}}
    assert template["Outputs"]["LivenessIdentityPoolId"]["Value"] == {"Ref": pool}
    assert not [one for one in dev["Resources"].values() if one["Type"].startswith("AWS::Cognito::IdentityPool")]


def test_outputs_tell_a_client_all_but_the_secret(template: Json) -> None:
    outputs = template["Outputs"]

    assert {"ApiUrl", "TokenUrl", "ClientId", "SourceBucket", "TargetBucket", "FacesBucket"} <= outputs.keys()
    assert {"CollectionId", "FacesTable", "ClaimsTable", "DeadLetterQueueUrl"} <= outputs.keys()
    assert "secret" not in json.dumps(outputs).lower()


KEPT_IN_PROD = (
    "AWS::S3::Bucket",
    "AWS::Cognito::UserPool",
    "AWS::Logs::LogGroup",
    "AWS::DynamoDB::Table",
    "AWS::Rekognition::Collection",
    "AWS::SQS::Queue",
)


def test_prod_keeps_its_data(prod: Json) -> None:
    for kind in KEPT_IN_PROD:
        assert {r["DeletionPolicy"] for r in resources(prod, kind).values()} == {"Retain"}
    assert only(prod, "AWS::Cognito::UserPool")["DeletionProtection"] == "ACTIVE"
    for table in resources(prod, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_dev_leaves_nothing_behind(dev: Json) -> None:
    for kind in KEPT_IN_PROD:
        assert {r["DeletionPolicy"] for r in resources(dev, kind).values()} == {"Delete"}
    assert len(resources(dev, "Custom::S3AutoDeleteObjects")) == len(resources(dev, "AWS::S3::Bucket"))


@pytest.mark.parametrize(("arch", "architecture"), [("arm64", "arm64"), ("x86_64", "x86_64")])
def test_the_architecture_is_chosen_by_context(synthesise: Synthesise, arch: str, architecture: str) -> None:
    template = synthesise(stage="prod", arch=arch)

    assert [function(template, name)["Architectures"] for name in FUNCTIONS] == [[architecture]] * 3


def test_every_option_at_once_passes_the_security_checks(synthesise: Synthesise) -> None:
    template = synthesise(**EVERY_OPTION)

    assert only(template, "AWS::SNS::Subscription")["Endpoint"] == "ops@example.com"
    assert only(template, "AWS::ApiGateway::DomainName")["SecurityPolicy"] == "TLS_1_2"
    assert resources(template, "AWS::WAFv2::WebACLAssociation")
    (key,) = (id_ for id_ in resources(template, "AWS::KMS::Key") if not id_.startswith("Audit"))
    assert template["Resources"][key]["Properties"]["EnableKeyRotation"] is True
    assert [function(template, name)["ReservedConcurrentExecutions"] for name in FUNCTIONS] == [20] * 3
    assert template["Outputs"]["ApiUrl"]["Value"] == "https://faces.example.com/"
    by_key = {"Fn::GetAtt": [key, "Arn"]}
    for table in resources(template, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"] == by_key
    assert only(template, "AWS::SQS::Queue")["KmsMasterKeyId"] == by_key
    (logs_may,) = (
        statement
        for statement in template["Resources"][key]["Properties"]["KeyPolicy"]["Statement"]
        if "kms:EncryptionContext:aws:logs:arn" in json.dumps(statement)
    )
    # What CloudWatch Logs asks for before it takes a key for a log group.
    assert {action.rstrip("*") for action in logs_may["Action"]} >= {
        *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey", "kms:DescribeKey")
    }
    for name in ("Source", "Target", "Faces"):
        encryption = template["Resources"][bucket_id(template, name)]["Properties"]["BucketEncryption"]
        (rule,) = encryption["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_an_audit_record_is_locked_for_its_days_and_outlives_the_stage(synthesise: Synthesise, stage: str) -> None:
    check_audit(synthesise(stage=stage, audit="true", audit_days="90"))


def check_audit(template: Json) -> None:
    """The records are under a lock for 90 days, and nothing of the stage removes them."""
    bucket = template["Resources"]["AuditBucket7486E833"]
    key = template["Resources"]["AuditHmacKeyC0013F28"]

    assert bucket["Properties"]["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Days": 90, "Mode": "GOVERNANCE"}
    }
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    expiry, _ = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert expiry["ExpirationInDays"] == 90
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    assert bucket["DeletionPolicy"] == key["DeletionPolicy"] == "Retain"
    assert "AutoDelete" not in json.dumps(bucket)
    test_every_bucket_is_private_and_encrypted(template)
    test_every_bucket_denies_what_does_not_come_over_tls(template)


def test_a_function_may_only_add_to_the_audit_trail(synthesise: Synthesise) -> None:
    template = synthesise(stage="prod", audit="true")

    allowed = {
        action
        for name in FUNCTIONS
        for statement in statements(template, name)
        if "AuditBucket" in json.dumps(statement["Resource"]) or "AuditHmacKey" in json.dumps(statement["Resource"])
        for action in actions(statement)
    }

    assert allowed == {"s3:PutObject", "kms:GenerateMac"}
    assert "Audit" not in json.dumps([statements(template, name) for name in ("People", "Indexing")])
    variables = function(template, "Validation")["Environment"]["Variables"]
    assert variables["AUDIT_BUCKET"] == {"Ref": "AuditBucket7486E833"}
    assert variables["AUDIT_KEY"] == {"Ref": "AuditHmacKeyC0013F28"}


@pytest.mark.parametrize("release", ["direct", "canary"])
def test_the_probe_asks_once_every_five_minutes_as_a_client_of_its_own(synthesise: Synthesise, release: str) -> None:
    template = synthesise(stage="prod", probe="true", release=release)
    (rule,) = (
        rule["Properties"] for id_, rule in resources(template, "AWS::Events::Rule").items() if id_.startswith("Probe")
    )
    asked = {action for statement in statements(template, "Probe") for action in actions(statement)}
    (retries,) = (
        config["Properties"]
        for config in resources(template, "AWS::Lambda::EventInvokeConfig").values()
        if config["Properties"]["FunctionName"]["Ref"].startswith("ProbeFunction")
    )
    (client,) = (
        client["Properties"]
        for id_, client in resources(template, "AWS::Cognito::UserPoolClient").items()
        if id_.startswith("IdentityPoolClientProbe")
    )

    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert rule["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert retries["MaximumRetryAttempts"] == 0
    assert ("$LATEST" if release == "direct" else "ProbeLive") in json.dumps(retries["Qualifier"])
    assert client["AllowedOAuthScopes"] == [WRITE]
    fields = {name.upper() for name in ProbeSettings.__dataclass_fields__}
    assert function(template, "Probe")["Environment"]["Variables"].keys() == fields
    assert {action for action in asked if action[:5] not in ("logs:", "xray:")} == {
        "cognito-idp:DescribeUserPoolClient",
        "s3:PutObject",
    }
    (put,) = (statement for statement in statements(template, "Probe") if "s3:PutObject" in actions(statement))
    assert re.findall(r'"(/[^"]*)"', json.dumps(put["Resource"])) == ["/probe/passport.jpg", "/probe/photograph.jpg"]


def test_a_probe_that_fails_or_does_not_come_raises_an_alarm(synthesise: Synthesise) -> None:
    template = synthesise(stage="prod", probe="true")
    alarm = template["Resources"]["AlarmsProbeFailuresFBA56EBB"]["Properties"]
    (topic,) = resources(template, "AWS::SNS::Topic")

    assert watched_by(alarm) == ("AWS/Lambda", "Errors", "Sum")
    assert alarm["TreatMissingData"] == "breaching"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 2)
    assert alarm["AlarmActions"] == [{"Ref": topic}]


def test_answers_are_kept_only_where_it_was_chosen(synthesise: Synthesise) -> None:
    chosen, default = synthesise(stage="prod", idempotency="true"), synthesise(stage="prod")

    assert function(chosen, "Validation")["Environment"]["Variables"]["IDEMPOTENCY"] == "true"
    assert function(default, "Validation")["Environment"]["Variables"]["IDEMPOTENCY"] == "false"
    claimed = {
        action
        for statement in statements(chosen, "Validation")
        if "ClaimsTable" in json.dumps(statement["Resource"])
        for action in actions(statement)
    }
    assert claimed == {f"dynamodb:{verb}Item" for verb in ("Delete", "Get", "Put", "Update")}


@pytest.mark.parametrize(
    ("release", "configuration"),
    [("canary", "LambdaCanary10Percent10Minutes"), ("all-at-once", "LambdaAllAtOnce")],
)
def test_a_release_moves_an_alias_and_an_alarm_takes_it_back(
    synthesise: Synthesise, release: str, configuration: str
) -> None:
    check_release(synthesise(stage="prod", release=release), configuration)


def check_release(template: Json, configuration: str = "LambdaCanary10Percent10Minutes") -> None:
    """Every function is called by its alias, which CodeDeploy moves, and an alarm takes back."""
    aliases = resources(template, "AWS::Lambda::Alias")
    groups = resources(template, "AWS::CodeDeploy::DeploymentGroup")

    assert len(aliases) == len(groups) == len((*FUNCTIONS, *JOB_FUNCTIONS))
    for id_, alias in aliases.items():
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = groups[update["DeploymentGroupName"]["Ref"]]["Properties"]
        assert group["DeploymentConfigName"].endswith(configuration)
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        watching = [next(iter(alarm["Name"].values())) for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert watching, id_
        assert all(template["Resources"][alarm]["Properties"]["AlarmActions"] for alarm in watching)
    # Whatever calls a function calls its alias: the version before must be able to answer.
    callable_ = {
        next(iter(permission["Properties"]["FunctionName"].values()))
        for permission in resources(template, "AWS::Lambda::Permission").values()
    }
    machine = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert callable_ | {arn["Ref"] for arn in machine.values()} <= aliases.keys()
    assert only(template, "AWS::Lambda::EventInvokeConfig")["Qualifier"] == "live"
    versions = resources(template, "AWS::Lambda::Version").values()
    assert {version["DeletionPolicy"] for version in versions} == {"Retain"}


def test_versions_behind_the_api_are_kept_warm_on_demand(synthesise: Synthesise) -> None:
    aliases = resources(synthesise(**EVERY_OPTION), "AWS::Lambda::Alias")

    warm = {
        id_: alias["Properties"].get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions")
        for id_, alias in aliases.items()
    }

    assert {id_.partition("Live")[0]: count for id_, count in warm.items()} == {
        **dict.fromkeys(("Validation", "People", "Jobs"), 2),
        **dict.fromkeys(("Indexing", "JobSplit", "JobLines", "JobGather", "Probe")),
    }


def test_the_page_says_what_every_kind_of_resource_is_for(synthesise: Synthesise) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    table = page.partition("## What is deployed")[2].partition("\n## ")[0]

    kinds = {resource["Type"] for resource in synthesise(**EVERY_OPTION)["Resources"].values()}

    for kind in kinds:
        assert f"`{kind}`" in table or f"`{kind.rsplit('::', 1)[1]}`" in table, kind


def test_every_alarm_names_its_section_of_the_runbook(synthesise: Synthesise) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    sections = {line.removeprefix("### ").lower() for line in page.splitlines() if line.startswith("### ")}

    for alarm in resources(synthesise(**EVERY_OPTION), "AWS::CloudWatch::Alarm").values():
        found = re.search(r"docs/operations\.md#(\w+)$", alarm["Properties"]["AlarmDescription"])
        assert found, alarm["Properties"]["AlarmDescription"]
        assert found[1] in sections


def test_the_quota_alarm_counts_every_functions_calls_against_the_accounts_limit(synthesise: Synthesise) -> None:
    alarm = next(
        alarm["Properties"]
        for id_, alarm in resources(synthesise(**EVERY_OPTION), "AWS::CloudWatch::Alarm").items()
        if "RekognitionQuota" in id_
    )

    (expression,) = (query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
    assert expression == "100 * (FILL(validation, 0) + FILL(people, 0) + FILL(indexing, 0) + FILL(jobs, 0)) / 15000"
    assert len([query for query in alarm["Metrics"] if "MetricStat" in query]) == 4
    assert alarm["Threshold"] == 80


def test_options_leave_logical_ids_as_they_are(synthesise: Synthesise) -> None:
    """A changed id would replace the bucket, the pool or the API of a running stage."""
    ids = {
        id_
        for id_, resource in synthesise(stage="prod")["Resources"].items()
        # The option `release` renames the permissions: they let others call the alias instead of the function.
        if "Deployment" not in id_ and resource["Type"] != "AWS::Lambda::Permission"
    }

    assert ids <= synthesise(**EVERY_OPTION)["Resources"].keys()
    assert {
        "StorageSource42D3DA3E",
        "StorageTarget0BBD55FD",
        "IdentityPool9E5AED46",
        "ApiFaceValidationD2F9B674",
        "ValidationFunction0B4D9E78",
        "ValidationLog56AC7D36",
        "IdentityPoolClientCDD42828",
        "StorageFaces73E824C2",
        "PeopleStoresTable930F9759",
        "PeopleStoresCollection669774DB",
        "PeopleStoresDeadLetters924A9F5E",
    } <= ids


@pytest.mark.long
def test_cfn_lint_finds_nothing_but_cdks_own_dependencies(synthesise: Synthesise) -> None:
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    found: list[Any] = []
    for context in ({"stage": "dev"}, {"stage": "prod"}, EVERY_OPTION):
        found += lint(json.dumps(synthesise(**context)), config=ManualArgs(regions=["eu-west-1"]))

    assert {match.rule.id for match in found} <= {"W3005"}
