"""Charts as SVG that the report holds as text: they follow its colours, its language and the paper it is printed on.

Lines are told apart by dashes too, so that colour alone carries no meaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from face_validation.evaluation.report.texts import Text, asset, render
from face_validation.evaluation.statistics.pairs import Scores

WIDTH, HEIGHT = 480, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, WIDTH - 22, 12, HEIGHT - 50


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

    def vertical(self, x: float, name: Text) -> None:
        """A dotted line from top to bottom."""
        self._draw("mark curve", np.array([x, x]), np.array([self._y.high, self._y.low]), name)

    def dot(self, x: float, y: float, style: str, name: Text) -> None:
        """A point with a label beside it."""
        (left,), (top,) = self._points(np.array([x]), np.array([y]))
        self._dots.append((style, left, top, name))

    def unsupported_left_of(self, x: float, name: Text) -> None:
        """Shade what is left of `x`: the data cannot say anything there."""
        xs, (low, high) = np.array([self._x.low, self._x.low, x, x]), (self._y.low, self._y.high)
        if self._x.positions(xs, _LEFT, _RIGHT)[-1] > _LEFT + 1:
            self._draw("unsupported", xs, np.array([low, high, high, low]), name)

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
