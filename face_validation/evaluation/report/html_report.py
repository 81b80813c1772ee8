"""A run's output folder: metrics.json, the charts, and report.html, which needs no other file."""

import csv
import json
import os
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from face_validation.evaluation.report import charts
from face_validation.evaluation.report.metrics import metrics_of
from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.summary import Summary
from face_validation.evaluation.report.texts import Text, render, text
from face_validation.evaluation.runs.identification import NOBODY, Identification, count, is_right
from face_validation.evaluation.runs.results import RESULTS_FILE
from face_validation.evaluation.runs.run import describe_machine, describe_versions
from face_validation.evaluation.statistics.error_rates import COLLECTION_SIZES, ErrorRates
from face_validation.evaluation.statistics.persons import LEAST_PERSONS
from face_validation.evaluation.statistics.verdict import LEAST_IN_GROUP

METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"
WRONG_SHOWN = 300
FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)
IDENTIFICATION_SCHEMA = 1  # of metrics.json of 1:N: ratios 0-1 with their 95 % intervals
_COLUMNS = ("probe_id", "image", "expected_person", "note", "person", "similarity", "error", "rank")


# A chart in the report: its file's name, its SVG, and a caption in both languages.
Plot = tuple[str, Markup, Text]


def write_report(summary: Summary, out: Path) -> None:
    """Write metrics.json, the charts as SVG files and report.html into `out`, over those that are there."""
    drawn = {study.name: _plots(study, summary.threshold) for study in summary.studies}
    pictures = {name: svg for some in drawn.values() for name, svg, _ in some}
    _write_files(out, metrics_of(summary).model_dump_json(indent=1), pictures, report_page(summary, drawn))


def _write_files(out: Path, metrics: str, drawn: Mapping[str, str], page: str) -> None:
    """Write a run's metrics.json, its charts as files of their own, and report.html into `out`."""
    files = {METRICS_FILE: f"{metrics}\n", REPORT_FILE: page}
    for name, content in (files | {name: charts.standalone(svg) for name, svg in drawn.items()}).items():
        (out / name).write_text(content, encoding="utf-8")


def report_page(summary: Summary, drawn: dict[str, list[Plot]]) -> str:
    """The report as HTML that needs no other file."""
    first = summary.studies[0]
    cross = () if first.differentials is None else first.differentials.cross
    return render(
        "report_template.html",
        summary=summary,
        plots=drawn,
        dimensions={name: list(members) for name, members in groupby(summary.groups, attrgetter("dimension"))},
        fmr_between={ends: one.fmr for one in cross for ends in ((one.first, one.second), (one.second, one.first))},
        curve=TypeAdapter(ErrorRates).dump_python(first.rates, by_alias=True),
        rejection_curves=charts.rejection_curves,
        wrong_shown=WRONG_SHOWN,
        collection_sizes=COLLECTION_SIZES,
        least_persons=LEAST_PERSONS,
        least_group=LEAST_IN_GROUP,
    )


def _plots(study: Study, threshold: float) -> list[Plot]:
    if not study.pairs.similarity.size:
        return []
    drawn = {"det": charts.det_curve(study)} if study.auc is not None else {}
    drawn |= {
        "error_rates": charts.error_rate_curves(study, threshold),
        "scores": charts.score_histograms(study, threshold),
    }
    name = charts.name_of(study)
    return [(f"{kind}_{study.name.lower()}.svg", svg, text(f"{kind}_words", name=name)) for kind, svg in drawn.items()]


def write_identification(run: Identification, out: Path, root: Path, service: str) -> None:
    """Write results.csv, metrics.json, the charts and report.html of 1:N into `out`, which is made when missing.

    Image paths are relative to `root`; `service` answered.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / RESULTS_FILE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for answer in run.answers:
            probe, image = answer.probe, Path(os.path.relpath(answer.probe.image, root)).as_posix()
            found = (answer.person, answer.similarity, answer.error, answer.rank)
            writer.writerow((probe.probe_id, image, probe.person or NOBODY, probe.note, *found))
    drawn = {
        "identification.svg": charts.identification_curves(run.curve, run.threshold),
        "dir_fpir.svg": charts.dir_against_fpir(run.curve, run.fpir.of),
    }
    thresholds = sorted({run.threshold, *FURTHER_THRESHOLDS})
    page = render(
        "identification_template.html",
        run=run,
        points=[count(run.answers, at, enrolled=run.enrolled, not_enrolled=[]) for at in thresholds],
        plots=drawn.values(),
        wrong=[answer for answer in run.answers if not is_right(answer, run.threshold)],
        service=service,
        machine=describe_machine(),
        versions=describe_versions(),
    )
    figures = TypeAdapter(Identification).dump_python(run, mode="json", by_alias=True)
    _write_files(out, json.dumps({"schema": IDENTIFICATION_SCHEMA, **figures}, indent=2), drawn, page)
