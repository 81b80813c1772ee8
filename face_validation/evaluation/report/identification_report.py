"""A run of 1:N as people and scripts read it: results.csv, metrics.json, a plot and report.html."""

import csv
import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from face_validation.evaluation.report.charts import STYLE, standalone
from face_validation.evaluation.report.metrics_json import rate_model
from face_validation.evaluation.report.plots import dir_against_fpir, identification_curves
from face_validation.evaluation.report.templates import template_environment
from face_validation.evaluation.runs.identification import NOBODY, Identification, count, is_right
from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.statistics.intervals import Rate

FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)


def write_identification(run: Identification, out: Path, root: Path, service: str) -> None:
    """Write results.csv, metrics.json, the charts and report.html into `out`.

    Args:
        run: the figures.
        out: the folder; made when missing.
        root: the folder that image paths are relative to.
        service: who answered.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "results.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("probe_id", "image", "expected_person", "note", "person", "similarity", "error", "rank"))
        for answer in run.answers:
            probe = answer.probe
            image = Path(os.path.relpath(probe.image, root)).as_posix()
            similarity = "" if answer.similarity is None else repr(answer.similarity)
            named = answer.person or ""
            writer.writerow(
                (
                    probe.probe_id,
                    image,
                    probe.person or NOBODY,
                    probe.note,
                    named,
                    similarity,
                    answer.error,
                    answer.rank,
                )
            )
    text = json.dumps(identification_json(run), indent=2, allow_nan=False)
    (out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    plots = [
        ("identification.svg", identification_curves(run.curve, run.threshold)),
        ("dir_fpir.svg", dir_against_fpir(run.curve, run.fpir.of)),
    ]
    for name, svg in plots:
        (out / name).write_text(standalone(svg), encoding="utf-8")
    thresholds = sorted({run.threshold, *FURTHER_THRESHOLDS})
    page = (
        template_environment()
        .get_template("identification_template.html")
        .render(
            run=run,
            points=[count(run.answers, at, enrolled=run.enrolled, not_enrolled=[]) for at in thresholds],
            plots=[Markup(svg) for _, svg in plots],  # noqa: S704 - our own SVG, escaped where it is made
            chart_style=Markup(STYLE),  # noqa: S704 - a constant style sheet of ours
            wrong=[answer for answer in run.answers if not is_right(answer, run.threshold)],
            service=service,
            machine=describe_machine(),
            versions=describe_versions(),
        )
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def identification_json(run: Identification) -> dict[str, Any]:
    """The figures for metrics.json: ratios 0-1 with their 95 % intervals."""
    curve = {
        name: [None if math.isnan(value) else value for value in values.tolist()]
        for name, values in asdict(run.curve).items()
    }
    return {
        "schema": 1,
        "threshold": run.threshold,
        "enrolled": run.enrolled,
        "not_enrolled": run.not_enrolled,
        "rank_one": _rate(run.rank_one),
        "rank_one_without_threshold": _rate(run.rank_one_any),
        "misidentified": _rate(run.misidentified),
        "fnir": _rate(run.fnir),
        "fpir": _rate(run.fpir),
        "refused": _rate(run.refused),
        "rank_k": [_rate(rate) for rate in run.rank_k],
        "extrapolations": [asdict(one) for one in run.extrapolations],
        "curve": curve,
    }


def _rate(rate: Rate) -> dict[str, float] | None:
    model = rate_model(rate)
    return None if model is None else model.model_dump(exclude={"independent"})
