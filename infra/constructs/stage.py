"""What all parts of a stage share: the operator's choices, the key, what is kept, how logs end, the functions' code."""

from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from infra.bundling import PACKAGE, bundle
from infra.options import Options

RUNTIME = lambda_.Runtime.PYTHON_3_13


@jsii.implements(cdk.ILocalBundling)
class LocalBundling:
    """Bundling on this machine; Docker is never asked."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Fill `output_dir`; what goes wrong raises, so that CDK never falls back to Docker."""
        bundle(Path(output_dir), self._architecture)
        return True


class Stage:
    """Prod retains what it stores and logs for a year; `key` is the customer's, None where there is none."""

    def __init__(self, stack: cdk.Stack, options: Options) -> None:
        self.options, self.retain = options, options.is_prod
        self.removal_policy = cdk.RemovalPolicy.RETAIN if self.retain else cdk.RemovalPolicy.DESTROY
        self._log_retention = logs.RetentionDays.ONE_YEAR if self.retain else logs.RetentionDays.ONE_MONTH
        self.key = self._customer_key(stack) if options.kms else None
        self.architecture = lambda_.Architecture.ARM_64 if options.arch == "arm64" else lambda_.Architecture.X86_64
        self.code = lambda_.Code.from_asset(
            str(PACKAGE),
            bundling=cdk.BundlingOptions(image=RUNTIME.bundling_image, local=LocalBundling(options.arch)),
            asset_hash_type=cdk.AssetHashType.OUTPUT,
        )

    def log_group(self, scope: Construct, id_: str = "Log", name: str | None = None) -> logs.LogGroup:
        """A log that ends some day, under the customer's key."""
        return logs.LogGroup(
            scope,
            id_,
            log_group_name=name,
            retention=self._log_retention,
            encryption_key=self.key,
            removal_policy=self.removal_policy,
        )

    def _customer_key(self, stack: cdk.Stack) -> kms.Key:
        key = kms.Key(
            stack,
            "Key",
            description="Images, faces, logs and alarms of face validation.",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        log_groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
        for service, only in (
            (f"logs.{stack.region}.amazonaws.com", {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}}),
            # Alarms publish to an encrypted topic only when the key lets them.
            ("cloudwatch.amazonaws.com", {"StringEquals": {"aws:SourceAccount": stack.account}}),
        ):
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(service)],
                    actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    resources=["*"],
                    conditions=only,
                )
            )
        return key


def accept(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept cdk-nag's findings by `rules` on `construct` and what lies in it, for a `reason` one can check."""
    packs = (f"{rule.partition('-')[0]}::{rule}" for rule in rules)
    cdk.Validations.of(construct).acknowledge(*(cdk.Acknowledgment(id=rule, reason=reason) for rule in packs))


def wildcard(resource: str) -> str:
    """The rule against rights to `resource`, which has a wildcard in it."""
    return f"AwsSolutions-IAM5[Resource::{resource}]"


def managed_policy(name: str) -> str:
    """The rule against AWS's own policy of that name for a service's role."""
    return f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{name}]"


def logical_id(construct: Construct) -> str:
    """The construct's name in the template, by which the checks call it."""
    return cdk.Stack.of(construct).get_logical_id(cast(cdk.CfnElement, construct.node.default_child or construct))


def stack_suffix() -> str:
    """Twelve hex digits: stable for the stack's life, others for a stack made anew, free of the account's number."""
    # The end of arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/8-4-4-4-12.
    return cdk.Fn.select(4, cdk.Fn.split("-", cdk.Fn.select(2, cdk.Fn.split("/", cdk.Aws.STACK_ID))))


def camel(name: str) -> str:
    """`back-office` and `BACK_OFFICE` -> `BackOffice`, as logical ids and outputs are written."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))
