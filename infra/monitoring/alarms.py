"""What wakes people: alarms on 5xx, throttles, slow answers and dead letters, to one topic."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.findings import accept
from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage
from infra.monitoring.metrics import CLAIMS_IN_DOUBT, THROTTLES, FunctionMetrics, Metrics

SERVER_ERRORS_IN_PERIOD = 3
SLOW_P99_MS = 10_000
# Periods of five minutes that must be bad, where one is not enough.
PERIODS = {"SlowAnswers": 3, "ProbeFailures": 2}
QUOTA_PERCENT = 80
# The page has a section of each alarm's name.
RUNBOOK = "docs/operations.md"

_LAMBDA_THROTTLED = "Lambda refused to start the function: its concurrency, reserved or the account's, is used up."
_REKOGNITION_THROTTLED = "Rekognition throttled past the retries: ask for a higher quota or lower throttle_rate."


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
                "Serverless::Serverless-SNSRedrivePolicy",
            )
        validation, people, gather = metrics.validation, metrics.people, metrics.job_gather
        # Name -> metric, the threshold that raises it, and what it says.
        raised: dict[str, tuple[cloudwatch.IMetric, float, str]] = {
            "ServerErrors": (
                metrics.server_errors,
                SERVER_ERRORS_IN_PERIOD,
                f"{SERVER_ERRORS_IN_PERIOD} or more answers of 5xx in five minutes.",
            ),
            "FunctionThrottles": (validation.throttles(), 1, _LAMBDA_THROTTLED),
            "RekognitionThrottles": (validation.of_handler(THROTTLES), 1, _REKOGNITION_THROTTLED),
            "PeopleThrottles": (people.throttles(), 1, _LAMBDA_THROTTLED),
            "PeopleRekognitionThrottles": (people.of_handler(THROTTLES), 1, _REKOGNITION_THROTTLED),
            "DeadLetters": (
                metrics.letters,
                1,
                "A photo could not be enrolled: its letter in the queue (output DeadLetterQueueUrl) says why.",
            ),
            "GatewayThrottles": (
                metrics.gateway_throttles,
                1,
                "API Gateway answered 429: callers send more than throttle_rate.",
            ),
            "SlowAnswers": (
                metrics.latency("p99"),
                SLOW_P99_MS,
                f"One answer in a hundred takes {SLOW_P99_MS // 1000} s or more, for a quarter of an hour.",
            ),
            "JobsFailed": (metrics.jobs_failed, 1, "A bulk job failed: too many of its lines, or one of its steps."),
            "ClaimsInDoubt": (
                gather.of_handler(CLAIMS_IN_DOUBT),
                1,
                "Lines of a job were claimed and have no outcome: their workers died, perhaps after they had paid.",
            ),
        }
        if rekognition_tps:
            raised["RekognitionQuota"] = (
                metrics.rekognition_use(rekognition_tps),
                QUOTA_PERCENT,
                f"{QUOTA_PERCENT} % or more of {rekognition_tps} Rekognition calls a second, over five minutes.",
            )
        if probe:
            raised["ProbeFailures"] = (
                FunctionMetrics(probe.function, "probe").failures(),
                1,
                "The question that is asked every five minutes was not answered as it must be, or not asked, twice.",
            )
        self._by_name = {id_: self._alarm(id_, *alarm) for id_, alarm in raised.items()}
        self.all = list(self._by_name.values())

    def __getitem__(self, name: str) -> cloudwatch.Alarm:
        """One of the alarms."""
        return self._by_name[name]

    def _alarm(self, id_: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> cloudwatch.Alarm:
        # Without traffic there is nothing to report; without the probe's question there is.
        is_probe = id_ == "ProbeFailures"
        without_data = cloudwatch.TreatMissingData.BREACHING if is_probe else cloudwatch.TreatMissingData.NOT_BREACHING
        alarm = cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            threshold=threshold,
            evaluation_periods=PERIODS.get(id_, 1),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=without_data,
            alarm_description=f"{description} What to do: {RUNBOOK}#{id_.lower()}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm
