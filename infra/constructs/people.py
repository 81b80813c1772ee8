"""Enrolled people: where their faces are kept, the function that answers for them, and the one that enrols photos."""

from collections.abc import Iterable, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from face_validation_function.settings import EXPIRE, INDEX_PREFIX
from infra.constructs.claims import KEY_ACTIONS, table, text_attribute
from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction, called_and_waited_for
from infra.constructs.naming import stack_suffix
from infra.constructs.stage import Stage
from infra.constructs.storage import ImageStorage

PEOPLE_HANDLER = "face_validation_function.people_function.lambda_handler"
INDEXING_HANDLER = "face_validation_function.indexing_function.lambda_handler"

# One photo at a time, half of what a pair takes; 1769 MB buy one whole vCPU.
MEMORY_MB = 1769
INDEXING_TIMEOUT = Duration.seconds(60)
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

ROW_ACTIONS = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem")
FACE_ACTIONS = ("rekognition:DeleteFaces", "rekognition:IndexFaces", "rekognition:SearchFacesByImage")
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

    def allow_enrolment(self, function: ServiceFunction) -> None:
        """Let a function put faces into the collection that answers, with their rows, and search there."""
        function.allow([*ROW_ACTIONS, "dynamodb:Query"], self.table.table_arn)
        function.allow(["dynamodb:Query"], self.index_arn("by_face_id"))
        self.allow_collections(function, FACE_ACTIONS)

    def allow_collections(self, function: ServiceFunction, actions: Iterable[str]) -> None:
        """Let a function do `actions` on this stage's collection, and on those that a reindex makes after it."""
        function.allow(actions, self.collection.attr_arn, f"{self.collection.attr_arn}.*")
        name = Stack.of(self).get_logical_id(self.collection)
        accept(
            function.role,
            "A reindex names its new collection after this stage's own, with a dot and an id: no other collection's "
            "name begins so.",
            f"AwsSolutions::AwsSolutions-IAM5[Resource::<{name}.Arn>.*]",
        )


class PeopleFunction(ServiceFunction):
    """The function behind the routes about people: enrol, list, search, erase, upload."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        environment: Mapping[str, str],
        storage: ImageStorage,
        stores: PeopleStores,
    ) -> None:
        super().__init__(
            scope,
            id_,
            stage=stage,
            handler=PEOPLE_HANDLER,
            description="Who is in this photo, among the people that were enrolled?",
            environment=environment,
            memory_mb=MEMORY_MB,
        )
        called_and_waited_for(self.function)
        self.allow_objects(["s3:GetObject"], storage.target, storage.faces)
        # DeleteObjects always asks for DeleteObject, and for DeleteObjectVersion too where it names a version
        # (docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
        self.allow_objects(["s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"], storage.faces)
        # Whoever signs an upload's form must be allowed what the form allows.
        self.allow_objects(["s3:PutObject"], storage.source, storage.target, storage.faces)
        # Without it S3 answers 403 for a key that does not exist, and the caller is told "denied" for "missing".
        self.allow(["s3:ListBucket"], storage.target.bucket_arn, storage.faces.bucket_arn)
        self.allow(["s3:ListBucketVersions"], storage.faces.bucket_arn)
        self.allow([*ROW_ACTIONS, "dynamodb:Scan", "dynamodb:UpdateItem"], stores.table.table_arn)
        self.allow(["dynamodb:Query"], stores.table.table_arn, *(stores.index_arn(name) for name in TABLE_INDEXES))
        stores.allow_collections(self, [*FACE_ACTIONS, "rekognition:CreateCollection", "rekognition:DeleteCollection"])
        rule = events.Rule(
            self,
            "Expiry",
            description="Erases the enrolled faces whose time is over.",
            schedule=events.Schedule.rate(EXPIRY_EVERY),
        )
        rule.add_target(
            targets.LambdaFunction(self.called, event=events.RuleTargetInput.from_object({"operation": EXPIRE}))
        )
        accept(
            rule,
            "An event that is lost needs no letter: the next one erases what this one did not, and failures of the "
            "function are on the dashboard.",
            "Serverless::Serverless-EventBusDLQ",
        )
        allow_faces(self, "CompareFaces", "DetectFaces")
        allow_key(self, stage.key)


class IndexingFunction(ServiceFunction):
    """The function that S3 starts for each photo put under `index/`; what it cannot enrol ends in the dead letters."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        environment: Mapping[str, str],
        faces: s3.Bucket,
        stores: PeopleStores,
    ) -> None:
        super().__init__(
            scope,
            id_,
            stage=stage,
            handler=INDEXING_HANDLER,
            description="Enrols the photos that are put into the faces bucket under index/.",
            environment=environment,
            memory_mb=MEMORY_MB,
            timeout=INDEXING_TIMEOUT,
            answers_requests=False,
        )
        events = lambda_.CfnEventInvokeConfig(
            self,
            "Events",
            function_name=self.function.function_name,
            qualifier=self.alias.alias_name if self.alias else "$LATEST",
            maximum_retry_attempts=RETRIES,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=stores.dead_letters.queue_arn)
            ),
        )
        # Lambda refuses a destination that the role may not send to.
        events.node.add_dependency(self.role)
        accept(
            self.function,
            "An event that fails three times goes to the dead letters by the on-failure destination of its "
            "asynchronous calls, with the function's error beside the event, which a DeadLetterConfig would leave out.",
            "Serverless::Serverless-LambdaDLQ",
        )
        self.allow_objects(["s3:GetObject", "s3:GetObjectVersion"], faces)
        # Without it S3 answers 403 for a key that does not exist, and the letter says "denied" for "missing".
        self.allow(["s3:ListBucket"], faces.bucket_arn)
        stores.allow_enrolment(self)
        self.allow(["sqs:SendMessage"], stores.dead_letters.queue_arn)
        allow_faces(self, "DetectFaces")
        allow_key(self, stage.key)
        faces.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            notifications.LambdaDestination(self.called),
            s3.NotificationKeyFilter(prefix=INDEX_PREFIX),
        )
        accept(
            Stack.of(self).node.find_child(_EVENT_SETTER).node.find_child("Role"),
            "Of CDK's own function, which at a deployment sets the bucket's event, and does nothing but that and its "
            "log: AWS's policy lets it write logs, no more.",
            f"AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_LOG_POLICY}]",
        )


def allow_faces(function: ServiceFunction, *operations: str) -> None:
    """Detection and comparison look at images alone, and so belong to no collection."""
    function.allow_anywhere(
        [f"rekognition:{operation}" for operation in operations],
        f"IAM knows no resource type for {' and '.join(operations)}, nor for X-Ray's PutTraceSegments and "
        "PutTelemetryRecords: * is the only resource for them. What IAM does tie to a collection is allowed on this "
        "stage's alone.",
    )


def allow_key(function: ServiceFunction, key: kms.IKey | None) -> None:
    """Let a function use the customer's key, where there is one, for the images, the table and the queue."""
    if key:
        key.grant(function.role, *KEY_ACTIONS)
