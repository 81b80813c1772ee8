"""Bulk jobs: the state machine that runs them, and who is told of their end."""

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.bundling import PACKAGE
from infra.constructs.function import Functions
from infra.constructs.stage import Stage, accept, logical_id, wildcard
from infra.constructs.storage import Stores
from infra.options import Webhook

EVENT_SOURCE, EVENT_TYPE = "face-validation", "Job ended"


def add_job_machine(scope: Construct, functions: Functions, stores: Stores, stage: Stage) -> sfn.StateMachine:
    """The state machine that runs jobs: `face_validation_function/jobs.asl.json`, as it runs on one machine too."""
    routes = functions["Jobs"]
    steps = {name: functions[f"Job{name}"].called.function_arn for name in ("Split", "Lines", "Gather")}
    log = stage.log_group(scope)
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    machine = sfn.StateMachine(
        scope,
        "Machine",
        role=role,
        definition_body=sfn.DefinitionBody.from_string((PACKAGE / "jobs.asl.json").read_text("utf-8")),
        definition_substitutions={f"{name}Function": arn for name, arn in steps.items()},
        # Ids and counts travel between the states, no names and no answers; they are not logged all the same.
        logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
        tracing_enabled=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
    role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(steps.values())))
    execution = f"execution:{machine.state_machine_name}*:*"
    every_execution = Stack.of(scope).format_arn(service="states", resource=execution)
    # A policy of its own: the machine needs the role, and this needs the machine.
    children = iam.Policy(scope, "Children", roles=[role])
    for actions, resource in (
        (["states:StartExecution"], machine.state_machine_arn),
        (["states:DescribeExecution", "states:StopExecution"], every_execution),
        (["s3:GetObject"], stores.jobs.arn_for_objects("*/batches-*.json")),
    ):
        children.add_statements(iam.PolicyStatement(actions=actions, resources=[resource]))
    if stage.key:
        stage.key.grant_decrypt(role)
    name = f"<{logical_id(machine)}.Name>"
    executions = wildcard(f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}*:*")
    accept(
        scope,
        "The role starts and ends executions of this machine alone, and reads its lists of batches alone. IAM knows no "
        "resource type for the deliveries of logs and for X-Ray.",
        wildcard("*"),
        executions,
        wildcard(f"<{logical_id(stores.jobs)}.Arn>/*/batches-*.json"),
    )
    routes.function.add_environment("STATE_MACHINE_ARN", machine.state_machine_arn)
    routes.allow(["states:StartExecution"], machine.state_machine_arn)
    routes.allow(["states:DescribeExecution"], every_execution)
    accept(routes.role, "The executions of this machine alone.", executions)
    if stage.options.jobs_webhook:
        _tell(scope, stage.options.jobs_webhook)
    return machine


def _tell(scope: Construct, webhook: Webhook) -> None:
    """EventBridge posts each job's end to the address; it retries for a day."""
    secret = SecretValue.secrets_manager(webhook.secret_arn)
    authorization = events.Authorization.api_key("Authorization", secret)
    connection = events.Connection(scope, "Connection", authorization=authorization)
    destination = events.ApiDestination(scope, "Destination", connection=connection, endpoint=webhook.url)
    pattern = events.EventPattern(source=[EVENT_SOURCE], detail_type=[EVENT_TYPE])
    rule = events.Rule(scope, "JobEnded", event_pattern=pattern, targets=[targets.ApiDestination(destination)])
    accept(
        rule,
        "EventBridge tries for 24 hours. What is not delivered then is still told by GET /jobs/{job_id}.",
        "Serverless-EventBusDLQ",
    )
