"""Each guard of the template, taken away: the checks that stop a deployment must notice."""

import copy
import json
import re
from collections.abc import Callable, Iterator

import pytest

from tests.infra import test_template as checks
from tests.infra.conftest import Json, Synthesise
from tests.infra.test_template import actions, bucket_id, resources, statements

pytestmark = [pytest.mark.slow, pytest.mark.long]

ABOUT_IMAGES = (
    "rekognition: CompareFaces CreateFaceLivenessSession DetectFaces DetectLabels DetectText "
    "GetFaceLivenessSessionResults"
)
# What each function may do, by resource; its log and its traces aside.
RIGHTS: dict[str, dict[str, str]] = {
    "Validation": {
        "AuditBucket": "s3: PutObject",
        "AuditHmacKey": "kms: GenerateMac",
        "ClaimsTable": "dynamodb: GetItem PutItem",
        "StorageSource": "s3: GetObject ListBucket",
        "StorageTarget": "s3: GetObject ListBucket",
        "anywhere": ABOUT_IMAGES,
    },
    "People": {
        "PeopleStoresCollection": "rekognition: CreateCollection DeleteCollection DeleteFaces IndexFaces "
        "SearchFacesByImage",
        "PeopleStoresTable": "dynamodb: ConditionCheckItem DeleteItem GetItem PutItem Query Scan UpdateItem",
        "StorageFaces": "s3: DeleteObject DeleteObjectVersion GetObject GetObjectVersion ListBucket "
        "ListBucketVersions PutObject",
        "StorageSource": "s3: PutObject",
        "StorageTarget": "s3: GetObject ListBucket PutObject",
        "anywhere": "rekognition: CompareFaces DetectFaces",
    },
    "Indexing": {
        "PeopleStoresCollection": "rekognition: DeleteFaces IndexFaces SearchFacesByImage",
        "PeopleStoresDeadLetters": "sqs: SendMessage",
        "PeopleStoresTable": "dynamodb: ConditionCheckItem DeleteItem GetItem PutItem Query",
        "StorageFaces": "s3: GetObject GetObjectVersion ListBucket",
        "anywhere": "rekognition: DetectFaces",
    },
    "Jobs": {
        "JobMachine": "states: DescribeExecution StartExecution",
        "JobStoresTable": "dynamodb: GetItem PutItem Query UpdateItem",
        "StorageJobs": "s3: GetObject ListBucket",
        "StorageSource": "s3: GetObject ListBucket",
    },
    "JobSplit": {
        "JobStoresTable": "dynamodb: GetItem UpdateItem",
        "StorageJobs": "s3: GetObject ListBucket PutObject",
        "StorageSource": "s3: GetObject ListBucket",
    },
    "JobLines": {
        "AuditBucket": "s3: PutObject",
        "AuditHmacKey": "kms: GenerateMac",
        "ClaimsTable": "dynamodb: BatchGetItem DeleteItem GetItem PutItem UpdateItem",
        "JobStoresTable": "dynamodb: GetItem UpdateItem",
        "PeopleStoresCollection": "rekognition: DeleteFaces IndexFaces SearchFacesByImage",
        "PeopleStoresTable": "dynamodb: ConditionCheckItem DeleteItem GetItem PutItem Query",
        "StorageFaces": "s3: GetObject ListBucket",
        "StorageJobs": "s3: GetObject ListBucket PutObject",
        "StorageSource": "s3: GetObject ListBucket",
        "StorageTarget": "s3: GetObject ListBucket",
        "anywhere": "rekognition: CompareFaces DetectFaces DetectLabels",
    },
    "JobGather": {
        "ClaimsTable": "dynamodb: BatchGetItem",
        "JobStoresTable": "dynamodb: GetItem UpdateItem",
        "StorageJobs": "s3: AbortMultipartUpload GetObject ListBucket PutObject",
        "anywhere": "events: PutEvents",
    },
}

Mutation = Callable[[Json], None]
Check = Callable[[Json], None]


def rights_of(template: Json, name: str) -> dict[str, str]:
    """Resource -> the actions that a function may do there, as `RIGHTS` writes them."""
    found: dict[str, dict[str, set[str]]] = {}
    for statement in statements(template, name):
        text = json.dumps(statement["Resource"])
        named = [re.sub(r"[0-9A-F]{8}$", "", id_) for id_ in template["Resources"] if f'"{id_}"' in text]
        for action in actions(statement):
            service, _, verb = action.partition(":")
            if service not in {"logs", "xray"}:
                for resource in named or ["anywhere"]:
                    found.setdefault(resource, {}).setdefault(service, set()).add(verb)
    return {
        resource: "; ".join(f"{service}: {' '.join(sorted(verbs))}" for service, verbs in sorted(allowed.items()))
        for resource, allowed in found.items()
    }


def check_rights(template: Json) -> None:
    for name, rights in RIGHTS.items():
        assert rights_of(template, name) == rights, name


def check_integrations(template: Json) -> None:
    for method in resources(template, "AWS::ApiGateway::Method").values():
        assert any(f'"{alias}"' in json.dumps(method) for alias in resources(template, "AWS::Lambda::Alias"))


def each(template: Json, kind: str) -> Iterator[Json]:
    for resource in resources(template, kind).values():
        yield resource["Properties"]


def without(kind: str, *names: str, of: int = 0) -> Mutation:
    """Take a property away from one resource of a kind."""

    def mutate(template: Json) -> None:
        holders = [properties for properties in each(template, kind) if names[0] in properties]
        found = holders[of]
        for name in names[:-1]:
            found = found[name]
        del found[names[-1]]

    return mutate


