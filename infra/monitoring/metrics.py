"""What can be measured of one stage: API Gateway's, Lambda's, the queue's and the handlers' own metrics, by name."""

from collections.abc import Iterable, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.api import ValidationApi
from infra.constructs.function import Functions

# Of the functions about people: everything that was asked of them, or one photo of an event.
OPERATIONS = "Operations"
# Of the function that gathers a job's results.
CLAIMS_IN_DOUBT = "ClaimsInDoubt"
REKOGNITION_CALLS, THROTTLES = "RekognitionCalls", "Throttles"

PERIOD = Duration.minutes(5)


class FunctionMetrics:
    """The metrics of one function, Lambda's and those that its handler writes to its log; sums over five minutes."""

    def __init__(self, function: lambda_.IFunction, label: str) -> None:
        self._function, self.label = function, label

    def duration(self, statistic: str) -> cloudwatch.Metric:
        """Milliseconds that the function ran."""
        return self._function.metric_duration(statistic=statistic, label=f"{self.label} {statistic}", period=PERIOD)

    def failures(self) -> cloudwatch.Metric:
        """Invocations that ended without an answer of the handler: a crash or a timeout."""
        return self._function.metric_errors(label=f"{self.label}: failures", period=PERIOD)

    def concurrency(self) -> cloudwatch.Metric:
        """Most invocations under way at once."""
        label = f"{self.label}: at once"
        return self._function.metric("ConcurrentExecutions", statistic="Maximum", period=PERIOD, label=label)

    def throttles(self) -> cloudwatch.Metric:
        """Invocations that Lambda refused."""
        return self._function.metric_throttles(label=f"{self.label}: Lambda", period=PERIOD)

    def of_handler(self, name: str, *, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
        """One of the metrics that the handler writes to its log."""
        return cloudwatch.Metric(
            namespace="FaceValidation",
            metric_name=name,
            dimensions_map={"service": "face-validation", "function_name": self._function.function_name},
            statistic=statistic,
            period=PERIOD,
            label=label,
        )

    def labelled(self, labels: Mapping[str, str] | Iterable[str]) -> list[cloudwatch.IMetric]:
        """Several of them, each with its label, or with its name."""
        labels = labels if isinstance(labels, Mapping) else {name: name for name in labels}
        return [self.of_handler(name, label=label) for name, label in labels.items()]


class Metrics(Construct):
    """The metrics of one API, of the functions behind it, and of the queue; sums over five minutes."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        api: ValidationApi,
        functions: Functions,
        letters: sqs.IQueue,
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id_)
        self._api = api.rest_api
        self.validation = FunctionMetrics(functions["Validation"].function, "validation")
        self.people = FunctionMetrics(functions["People"].function, "people")
        self.indexing = FunctionMetrics(functions["Indexing"].function, "indexing")
        self.job_lines = FunctionMetrics(functions["JobLines"].function, "jobs")
        self.job_gather = FunctionMetrics(functions["JobGather"].function, "gathering")
        # Requests that reached API Gateway, and their answers.
        self.requests = self._api.metric_count(label="requests", period=PERIOD)
        self.client_errors = self._api.metric_client_error(label="4xx", period=PERIOD)
        self.server_errors = self._api.metric_server_error(label="5xx", period=PERIOD)
        # API Gateway counts its 429 among all 4xx only.
        throttles = logs.MetricFilter(
            self,
            "GatewayThrottles",
            log_group=api.access_log,
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=Stack.of(self).stack_name,
            metric_name="GatewayThrottles",
            metric_value="1",
            default_value=0,
        )
        self.gateway_throttles = throttles.metric(statistic="Sum", label="API Gateway", period=PERIOD)
        self.jobs_started = machine.metric_started(label="started", period=PERIOD)
        # By too many lines, or by a step that did not end.
        self.jobs_failed = machine.metric_failed(label="failed", period=PERIOD)
        # Photos that could not be enrolled and wait for somebody to look at them.
        self.letters = letters.metric_approximate_number_of_messages_visible(
            statistic="Maximum", label="dead letters", period=PERIOD
        )
        self.letters_age = letters.metric_approximate_age_of_oldest_message(
            statistic="Maximum", label="age of the oldest (s)", period=PERIOD
        )

    def latency(self, statistic: str) -> cloudwatch.Metric:
        """Milliseconds from a request's arrival to its answer."""
        return self._api.metric_latency(statistic=statistic, label=f"API {statistic}", period=PERIOD)

    @property
    def paying(self) -> dict[str, FunctionMetrics]:
        """The functions that make paid calls, by the names that expressions have for them."""
        return {one.label: one for one in (self.validation, self.people, self.indexing, self.job_lines)}

    def rekognition_use(self, calls_a_second: int) -> cloudwatch.IMetric:
        """Rekognition calls of all functions, in percent of what the quota allows in one period.

        A mean over five minutes: shorter bursts show up as throttles. Other programs of the account count on the quota
        too, and are not seen here.
        """
        calls = {name: function.of_handler(REKOGNITION_CALLS) for name, function in self.paying.items()}
        allowed = calls_a_second * PERIOD.to_seconds()
        return of_the_sum(calls, f"100 * {{}} / {allowed:.0f}", "percent of the quota")


def of_the_sum(metrics: Mapping[str, cloudwatch.IMetric], expression: str, label: str) -> cloudwatch.IMetric:
    """A figure made of the sum of metrics, which is {} in the `expression`; one without data counts as 0."""
    together = " + ".join(f"FILL({name}, 0)" for name in metrics)
    return cloudwatch.MathExpression(
        expression=expression.format(f"({together})"), using_metrics=dict(metrics), label=label, period=PERIOD
    )
