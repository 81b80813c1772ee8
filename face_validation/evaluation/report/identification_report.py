"""A run of 1:N as people and scripts read it: results.csv, metrics.json, a plot and report.html."""

import csv
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from face_validation.evaluation.report.charts import standalone
from face_validation.evaluation.report.html_report import METRICS_FILE, REPORT_FILE
from face_validation.evaluation.report.metrics import Model, Numbers
from face_validation.evaluation.report.plots import dir_against_fpir, identification_curves
from face_validation.evaluation.report.templates import render
from face_validation.evaluation.runs.identification import NOBODY, Identification, ProbeResult, count, is_right
from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.runs.results import RESULTS_FILE
from face_validation.evaluation.statistics.identification import Extrapolation
from face_validation.evaluation.statistics.intervals import Rate

FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)
_COLUMNS = ("probe_id", "image", "expected_person", "note", "person", "similarity", "error", "rank")


class IdentificationCurve(Model):
    """Both rates at every threshold; null where there was no such probe."""

    thresholds: Numbers
    rank_one: Numbers
    fpir: Numbers


class IdentificationMetrics(Model):
    """metrics.json of `face-validation identify`: ratios 0-1 with their 95 % intervals."""

    schema_: Literal[1] = Field(1, serialization_alias="schema")
    threshold: float
    enrolled: int
    not_enrolled: list[str]
    rank_one: Rate
    rank_one_without_threshold: Rate = Field(validation_alias="rank_one_any")
    misidentified: Rate
    fnir: Rate
    fpir: Rate
    refused: Rate
    rank_k: tuple[Rate, ...]
    extrapolations: tuple[Extrapolation, ...]
    curve: IdentificationCurve


def write_identification(run: Identification, out: Path, root: Path, service: str) -> None:
    """Write results.csv, metrics.json, the charts and report.html into `out`.

    Args:
        run: the figures.
        out: the folder; made when missing.
        root: the folder that image paths are relative to.
        service: who answered.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / RESULTS_FILE).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([_COLUMNS, *(_row(answer, root) for answer in run.answers)])
    metrics = IdentificationMetrics.model_validate(run).model_dump_json(indent=2)
    (out / METRICS_FILE).write_text(metrics + "\n", encoding="utf-8")
    plots = {
        "identification.svg": identification_curves(run.curve, run.threshold),
        "dir_fpir.svg": dir_against_fpir(run.curve, run.fpir.of),
    }
    for name, svg in plots.items():
        (out / name).write_text(standalone(svg), encoding="utf-8")
    thresholds = sorted({run.threshold, *FURTHER_THRESHOLDS})
    page = render(
        "identification_template.html",
        run=run,
        points=[count(run.answers, at, enrolled=run.enrolled, not_enrolled=[]) for at in thresholds],
        plots=plots.values(),
        wrong=[answer for answer in run.answers if not is_right(answer, run.threshold)],
        service=service,
        machine=describe_machine(),
        versions=describe_versions(),
    )
    (out / REPORT_FILE).write_text(page, encoding="utf-8")


def _row(answer: ProbeResult, root: Path) -> tuple[object, ...]:
    probe = answer.probe
    image = Path(os.path.relpath(probe.image, root)).as_posix()
    similarity = "" if answer.similarity is None else repr(answer.similarity)
    who = probe.person or NOBODY
    return probe.probe_id, image, who, probe.note, answer.person or "", similarity, answer.error, answer.rank
