"""The templates of the reports: how rates, thresholds and words in both languages are printed."""

import math
from decimal import ROUND_CEILING, Decimal
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from face_validation.evaluation.report.texts import text
from face_validation.evaluation.report.thumbnails import thumbnail
from face_validation.evaluation.statistics.intervals import F1Score, Rate

NOTHING = "\N{EN DASH}"
# Light to dark: from an FMR of 1e-6 to one of 1 %.
_HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59")


def render(template: str, **values: object) -> str:
    """A page of this package's templates; everything is escaped."""
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
        "thumbnail": lambda image: thumbnail(image.path, image.analysis),
        "log10": _log10,
        "heat": _heat,
        "low": lambda interval: NOTHING if interval is None else percent(interval[0]),
        "high": lambda interval: NOTHING if interval is None else percent(interval[1]),
    }
    return environment.get_template(template).render(t=text, **values)


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


def _log10(rate: Rate) -> str:
    if rate.value:
        return f"{math.log10(rate.value):.1f}"
    return f"< {math.log10(3 / rate.of):.1f}" if rate.of > 3 else ""  # rule of 3


def _heat(rate: Rate) -> str:
    """The colour of an FMR in the heat map; none without a false match."""
    return _HEAT[min(max(round(math.log10(rate.value) + 6), 0), len(_HEAT) - 1)] if rate.value else ""
