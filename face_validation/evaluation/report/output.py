"""A run's output folder: metrics.json, the charts, and report.html, which needs no other file.

metrics.json holds what a script may want to read: ratios 0-1, thresholds and similarities 0-100, times in seconds.
Fields are added, never renamed or removed, without a new `schema` number.
"""

import csv
import json
import os
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup
from pydantic import AliasPath, BaseModel, ConfigDict, Field, TypeAdapter

from face_validation.evaluation.report import charts
from face_validation.evaluation.report.groups import Group
from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.summary import Latency, Summary
from face_validation.evaluation.report.texts import Text, render, text
from face_validation.evaluation.runs.identification import NOBODY, Identification, count, is_right
from face_validation.evaluation.runs.results import RESULTS_FILE
from face_validation.evaluation.runs.run import Session, describe_machine, describe_versions
from face_validation.evaluation.statistics.error_rates import COLLECTION_SIZES, ErrorAgainstRejection, ErrorRates
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Answer, Confusion, Expected
from face_validation.evaluation.statistics.persons import LEAST_PERSONS
from face_validation.evaluation.statistics.verdict import LEAST_PERSONS as LEAST_IN_GROUP

METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"
WRONG_SHOWN = 300
FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)
IDENTIFICATION_SCHEMA = 1  # of metrics.json of 1:N: ratios 0-1 with their 95 % intervals
_COLUMNS = ("probe_id", "image", "expected_person", "note", "person", "similarity", "error", "rank")

# A chart in the report: its file's name, its SVG, and a caption in both languages.
Plot = tuple[str, Markup, Text]


class Model(BaseModel):
    """Read from the attributes of our own figures; nothing but the named fields."""

    model_config = ConfigDict(
        extra="forbid", from_attributes=True, json_schema_serialization_defaults_required=True, serialize_by_alias=True
    )


def _found_in(*path: str) -> Any:
    return Field(validation_alias=AliasPath(*path))


class DoubtfulLabel(Model):
    """A pair whose label looks wrong."""

    name: str
    similarity: float
    is_match: bool


class Wrong(Model):
    """A case that was answered wrong."""

    case_id: str = _found_in("result", "case", "case_id")
    expected: Expected = _found_in("result", "case", "expected")
    answer: Answer
    similarity: float | None = _found_in("result", "similarity")
    code: str = _found_in("result", "code")
    details: str = _found_in("result", "details")
    note: str = _found_in("result", "case", "note")


class Metrics(Model):
    """metrics.json of `face-validation evaluate`; what only labelled cases have is null or empty of all pairs."""

    schema_: Literal[2] = Field(2, serialization_alias="schema")
    cases: str = _found_in("run", "cases_name")
    service: str = _found_in("run", "service")
    machine: str = _found_in("run", "machine")
    versions: dict[str, str] = _found_in("run", "versions")
    threshold: float
    notices: list[str] = _found_in("run", "notices")
    sessions: list[Session] = _found_in("run", "sessions")
    failure_to_enrol: Rate
    failure_to_acquire: Rate | None
    scores: list[Study] = _found_in("studies")
    doubtful_labels: list[DoubtfulLabel]
    throughput_per_s: float | None = _found_in("throughput")
    overall: Confusion | None
    groups: list[Group]
    latency_s: dict[str, Latency] = _found_in("latency")
    wrong: list[Wrong]
    rejection: list[ErrorAgainstRejection]
    rejection_threshold: float | None


def schema_text() -> str:
    """The JSON schema as it is published."""
    return json.dumps(Metrics.model_json_schema(mode="serialization"), indent=2, sort_keys=True) + "\n"


def write_report(summary: Summary, out: Path) -> None:
    """Write metrics.json, the charts as SVG files and report.html into `out`, over those that are there."""
    drawn = {study.name: _plots(study, summary.threshold) for study in summary.studies}
    pictures = {name: svg for some in drawn.values() for name, svg, _ in some}
    _write_files(out, Metrics.model_validate(summary).model_dump_json(indent=1), pictures, report_page(summary, drawn))


def _write_files(out: Path, metrics: str, drawn: Mapping[str, str], page: str) -> None:
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
    drawn["error_rates"] = charts.error_rate_curves(study, threshold)
    drawn["scores"] = charts.score_histograms(study, threshold)
    name = charts.name_of(study)
    return [(f"{kind}_{study.name.lower()}.svg", svg, text(f"{kind}_words", name=name)) for kind, svg in drawn.items()]


def write_identification(run: Identification, out: Path, root: Path, service: str) -> None:
    """Write results.csv (images relative to `root`), metrics.json, the charts and report.html of 1:N into `out`."""
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