def no_tls_rule(template: Json) -> None:
    policy = next(each(template, "AWS::S3::BucketPolicy"))["PolicyDocument"]
    policy["Statement"] = [rule for rule in policy["Statement"] if "SecureTransport" not in json.dumps(rule)]


def no_queue_tls_rule(template: Json) -> None:
    del next(each(template, "AWS::SQS::QueuePolicy"))["PolicyDocument"]["Statement"][0]["Condition"]


def no_transition(template: Json) -> None:
    del template["Resources"][bucket_id(template, "Target")]["Properties"]["LifecycleConfiguration"]


def open_method(template: Json) -> None:
    next(each(template, "AWS::ApiGateway::Method"))["AuthorizationType"] = "NONE"


def unprotected_pool(template: Json) -> None:
    next(each(template, "AWS::Cognito::UserPool"))["DeletionProtection"] = "INACTIVE"


def unprotected_table(template: Json) -> None:
    next(each(template, "AWS::DynamoDB::Table"))["DeletionProtectionEnabled"] = False


def deleted_bucket(template: Json) -> None:
    next(iter(resources(template, "AWS::S3::Bucket").values()))["DeletionPolicy"] = "Delete"


def no_alias_update(template: Json) -> None:
    del next(iter(resources(template, "AWS::Lambda::Alias").values()))["UpdatePolicy"]


def method_past_the_alias(template: Json) -> None:
    method = next(each(template, "AWS::ApiGateway::Method"))
    method["Integration"]["Uri"] = {"Fn::GetAtt": [next(iter(resources(template, "AWS::Lambda::Function"))), "Arn"]}


def no_rollback(template: Json) -> None:
    next(each(template, "AWS::CodeDeploy::DeploymentGroup"))["AutoRollbackConfiguration"]["Events"].clear()


def no_lock(template: Json) -> None:
    del template["Resources"]["AuditBucket7486E833"]["Properties"]["ObjectLockConfiguration"]


MUTATIONS: dict[str, tuple[Mutation, Check]] = {
    "authorizer": (
        without("AWS::ApiGateway::Method", "AuthorizerId"),
        checks.test_every_route_is_a_method_with_the_authorizer_and_its_scope,
    ),
    "authorization": (open_method, checks.test_every_route_is_a_method_with_the_authorizer_and_its_scope),
    "scope": (
        without("AWS::ApiGateway::Method", "AuthorizationScopes"),
        checks.test_every_route_is_a_method_with_the_authorizer_and_its_scope,
    ),
    "TLS rule of a bucket": (no_tls_rule, checks.test_every_bucket_denies_what_does_not_come_over_tls),
    "TLS rule of the queue": (
        no_queue_tls_rule,
        checks.test_the_dead_letter_queue_is_encrypted_keeps_two_weeks_and_denies_what_does_not_come_over_tls,
    ),
    "public access block": (
        without("AWS::S3::Bucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy"),
        checks.test_every_bucket_is_private_and_encrypted,
    ),
    "encryption": (without("AWS::S3::Bucket", "BucketEncryption"), checks.test_every_bucket_is_private_and_encrypted),
    "lifecycle": (no_transition, checks.test_the_targets_move_to_infrequent_access_after_30_days),
    "retention": (without("AWS::Logs::LogGroup", "RetentionInDays"), checks.test_every_log_group_ends_some_day),
    "alarm action": (
        without("AWS::CloudWatch::Alarm", "AlarmActions"),
        checks.test_alarms_on_5xx_throttles_slow_answers_and_dead_letters_reach_the_topic,
    ),
    "alias": (no_alias_update, checks.check_release),
    "alias behind the API": (method_past_the_alias, check_integrations),
    "way back of a release": (no_rollback, checks.check_release),
    "deletion protection of the pool": (unprotected_pool, checks.test_prod_keeps_its_data),
    "deletion protection of a table": (unprotected_table, checks.test_prod_keeps_its_data),
    "deletion policy of a bucket": (deleted_bucket, checks.test_prod_keeps_its_data),
    "lock of the audit trail": (no_lock, checks.check_audit),
}


@pytest.fixture(scope="module")
def template(synthesise: Synthesise) -> Json:
    return synthesise(stage="prod", release="canary", audit="true", audit_days="90")


def test_the_template_without_a_mutation_passes_every_check(template: Json) -> None:
    for _, check in MUTATIONS.values():
        check(template)
    check_rights(template)


@pytest.mark.parametrize("guard", MUTATIONS)
def test_a_guard_that_is_taken_away_is_noticed(template: Json, guard: str) -> None:
    mutate, check = MUTATIONS[guard]
    changed = copy.deepcopy(template)
    mutate(changed)

    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(changed)


def test_every_action_that_is_taken_away_from_a_function_or_given_to_it_is_noticed(template: Json) -> None:
    for name in RIGHTS:
        for position, statement in enumerate(statements(template, name)):
            for action in actions(statement):
                if action.partition(":")[0] in {"logs", "xray"}:
                    continue
                less, more = copy.deepcopy(template), copy.deepcopy(template)
                # From every statement: two may allow the same.
                for other in statements(less, name):
                    other["Action"] = [one for one in actions(other) if one != action]
                statements(more, name)[position]["Action"] = [*actions(statement), f"{action}More"]
                for changed in (less, more):
                    with pytest.raises(AssertionError):
                        check_rights(changed)
