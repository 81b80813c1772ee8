"""Charts as SVG that the report holds as text: they follow its colours, its language and the paper it is printed on.

Lines are told apart by dashes too, so that colour alone carries no meaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from face_validation.evaluation.report.study import Study
from face_validation.evaluation.report.texts import Text, asset, render, text
from face_validation.evaluation.statistics import error_rates
from face_validation.evaluation.statistics.operating_points import FMR_TARGETS
from face_validation.evaluation.statistics.pairs import Scores

WIDTH, HEIGHT = 480, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, WIDTH - 22, 12, HEIGHT - 50
# Similarities crowd near 0 and 100: log-odds spread them out. Ends as far out as two decimals can tell.
_ENDS = (0.005, 99.995)
_RATES = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)
_BINS = 40


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: from `low` to `high` in its own unit, spread by `place`, with ticks and a label."""

    label: Text
    low: float
    high: float
    ticks: Sequence[float]
    place: Callable[[Scores], Scores] = field(default=lambda values: values)
    name: Callable[[float], str] = field(default=lambda value: f"{value:g}")

    def positions(self, values: Sequence[float] | Scores, first: int, last: int) -> list[float]:
        """Pixels: `first` at `low`, `last` at `high`; what lies outside is kept at the ends.

        One decimal of a 480 px chart is finer than a printer's dot, and half the bytes.
        """
        low, high = self.place(np.array([self.low, self.high], np.float64))
        shares = np.clip((self.place(np.asarray(values, np.float64)) - low) / (high - low), 0, 1)
        return [round(one, 1) for one in (first + shares * (last - first)).tolist()]

    def named_ticks(self, first: int, last: int) -> list[tuple[float, str]]:
        """Where the ticks are, and what they are called."""
        return list(zip(self.positions(self.ticks, first, last), map(self.name, self.ticks), strict=True))


class Chart:
    """A chart that is drawn piece by piece, then asked for its SVG; `style` holds CSS classes of chart.css."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self._x, self._y = x, y
        self._shapes: list[tuple[str, str, Text]] = []
        self._dots: list[tuple[str, float, float, Text]] = []

    def curve(self, xs: Scores, ys: Scores, style: str, name: Text) -> None:
        """A line through points."""
        self._draw(f"curve {style}", xs, ys, name)

    def steps(self, xs: Scores, ys: Scores, style: str, name: Text) -> None:
        """A staircase: the value at a point holds down to the point below it."""
        self._draw(f"curve {style}", np.repeat(xs, 2)[:-1], np.repeat(ys, 2)[1:], name)

    def area(self, edges: Scores, heights: Scores, style: str, name: Text) -> None:
        """A histogram: (n + 1,) edges, (n,) heights."""
        low = [self._y.low]
        self._draw(f"area {style}", np.repeat(edges, 2), np.concatenate([low, np.repeat(heights, 2), low]), name)

    def mark(self, threshold: float) -> None:
        """A dotted line from top to bottom at the report's threshold (0-100)."""
        name = text("threshold_mark", threshold=f"{threshold:g}")
        self._draw("mark curve", np.repeat(threshold, 2), np.array([self._y.high, self._y.low]), name)

    def dot(self, x: float, y: float, style: str, name: Text) -> None:
        """A point with a label beside it."""
        (left,), (top,) = self._points(np.array([x]), np.array([y]))
        self._dots.append((style, left, top, name))

    def shade_unsupported(self, cases: int) -> None:
        """Shade the rates on the x axis of which so many cases cannot say anything (rule of 3)."""
        least, (low, high) = 3 / max(cases, 1), (self._y.low, self._y.high)
        xs = np.array([self._x.low, self._x.low, least, least])
        if cases and self._x.positions(xs, _LEFT, _RIGHT)[-1] > _LEFT + 1:
            self._draw("unsupported", xs, np.array([low, high, high, low]), text("rule_of_three", n=f"{least:.1g}"))

    def svg(self, title: Text) -> Markup:
        """The chart; `title` says what it shows, for whoever cannot see it."""
        frame = (_LEFT, _RIGHT, _TOP, _BOTTOM)
        drawn = {"x_axis": self._x, "y_axis": self._y, "shapes": self._shapes, "dots": self._dots}
        return render("chart.svg", title=title, width=WIDTH, frame=frame, **drawn)

    def _draw(self, style: str, xs: Scores, ys: Scores, name: Text) -> None:
        path = "L".join(f"{x} {y}" for x, y in zip(*self._points(xs, ys), strict=True))
        self._shapes.append((style, f"M{path}", name))

    def _points(self, xs: Scores, ys: Scores) -> tuple[list[float], list[float]]:
        return self._x.positions(xs, _LEFT, _RIGHT), self._y.positions(ys, _BOTTOM, _TOP)


