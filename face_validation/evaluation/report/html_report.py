"""A run's output folder: metrics.json, the charts, and report.html that holds everything a reader needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from face_validation.evaluation.report.charts import standalone
from face_validation.evaluation.report.metrics import metrics_of
from face_validation.evaluation.report.plots import (
    det_curve,
    error_rate_curves,
    name_of,
    rejection_curves,
    score_histograms,
)
from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.summary import Summary
from face_validation.evaluation.report.templates import render
from face_validation.evaluation.report.texts import Text, text
from face_validation.evaluation.statistics.differentials import LEAST_PERSONS as LEAST_PERSONS_IN_GROUP
from face_validation.evaluation.statistics.error_rates import ErrorRates
from face_validation.evaluation.statistics.identification import COLLECTION_SIZES
from face_validation.evaluation.statistics.persons import LEAST_PERSONS

METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"
WRONG_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart in the report: its file's name, its SVG, and a caption in both languages."""

    name: str
    svg: Markup
    caption: Text


def write_report(summary: Summary, out: Path) -> None:
    """Write metrics.json, the charts as SVG files and report.html into `out`, over those that are there."""
    plots = {study.name: _plots(study, summary.threshold) for study in summary.studies}
    charts = {plot.name: plot.svg for drawn in plots.values() for plot in drawn}
    write_files(out, metrics_of(summary).model_dump_json(indent=1), charts, report_page(summary, plots))


def write_files(out: Path, metrics: str, charts: Mapping[str, str], page: str) -> None:
    """Write a run's metrics.json, its charts as files of their own, and report.html into `out`."""
    files = {METRICS_FILE: f"{metrics}\n", REPORT_FILE: page}
    for name, content in (files | {name: standalone(svg) for name, svg in charts.items()}).items():
        (out / name).write_text(content, encoding="utf-8")


def report_page(summary: Summary, plots: dict[str, list[Plot]]) -> str:
    """The report as HTML that needs no other file."""
    first, groups = summary.studies[0], summary.cases.groups if summary.cases is not None else []
    cross = () if first.differentials is None else first.differentials.cross
    return render(
        "report_template.html",
        summary=summary,
        plots=plots,
        dimensions={name: list(members) for name, members in groupby(groups, attrgetter("dimension"))},
        fmr_between={ends: one.fmr for one in cross for ends in ((one.first, one.second), (one.second, one.first))},
        curve=TypeAdapter(ErrorRates).dump_python(first.rates, by_alias=True),
        rejection_curves=rejection_curves,
        wrong_shown=WRONG_SHOWN,
        collection_sizes=COLLECTION_SIZES,
        least_persons=LEAST_PERSONS,
        least_group=LEAST_PERSONS_IN_GROUP,
    )


def _plots(study: Study, threshold: float) -> list[Plot]:
    if not study.pairs.similarity.size:
        return []
    drawn = [("error_rates", error_rate_curves(study, threshold)), ("scores", score_histograms(study, threshold))]
    if study.auc is not None:
        drawn.insert(0, ("det", det_curve(study)))
    return [
        Plot(f"{kind}_{study.name.lower()}.svg", svg, text(f"{kind}_words", name=name_of(study))) for kind, svg in drawn
    ]
