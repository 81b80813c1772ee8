"""What operations look at: one page that says whether the service is well, what it answers and what it costs."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra import metrics as names
from infra.metrics import PERIOD, Metrics

REKOGNITION_USD_PER_CALL = 0.001
SIMILARITY_BANDS = ((0, 20), (20, 40), (40, 60), (60, 70), (70, 80), (80, 90), (90, 95), (95, 99), (99, 100))

Row = list[cloudwatch.IWidget]


class Dashboard(Construct):
    """The rows of one stage's dashboard, from its health to its money."""

    def __init__(self, scope: Construct, id_: str, *, metrics: Metrics, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        super().__init__(scope, id_)
        self._metrics = metrics
        calls = metrics.of_handler(names.REKOGNITION_CALLS, label="Rekognition calls")
        cost = cloudwatch.MathExpression(
            expression=f"calls * {REKOGNITION_USD_PER_CALL}",
            using_metrics={"calls": calls},
            label="estimated USD",
            period=PERIOD,
        )
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        self.name = dashboard.dashboard_name
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=24, height=3))
        dashboard.add_widgets(*self._traffic())
        dashboard.add_widgets(*self._answers())
        dashboard.add_widgets(*self._limits(calls, cost))
        dashboard.add_widgets(
            cloudwatch.SingleValueWidget(
                title="In the time shown",
                width=24,
                height=4,
                set_period_to_time_range=True,
                metrics=[
                    metrics.of_handler(names.VALIDATIONS, label="validations"),
                    metrics.of_handler(names.MATCHES, label="matches"),
                    metrics.of_handler(names.NON_MATCHES, label="non-matches"),
                    calls,
                    cost,
                ],
            )
        )

    def _traffic(self) -> Row:
        metrics = self._metrics
        latencies = [metrics.latency("p50"), metrics.latency("p99")]
        durations = [metrics.function_duration("p50"), metrics.function_duration("p99")]
        refusals = [metrics.of_handler(code, label=code) for code in names.ERROR_CODES]
        return [
            _graph("Requests and answers", metrics.requests(), metrics.client_errors(), metrics.server_errors()),
            _graph("Latency (ms)", *latencies, *durations),
            _graph("Refusals by code", *refusals, stacked=True),
        ]

    def _answers(self) -> Row:
        metrics = self._metrics
        outcomes = [
            metrics.of_handler(names.MATCHES, label="matches"),
            metrics.of_handler(names.NON_MATCHES, label="non-matches"),
        ]
        quantiles = [
            metrics.of_handler(names.SIMILARITY, statistic=statistic, label=statistic)
            for statistic in ("p10", "p50", "p90")
        ]
        bands = [
            metrics.of_handler(names.SIMILARITY, statistic=cloudwatch.Stats.tc(low, high), label=f"{low}-{high}")
            for low, high in SIMILARITY_BANDS
        ]
        return [
            _graph("Matches and non-matches", *outcomes, stacked=True),
            _graph("Similarity over time (percent)", *quantiles),
            cloudwatch.GraphWidget(
                title="Similarity: validations in each band (percent)",
                view=cloudwatch.GraphWidgetView.BAR,
                set_period_to_time_range=True,
                left=bands,
                width=8,
            ),
        ]

    def _limits(self, calls: cloudwatch.IMetric, cost: cloudwatch.IMetric) -> Row:
        metrics = self._metrics
        rekognition_throttles = metrics.of_handler(names.THROTTLES, label="Rekognition")
        return [
            cloudwatch.GraphWidget(title="Rekognition calls and their cost", left=[calls], right=[cost], width=8),
            _graph("Throttles", metrics.gateway_throttles(), metrics.function_throttles(), rekognition_throttles),
            _graph("Function", metrics.function_concurrency(), metrics.function_failures()),
        ]


def _graph(title: str, *metrics: cloudwatch.IMetric, stacked: bool = False) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), stacked=stacked, width=8)