def standalone(svg: str) -> str:
    """A chart as a file of its own, in English, on white."""
    css = asset("chart.css")
    style = f'<style>svg [lang="es"] {{ display: none; }}\n{css}</style><rect width="100%" height="100%" fill="#fff"/>'
    return str(svg).replace(">", f">{style}", 1)


def det_curve(study: Study) -> Markup:
    """FNMR against FMR, both as normal deviates; where the data cannot say anything is shaded."""
    lowest_fmr = max(min(1e-3, 0.5 / max(study.non_matches, 1)), 1e-6)
    lowest_fnmr = max(min(1e-2, 0.5 / max(study.matches, 1)), 1e-6)
    chart = Chart(_rate_axis(text("axis_fmr"), lowest_fmr, 0.5), _rate_axis(text("axis_fnmr"), lowest_fnmr, 0.6))
    chart.shade_unsupported(study.non_matches)
    # From the last point without a false match on: what lies before it is the axis itself.
    drawn = max(int(np.count_nonzero(study.rates.fmr)), 1) + 1
    name = text("det_name", name=name_of(study))
    chart.curve(study.rates.fmr[:drawn], study.rates.fnmr[:drawn], "match", name)
    for choice in study.choices:
        if choice.target_fmr in FMR_TARGETS and choice.fnmr.value is not None and choice.fmr.value:
            label = f"{choice.threshold:.2f}".rstrip("0").rstrip(".")
            chart.dot(choice.fmr.value, choice.fnmr.value, "match", Text(label, label))
    return chart.svg(text("det_words", name=name_of(study)))


def error_rate_curves(study: Study, threshold: float) -> Markup:
    """FMR and FNMR against threshold; `threshold` (0-100) is marked."""
    rates = study.rates
    chart = Chart(Axis(text("axis_threshold"), *_SIMILARITY), _share_axis(study, text("axis_error_rate")))
    for values, style, name in ((rates.fmr, "other", "fmr_curve"), (rates.fnmr, "match dashed", "fnmr_curve")):
        if values.size and not np.isnan(values).any():
            chart.curve(rates.thresholds, values, style, text(name))
    chart.mark(threshold)
    return chart.svg(text("error_rates_words", name=name_of(study)))


def score_histograms(study: Study, threshold: float) -> Markup:
    """Histograms of match and non-match scores, each as a share of its own class."""
    first, last = _log_odds(np.array(_ENDS)).tolist()
    edges = 100 / (1 + np.exp(-np.linspace(first, last, _BINS + 1)))
    # Logarithmic: most scores of different persons are in the first bin, and the tails are what matters.
    chart = Chart(Axis(text("axis_similarity"), *_SIMILARITY), _share_axis(study, text("axis_share")))
    for scores, style, name in (
        (study.pairs.non_match_scores, "other", "different_persons"),
        (study.pairs.match_scores, "match", "same_person"),
    ):
        if scores.size:
            counted, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)
            chart.area(edges, counted / scores.size, style, text(name, n=f"{scores.size:,}"))
    chart.mark(threshold)
    return chart.svg(text("scores_words", name=name_of(study)))


