"""What operations look at and are woken by: a dashboard, and alarms to one topic."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.security import accept

NAMESPACE = "FaceValidation"
SERVICE = "face-validation"
ERROR_CODES = (
    "RequestError",
    "ImageValidationError",
    "ImageTooLargeError",
    "InvalidS3ObjectError",
    "InternalServerError",
)
# The names that the handler emits beside its error codes.
VALIDATIONS, MATCHES, NON_MATCHES = "Validations", "Matches", "NonMatches"
SIMILARITY, REKOGNITION_CALLS, THROTTLES = "Similarity", "RekognitionCalls", "Throttles"
GATEWAY_THROTTLES = "GatewayThrottles"

REKOGNITION_USD_PER_CALL = 0.001
SIMILARITY_BANDS = ((0, 20), (20, 40), (40, 60), (60, 70), (70, 80), (80, 90), (90, 95), (95, 99), (99, 100))

PERIOD = Duration.minutes(5)
SERVER_ERRORS_IN_PERIOD = 3
SLOW_P99_MS = 10_000


class Observability(Construct):
    """One dashboard and the alarms of one API and its function.

    The topic tells `alarm_email`, when there is one, once its owner has confirmed the subscription.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        rest_api: apigateway.RestApi,
        access_log: logs.ILogGroup,
        function: lambda_.IFunction,
        alarm_email: str | None,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, id_)
        self._api = rest_api
        self._function = function
        logs.MetricFilter(
            self,
            "Refused429",
            log_group=access_log,
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=NAMESPACE,
            metric_name=GATEWAY_THROTTLES,
            metric_value="1",
            default_value=0,
        )
        self.topic = self._topic(alarm_email, key)
        self.alarms = self._alarms()
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        for row in self._rows():
            self.dashboard.add_widgets(*row)

    def _topic(self, alarm_email: str | None, key: kms.IKey | None) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", enforce_ssl=True, master_key=key)
        if key:
            # CloudWatch publishes to an encrypted topic only when the key lets it.
            key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        if alarm_email:
            subscription = topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
            accept(
                subscription,
                "An alarm's e-mail that could not be delivered is of no use later: the alarm itself stays raised, in "
                "CloudWatch and on the dashboard.",
                "Serverless::Serverless-SNSRedrivePolicy",
            )
        return topic

    def _alarms(self) -> list[cloudwatch.Alarm]:
        return [
            self._alarm(
                "ServerErrors",
                self._api.metric_server_error(period=PERIOD, statistic="Sum"),
                SERVER_ERRORS_IN_PERIOD,
                f"{SERVER_ERRORS_IN_PERIOD} or more answers of 5xx in five minutes.",
            ),
            self._alarm(
                "FunctionThrottles",
                self._function.metric_throttles(period=PERIOD),
                1,
                "Lambda refused to start the function: its concurrency, reserved or the account's, is used up.",
            ),
            self._alarm(
                "RekognitionThrottles",
                self._metric(THROTTLES),
                1,
                "Rekognition throttled past the retries: ask for a higher quota or lower throttle_rate.",
            ),
            self._alarm(
                "GatewayThrottles",
                cloudwatch.Metric(namespace=NAMESPACE, metric_name=GATEWAY_THROTTLES, statistic="Sum", period=PERIOD),
                1,
                "API Gateway answered 429: callers send more than throttle_rate.",
            ),
            self._alarm(
                "SlowAnswers",
                self._api.metric_latency(period=PERIOD, statistic="p99"),
                SLOW_P99_MS,
                f"One answer in a hundred takes {SLOW_P99_MS / 1000:g} s or more, for fifteen minutes.",
                periods=3,
            ),
        ]

    def _alarm(
        self, id_: str, metric: cloudwatch.IMetric, threshold: float, description: str, *, periods: int = 1
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # No traffic is no fault.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm

    def _rows(self) -> list[Sequence[cloudwatch.IWidget]]:
        calls = self._metric(REKOGNITION_CALLS, label="calls")
        cost = cloudwatch.MathExpression(
            expression=f"calls * {REKOGNITION_USD_PER_CALL}",
            using_metrics={"calls": calls},
            label="estimated USD",
            period=PERIOD,
        )
        return [
            [
                cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24, height=3),
            ],
            [
                _graph(
                    "Requests and what API Gateway answered",
                    [
                        self._api.metric_count(label="requests", period=PERIOD),
                        self._api.metric_client_error(label="4xx", period=PERIOD),
                        self._api.metric_server_error(label="5xx", period=PERIOD),
                    ],
                ),
                _graph(
                    "Latency (ms)",
                    [
                        self._api.metric_latency(statistic=statistic, label=f"API {statistic}", period=PERIOD)
                        for statistic in ("p50", "p99")
                    ]
                    + [
                        self._function.metric_duration(
                            statistic=statistic, label=f"function {statistic}", period=PERIOD
                        )
                        for statistic in ("p50", "p99")
                    ],
                ),
                _graph("Refusals by code", [self._metric(code) for code in ERROR_CODES], stacked=True),
            ],
            [
                _graph("Validations", [self._metric(name) for name in (MATCHES, NON_MATCHES)], stacked=True),
                cloudwatch.GraphWidget(
                    title="Similarity: how many validations in each band (percent)",
                    view=cloudwatch.GraphWidgetView.BAR,
                    set_period_to_time_range=True,
                    width=8,
                    left=[
                        self._metric(SIMILARITY, statistic=cloudwatch.Stats.tc(low, high), label=f"{low}-{high}")
                        for low, high in SIMILARITY_BANDS
                    ],
                ),
                _graph(
                    "Similarity of validations over time (percent)",
                    [
                        self._metric(SIMILARITY, statistic=statistic, label=statistic)
                        for statistic in ("p10", "p50", "p90")
                    ],
                ),
            ],
            [
                cloudwatch.GraphWidget(
                    title="Rekognition calls and their estimated cost", width=8, left=[calls], right=[cost]
                ),
                _graph(
                    "Throttles: API Gateway (429), Lambda, Rekognition",
                    [
                        cloudwatch.Metric(
                            namespace=NAMESPACE,
                            metric_name=GATEWAY_THROTTLES,
                            statistic="Sum",
                            period=PERIOD,
                            label="API Gateway",
                        ),
                        self._function.metric_throttles(label="Lambda", period=PERIOD),
                        self._metric(THROTTLES, label="Rekognition"),
                    ],
                ),
                _graph(
                    "Function: at once, and failures of its own",
                    [
                        self._function.metric(
                            "ConcurrentExecutions", statistic="Maximum", period=PERIOD, label="at once"
                        ),
                        self._function.metric_errors(label="failures", period=PERIOD),
                    ],
                ),
            ],
            [
                cloudwatch.SingleValueWidget(
                    title="In the time shown",
                    width=24,
                    height=4,
                    set_period_to_time_range=True,
                    metrics=[
                        self._metric(VALIDATIONS, label="validations"),
                        self._metric(MATCHES, label="matches"),
                        self._metric(NON_MATCHES, label="non-matches"),
                        calls,
                        cost,
                    ],
                ),
            ],
        ]

    def _metric(self, name: str, *, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": SERVICE},
            statistic=statistic,
            period=PERIOD,
            label=label,
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], *, stacked: bool = False) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), stacked=stacked, width=8)
