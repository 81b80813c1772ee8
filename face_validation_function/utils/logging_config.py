"""One structured line and one set of metrics for each validation: ids, sizes, durations, scores; nothing private."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from face_validation_function.comparison import Comparison
from face_validation_function.exceptions.exceptions import FaceValidationError, ServiceBusyError
from face_validation_function.faces import ImageAnalysis
from face_validation_function.jobs import Job, Outcome
from face_validation_function.request_timer import Ended

SERVICE = "face-validation"
METRICS_NAMESPACE = "FaceValidation"
_UNITS = {"Duration": MetricUnit.Milliseconds, "Similarity": MetricUnit.Percent}


def service_logger(level: str) -> Logger:
    """The function's logger: JSON lines on standard output, at `level`."""
    return Logger(service=SERVICE, level=level)


def record(
    logger: Logger, context: LambdaContext, ended: Ended[Comparison | None], validation_type: str | None
) -> None:
    """Write one validation's log line and metrics, on standard output; no result: an earlier answer was given again."""
    outcome = ended.result
    fields: dict[str, Any] = {}
    values: dict[str, float] = {"Replays" if outcome is None else "Validations": 1}
    if validation_type is not None:
        values[validation_type] = 1
    if isinstance(outcome, Comparison):
        fields = {
            "matched": outcome.is_match,
            "similarity": outcome.similarity,
            "threshold": outcome.threshold,
            "decision": outcome.decision,
            "source": _sizes(outcome.source),
            "target": _sizes(outcome.target),
        }
        values |= {
            "Reviews": int(outcome.decision == "review"),
            "Matches" if outcome.is_match else "NonMatches": 1,
            "Similarity": outcome.similarity,
        }
    done = "replayed" if outcome is None else "validated"
    _write(logger, context, ended, done, fields, values, type=validation_type)


def record_operation(logger: Logger, context: LambdaContext, ended: Ended[Any], operation: str) -> None:
    """Write the log line and the metrics of one operation on people; never a name."""
    _write(logger, context, ended, "done", {}, {"Operations": 1}, operation=operation)


def record_job(logger: Logger, function_name: str, job: Job, claims_in_doubt: int) -> None:
    """Write the log line and metrics of a job that has ended; `claims_in_doubt` may be paid for without an outcome."""
    counts = asdict(job.counts)
    logger.info("job ended", extra={"job_id": job.job_id, "kind": job.kind, "state": job.state, **counts})
    lines = {f"Lines{name.capitalize()}": counts[name] for name in Outcome}
    _emit(function_name, {"Jobs": 1, "ClaimsInDoubt": claims_in_doubt, **lines})


def _write(
    logger: Logger,
    context: LambdaContext,
    ended: Ended[Any],
    done: str,
    fields: dict[str, Any],
    values: dict[str, float],
    **what: str | None,
) -> None:
    timer, error = ended.timer, ended.result
    fields |= {
        "id_request": ended.id_request,
        "function_request_id": context.aws_request_id,
        "duration_ms": round(timer.elapsed_ms, 1),
        "steps_ms": dict(timer.durations_ms),
        "rekognition_calls": timer.rekognition_calls,
        **what,
    }
    values |= {"Duration": timer.elapsed_ms, "RekognitionCalls": timer.rekognition_calls}
    if isinstance(error, FaceValidationError):
        # A RequestError's details repeat what the caller sent, and that may be anybody's name.
        fields |= {"error_code": error.code, "error_details": "" if error.status < 422 else str(error)}
        values |= {error.code: 1, "Throttles": int(isinstance(error, ServiceBusyError))}
        if error.status >= 500:
            logger.error("failed", extra=fields)
        else:
            logger.warning("refused", extra=fields)
    else:
        logger.info(done, extra=fields)
    _emit(context.function_name, values, **what)


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
