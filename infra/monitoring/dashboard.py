"""What operations look at: one page that says whether the service is well, what it answers and what it costs."""

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from face_validation_function.settings import ALL_VALIDATION_TYPES
from infra.constructs.function import Functions, ServiceFunction
from infra.monitoring import metrics as names
from infra.monitoring.alarms import Alarms
from infra.monitoring.metrics import FunctionMetrics, Metrics, of_the_sum

REKOGNITION_USD_PER_CALL = 0.001
# Each refusal counts under its code.
ERROR_CODES = (
    "RequestError",
    "ForbiddenError",
    "ImageValidationError",
    "ImageTooLargeError",
    "InvalidS3ObjectError",
    "InternalServerError",
)
SIMILARITY_BANDS = ((0, 20), (20, 40), (40, 60), (60, 70), (70, 80), (80, 90), (90, 95), (95, 99), (99, 100))

Row = Sequence[cloudwatch.IWidget]


class Dashboard(Construct):
    """The rows of one stage's dashboard, from its health to its money."""

    def __init__(self, scope: Construct, id_: str, *, metrics: Metrics, alarms: Alarms, functions: Functions) -> None:
        super().__init__(scope, id_)
        calls = {
            name: function.of_handler(names.REKOGNITION_CALLS, label=f"Rekognition calls, {name}")
            for name, function in metrics.paying.items()
        }
        cost = of_the_sum(calls, f"{{}} * {REKOGNITION_USD_PER_CALL}", "estimated USD")
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(1))
        self.name = dashboard.dashboard_name
        for row in (
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms.by_name.values()), width=24, height=3)],
            _traffic(metrics),
            _answers(metrics.validation),
            _people(metrics),
            _jobs(metrics),
            _limits(metrics, list(calls.values()), cost),
            [_cold_starts(functions.values())],
            [_totals(metrics, cost)],
        ):
            dashboard.add_widgets(*row)


def _traffic(metrics: Metrics) -> Row:
    latencies = [*map(metrics.latency, ("p50", "p99")), *map(metrics.validation.duration, ("p50", "p99"))]
    refusals = metrics.validation.labelled((*ERROR_CODES, "LivenessError"))
    return [
        _graph("Requests and answers", metrics.requests, metrics.client_errors, metrics.server_errors),
        _graph("Latency (ms)", *latencies),
        _graph("Validations refused, by code", *refusals, stacked=True),
    ]


def _answers(validation: FunctionMetrics) -> Row:
    outcomes = validation.labelled({"Matches": "matches", "NonMatches": "non-matches"})
    quantiles = [
        validation.of_handler("Similarity", statistic=statistic, label=statistic) for statistic in ("p10", "p50", "p90")
    ]
    bands = [
        # Values above `low`, up to `high`. CDK's Stats.tc counts between percentiles: always the same share.
        validation.of_handler("Similarity", statistic=f"TC({low or ''}:{high})", label=f"{low}-{high}")
        for low, high in SIMILARITY_BANDS
    ]
    return [
        _graph("Matches and non-matches", *outcomes, stacked=True),
        _graph("Similarity over time (percent)", *quantiles),
        _graph(
            "Similarity: validations in each band (percent)",
            *bands,
            stacked=None,
            view=cloudwatch.GraphWidgetView.BAR,
            set_period_to_time_range=True,
        ),
    ]


def _people(metrics: Metrics) -> Row:
    people, indexing, letters = metrics.people, metrics.indexing, metrics.letters
    operations = [
        people.of_handler(names.OPERATIONS, label="by request"),
        indexing.of_handler(names.OPERATIONS, label="photos by event"),
    ]
    refusals = people.labelled((*ERROR_CODES, "NotFoundError", "ConflictError"))
    refused = indexing.labelled(code for code in ERROR_CODES if code != "RequestError")
    return [
        _graph("People: operations", *operations, width=6),
        _graph("People: refusals by code", *refusals, stacked=True, width=6),
        _graph("Photos refused by event, by code", *refused, stacked=True, width=6),
        _graph("Photos not enrolled (dead letters)", letters, right=[metrics.letters_age], stacked=None, width=6),
    ]


def _jobs(metrics: Metrics) -> Row:
    lines = metrics.job_gather.labelled({f"Lines{one.title()}": one for one in ("answered", "refused", "failed")})
    durations = [metrics.job_lines.duration("p50"), metrics.job_gather.duration("p99")]
    return [
        _graph("Jobs", metrics.jobs_started, metrics.jobs_failed, width=6),
        _graph("Lines of jobs that ended, by outcome", *lines, stacked=True, width=6),
        _graph("Claims without an outcome", metrics.job_gather.of_handler(names.CLAIMS_IN_DOUBT), width=6),
        _graph("Jobs: duration of a batch and of gathering (ms)", *durations, width=6),
    ]


def _limits(metrics: Metrics, calls: Sequence[cloudwatch.IMetric], cost: cloudwatch.IMetric) -> Row:
    functions = (metrics.validation, metrics.people, metrics.indexing)
    throttles = [
        metrics.gateway_throttles,
        *(function.throttles() for function in functions),
        *(function.of_handler(names.THROTTLES, label=f"{function.label}: Rekognition") for function in functions),
    ]
    at_once = [function.concurrency() for function in functions]
    failures = [function.failures() for function in functions]
    durations = [function.duration(statistic) for function in functions[1:] for statistic in ("p50", "p99")]
    return [
        _graph("Rekognition calls and their cost", *calls, right=[cost], stacked=True, width=6),
        _graph("Throttles", *throttles, width=6),
        _graph("Functions", *at_once, *failures, width=6),
        _graph("Functions about people: duration (ms)", *durations, width=6),
    ]


def _totals(metrics: Metrics, cost: cloudwatch.IMetric) -> cloudwatch.IWidget:
    counted = {"Validations": "validations", "Matches": "matches", "NonMatches": "non-matches", "Reviews": "for review"}
    return cloudwatch.SingleValueWidget(
        title="In the time shown",
        width=24,
        height=4,
        set_period_to_time_range=True,
        metrics=[
            *metrics.validation.labelled(counted),
            # Each validation counts under its type too.
            *metrics.validation.labelled(ALL_VALIDATION_TYPES),
            metrics.people.of_handler(names.OPERATIONS, label="operations on people"),
            metrics.indexing.of_handler(names.OPERATIONS, label="photos by event"),
            cost,
        ],
    )


def _cold_starts(functions: Iterable[ServiceFunction]) -> cloudwatch.LogQueryWidget:
    """How often a function started anew and how long that took; CloudWatch has no metric of it, Lambda's log has."""
    return cloudwatch.LogQueryWidget(
        title="Cold starts, by function and hour",
        log_group_names=[function.log_group.log_group_name for function in functions],
        query_lines=[
            'filter @type = "REPORT" and ispresent(@initDuration)',
            "stats count() as starts, pct(@initDuration, 50) as p50_ms, max(@initDuration) as max_ms by @log, bin(1h)",
        ],
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        width=24,
    )


def _graph(
    title: str, *metrics: cloudwatch.IMetric, stacked: bool | None = False, width: int = 8, **more: Any
) -> cloudwatch.GraphWidget:
    """A graph of `metrics`, with `more` settings of CDK's."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), stacked=stacked, width=width, **more)
