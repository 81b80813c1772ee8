"""Bulk jobs: the state machine that runs them, and who is told of their end."""

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.bundling import PACKAGE
from infra.constructs.function import Functions
from infra.constructs.stage import Stage, accept, logical_id, wildcard
from infra.constructs.storage import Stores
from infra.options import Webhook

EVENT_SOURCE, EVENT_TYPE = "face-validation", "Job ended"


class JobMachine(Construct):
    """The state machine that runs jobs: `face_validation_function/jobs.asl.json`, as it runs on one machine too."""

    def __init__(self, scope: Construct, id_: str, *, functions: Functions, stores: Stores, stage: Stage) -> None:
        super().__init__(scope, id_)
        routes = functions["Jobs"]
        steps = {name: functions[f"Job{name}"].called.function_arn for name in ("Split", "Lines", "Gather")}
        log = stage.log_group(self)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            role=self.role,
            definition_body=sfn.DefinitionBody.from_string((PACKAGE / "jobs.asl.json").read_text("utf-8")),
            definition_substitutions={f"{name}Function": arn for name, arn in steps.items()},
            # Ids and counts travel between the states, no names and no answers; they are not logged all the same.
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(steps.values()))
        self.role.add_to_policy(invoke)
        every_execution = Stack.of(self).format_arn(
            service="states", resource=f"execution:{self.machine.state_machine_name}*:*"
        )
        # A policy of its own: the machine needs the role, and this needs the machine.
        children = iam.Policy(self, "Children", roles=[self.role])
        for actions, resource in (
            (["states:StartExecution"], self.machine.state_machine_arn),
            (["states:DescribeExecution", "states:StopExecution"], every_execution),
            (["s3:GetObject"], stores.jobs.arn_for_objects("*/batches-*.json")),
        ):
            children.add_statements(iam.PolicyStatement(actions=actions, resources=[resource]))
        if stage.key:
            stage.key.grant_decrypt(self.role)
        machine, bucket = logical_id(self.machine), logical_id(stores.jobs)
        executions = wildcard(
            f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{machine}.Name>*:*"
        )
        accept(
            self,
            "The role starts and ends executions of this machine alone, and reads its lists of batches alone. IAM "
            "knows no resource type for the deliveries of logs and for X-Ray.",
            wildcard("*"),
            executions,
            wildcard(f"<{bucket}.Arn>/*/batches-*.json"),
        )
        routes.function.add_environment("STATE_MACHINE_ARN", self.machine.state_machine_arn)
        routes.allow(["states:StartExecution"], self.machine.state_machine_arn)
        routes.allow(["states:DescribeExecution"], every_execution)
        accept(routes.role, "The executions of this machine alone.", executions)
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
            "Serverless-EventBusDLQ",
        )
