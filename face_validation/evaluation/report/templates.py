"""The templates of the reports: how rates, thresholds and words in both languages are printed."""

from decimal import ROUND_CEILING, Decimal
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from face_validation.evaluation.report.texts import text
from face_validation.evaluation.statistics.intervals import F1Score, Rate

NOTHING = "\N{EN DASH}"


def template_environment() -> Environment:
    """Templates of this package; everything is escaped."""
    environment = Environment(
        loader=FunctionLoader(lambda name: files(__package__).joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "percent_of": percent_of,
        "similarity": similarity,
        "threshold": threshold,
        "target": _target,
        "ratio": _ratio,
        "milliseconds": _milliseconds,
        "low": lambda interval: NOTHING if interval is None else percent(interval[0]),
        "high": lambda interval: NOTHING if interval is None else percent(interval[1]),
    }
    environment.globals["t"] = _words
    return environment


def percent(rate: Rate | F1Score | float | None) -> str:
    """A ratio in percent, with as many decimals as the count behind it can carry."""
    value = rate if rate is None or isinstance(rate, float) else rate.value
    if value is None:
        return NOTHING
    of = rate.of if isinstance(rate, Rate) else None
    return f"{value * 100:.{_decimals(value, of)}f} %"


def percent_of(value: float, rate: Rate | F1Score) -> str:
    """An end of a rate's interval, with the rate's own number of decimals or more."""
    of = rate.of if isinstance(rate, Rate) else None
    return f"{value * 100:.{_decimals(value, of)}f}"


def _decimals(value: float, of: int | None) -> int:
    if of is not None and of < 1000:
        return 1
    return 2 if value == 0 or value >= 0.00095 else 3 if value >= 0.000095 else 4


def similarity(value: float | None) -> str:
    """A similarity with two decimals."""
    return NOTHING if value is None else f"{value:.2f}"


def threshold(value: float) -> str:
    """A threshold with three decimals, rounded up: printed too low, it would let the highest non-match through."""
    if value > 100:
        return "> 100"  # even a similarity of 100 is reached by a non-match
    return f"{Decimal(value).quantize(Decimal('0.001'), ROUND_CEILING).normalize():f}"


def _target(value: float | None) -> str:
    return "" if value is None else f"1:{round(1 / value):,}"


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _words(key: str, **values: object) -> Markup:
    return Markup(text(key, **values).html)  # noqa: S704 - `html` escapes both languages
