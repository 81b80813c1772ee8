"""What wakes people: alarms on 5xx, throttles, slow answers and dead letters, to one topic; see `alarms.toml`."""

import tomllib
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage, accept
from infra.monitoring.metrics import CLAIMS_IN_DOUBT, THROTTLES, FunctionMetrics, Metrics

# The page has a section of each alarm's name.
RUNBOOK = "docs/operations.md"


class Alarms(Construct):
    """The alarms of one stage, told when they are raised and when they are over.

    The topic writes to the operator's address, when there is one, once its owner has confirmed the subscription.
    """

    def __init__(
        self, scope: Construct, id_: str, *, metrics: Metrics, stage: Stage, probe: ServiceFunction | None
    ) -> None:
        super().__init__(scope, id_)
        email, rekognition_tps = stage.options.alarm_email, stage.options.rekognition_tps
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True, master_key=stage.key)
        # A policy, which enforce_ssl makes, takes the place of SNS's default one, by which the account's alarms publish
        # (docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html).
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        if email:
            accept(
                self.topic.add_subscription(subscriptions.EmailSubscription(email)),
                "An alarm's e-mail that could not be delivered is of no use later: the alarm itself stays raised, in "
                "CloudWatch and on the dashboard.",
                "Serverless-SNSRedrivePolicy",
            )
        watched: dict[str, cloudwatch.IMetric] = {
            "ServerErrors": metrics.server_errors,
            "FunctionThrottles": metrics.validation.throttles(),
            "RekognitionThrottles": metrics.validation.of_handler(THROTTLES),
            "PeopleThrottles": metrics.people.throttles(),
            "PeopleRekognitionThrottles": metrics.people.of_handler(THROTTLES),
            "DeadLetters": metrics.letters,
            "GatewayThrottles": metrics.gateway_throttles,
            "SlowAnswers": metrics.latency("p99"),
            "JobsFailed": metrics.jobs_failed,
            "ClaimsInDoubt": metrics.job_gather.of_handler(CLAIMS_IN_DOUBT),
        }
        if rekognition_tps:
            watched["RekognitionQuota"] = metrics.rekognition_use(rekognition_tps)
        if probe:
            watched["ProbeFailures"] = FunctionMetrics(probe.function, "probe").failures()
        table = Path(__file__).with_suffix(".toml").read_text("utf-8")
        told = tomllib.loads(table.replace("{rekognition_tps}", str(rekognition_tps)))
        self.by_name = {id_: self._alarm(id_, metric, **told[id_]) for id_, metric in watched.items()}

    def _alarm(
        self,
        id_: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        said: str,
        periods: int = 1,
        without_data: str = "NOT_BREACHING",
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData[without_data],
            alarm_description=f"{said} What to do: {RUNBOOK}#{id_.lower()}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm
