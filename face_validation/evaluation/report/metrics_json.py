"""metrics.json: everything of a summary that a script may want to read."""

import math
from typing import Any

from face_validation.evaluation.report.summary import ScoreStudy, Summary
from face_validation.evaluation.statistics.confusion import ConfusionMatrix
from face_validation.evaluation.statistics.intervals import F1Score, Rate


def to_json(summary: Summary) -> dict[str, Any]:
    """metrics.json: ratios 0-1 with their 95 % intervals, thresholds and similarities 0-100, times in seconds."""
    run = summary.run
    return {
        "schema": 1,
        "cases": run.cases_name,
        "service": run.service,
        "machine": run.machine,
        "versions": run.versions,
        "threshold": summary.threshold,
        "notices": run.notices,
        "sessions": [
            {"started": one.started, "asked": one.asked, "jobs": one.jobs, "seconds": one.seconds}
            for one in run.sessions
        ],
        "throughput_per_s": summary.throughput,
        "overall": _tally_json(summary.overall),
        "groups": [
            {"dimension": group.dimension, "name": group.name, **_tally_json(group.confusion)}
            for group in summary.groups
        ],
        "scores": [_study_json(study) for study in summary.studies],
        "latency_s": {
            name: {
                "requests": one.requests,
                "p50": round(one.p50, 4),
                "p95": round(one.p95, 4),
                "p99": round(one.p99, 4),
                "longest": round(one.longest, 4),
            }
            for name, one in summary.latency.items()
        },
        "wrong": [
            {
                "case_id": one.result.case.case_id,
                "expected": one.result.case.expected.value,
                "answer": one.answer.value,
                "similarity": one.result.similarity,
                "code": one.result.code,
                "details": one.result.details,
                "note": one.result.case.note,
            }
            for one in summary.wrong
        ],
    }


def _tally_json(confusion: ConfusionMatrix) -> dict[str, Any]:
    return {
        "cases": confusion.count(),
        "true_positives": confusion.true_positives,
        "true_negatives": confusion.true_negatives,
        "false_positives": confusion.false_positives,
        "false_negatives": confusion.false_negatives,
        "expected_errors": confusion.expected_errors,
        "unexpected_errors": confusion.unexpected_errors,
        "missing_errors": confusion.missing_errors,
        "failures": confusion.failures,
        "accuracy": rate_json(confusion.accuracy),
        "pair_accuracy": rate_json(confusion.pair_accuracy),
        "error_accuracy": rate_json(confusion.error_accuracy),
        "precision": rate_json(confusion.precision),
        "recall": rate_json(confusion.recall),
        "f1": rate_json(confusion.f1),
        "fmr": rate_json(confusion.fmr),
        "fnmr": rate_json(confusion.fnmr),
        "failure_to_acquire": rate_json(confusion.failure_to_acquire),
    }


def rate_json(rate: Rate | F1Score) -> dict[str, float] | None:
    """Value and 95 % interval, with the counts of a rate; None of nothing."""
    if rate.value is None or rate.interval is None:
        return None
    figures: dict[str, float] = {"value": rate.value, "low": rate.interval[0], "high": rate.interval[1]}
    return figures | ({"hits": rate.hits, "of": rate.of} if isinstance(rate, Rate) else {})


def _study_json(study: ScoreStudy) -> dict[str, Any]:
    return {
        "name": study.name,
        "matches": int(study.match_scores.size),
        "non_matches": int(study.non_match_scores.size),
        "auc": study.auc,
        "eer": None if study.eer is None else {"value": study.eer.rate, "threshold": study.eer.threshold},
        "choices": [
            {
                "reason": choice.reason,
                "threshold": choice.threshold,
                "fmr": rate_json(choice.fmr),
                "fnmr": rate_json(choice.fnmr),
                "warning": choice.warning,
            }
            for choice in study.choices
        ],
        "curve": {
            "threshold": study.rates.thresholds.tolist(),
            "fmr": [None if math.isnan(value) else value for value in study.rates.fmr.tolist()],
            "fnmr": [None if math.isnan(value) else value for value in study.rates.fnmr.tolist()],
        },
    }
