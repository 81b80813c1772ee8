"""The pictures of a report: small enough to be read on a phone, and without colour alone carrying a meaning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from face_validation.evaluation.report.summary import ScoreStudy
from face_validation.evaluation.runs.results import Outcome, Result
from face_validation.evaluation.statistics.confusion import RIGHT_ANSWER, Answer, ConfusionMatrix, Expected, Scores
from face_validation.evaluation.statistics.error_rates import IdentificationRates
from face_validation.evaluation.statistics.intervals import Rate

# Okabe and Ito's palette: told apart with every kind of colour vision. jfly.uni-koeln.de/color
MATCH, NON_MATCH, NEUTRAL, THRESHOLD = "#0072B2", "#D55E00", "#595959", "#000000"
SIZE_INCHES = (4.8, 3.9)  # at a phone's 360 px, 10 points are still 10 px
DPI = 200
_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}

# Similarities crowd near 0 and 100: log-odds spread them out. Ends as far out as two decimals can tell.
_ENDS = (0.005, 99.995)
_TICKS = (0.01, 0.1, 1, 10, 50, 80, 99, 99.9, 99.99)


def plot_error_rates(study: ScoreStudy, threshold: float, path: Path) -> None:
    """FMR and FNMR against threshold, with 95 % bands; `threshold` (0-100) is marked."""
    figure, axes = _figure()
    floor = 0.3 / max(study.match_scores.size, study.non_match_scores.size, 1)
    rates = study.rates
    for values, of, color, style, name in (
        (rates.fmr, study.non_match_scores.size, NON_MATCH, "-", "FMR: strangers let through"),
        (rates.fnmr, study.match_scores.size, MATCH, "--", "FNMR: same person turned away"),
    ):
        if not of:
            continue
        low, high = _bands(values, int(of))
        at = _spread(rates.thresholds)
        axes.fill_between(at, np.maximum(low, floor), high, color=color, alpha=0.12, linewidth=0, step="pre")
        # Between two scores nothing changes: the rate at a score holds down to the score below it.
        axes.step(at, np.where(values > 0, values, np.nan), color=color, linestyle=style, label=name, where="pre")
    _mark_threshold(axes, threshold)
    axes.set_yscale("log")
    axes.set_ylim(floor, 1.15)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _similarity_axis(axes, "threshold (similarity, %)")
    axes.set_ylabel("error rate")
    _finish(figure, axes, f"{_title(study.name)}: error rates by threshold", path)


def plot_roc(studies: Sequence[ScoreStudy], path: Path) -> None:
    """Share of matches recognised against FMR (logarithmic), one line per type."""
    figure, axes = _figure()
    drawn = [study for study in studies if study.auc is not None]
    for study, color, style in zip(drawn, (NEUTRAL, MATCH, NON_MATCH), (":", "-", "--"), strict=False):
        least = 0.5 / study.non_match_scores.size
        eer = f", EER {study.eer.rate * 100:.2f} %" if study.eer else ""
        axes.step(
            np.maximum(study.rates.fmr, least),
            1 - study.rates.fnmr,
            where="post",
            color=color,
            linestyle=style,
            label=f"{_title(study.name)}: AUC {study.auc:.5f}{eer}",
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    lowest = min((float(np.min(1 - study.rates.fnmr[study.rates.fmr == 0])) for study in drawn), default=0.5)
    starts = [float(np.max(1 - study.rates.fnmr[study.rates.fmr == 0])) for study in drawn]
    axes.set_ylim(max(0.0, min([*starts, max(lowest, 0.9)]) - 0.03), 1.005)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_xlabel("FMR: strangers let through")
    axes.set_ylabel("recognised (1 - FNMR)")
    _finish(figure, axes, "ROC", path)


def plot_scores(study: ScoreStudy, threshold: float, path: Path) -> None:
    """Histograms of match and non-match scores, each as a share of its own class."""
    figure, axes = _figure()
    first, last = _spread(np.array(_ENDS))
    edges = np.linspace(first, last, 41)
    for scores, color, hatch, name in (
        (study.non_match_scores, NON_MATCH, "///", "different persons"),
        (study.match_scores, MATCH, "", "same person"),
    ):
        if scores.size:
            axes.hist(
                _spread(scores),
                bins=edges.tolist(),
                weights=np.full(scores.size, 1 / scores.size),
                color=color,
                alpha=0.55,
                edgecolor=color,
                hatch=hatch,
                label=f"{name} ({scores.size})",
            )
    _mark_threshold(axes, threshold)
    _similarity_axis(axes, "similarity (%)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_ylabel("share of the cases")
    _finish(figure, axes, f"{_title(study.name)}: scores", path)


def plot_confusion(confusion: ConfusionMatrix, name: str, threshold: float, path: Path) -> None:
    """What was expected against what was answered; each cell says its count and its share of the row."""
    rows = [expected for expected in Expected if confusion.count(expected)]
    counts = np.array([[confusion.count(expected, answer) for answer in Answer] for expected in rows], dtype=np.int64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure()
    axes.grid(visible=False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        is_right = RIGHT_ANSWER[rows[row]] is tuple(Answer)[column]
        axes.text(
            column,
            row,
            f"{count}\n{shares[row, column] * 100:.1f} %" if count else "0",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.5 else "black",
            fontweight="bold" if is_right else "normal",
        )
    axes.set_xticks(range(len(Answer)), [answer.replace("_", " ") for answer in Answer])
    axes.set_yticks(range(len(rows)), [expected.replace("_", " ") for expected in rows])
    axes.set_xlabel(f"answered at threshold {threshold:g} (bold = right)")
    axes.set_ylabel("expected")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _finish(figure, axes, f"{_title(name)}: answers", path)


def plot_latency(results: Sequence[Result], path: Path) -> None:
    """Share of requests answered within a time, one line per type; refusals and failures apart."""
    figure, axes = _figure()
    types = sorted({result.case.type for result in results})
    lines = [
        (f"{type_}, scored", [one for one in results if one.case.type is type_ and one.outcome is Outcome.SCORED])
        for type_ in types
    ]
    lines.append(("not scored", [one for one in results if one.outcome is not Outcome.SCORED]))
    for (name, members), color, style in zip(lines, (MATCH, NON_MATCH, NEUTRAL), ("-", "--", ":"), strict=False):
        if members:
            seconds = np.sort([result.seconds for result in members])
            share = np.arange(1, seconds.size + 1) / seconds.size
            axes.step(
                seconds * 1000, share, where="post", color=color, linestyle=style, label=f"{name} ({len(members)})"
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if _leads(value, (2, 5)) else ""))
    axes.tick_params(axis="x", which="minor", labelsize=8)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_xlabel("milliseconds for one request")
    axes.set_ylabel("answered within")
    _finish(figure, axes, "Latency", path)


def plot_identification(rates: IdentificationRates, threshold: float, path: Path) -> None:
    """Rank-1 identification rate and false positive identification rate against threshold."""
    figure, axes = _figure()
    at = _spread(rates.thresholds)
    for values, color, style, name in (
        (rates.rank_one, MATCH, "-", "enrolled persons named right"),
        (rates.fpir, NON_MATCH, "--", "strangers given a name (FPIR)"),
    ):
        if not np.isnan(values).any():
            axes.step(at, values, where="pre", color=color, linestyle=style, label=name)
    _mark_threshold(axes, threshold)
    _similarity_axis(axes, "threshold (similarity, %)")
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_ylabel("share of the photographs")
    _finish(figure, axes, "Identification", path)


def _figure() -> tuple[Figure, Axes]:
    # A Figure of its own, not pyplot's: no state shared between threads, no window system asked for.
    with rc_context(_STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
        return figure, figure.add_subplot()


def _finish(figure: Figure, axes: Axes, title: str, path: Path) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    handles, names = axes.get_legend_handles_labels()
    if handles:
        # Below the axes, never over the data.
        figure.legend(handles, names, loc="outside lower center", frameon=False, fontsize=9)
    figure.savefig(path, format="png", metadata={"Software": None})


def _title(name: str) -> str:
    return "All cases" if name == "all" else name


def _spread(similarity: Scores) -> NDArray[np.float64]:
    """Log-odds of similarities (0-100), ends kept finite."""
    share = np.clip(similarity, *_ENDS) / 100
    return np.log(share / (1 - share))


def _similarity_axis(axes: Axes, label: str) -> None:
    axes.set_xticks(_spread(np.array(_TICKS)), [f"{tick:g}" for tick in _TICKS])
    axes.tick_params(axis="x", labelsize=9)
    axes.set_xlim(*_spread(np.array(_ENDS)))
    axes.set_xlabel(label)


def _mark_threshold(axes: Axes, threshold: float) -> None:
    at = float(_spread(np.array([threshold]))[0])
    axes.axvline(at, color=THRESHOLD, linewidth=1.2, linestyle=(0, (1, 1.5)), label=f"threshold {threshold:g}")


def _bands(values: Scores, of: int) -> tuple[Scores, Scores]:
    bounds = np.array([Rate(round(value * of), of).interval for value in values], dtype=np.float64)
    return bounds[:, 0], bounds[:, 1]


def _leads(value: float, digits: Sequence[int]) -> bool:
    """Whether a number's first digit is one of `digits` and the rest zeros."""
    return value > 0 and any(np.isclose(value, digit * 10 ** np.floor(np.log10(value))) for digit in digits)