def rejection_curves(curves: Sequence[error_rates.ErrorAgainstRejection]) -> Markup:
    """FNMR as the worst images are turned away, for the three most useful measures."""
    shown = curves[:3]
    highest = max(max(curve.fnmr) for curve in shown) * 1.1 or 0.01
    x = Axis(text("axis_rejected"), 0, max(shown[0].rejected), (0, 0.1, 0.2, 0.3), name=_percent)
    chart = Chart(x, Axis(text("axis_fnmr"), 0, highest, _ticks(highest), name=_percent))
    for curve, style in zip(shown, ("match", "other dashed", "third dotted"), strict=False):
        chart.curve(np.array(curve.rejected), np.array(curve.fnmr), style, Text(curve.measure, curve.measure))
    return chart.svg(text("rejection_words"))


def identification_curves(rates: error_rates.IdentificationRates, threshold: float) -> Markup:
    """Rank-1 identification rate and false positive identification rate against threshold."""
    shares = Axis(text("axis_photographs"), 0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1), name=_percent)
    chart = Chart(Axis(text("axis_threshold"), *_SIMILARITY), shares)
    for values, style, name in ((rates.rank_one, "match", "dir_curve"), (rates.fpir, "other dashed", "fpir_curve")):
        if not np.isnan(values).any():
            chart.steps(rates.thresholds, values, style, text(name))
    chart.mark(threshold)
    return chart.svg(text("identification_words"))


def dir_against_fpir(rates: error_rates.IdentificationRates, strangers: int) -> Markup:
    """DIR (rank-1, at the threshold) against FPIR: what a search finds for what it lets through."""
    least = 0.5 / max(strangers, 1)
    x = Axis(text("axis_fpir"), least, 1, [t for t in (1e-4, 1e-3, 0.01, 0.1, 1) if t >= least], _log10, _percent)
    lowest = float(np.clip(np.floor(np.min(rates.rank_one[rates.fpir <= 0.5], initial=1.0) * 10) / 10, 0, 0.9))
    chart = Chart(x, Axis(text("axis_dir"), lowest, 1, list(np.linspace(lowest, 1, 6)), name=_percent))
    chart.shade_unsupported(strangers)
    chart.curve(rates.fpir, rates.rank_one, "match", text("dir_fpir_curve"))
    return chart.svg(text("dir_fpir_words"))


def _share_axis(study: Study, label: Text) -> Axis:
    floor = 0.5 / max(study.pairs.similarity.size, 2)
    ticks = [tick for tick in (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1) if tick >= floor]
    return Axis(label, floor, 1, ticks, _log10, _percent)


def _rate_axis(label: Text, low: float, high: float) -> Axis:
    ticks = [tick for tick in _RATES if low <= tick <= high]
    return Axis(label, low, high, ticks, lambda rates: error_rates.normal_deviates(rates, 1e-9), _percent)


def _log10(values: Scores) -> Scores:
    logarithms: Scores = np.log10(np.maximum(values, 1e-12))
    return logarithms


def _log_odds(similarity: Scores) -> Scores:
    share = np.clip(similarity, *_ENDS) / 100
    odds: Scores = np.log(share / (1 - share))
    return odds


_SIMILARITY = (*_ENDS, (0.01, 1, 10, 50, 80, 99, 99.9, 99.99), _log_odds)  # of an axis, after its label


def _percent(rate: float) -> str:
    """1 % and more in percent, less as a power of ten: 1e-4."""
    return f"{rate * 100:.3g} %" if rate == 0 or rate >= 0.0099 else f"{rate:.0e}".replace("e-0", "e-")


def _ticks(highest: float) -> list[float]:
    """Three to six round numbers from 0 to `highest`."""
    power = 10 ** np.floor(np.log10(highest))
    step = next(step for step in (0.2 * power, 0.5 * power, power, 2 * power) if highest / step <= 6)
    ticks: list[float] = np.arange(0, highest, step).tolist()
    return ticks


def name_of(study: Study) -> Text:
    """The study's name as a reader sees it."""
    return text("all_of_them") if study.name == "all" else Text(study.name, study.name)
