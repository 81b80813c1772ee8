"""Bulk jobs: the table that keeps them, the state machine that runs them, the functions of both, and who is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.bundling import PACKAGE
from infra.constructs.claims import Claims, table
from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction, called_and_waited_for
from infra.constructs.people import MEMORY_MB, PeopleStores, allow_key
from infra.constructs.stage import Stage
from infra.constructs.storage import ImageStorage
from infra.options import Webhook

HANDLERS = {
    "Jobs": "face_validation_function.jobs_function.lambda_handler",
    "JobSplit": "face_validation_function.job_steps_function.split_handler",
    "JobLines": "face_validation_function.job_steps_function.lines_handler",
    "JobGather": "face_validation_function.job_steps_function.gather_handler",
}
TABLE_KEYS = ("client", "job_id")
BY_TIME, CREATED_AT = "by_time", "created_at"
EVENT_SOURCE, EVENT_TYPE = "face-validation", "Job ended"
# One function reads a whole manifest and one writes all results, in the most time that Lambda gives.
WHOLE_TIMEOUT = Duration.minutes(15)
# What a batch has left then is the next invocation's.
LINES_TIMEOUT = Duration.minutes(10)
LIGHT_MEMORY_MB = 1024


class JobStores(Construct):
    """The table of jobs, beside what they share: the bucket of their batches and results, and the claims."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, storage: ImageStorage, claims: Claims) -> None:
        super().__init__(scope, id_)
        self.storage, self.claims = storage, claims
        self.table = table(self, TABLE_KEYS, stage=stage, expires_by="expiration")
        self.table.add_local_secondary_index(
            index_name=BY_TIME, sort_key=dynamodb.Attribute(name=CREATED_AT, type=dynamodb.AttributeType.NUMBER)
        )

    def allow_job(self, function: ServiceFunction, key: kms.IKey | None) -> None:
        """What each of the functions needs: the job's row, and the objects of jobs."""
        function.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], self.table.table_arn)
        function.allow_objects(["s3:GetObject"], self.storage.jobs)
        # Without it S3 answers 403 for a key that does not exist, and a batch without outcomes is a failure.
        function.allow(["s3:ListBucket"], self.storage.jobs.bucket_arn)
        allow_key(function, key)


@dataclass(frozen=True, slots=True)
class JobFunctions:
    """The function behind the routes about jobs, and those that the state machine calls."""

    routes: ServiceFunction
    split: ServiceFunction
    lines: ServiceFunction
    gather: ServiceFunction

    @classmethod
    def create(
        cls, scope: Construct, *, stage: Stage, environment: Mapping[str, str], stores: JobStores, people: PeopleStores
    ) -> "JobFunctions":
        """Make them; `environment` is what all settings of the validation, the people and the jobs name."""
        own = ("SOURCE_BUCKET", "CLAIMS_TABLE", "JOBS_BUCKET", "JOBS_TABLE", "JOBS_TPS", "LOG_LEVEL")
        few = {name: environment[name] for name in own}

        def function(id_: str, description: str, memory_mb: int, timeout: Duration | None = None) -> ServiceFunction:
            more = {} if timeout is None else {"timeout": timeout}
            made = ServiceFunction(
                scope,
                id_,
                stage=stage,
                handler=HANDLERS[id_],
                description=description,
                environment=environment if id_ == "JobLines" else few,
                memory_mb=memory_mb,
                answers_requests=timeout is None,
                **more,
            )
            called_and_waited_for(made.function)
            stores.allow_job(made, stage.key)
            return made

        functions = cls(
            routes=function("Jobs", "Bulk jobs: create, list, show, stop, redrive, results.", LIGHT_MEMORY_MB),
            split=function("JobSplit", "Turns the manifest of a job into batches.", LIGHT_MEMORY_MB, WHOLE_TIMEOUT),
            lines=function("JobLines", "Asks the lines of one batch of a job.", MEMORY_MB, LINES_TIMEOUT),
            gather=function("JobGather", "Writes the results of a job.", LIGHT_MEMORY_MB, WHOLE_TIMEOUT),
        )
        functions._allow(stores, people)
        return functions

    def start(self, machine: sfn.StateMachine) -> None:
        """Let the routes start and look at the executions of the state machine."""
        self.routes.function.add_environment("STATE_MACHINE_ARN", machine.state_machine_arn)
        self.routes.allow(["states:StartExecution"], machine.state_machine_arn)
        self.routes.allow(["states:DescribeExecution"], executions_of(machine))

    def _allow(self, stores: JobStores, people: PeopleStores) -> None:
        storage, claims = stores.storage, stores.claims.table.table_arn
        for function in (self.routes, self.split):
            function.allow_objects(["s3:GetObject"], storage.source)
            function.allow(["s3:ListBucket"], storage.source.bucket_arn)
        for function in (self.split, self.lines, self.gather):
            function.allow_objects(["s3:PutObject"], storage.jobs)
        for function in (self.routes, self.split, self.gather):
            function.allow_anywhere([], "IAM knows no resource type for X-Ray's PutTraceSegments: * is the only one.")
        self.routes.allow(["dynamodb:PutItem"], stores.table.table_arn)
        self.routes.allow(["dynamodb:Query"], f"{stores.table.table_arn}/index/{BY_TIME}")
        self.gather.allow(["dynamodb:BatchGetItem"], claims)
        self.gather.allow_objects(["s3:AbortMultipartUpload"], storage.jobs)
        stack = Stack.of(self.gather)
        self.gather.allow(["events:PutEvents"], stack.format_arn(service="events", resource="event-bus/default"))
        lines, images = self.lines, (storage.source, storage.target, storage.faces)
        lines.allow_objects(["s3:GetObject"], *images)
        lines.allow(["s3:ListBucket"], *(bucket.bucket_arn for bucket in images))
        actions = ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem")
        lines.allow([f"dynamodb:{action}" for action in actions], claims)
        people.allow_enrolment(lines)
        lines.allow_anywhere(
            [f"rekognition:{action}" for action in ("CompareFaces", "DetectFaces", "DetectLabels")],
            "IAM knows no resource type for CompareFaces, DetectFaces, DetectLabels, nor for X-Ray's "
            "PutTraceSegments and PutTelemetryRecords: * is the only resource for them.",
        )


