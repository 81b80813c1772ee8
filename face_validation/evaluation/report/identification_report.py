"""A run of 1:N as people and scripts read it: results.csv, metrics.json, two charts and report.html."""

import csv
import json
import os
from pathlib import Path

from pydantic import TypeAdapter

from face_validation.evaluation.report.html_report import write_files
from face_validation.evaluation.report.plots import dir_against_fpir, identification_curves
from face_validation.evaluation.report.templates import render
from face_validation.evaluation.runs.identification import NOBODY, Identification, count, is_right
from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.runs.results import RESULTS_FILE

FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)
SCHEMA = 1  # of metrics.json: ratios 0-1 with their 95 % intervals
_COLUMNS = ("probe_id", "image", "expected_person", "note", "person", "similarity", "error", "rank")


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
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for answer in run.answers:
            probe, image = answer.probe, Path(os.path.relpath(answer.probe.image, root)).as_posix()
            found = (answer.person, answer.similarity, answer.error, answer.rank)
            writer.writerow((probe.probe_id, image, probe.person or NOBODY, probe.note, *found))
    plots = {
        "identification.svg": identification_curves(run.curve, run.threshold),
        "dir_fpir.svg": dir_against_fpir(run.curve, run.fpir.of),
    }
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
    figures = TypeAdapter(Identification).dump_python(run, mode="json", by_alias=True)
    write_files(out, json.dumps({"schema": SCHEMA, **figures}, indent=2), plots, page)
