"""One structured line and one set of metrics for each validation: ids, sizes, durations, scores; nothing private."""

from dataclasses import asdict
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from face_validation_function.comparison import Comparison, Decision
from face_validation_function.exceptions.exceptions import FaceValidationError, ServiceBusyError
from face_validation_function.faces import ImageAnalysis
from face_validation_function.jobs import Job, Outcome
from face_validation_function.request_timer import RequestTimer

SERVICE = "face-validation"
METRICS_NAMESPACE = "FaceValidation"
_UNITS = {"Duration": MetricUnit.Milliseconds, "Similarity": MetricUnit.Percent}


def service_logger(level: str) -> Logger:
    """The function's logger: JSON lines on standard output, at `level`."""
    return Logger(service=SERVICE, level=level)


class Caller(Protocol):
    """Which invocation of which function a line belongs to."""

    @property
    def function_name(self) -> str:
        """As deployed: it tells the stages of one account apart."""

    @property
    def function_request_id(self) -> str:
        """Lambda's own id of the invocation."""


def record(
    logger: Logger,
    caller: Caller,
    id_request: str,
    validation_type: str | None,
    timer: RequestTimer,
    outcome: Comparison | FaceValidationError | None,
) -> None:
    """Write one validation's log line and its metrics (CloudWatch embedded metric format, on standard output).

    Without an `outcome` it was answered with what an earlier request had found.
    """
    fields = {**_fields(caller, id_request, timer), "type": validation_type}
    values = _measured(timer, "Replays" if outcome is None else "Validations")
    if validation_type is not None:
        values[validation_type] = 1
    if isinstance(outcome, Comparison):
        fields |= {
            "matched": outcome.is_match,
            "similarity": outcome.similarity,
            "threshold": outcome.threshold,
            "decision": outcome.decision,
            "source": _sizes(outcome.source),
            "target": _sizes(outcome.target),
        }
        values |= {
            "Reviews": int(outcome.decision is Decision.REVIEW),
            "Matches" if outcome.is_match else "NonMatches": 1,
            "Similarity": outcome.similarity,
        }
        logger.info("validated", extra=fields)
    elif outcome is None:
        logger.info("replayed", extra=fields)
    else:
        values |= _error_logged(logger, fields, outcome)
    _emit(caller.function_name, values, type=validation_type)


def record_operation(
    logger: Logger,
    caller: Caller,
    operation: str,
    id_request: str,
    timer: RequestTimer,
    error: FaceValidationError | None,
) -> None:
    """Write the log line and the metrics of one operation on people; never a name."""
    fields = {**_fields(caller, id_request, timer), "operation": operation}
    values = _measured(timer, "Operations")
    if error is None:
        logger.info("done", extra=fields)
    else:
        values |= _error_logged(logger, fields, error)
    _emit(caller.function_name, values, operation=operation)


def record_job(logger: Logger, function_name: str, job: Job, claims_in_doubt: int) -> None:
    """Write the log line and the metrics of a job that has ended.

    `claims_in_doubt` were taken by workers that died before they kept the outcome: some of them may have been paid.
    """
    counts = asdict(job.counts)
    logger.info("job ended", extra={"job_id": job.job_id, "kind": job.kind, "state": job.state, **counts})
    lines = {f"Lines{name.capitalize()}": counts[name] for name in Outcome}
    _emit(function_name, {"Jobs": 1, "ClaimsInDoubt": claims_in_doubt, **lines})


def _fields(caller: Caller, id_request: str, timer: RequestTimer) -> dict[str, Any]:
    return {
        "id_request": id_request,
        "function_request_id": caller.function_request_id,
        "duration_ms": round(timer.elapsed_ms, 1),
        "steps_ms": dict(timer.durations_ms),
        "rekognition_calls": timer.rekognition_calls,
    }


def _measured(timer: RequestTimer, counted: str) -> dict[str, float]:
    return {counted: 1, "Duration": timer.elapsed_ms, "RekognitionCalls": timer.rekognition_calls}


def _error_logged(logger: Logger, fields: dict[str, Any], error: FaceValidationError) -> dict[str, float]:
    """Write the line of a refusal or a failure; what of it is counted."""
    # A RequestError's details repeat what the caller sent, and that may be anybody's name.
    details = "" if error.status < 422 else str(error)
    line = fields | {"error_code": error.code, "error_details": details}
    if error.status >= 500:
        logger.error("failed", extra=line)
    else:
        logger.warning("refused", extra=line)
    return {error.code: 1, "Throttles": int(isinstance(error, ServiceBusyError))}


def _emit(function_name: str, values: dict[str, float], **metadata: str | None) -> None:
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=SERVICE)
    metrics.add_dimension("function_name", function_name)
    for name, value in values.items():
        metrics.add_metric(name, _UNITS.get(name, MetricUnit.Count), value)
    for name, said in metadata.items():
        metrics.add_metadata(name, said)
    metrics.flush_metrics()


def _sizes(side: ImageAnalysis) -> dict[str, Any]:
    return {
        "width": side.width,
        "height": side.height,
        "faces": len(side.faces),
        "confidence": side.faces[side.compared].confidence,
        "document": side.document.label if side.document else None,
    }
