"""A probe (`-c probe=true`): a function that asks the API a question every five minutes, as any caller does."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from face_validation_function.routes import WRITE
from face_validation_function.settings import PROBE_KEYS
from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage
from infra.constructs.storage import ImageStorage
from infra.options import AppClient

PROBE_CLIENT = AppClient("probe", (WRITE,))
PROBE_HANDLER = "face_validation_function.probe_function.lambda_handler"
INTERVAL = Duration.minutes(5)
MEMORY_MB = 512


class ProbeFunction(ServiceFunction):
    """It may put its own two images, and read the secret of its own client; the rest it asks over HTTPS."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        environment: Mapping[str, str],
        storage: ImageStorage,
        pool: cognito.IUserPool,
    ) -> None:
        super().__init__(
            scope,
            id_,
            stage=stage,
            handler=PROBE_HANDLER,
            description="Asks the API whether a drawn passport shows its holder.",
            environment={
                "SOURCE_BUCKET": storage.source.bucket_name,
                "TARGET_BUCKET": storage.target.bucket_name,
                "USER_POOL_ID": pool.user_pool_id,
                **environment,
            },
            memory_mb=MEMORY_MB,
            timeout=Duration.seconds(90),
            answers_requests=False,
        )
        for bucket, image in zip((storage.source, storage.target), PROBE_KEYS, strict=True):
            self.allow(["s3:PutObject"], bucket.arn_for_objects(image))
        self.allow(["cognito-idp:DescribeUserPoolClient"], pool.user_pool_arn)
        self.allow_anywhere([], "IAM knows no resource type for X-Ray's PutTraceSegments: * is the only one.")
        if stage.key:
            stage.key.grant(self.role, "kms:Decrypt", "kms:GenerateDataKey")
        # A second try would hide the first one's failure, and be paid.
        target = targets.LambdaFunction(self.called, retry_attempts=0)
        events.Rule(self, "Schedule", schedule=events.Schedule.rate(INTERVAL), targets=[target])
        self.called.configure_async_invoke(retry_attempts=0)
        reason = "A question that failed raises the alarm ProbeFailures, and the next one comes in five minutes."
        rules = ("LambdaDLQ", "LambdaAsyncFailureDestination", "EventBusDLQ")
        accept(self, reason, *(f"Serverless::Serverless-{name}" for name in rules))
