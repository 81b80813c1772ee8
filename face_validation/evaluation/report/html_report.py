"""A run's output folder: metrics.json, the plots, and report.html that holds everything a reader needs."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from face_validation.evaluation.report.metrics_json import to_json
from face_validation.evaluation.report.plots import (
    plot_confusion,
    plot_error_rates,
    plot_latency,
    plot_roc,
    plot_scores,
)
from face_validation.evaluation.report.summary import WORST, Group, Summary, WrongAnswer
from face_validation.evaluation.report.thumbnails import thumbnail
from face_validation.evaluation.statistics.confusion import Answer
from face_validation.evaluation.statistics.intervals import F1Score, Rate

NOTHING = "\N{EN DASH}"
METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in the report: its file's name, and in words what it shows, for whoever cannot see it."""

    name: str
    words: str
    address: str


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """One of the worst answers with its two pictures, as `data:` addresses; None where one cannot be shown."""

    wrong: WrongAnswer
    sentence: str
    source: str | None
    target: str | None


def write_report(summary: Summary, out: Path) -> None:
    """Write metrics.json, the PNG plots and report.html into `out`, over those that are there."""
    text = json.dumps(to_json(summary), indent=2, allow_nan=False)
    (out / METRICS_FILE).write_text(text + "\n", encoding="utf-8")
    (out / REPORT_FILE).write_text(report_page(summary, _write_plots(summary, out)), encoding="utf-8")


def report_page(summary: Summary, plots: Sequence[Plot]) -> str:
    """The report as HTML that needs no other file."""
    dimensions: dict[str, list[Group]] = {}
    for group in summary.groups:
        dimensions.setdefault(group.dimension, []).append(group)
    template = template_environment().get_template("report_template.html")
    return template.render(
        summary=summary,
        run=summary.run,
        dimensions=dimensions,
        plots=plots,
        worst=[_worst(wrong) for wrong in summary.wrong[:WORST]],
        asked=sum(session.asked for session in summary.run.sessions),
        seconds=sum(session.seconds for session in summary.run.sessions),
    )


def template_environment() -> Environment:
    """Templates of this package, with the filters that print rates and thresholds; everything is escaped."""
    environment = Environment(
        loader=FunctionLoader(lambda name: files(__package__).joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "similarity": _similarity,
        "threshold": _threshold,
        "milliseconds": _milliseconds,
    }
    return environment


def image_address(path: Path) -> str:
    """A PNG file as a `data:` address."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _write_plots(summary: Summary, out: Path) -> list[Plot]:
    plots: list[Plot] = []

    def add(name: str, words: str) -> None:
        plots.append(Plot(name, words, image_address(out / name)))

    for study in summary.studies:
        tag, title = study.name.lower(), "all cases" if study.name == "all" else study.name
        plot_error_rates(study, summary.threshold, out / f"error_rates_{tag}.png")
        add(
            f"error_rates_{tag}.png",
            f"Error rates of {title} against threshold. At {summary.threshold:g}: FMR {percent(study.confusion.fmr)}, "
            f"FNMR {percent(study.confusion.fnmr)}.",
        )
        plot_scores(study, summary.threshold, out / f"scores_{tag}.png")
        add(
            f"scores_{tag}.png",
            f"Histograms of the similarities of {title}: {study.match_scores.size} of the same person, "
            f"{study.non_match_scores.size} of different persons.",
        )
        counted = study.confusion
        plot_confusion(counted, study.name, summary.threshold, out / f"confusion_{tag}.png")
        add(
            f"confusion_{tag}.png",
            f"Confusion matrix of {title}: {counted.true_positives} true and {counted.false_positives} false "
            f"positives, {counted.true_negatives} true and {counted.false_negatives} false negatives, "
            f"{counted.expected_errors} expected and {counted.unexpected_errors} unexpected refusals.",
        )
    plot_roc(summary.studies, out / "roc.png")
    add("roc.png", "ROC: the share of matches that is recognised against the share of strangers let through.")
    plot_latency(summary.run.results, out / "latency.png")
    add("latency.png", "Share of the requests that was answered within a time.")
    return plots


def _worst(wrong: WrongAnswer) -> WorstAnswer:
    case, boxes = wrong.result.case, wrong.result.boxes
    return WorstAnswer(
        wrong,
        sentence_of(wrong),
        thumbnail(case.source, boxes.source if boxes else None),
        thumbnail(case.target, boxes.target if boxes else None),
    )


def sentence_of(wrong: WrongAnswer) -> str:
    """What went wrong, in words."""
    result = wrong.result
    if wrong.answer is Answer.FAILED:
        return f"Failed ({result.status or 'no answer'}): {result.details}"
    if wrong.answer is Answer.REFUSED:
        return f"Refused: {result.details}"
    said = "the same person" if wrong.answer is Answer.MATCH else "different persons"
    wanted = {"match": "the same person", "no_match": "different persons", "error": "a refusal"}[result.case.expected]
    return f"Said {said} at {_similarity(result.similarity)}; expected {wanted}."


def percent(rate: Rate | F1Score | float | None) -> str:
    """A ratio in percent, with as many decimals as the count behind it can carry."""
    value = rate if rate is None or isinstance(rate, float) else rate.value
    if value is None:
        return NOTHING
    decimals = 2 if isinstance(rate, float) or (isinstance(rate, Rate) and rate.of >= 1000) else 1
    return f"{value * 100:.{decimals}f} %"


def _similarity(similarity: float | None) -> str:
    return NOTHING if similarity is None else f"{similarity:.2f}"


def _threshold(threshold: float) -> str:
    if threshold > 100:
        return "none"  # even a similarity of 100 is reached by a non-match
    # Rounded up, never down: printed too low, it would let the highest non-match through.
    return f"{Decimal(threshold).quantize(Decimal('0.001'), ROUND_CEILING).normalize():f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
