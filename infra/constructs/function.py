"""A Lambda function of the service: the package, a role of its own, its log."""

from collections.abc import Iterable, Mapping
from typing import cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.claims import Claims
from infra.constructs.findings import accept
from infra.constructs.stage import RUNTIME, Stage

HANDLER = "face_validation_function.lambda_function.lambda_handler"

# Ten 16-megapixel JPGs of 12 MB at once, the most that one array has under way, peak at 2.45 GB and take 9 s of one
# core; one pair peaks at 0.55 GB and takes 2 s. 3008 MB is the most that a new account may ask for, and 1.7 vCPUs.
MEMORY_MB = 3008
# API Gateway gives up at 29 s; the handler's own deadline lies below this one.
TIMEOUT = Duration.seconds(28)

REKOGNITION_ACTIONS = (
    "rekognition:CompareFaces",
    "rekognition:DetectFaces",
    "rekognition:DetectLabels",
    "rekognition:DetectText",
    "rekognition:CreateFaceLivenessSession",
    "rekognition:GetFaceLivenessSessionResults",
)


class ServiceFunction(Construct):
    """One function, with a role that may write its log and its traces and what else it is allowed one by one.

    `called` is what its callers ask: its alias where releases move one, else the function.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        handler: str,
        description: str,
        environment: Mapping[str, str],
        memory_mb: int,
        timeout: Duration = TIMEOUT,
        answers_requests: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = stage.log_group(self)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=RUNTIME,
            architecture=stage.architecture,
            handler=handler,
            code=stage.code,
            role=self.role,
            environment=dict(environment),
            environment_encryption=stage.key,
            memory_size=memory_mb,
            timeout=timeout,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.log_group,
            reserved_concurrent_executions=stage.options.reserved_concurrency,
            # A version stays when the next one comes: it is the way back.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        self.alias = (
            lambda_.Alias(
                self,
                "Live",
                alias_name="live",
                version=self.function.current_version,
                provisioned_concurrent_executions=stage.options.provisioned_concurrency if answers_requests else None,
            )
            if stage.options.release != "direct"
            else None
        )
        self.called: lambda_.IFunction = self.alias or self.function
        accept(
            self.function,
            "Python 3.13 gets security updates until October 2029. The asset is run on that very version by the tests; "
            "a newer runtime comes with that evidence, by a change of infra/bundling.py and this line.",
            "AwsSolutions::AwsSolutions-L1",
            "Serverless::Serverless-LambdaLatestVersion",
        )

    def allow(self, actions: Iterable[str], *resources: str) -> None:
        """Let the function do `actions` on `resources` (ARNs)."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))

    def allow_objects(self, actions: Iterable[str], *buckets: s3.Bucket) -> None:
        """Let the function do `actions` on any object of `buckets`, and on no other bucket's."""
        self.allow(actions, *(bucket.arn_for_objects("*") for bucket in buckets))
        accept(
            self.role,
            "Callers choose the keys, and the service those of uploads: the function may touch any object of its own "
            "buckets, by the actions listed, and of no other bucket.",
            *(f"AwsSolutions::AwsSolutions-IAM5[Resource::<{_logical_id(bucket)}.Arn>/*]" for bucket in buckets),
        )

    def allow_anywhere(self, actions: Iterable[str], reason: str) -> None:
        """Let the function do `actions` that IAM ties to no resource, for a `reason` one can check."""
        self.allow(actions, "*")
        accept(self.role, reason, "AwsSolutions::AwsSolutions-IAM5[Resource::*]")


class ValidationFunction(ServiceFunction):
    """The function that answers POST /validation; it has no access to enrolled people."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        environment: Mapping[str, str],
        source: s3.Bucket,
        target: s3.Bucket,
        claims: Claims,
    ) -> None:
        super().__init__(
            scope,
            id_,
            stage=stage,
            handler=HANDLER,
            description="Is the person in this photo the person of that trusted image?",
            environment=environment,
            memory_mb=MEMORY_MB,
        )
        called_and_waited_for(self.function)
        buckets = (source, target)
        self.allow_objects(["s3:GetObject"], *buckets)
        # Without it S3 answers 403 for a key that does not exist, and the caller is told "denied" for "missing".
        self.allow(["s3:ListBucket"], *(bucket.bucket_arn for bucket in buckets))
        self.allow_anywhere(
            REKOGNITION_ACTIONS,
            "IAM knows no resource type for CompareFaces, DetectFaces, DetectLabels, DetectText, the operations of "
            "liveness sessions, nor for X-Ray's PutTraceSegments and PutTelemetryRecords: * is the only resource for "
            "them. The actions are listed one by one.",
        )
        claims.allow_once(self.role)
        for bucket in buckets:
            if bucket.encryption_key:
                bucket.encryption_key.grant_decrypt(self.role)


def called_and_waited_for(function: lambda_.Function) -> None:
    """Accept that a function behind API Gateway has no dead letter queue."""
    accept(
        function,
        "API Gateway calls the function and waits, so that whoever asked is told of a failure. Only asynchronous "
        "calls fill a dead letter queue, and there are none.",
        "Serverless::Serverless-LambdaDLQ",
    )


def _logical_id(bucket: s3.Bucket) -> str:
    """The bucket's name in the template, by which the checks call it."""
    element = bucket.node.default_child
    return Stack.of(bucket).get_logical_id(cast(CfnElement, element))
