"""A probe (`-c probe=true`): a function that asks the API a question every five minutes, as any caller does."""

from aws_cdk import Duration
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets

from face_validation_function.routes import WRITE
from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage
from infra.options import AppClient

PROBE_CLIENT = AppClient("probe", (WRITE,))
INTERVAL = Duration.minutes(5)


def ask_regularly(probe: ServiceFunction, pool: cognito.IUserPool, stage: Stage) -> None:
    """Let the probe read the secret of its own client, and start it at an interval."""
    probe.allow(["cognito-idp:DescribeUserPoolClient"], pool.user_pool_arn)
    if stage.key:
        stage.key.grant(probe.role, "kms:Decrypt", "kms:GenerateDataKey")
    # A second try would hide the first one's failure, and be paid.
    target = targets.LambdaFunction(probe.called, retry_attempts=0)
    events.Rule(probe, "Schedule", schedule=events.Schedule.rate(INTERVAL), targets=[target])
    probe.called.configure_async_invoke(retry_attempts=0)
    reason = "A question that failed raises the alarm ProbeFailures, and the next one comes in five minutes."
    rules = ("LambdaDLQ", "LambdaAsyncFailureDestination", "EventBusDLQ")
    accept(probe, reason, *(f"Serverless::Serverless-{name}" for name in rules))