class JobMachine(Construct):
    """The state machine that runs jobs: `face_validation_function/jobs.asl.json`, as it runs on one machine too."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        functions: JobFunctions,
        stores: JobStores,
        stage: Stage,
    ) -> None:
        super().__init__(scope, id_)
        steps = {"Split": functions.split, "Lines": functions.lines, "Gather": functions.gather}
        log = stage.log_group(self)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            role=self.role,
            definition_body=sfn.DefinitionBody.from_string((PACKAGE / "jobs.asl.json").read_text("utf-8")),
            definition_substitutions={f"{name}Function": step.called.function_arn for name, step in steps.items()},
            # Ids and counts travel between the states, no names and no answers; they are not logged all the same.
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        called = [step.called.function_arn for step in steps.values()]
        self.role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=called))
        # A policy of its own: the machine needs the role, and this needs the machine.
        children = iam.Policy(self, "Children", roles=[self.role])
        for actions, resource in (
            (["states:StartExecution"], self.machine.state_machine_arn),
            (["states:DescribeExecution", "states:StopExecution"], executions_of(self.machine)),
            (["s3:GetObject"], stores.storage.jobs.arn_for_objects("*/batches-*.json")),
        ):
            children.add_statements(iam.PolicyStatement(actions=actions, resources=[resource]))
        if stage.key:
            stage.key.grant_decrypt(self.role)
        machine, bucket = _logical_id(self.machine), _logical_id(stores.storage.jobs)
        executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{machine}.Name>*:*"
        rule = "AwsSolutions::AwsSolutions-IAM5[Resource::{}]"
        accept(
            self,
            "The role starts and ends executions of this machine alone, and reads its lists of batches alone. IAM "
            "knows no resource type for the deliveries of logs and for X-Ray.",
            rule.format("*"),
            rule.format(executions),
            rule.format(f"<{bucket}.Arn>/*/batches-*.json"),
        )
        accept(functions.routes.role, "The executions of this machine alone.", rule.format(executions))
        functions.start(self.machine)
        if stage.options.jobs_webhook:
            self._tell(stage.options.jobs_webhook)

    def _tell(self, webhook: Webhook) -> None:
        """EventBridge posts each job's end to the address; it retries for a day."""
        secret = SecretValue.secrets_manager(webhook.secret_arn)
        connection = events.Connection(
            self, "Connection", authorization=events.Authorization.api_key("Authorization", secret)
        )
        destination = events.ApiDestination(self, "Destination", connection=connection, endpoint=webhook.url)
        pattern = events.EventPattern(source=[EVENT_SOURCE], detail_type=[EVENT_TYPE])
        rule = events.Rule(self, "JobEnded", event_pattern=pattern, targets=[targets.ApiDestination(destination)])
        accept(
            rule,
            "EventBridge tries for 24 hours. What is not delivered then is still told by GET /jobs/{job_id}.",
            "Serverless::Serverless-EventBusDLQ",
        )


def _logical_id(construct: Construct) -> str:
    return Stack.of(construct).get_logical_id(cast(CfnElement, construct.node.default_child))


def executions_of(machine: sfn.StateMachine) -> str:
    """The ARN of every execution of a state machine, and of its children."""
    return Stack.of(machine).format_arn(service="states", resource=f"execution:{machine.state_machine_name}*:*")
