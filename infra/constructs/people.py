"""Enrolled people: where their faces are kept, and the events by which functions enrol photos and erase them."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from face_validation_function.settings import EXPIRE, INDEX_PREFIX
from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction
from infra.constructs.naming import stack_suffix
from infra.constructs.stage import Stage
from infra.constructs.storage import table, text_attribute

# Beside the first attempt; Lambda waits one minute before the first of them and two before the second.
RETRIES = 2
# The most that SQS keeps a letter.
LETTER_DAYS = 14

# Keys and indexes of the table: name -> (partition, sort).
TABLE_KEYS = ("full_name", "photo_id")
TABLE_INDEXES: dict[str, tuple[str, str | None]] = {
    "by_face_id": ("face_id", None),
    "by_name": ("listing", "full_name"),
    "by_expiry": ("expiring", "expires_at"),
}
# Some 150 photos are erased in one run.
EXPIRY_EVERY = Duration.minutes(15)

_EVENT_SETTER = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"
_LOG_POLICY = "AWSLambdaBasicExecutionRole"


class PeopleStores(Construct):
    """The collection of faces, the table of their rows, and the queue of photos that could not be enrolled."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        removal, key = stage.removal_policy, stage.key
        self.table = table(self, TABLE_KEYS, stage=stage)
        for name, (partition, sort) in TABLE_INDEXES.items():
            self.table.add_global_secondary_index(
                index_name=name,
                partition_key=text_attribute(partition),
                sort_key=text_attribute(sort) if sort else None,
                projection_type=dynamodb.ProjectionType.ALL,
            )
        # A stage that is made anew beside what an older one left takes another name.
        self.collection = rekognition.CfnCollection(
            self, "Collection", collection_id=f"{Stack.of(self).stack_name}-{stack_suffix()}"
        )
        self.collection.apply_removal_policy(removal)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(LETTER_DAYS),
            removal_policy=removal,
        )
        accept(
            self.dead_letters,
            "This is a dead letter queue itself. Nothing consumes it but the operator whom its alarm calls, so that no "
            "letter can fail to be consumed.",
            "AwsSolutions::AwsSolutions-SQS3",
            "Serverless::Serverless-SQSRedrivePolicy",
        )

    def index_arn(self, name: str) -> str:
        """One of the table's indexes; rights to it are not those to the table."""
        return f"{self.table.table_arn}/index/{name}"

    def allow_collections(self, function: ServiceFunction, *actions: str) -> None:
        """Let a function do `actions` on this stage's collection, and on those that a reindex makes after it."""
        function.allow(actions, self.collection.attr_arn, f"{self.collection.attr_arn}.*")
        name = Stack.of(self).get_logical_id(self.collection)
        accept(
            function.role,
            "A reindex names its new collection after this stage's own, with a dot and an id: no other collection's "
            "name begins so.",
            f"AwsSolutions::AwsSolutions-IAM5[Resource::<{name}.Arn>.*]",
        )


def erase_what_expires(people: ServiceFunction) -> None:
    """Ask the people function, at an interval, to erase the enrolled faces whose time is over."""
    rule = events.Rule(
        people,
        "Expiry",
        description="Erases the enrolled faces whose time is over.",
        schedule=events.Schedule.rate(EXPIRY_EVERY),
    )
    rule.add_target(
        targets.LambdaFunction(people.called, event=events.RuleTargetInput.from_object({"operation": EXPIRE}))
    )
    accept(
        rule,
        "An event that is lost needs no letter: the next one erases what this one did not, and failures of the "
        "function are on the dashboard.",
        "Serverless::Serverless-EventBusDLQ",
    )


def enrol_uploads(indexing: ServiceFunction, faces: s3.Bucket, dead_letters: sqs.Queue) -> None:
    """Start the indexing function for each photo put under `index/`; what it cannot enrol ends in the dead letters."""
    configuration = lambda_.CfnEventInvokeConfig(
        indexing,
        "Events",
        function_name=indexing.function.function_name,
        qualifier=indexing.alias.alias_name if indexing.alias else "$LATEST",
        maximum_retry_attempts=RETRIES,
        destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=dead_letters.queue_arn)
        ),
    )
    # Lambda refuses a destination that the role may not send to.
    configuration.node.add_dependency(indexing.role)
    accept(
        indexing.function,
        "An event that fails three times goes to the dead letters by the on-failure destination of its "
        "asynchronous calls, with the function's error beside the event, which a DeadLetterConfig would leave out.",
        "Serverless::Serverless-LambdaDLQ",
    )
    faces.add_event_notification(
        s3.EventType.OBJECT_CREATED,
        notifications.LambdaDestination(indexing.called),
        s3.NotificationKeyFilter(prefix=INDEX_PREFIX),
    )
    accept(
        Stack.of(indexing).node.find_child(_EVENT_SETTER).node.find_child("Role"),
        "Of CDK's own function, which at a deployment sets the bucket's event, and does nothing but that and its "
        "log: AWS's policy lets it write logs, no more.",
        f"AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_LOG_POLICY}]",
    )
