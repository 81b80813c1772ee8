"""The Lambda function: the package, its role, its log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jsii
from aws_cdk import AssetHashType, BundlingOptions, CfnElement, Duration, ILocalBundling, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bundling import PACKAGE, bundle
from infra.security import accept

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
HANDLER = "face_validation_function.lambda_function.lambda_handler"

# Ten 16-megapixel JPGs of 12 MB at once, the most that one array has under way, peak at 2.45 GB and take 9 s of one
# core; one pair peaks at 0.55 GB and takes 2 s. 3008 MB is the most that a new account may ask for, and 1.7 vCPUs.
MEMORY_MB = 3008
# API Gateway gives up at 29 s; the handler's own deadline lies below this one.
TIMEOUT = Duration.seconds(28)

REKOGNITION_ACTIONS = ("rekognition:CompareFaces", "rekognition:DetectFaces", "rekognition:DetectLabels")


@jsii.implements(ILocalBundling)
class LocalBundling:
    """Bundling on this machine; Docker is never asked."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Fill `output_dir`; what goes wrong raises, so that CDK never falls back to Docker."""
        bundle(Path(output_dir), self._architecture)
        return True


class ValidationFunction(Construct):
    """The function that answers the API, with a role that can do what it does and nothing else."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        arch: str,
        environment: Mapping[str, str],
        source: s3.Bucket,
        target: s3.Bucket,
        log_retention: logs.RetentionDays,
        retain: bool,
        key: kms.IKey | None,
        reserved_concurrency: int | None,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group = logs.LogGroup(
            self,
            "Log",
            retention=log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        self.role = self._role(source, target)
        self.function = lambda_.Function(
            self,
            "Function",
            description="Is the person in this photo the person of that trusted image?",
            runtime=RUNTIME,
            architecture=ARCHITECTURES[arch],
            handler=HANDLER,
            code=lambda_.Code.from_asset(
                str(PACKAGE),
                bundling=BundlingOptions(image=RUNTIME.bundling_image, local=LocalBundling(arch)),
                asset_hash_type=AssetHashType.OUTPUT,
            ),
            role=self.role,
            environment=dict(environment),
            environment_encryption=key,
            memory_size=MEMORY_MB,
            timeout=TIMEOUT,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.log_group,
            reserved_concurrent_executions=reserved_concurrency,
        )
        accept(
            self.function,
            "Python 3.13 gets security updates until October 2029. The asset is run on that very version by the tests; "
            "a newer runtime comes with that evidence, by a change of infra/bundling.py and this line.",
            "AwsSolutions::AwsSolutions-L1",
            "Serverless::Serverless-LambdaLatestVersion",
        )
        accept(
            self.function,
            "API Gateway calls the function and waits, so that whoever asked is told of a failure. Only asynchronous "
            "calls fill a dead letter queue, and there are none.",
            "Serverless::Serverless-LambdaDLQ",
        )

    def _role(self, source: s3.Bucket, target: s3.Bucket) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(role)
        buckets = (source, target)
        role.add_to_policy(
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects("*") for bucket in buckets])
        )
        # Without it S3 answers 403 for a key that does not exist, and the caller is told "denied" for "missing".
        role.add_to_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn for bucket in buckets])
        )
        role.add_to_policy(iam.PolicyStatement(actions=list(REKOGNITION_ACTIONS), resources=["*"]))
        for bucket in buckets:
            if bucket.encryption_key:
                bucket.encryption_key.grant_decrypt(role)
        accept(
            role,
            "Callers choose the keys: the function reads any object of its two buckets, and no other bucket.",
            *(f"AwsSolutions::AwsSolutions-IAM5[Resource::<{_logical_id(bucket)}.Arn>/*]" for bucket in buckets),
        )
        accept(
            role,
            "IAM knows no resource type for CompareFaces, DetectFaces, DetectLabels, nor for X-Ray's PutTraceSegments "
            "and PutTelemetryRecords: * is the only resource for them. The actions are listed one by one.",
            "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        )
        return role


def _logical_id(bucket: s3.Bucket) -> str:
    """The bucket's name in the template, by which the checks call it."""
    element = bucket.node.default_child
    return Stack.of(bucket).get_logical_id(cast(CfnElement, element))
