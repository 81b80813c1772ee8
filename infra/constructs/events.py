"""What starts functions without a request: photos that are put into a bucket, and schedules."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications

from face_validation_function.settings import EXPIRE, INDEX_PREFIX
from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage, accept, managed_policy
from infra.constructs.storage import Stores

# Beside the first attempt; Lambda waits one minute before the first of them and two before the second.
RETRIES = 2
# Some 150 photos are erased in one run.
EXPIRY_EVERY = Duration.minutes(15)
PROBE_EVERY = Duration.minutes(5)

_EVENT_SETTER = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"


def erase_what_expires(people: ServiceFunction) -> None:
    """Ask the people function, at an interval, to erase the enrolled faces whose time is over."""
    expire = events.RuleTargetInput.from_object({"operation": EXPIRE})
    rule = events.Rule(
        people,
        "Expiry",
        description="Erases the enrolled faces whose time is over.",
        schedule=events.Schedule.rate(EXPIRY_EVERY),
        targets=[targets.LambdaFunction(people.called, event=expire)],
    )
    accept(
        rule,
        "An event that is lost needs no letter: the next one erases what this one did not, and failures of the "
        "function are on the dashboard.",
        "Serverless-EventBusDLQ",
    )


def enrol_uploads(indexing: ServiceFunction, stores: Stores) -> None:
    """Start the indexing function for each photo put under `index/`; what it cannot enrol ends in the dead letters."""
    configuration = lambda_.CfnEventInvokeConfig(
        indexing,
        "Events",
        function_name=indexing.function.function_name,
        qualifier=indexing.alias.alias_name if indexing.alias else "$LATEST",
        maximum_retry_attempts=RETRIES,
        destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=stores.dead_letters.queue_arn)
        ),
    )
    # Lambda refuses a destination that the role may not send to.
    configuration.node.add_dependency(indexing.role)
    accept(
        indexing.function,
        "An event that fails three times goes to the dead letters by the on-failure destination of its "
        "asynchronous calls, with the function's error beside the event, which a DeadLetterConfig would leave out.",
        "Serverless-LambdaDLQ",
    )
    stores.faces.add_event_notification(
        s3.EventType.OBJECT_CREATED,
        notifications.LambdaDestination(indexing.called),
        s3.NotificationKeyFilter(prefix=INDEX_PREFIX),
    )
    accept(
        Stack.of(indexing).node.find_child(_EVENT_SETTER).node.find_child("Role"),
        "Of CDK's own function, which at a deployment sets the bucket's event, and does nothing but that and its "
        "log: AWS's policy lets it write logs, no more.",
        managed_policy("AWSLambdaBasicExecutionRole"),
    )


def ask_regularly(probe: ServiceFunction, pool: cognito.IUserPool, stage: Stage) -> None:
    """Let the probe read the secret of its own client, and start it at an interval."""
    probe.allow(["cognito-idp:DescribeUserPoolClient"], pool.user_pool_arn)
    if stage.key:
        stage.key.grant(probe.role, "kms:Decrypt", "kms:GenerateDataKey")
    # A second try would hide the first one's failure, and be paid.
    target = targets.LambdaFunction(probe.called, retry_attempts=0)
    events.Rule(probe, "Schedule", schedule=events.Schedule.rate(PROBE_EVERY), targets=[target])
    probe.called.configure_async_invoke(retry_attempts=0)
    reason = "A question that failed raises the alarm ProbeFailures, and the next one comes in five minutes."
    rules = ("LambdaDLQ", "LambdaAsyncFailureDestination", "EventBusDLQ")
    accept(probe, reason, *(f"Serverless-{name}" for name in rules))
