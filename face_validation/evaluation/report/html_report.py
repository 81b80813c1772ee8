"""A run's output folder: metrics.json, the charts, and report.html that holds everything a reader needs."""

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from face_validation.evaluation.report.charts import STYLE, standalone
from face_validation.evaluation.report.gallery import GalleryItem
from face_validation.evaluation.report.groups import Group
from face_validation.evaluation.report.metrics_json import metrics_of
from face_validation.evaluation.report.plots import (
    det_curve,
    error_rate_curves,
    name_of,
    rejection_curves,
    score_histograms,
)
from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.summary import Summary, WrongAnswer
from face_validation.evaluation.report.templates import similarity, template_environment
from face_validation.evaluation.report.texts import text
from face_validation.evaluation.report.thumbnails import thumbnail
from face_validation.evaluation.statistics.confusion import Answer
from face_validation.evaluation.statistics.differentials import LEAST_PERSONS as LEAST_PERSONS_IN_GROUP
from face_validation.evaluation.statistics.differentials import Differentials
from face_validation.evaluation.statistics.identification import COLLECTION_SIZES
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.persons import LEAST_PERSONS
from face_validation.evaluation.statistics.review import ReviewBand

METRICS_FILE, REPORT_FILE = "metrics.json", "report.html"
WRONG_SHOWN = 300
_METHOD = ("scores", "rates", "intervals", "little", "verdict", "accuracy")
# Light to dark: from an FMR of 1e-6 to one of 1 %.
_HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59")


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart in the report: its file's name, its SVG, and a caption in both languages."""

    name: str
    svg: Markup
    caption: Markup


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A pair of the gallery with both pictures as `data:` addresses; None where one cannot be shown."""

    item: GalleryItem
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One upper threshold (0-100) beside each review threshold; None where that one is higher."""

    threshold: float
    fmr: Rate
    bands: list[ReviewBand | None]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of the heat map: log10 of an FMR in words, and its colour; none without a false match."""

    log10: str
    color: str | None


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One group beside all others."""

    name: str
    cells: list[HeatCell]


def write_report(summary: Summary, out: Path) -> None:
    """Write metrics.json, the charts as SVG files and report.html into `out`, over those that are there."""
    (out / METRICS_FILE).write_text(metrics_of(summary).model_dump_json(indent=1) + "\n", encoding="utf-8")
    plots = {study.name: _plots(study, summary.threshold) for study in summary.studies}
    for drawn in plots.values():
        for plot in drawn:
            (out / plot.name).write_text(standalone(str(plot.svg)), encoding="utf-8")
    (out / REPORT_FILE).write_text(report_page(summary, plots), encoding="utf-8")


def report_page(summary: Summary, plots: dict[str, list[Plot]]) -> str:
    """The report as HTML that needs no other file."""
    dimensions: defaultdict[str, list[Group]] = defaultdict(list)
    for group in summary.cases.groups if summary.cases is not None else ():
        dimensions[group.dimension].append(group)
    first = summary.studies[0]
    return (
        template_environment()
        .get_template("report_template.html")
        .render(
            summary=summary,
            run=summary.run,
            cases=summary.cases,
            dimensions=dimensions,
            plots=plots,
            gallery=[_shown(item) for item in summary.gallery],
            doubtful=sum(item.label_is_doubtful for item in summary.gallery),
            wrong=summary.cases.wrong[:WRONG_SHOWN] if summary.cases is not None else [],
            review_lows=_lowest_of_each(first.bands),
            review_rows=_review_rows(first.bands),
            searches=[choice for choice in first.choices if choice.threshold <= 100]
            if first.pairs.similarity.size
            else [],
            collection_sizes=COLLECTION_SIZES,
            heat=[] if first.differentials is None else _heat(first.differentials),
            rejection=Markup(rejection_curves(summary.cases.rejection))  # noqa: S704 - our own SVG, escaped where it is made
            if summary.cases is not None and summary.cases.rejection
            else "",
            chart_style=Markup(STYLE),  # noqa: S704 - a constant style sheet of ours
            curve=Markup(_curve(first)),  # noqa: S704 - JSON of numbers, no text of a caller
            method=_METHOD if summary.cases is not None else _METHOD[:-1],
            least_persons=LEAST_PERSONS,
            least_group=LEAST_PERSONS_IN_GROUP,
        )
    )


def _plots(study: Study, threshold: float) -> list[Plot]:
    if not study.pairs.similarity.size:
        return []
    tag = study.name.lower()
    drawn = [("error_rates", error_rate_curves(study, threshold)), ("scores", score_histograms(study, threshold))]
    if study.auc is not None:
        drawn.insert(0, ("det", det_curve(study)))
    return [
        Plot(
            f"{kind}_{tag}.svg",
            Markup(svg),  # noqa: S704 - our own SVG, escaped where it is made
            Markup(text(f"{kind}_words", name=name_of(study)).html),  # noqa: S704 - `html` escapes both languages
        )
        for kind, svg in drawn
    ]


def _shown(item: GalleryItem) -> ShownPair:
    return ShownPair(
        item, thumbnail(item.source.path, item.source.analysis), thumbnail(item.target.path, item.target.analysis)
    )


def _lowest_of_each(bands: tuple[ReviewBand, ...]) -> list[ReviewBand]:
    """One band for each review threshold: FNMR depends on that threshold alone."""
    return list({band.threshold_review: band for band in bands}.values())


def _review_rows(bands: tuple[ReviewBand, ...]) -> list[ReviewRow]:
    lows = [band.threshold_review for band in _lowest_of_each(bands)]
    rows: defaultdict[float, dict[float, ReviewBand]] = defaultdict(dict)
    for band in bands:
        rows[band.threshold][band.threshold_review] = band
    return [
        ReviewRow(threshold, next(iter(of.values())).fmr, [of.get(low) for low in lows])
        for threshold, of in rows.items()
    ]


def _heat(found: Differentials) -> list[HeatRow]:
    names = [group.name for group in found.groups]
    cells = {frozenset((one.first, one.second)): _heat_cell(one.fmr.value, one.fmr.of) for one in found.cross}
    return [HeatRow(name, [cells[frozenset((name, other))] for other in names]) for name in names]


def _heat_cell(fmr: float | None, of: int) -> HeatCell:
    if fmr:
        place = min(max(round(math.log10(fmr) + 6), 0), len(_HEAT) - 1)
        return HeatCell(f"{math.log10(fmr):.1f}", _HEAT[place])
    return HeatCell(f"< {math.log10(3 / of):.1f}" if of > 3 else "", None)  # rule of 3


def _curve(study: Study) -> str:
    rates = study.rates
    return json.dumps(
        [
            [round(threshold, 4), None if math.isnan(fmr) else fmr, None if math.isnan(fnmr) else fnmr]
            for threshold, fmr, fnmr in zip(
                rates.thresholds.tolist(), rates.fmr.tolist(), rates.fnmr.tolist(), strict=True
            )
        ],
        separators=(",", ":"),
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
    return f"Said {said} at {similarity(result.similarity)}; expected {wanted}."
