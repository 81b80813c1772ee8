"""What can be measured of one stage: API Gateway's, Lambda's and the handler's own metrics, by name."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

NAMESPACE = "FaceValidation"
SERVICE = "face-validation"
VALIDATIONS, MATCHES, NON_MATCHES = "Validations", "Matches", "NonMatches"
SIMILARITY, REKOGNITION_CALLS, THROTTLES = "Similarity", "RekognitionCalls", "Throttles"
# Each refusal counts under its code.
ERROR_CODES = (
    "RequestError",
    "ImageValidationError",
    "ImageTooLargeError",
    "InvalidS3ObjectError",
    "InternalServerError",
)

PERIOD = Duration.minutes(5)


class Metrics(Construct):
    """The metrics of one API and its function; sums over five minutes unless told otherwise."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        rest_api: apigateway.RestApi,
        access_log: logs.ILogGroup,
        function: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._api = rest_api
        self._function = function
        # API Gateway counts its 429 among all 4xx only.
        self._gateway_throttles = logs.MetricFilter(
            self,
            "GatewayThrottles",
            log_group=access_log,
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=Stack.of(self).stack_name,
            metric_name="GatewayThrottles",
            metric_value="1",
            default_value=0,
        )

    def requests(self) -> cloudwatch.Metric:
        """Requests that reached API Gateway."""
        return self._api.metric_count(label="requests", period=PERIOD)

    def client_errors(self) -> cloudwatch.Metric:
        """Answers of 4xx."""
        return self._api.metric_client_error(label="4xx", period=PERIOD)

    def server_errors(self) -> cloudwatch.Metric:
        """Answers of 5xx."""
        return self._api.metric_server_error(label="5xx", period=PERIOD)

    def latency(self, statistic: str) -> cloudwatch.Metric:
        """Milliseconds from a request's arrival to its answer."""
        return self._api.metric_latency(statistic=statistic, label=f"API {statistic}", period=PERIOD)

    def function_duration(self, statistic: str) -> cloudwatch.Metric:
        """Milliseconds that the function ran."""
        return self._function.metric_duration(statistic=statistic, label=f"function {statistic}", period=PERIOD)

    def function_failures(self) -> cloudwatch.Metric:
        """Invocations that ended without an answer of the handler: a crash or a timeout."""
        return self._function.metric_errors(label="failures", period=PERIOD)

    def function_concurrency(self) -> cloudwatch.Metric:
        """Most invocations under way at once."""
        return self._function.metric("ConcurrentExecutions", statistic="Maximum", period=PERIOD, label="at once")

    def function_throttles(self) -> cloudwatch.Metric:
        """Invocations that Lambda refused."""
        return self._function.metric_throttles(label="Lambda", period=PERIOD)

    def gateway_throttles(self) -> cloudwatch.Metric:
        """Requests that API Gateway answered with 429."""
        return self._gateway_throttles.metric(statistic="Sum", label="API Gateway", period=PERIOD)

    def of_handler(self, name: str, *, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
        """One of the metrics that the handler writes to its log."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": SERVICE, "function_name": self._function.function_name},
            statistic=statistic,
            period=PERIOD,
            label=label,
        )
