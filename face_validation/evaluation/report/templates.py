"""The templates of the reports and charts, and what they can say."""

import math
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from face_validation.evaluation.report.texts import NOTHING, percent, percent_of, text, threshold
from face_validation.evaluation.report.thumbnails import thumbnail
from face_validation.evaluation.statistics.intervals import Rate

# Light to dark: from an FMR of 1e-6 to one of 1 %.
_HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59")


def render(template: str, **values: object) -> Markup:
    """A page or chart of this package's templates; everything is escaped."""
    return Markup(_environment().get_template(template).render(t=text, **values))  # noqa: S704 - escaped by Jinja


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "thousands": "{:,}".format,
        "percent": percent,
        "percent_of": percent_of,
        "similarity": lambda value: NOTHING if value is None else f"{value:.2f}",
        "threshold": threshold,
        "target": lambda rate: "" if rate is None else f"1:{round(1 / rate):,}",
        "milliseconds": lambda seconds: f"{seconds * 1000:.0f} ms",
        "thumbnail": lambda image: thumbnail(*image),
        "log10": _log10,
        "heat": _heat,
        "low": lambda interval: NOTHING if interval is None else percent(interval[0]),
        "high": lambda interval: NOTHING if interval is None else percent(interval[1]),
    }
    return environment


def _log10(rate: Rate) -> str:
    if rate.value:
        return f"{math.log10(rate.value):.1f}"
    return f"< {math.log10(3 / rate.of):.1f}" if rate.of > 3 else ""  # rule of 3


def _heat(rate: Rate) -> str:
    """The colour of an FMR in the heat map; none without a false match."""
    return _HEAT[min(max(round(math.log10(rate.value) + 6), 0), len(_HEAT) - 1)] if rate.value else ""
