"""The Lambda functions: what each is, what all have, and how a new version takes over from the one before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.stage import RUNTIME, Stage, accept, logical_id, managed_policy, wildcard

# Ten 16-megapixel JPGs of 12 MB at once, the most that one array has under way, peak at 2.45 GB and take 9 s of one
# core; one pair peaks at 0.55 GB and takes 2 s. 3008 MB is the most that a new account may ask for, and 1.7 vCPUs.
MEMORY_MB = 3008
# One photo at a time, half of what a pair takes; 1769 MB buy one whole vCPU.
PHOTO_MEMORY_MB = 1769
# API Gateway gives up at 29 s; the handler's own deadline lies below this one.
TIMEOUT_S = 28
# The most time that Lambda gives: one function reads a whole manifest, and one writes all results.
WHOLE_TIMEOUT_S = 15 * 60
# What a batch has left then is the next invocation's.
LINES_TIMEOUT_S = 10 * 60

# What DynamoDB and SQS ask of whoever uses what a customer's key encrypts.
KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)

CONFIGURATIONS = {
    # As long as two periods of the alarms: an alarm of the new version is raised before the rest follows.
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
    "all-at-once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
}
# The alarms that take a function back. Not JobsFailed: it watches the state machine, which calls the aliases.
BEHIND_THE_API = ("ServerErrors", "SlowAnswers")
TAKEN_BACK_BY = {
    "Indexing": ("DeadLetters",),
    **dict.fromkeys(("JobSplit", "JobLines", "JobGather"), ("ClaimsInDoubt",)),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What one of the functions is: its module (and handler) in the package, what it does, and what it gets."""

    module: str
    description: str
    memory_mb: int = 1024
    timeout_s: int = TIMEOUT_S
    entry: str = "lambda_handler"

    @property
    def handler(self) -> str:
        """As Lambda is told it."""
        return f"face_validation_function.{self.module}.{self.entry}"


_STEPS = "job_steps_function"
FUNCTIONS: Mapping[str, Kind] = {
    "Validation": Kind("lambda_function", "Is the person in this photo the person of that trusted image?", MEMORY_MB),
    "People": Kind("people_function", "Who is in this photo, among the people that were enrolled?", PHOTO_MEMORY_MB),
    "Indexing": Kind(
        "indexing_function", "Enrols the photos that are put into the faces bucket under index/.", PHOTO_MEMORY_MB, 60
    ),
    "Jobs": Kind("jobs_function", "Bulk jobs: create, list, show, stop, redrive, results."),
    "JobSplit": Kind(
        _STEPS, "Turns the manifest of a job into batches.", timeout_s=WHOLE_TIMEOUT_S, entry="split_handler"
    ),
    "JobLines": Kind(
        _STEPS, "Asks the lines of one batch of a job.", PHOTO_MEMORY_MB, LINES_TIMEOUT_S, entry="lines_handler"
    ),
    "JobGather": Kind(_STEPS, "Writes the results of a job.", timeout_s=WHOLE_TIMEOUT_S, entry="gather_handler"),
    "Probe": Kind("probe_function", "Asks the API whether a drawn passport shows its holder.", 512, timeout_s=90),
}


class ServiceFunction(Construct):
    """One of FUNCTIONS, with a role that may write its log and its traces and what else it is allowed one by one.

    `called` is what its callers ask: its alias where releases move one, else the function.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, environment: Mapping[str, str]) -> None:
        super().__init__(scope, id_)
        kind, options = FUNCTIONS[id_], stage.options
        self._key = stage.key
        self.log_group = stage.log_group(self)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=kind.description,
            runtime=RUNTIME,
            architecture=stage.architecture,
            handler=kind.handler,
            code=stage.code,
            role=self.role,
            environment=dict(environment),
            environment_encryption=stage.key,
            memory_size=kind.memory_mb,
            timeout=Duration.seconds(kind.timeout_s),
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.log_group,
            reserved_concurrent_executions=options.reserved_concurrency,
            # A version stays when the next one comes: it is the way back.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        self.alias: lambda_.Alias | None = None
        if options.release != "direct":
            # Provisioned for those that answer requests: nobody waits for the others.
            provisioned = options.provisioned_concurrency if kind.timeout_s == TIMEOUT_S else None
            version = self.function.current_version
            self.alias = lambda_.Alias(
                self, "Live", alias_name="live", version=version, provisioned_concurrent_executions=provisioned
            )
        self.called: lambda_.IFunction = self.alias or self.function
        accept(
            self.function,
            "Python 3.13 gets security updates until October 2029. The asset is run on that very version by the tests; "
            "a newer runtime comes with that evidence, by a change of infra/bundling.py and this line.",
            "AwsSolutions-L1",
            "Serverless-LambdaLatestVersion",
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
            *(wildcard(f"<{logical_id(bucket)}.Arn>/*") for bucket in buckets),
        )

    def allow_reading(self, *buckets: s3.Bucket) -> None:
        """Let the function read any object of `buckets`."""
        self.allow_objects(["s3:GetObject"], *buckets)
        # Without it S3 answers 403 for a key that does not exist, and the caller is told "denied" for "missing".
        self.allow(["s3:ListBucket"], *(bucket.bucket_arn for bucket in buckets))

    def allow_anywhere(self, *operations: str) -> None:
        """Let the function do `operations` of Rekognition, which IAM ties to no resource, and write its traces."""
        if operations:
            self.allow([f"rekognition:{operation}" for operation in operations], "*")
        accept(
            self.role,
            f"IAM knows no resource type for {', '.join(operations) or 'these'}, nor for X-Ray's PutTraceSegments and "
            "PutTelemetryRecords: * is the only resource for them. The actions are listed one by one.",
            wildcard("*"),
        )

    def allow_key(self) -> None:
        """Let the function use the customer's key, where there is one, for images, tables and the queue."""
        if self._key:
            self._key.grant(self.role, *KEY_ACTIONS)


Functions = Mapping[str, ServiceFunction]


def release(scope: Construct, kind: str, functions: Functions, alarms: Mapping[str, cloudwatch.Alarm]) -> None:
    """Let CodeDeploy move each function's alias; an alarm, or a failure, takes it back to the version before."""
    application = codedeploy.LambdaApplication(scope, "Application")
    for name, function in functions.items():
        if function.alias is None:
            continue
        group = codedeploy.LambdaDeploymentGroup(
            scope,
            name,
            application=application,
            alias=function.alias,
            deployment_config=CONFIGURATIONS[kind],
            alarms=[alarms[alarm] for alarm in TAKEN_BACK_BY.get(name, BEHIND_THE_API)],
            auto_rollback=codedeploy.AutoRollbackConfig(stopped_deployment=True),
        )
        accept(
            group.node.find_child("ServiceRole"),
            "AWS's own policy for CodeDeploy on Lambda: it moves aliases and reads alarms. The role serves this group "
            "alone.",
            managed_policy("AWSCodeDeployRoleForLambdaLimited"),
        )
