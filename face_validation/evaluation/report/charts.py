"""Charts as SVG that the report holds as text: they follow its colours, its language and the paper it is printed on.

Lines are told apart by dashes too, so that colour alone carries no meaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

import numpy as np
from markupsafe import Markup

from face_validation.evaluation.report.texts import Text
from face_validation.evaluation.statistics.confusion import Scores

WIDTH, HEIGHT = 480, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 12, 50
_LEGEND_LINE = 19


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: from `low` to `high` in its own unit, spread by `place`, with ticks and a label."""

    label: Text
    low: float
    high: float
    ticks: Sequence[float]
    place: Callable[[Scores], Scores] = field(default=lambda values: values)
    name: Callable[[float], str] = field(default=lambda value: f"{value:g}")

    def position(self, values: Scores) -> Scores:
        """0 at `low`, 1 at `high`; what lies outside is kept at the ends."""
        low, high = self.place(np.array([self.low, self.high], np.float64))
        kept: Scores = np.clip((self.place(np.asarray(values, np.float64)) - low) / (high - low), 0, 1)
        return kept


class Chart:
    """A chart that is drawn piece by piece, then asked for its SVG."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self._x, self._y = x, y
        self._pieces: list[str] = []
        self._legend: list[tuple[str, Text]] = []

    def curve(self, xs: Scores, ys: Scores, style: str, name: Text) -> None:
        """A line through points; `style` holds CSS classes of chart.css."""
        left, top = self._points(xs, ys)
        # One decimal of a 480 px chart: finer than a printer's dot, and half the bytes.
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(left, top, strict=True))
        self._pieces.append(f'<path class="curve {style}" d="{path}"/>')
        self._legend.append((f"curve {style}", name))

    def steps(self, xs: Scores, ys: Scores, style: str, name: Text) -> None:
        """A staircase: the value at a point holds down to the point below it."""
        self.curve(np.repeat(xs, 2)[:-1], np.repeat(ys, 2)[1:], style, name)

    def area(self, edges: Scores, heights: Scores, style: str, name: Text) -> None:
        """A histogram: (n + 1,) edges, (n,) heights."""
        left, top = self._points(
            np.repeat(edges, 2), np.concatenate([[self._y.low], np.repeat(heights, 2), [self._y.low]])
        )
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(left, top, strict=True))
        self._pieces.append(f'<path class="area {style}" d="{path}"/>')
        self._legend.append((f"area {style}", name))

    def vertical(self, x: float, name: Text) -> None:
        """A dotted line from top to bottom."""
        (left,), _ = self._points(np.array([x]), np.array([self._y.low]))
        self._pieces.append(f'<path class="mark curve" d="M{left:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
        self._legend.append(("mark curve", name))

    def dot(self, x: float, y: float, style: str, name: Text) -> None:
        """A point with a label beside it."""
        (left,), (top,) = self._points(np.array([x]), np.array([y]))
        self._pieces.append(f'<circle class="dot {style}" cx="{left:.1f}" cy="{top:.1f}" r="4"/>')
        is_right = left > WIDTH * 0.62
        at = f'x="{left - 8 if is_right else left + 8:.1f}" y="{max(top - 7, _TOP + 10):.1f}"'
        self._pieces.append(_text(name, f"{at}{' text-anchor=' + chr(34) + 'end' + chr(34) if is_right else ''}"))

    def unsupported_left_of(self, x: float, name: Text) -> None:
        """Shade what is left of `x`: the data cannot say anything there."""
        (left,), _ = self._points(np.array([x]), np.array([self._y.low]))
        if left > _LEFT + 1:
            self._pieces.insert(
                0,
                f'<rect class="unsupported" x="{_LEFT}" y="{_TOP}" width="{left - _LEFT:.1f}" '
                f'height="{HEIGHT - _TOP - _BOTTOM}"/>',
            )
            self._legend.append(("unsupported", name))

    def svg(self, words: Text) -> Markup:
        """The chart; `words` say what it shows, for whoever cannot see it."""
        height = HEIGHT + _LEGEND_LINE * len(self._legend)
        legend = [
            f"{_swatch(style, HEIGHT + _LEGEND_LINE * row + 2)}"
            + _text(name, f'x="{_LEFT + 34}" y="{HEIGHT + _LEGEND_LINE * row + 6}"')
            for row, (style, name) in enumerate(self._legend)
        ]
        return Markup(  # noqa: S704 - every text of ours is escaped where it is put in
            f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-label="{escape(words.en)}">{self._axes()}{"".join(self._pieces)}{"".join(legend)}</svg>'
        )

    def _points(self, xs: Scores, ys: Scores) -> tuple[Scores, Scores]:
        left = _LEFT + self._x.position(xs) * (WIDTH - _LEFT - _RIGHT)
        top = HEIGHT - _BOTTOM - self._y.position(ys) * (HEIGHT - _TOP - _BOTTOM)
        return left, top

    def _axes(self) -> str:
        pieces = []
        lefts, _ = self._points(np.array(self._x.ticks), np.full(len(self._x.ticks), self._y.low))
        for tick, left in zip(self._x.ticks, lefts, strict=True):
            pieces.append(f'<path class="grid" d="M{left:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
            at = f'class="tick" x="{left:.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle"'
            pieces.append(f"<text {at}>{escape(self._x.name(tick))}</text>")
        _, tops = self._points(np.full(len(self._y.ticks), self._x.low), np.array(self._y.ticks))
        for tick, top in zip(self._y.ticks, tops, strict=True):
            pieces.append(f'<path class="grid" d="M{_LEFT} {top:.1f}H{WIDTH - _RIGHT}"/>')
            at = f'class="tick" x="{_LEFT - 6}" y="{top + 4:.1f}" text-anchor="end"'
            pieces.append(f"<text {at}>{escape(self._y.name(tick))}</text>")
        middle, centre = (_LEFT + WIDTH - _RIGHT) / 2, (_TOP + HEIGHT - _BOTTOM) / 2
        pieces.append(_text(self._x.label, f'x="{middle}" y="{HEIGHT - 14}" text-anchor="middle"'))
        pieces.append(_text(self._y.label, f'transform="translate(13 {centre}) rotate(-90)" text-anchor="middle"'))
        return "".join(pieces)


def standalone(svg: str) -> str:
    """A chart as a file of its own, in English, on white."""
    css = files(__package__).joinpath("chart.css").read_text(encoding="utf-8")
    style = f'<style>svg [lang="es"] {{ display: none; }}\n{css}</style><rect width="100%" height="100%" fill="#fff"/>'
    return str(svg).replace(">", f">{style}", 1)


def _text(words: Text, attributes: str) -> str:
    return "".join(
        f'<text lang="{language}" {attributes}>{escape(one)}</text>'
        for language, one in (("en", words.en), ("es", words.es))
    )


def _swatch(style: str, top: float) -> str:
    if style.startswith("curve") or "mark" in style:
        return f'<path class="{style}" d="M{_LEFT} {top}h26"/>'
    return f'<rect class="{style}" x="{_LEFT}" y="{top - 6}" width="26" height="11"/>'
