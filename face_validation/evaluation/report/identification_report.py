"""A run of 1:N as people and scripts read it: results.csv, metrics.json, a plot and report.html."""

import csv
import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from face_validation.evaluation.report.html_report import image_address, template_environment
from face_validation.evaluation.report.metrics_json import rate_json
from face_validation.evaluation.report.plots import plot_identification
from face_validation.evaluation.runs.identification import NOBODY, Identification, count, is_right
from face_validation.evaluation.runs.machine import describe_machine, describe_versions

FURTHER_THRESHOLDS = (80.0, 90.0, 95.0, 99.0)


def write_identification(found: Identification, out: Path, root: Path, service: str) -> None:
    """Write results.csv, metrics.json, identification.png and report.html into `out`.

    Args:
        found: the figures.
        out: the folder; made when missing.
        root: the folder that image paths are relative to.
        service: who answered.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "results.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("probe_id", "image", "expected_person", "note", "person", "similarity", "error"))
        for answer in found.answers:
            probe = answer.probe
            image = Path(os.path.relpath(probe.image, root)).as_posix()
            similarity = "" if answer.similarity is None else repr(answer.similarity)
            named = answer.person or ""
            writer.writerow(
                (probe.probe_id, image, probe.person or NOBODY, probe.note, named, similarity, answer.error)
            )
    text = json.dumps(identification_json(found), indent=2, allow_nan=False)
    (out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    plot_identification(found.curve, found.threshold, out / "identification.png")
    thresholds = sorted({found.threshold, *FURTHER_THRESHOLDS})
    page = (
        template_environment()
        .get_template("identification_template.html")
        .render(
            found=found,
            points=[count(found.answers, at, enrolled=found.enrolled, not_enrolled=[]) for at in thresholds],
            plot=image_address(out / "identification.png"),
            wrong=[answer for answer in found.answers if not is_right(answer, found.threshold)],
            service=service,
            machine=describe_machine(),
            versions=describe_versions(),
        )
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def identification_json(found: Identification) -> dict[str, Any]:
    """The figures for metrics.json: ratios 0-1 with their 95 % intervals."""
    curve = {
        name: [None if math.isnan(value) else value for value in values.tolist()]
        for name, values in asdict(found.curve).items()
    }
    return {
        "schema": 1,
        "threshold": found.threshold,
        "enrolled": found.enrolled,
        "not_enrolled": found.not_enrolled,
        "rank_one": rate_json(found.rank_one),
        "rank_one_without_threshold": rate_json(found.rank_one_any),
        "misidentified": rate_json(found.misidentified),
        "fnir": rate_json(found.fnir),
        "fpir": rate_json(found.fpir),
        "refused": rate_json(found.refused),
        "curve": curve,
    }
