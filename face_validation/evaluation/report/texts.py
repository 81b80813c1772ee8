"""What the report says: its templates, words in English and Spanish, of which the page shows one, and figures."""

import json
import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from html import escape
from importlib.resources import files

import rich.markup
from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from face_validation.evaluation.report.gallery import thumbnail
from face_validation.evaluation.statistics.intervals import Measured, Rate

NOTHING = "\N{EN DASH}"
# Light to dark: from an FMR of 1e-6 to one of 1 %.
_HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59")


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in English and in Spanish."""

    en: str
    es: str

    def __html__(self) -> str:
        """Both, for CSS to show one of them; everything is escaped. Templates ask for it by themselves."""
        return f'<span lang="en">{escape(self.en)}</span><span lang="es">{escape(self.es)}</span>'


def text(key: str, **values: object) -> Text:
    """The catalogue's words of that key, filled in; a value may be a `Text` itself. KeyError where one is missing."""
    english, spanish = _catalogue()[key]
    in_english = {name: getattr(value, "en", value) for name, value in values.items()}
    in_spanish = {name: getattr(value, "es", value) for name, value in values.items()}
    return Text(english.format(**in_english), spanish.format(**in_spanish))


@cache
def _catalogue() -> dict[str, tuple[str, str]]:
    return dict(json.loads(asset("texts.json")))


def percent(rate: Rate | Measured | float | None) -> str:
    """A ratio in percent, with as many decimals as the count behind it can carry."""
    value = rate if rate is None or isinstance(rate, float) else rate.value
    return NOTHING if value is None else f"{percent_of(value, rate)} %"


def percent_of(value: float, rate: Rate | Measured | float | None) -> str:
    """An end of a rate's interval, with the rate's own number of decimals or more."""
    if isinstance(rate, Rate) and rate.of < 1000:
        return f"{value * 100:.1f}"
    return f"{value * 100:.{2 if value == 0 or value >= 0.00095 else 3 if value >= 0.000095 else 4}f}"


def threshold(value: float) -> str:
    """A threshold with three decimals, rounded up: printed too low, it would let the highest non-match through."""
    if value > 100:
        return "> 100"  # even a similarity of 100 is reached by a non-match
    return f"{Decimal(value).quantize(Decimal('0.001'), ROUND_CEILING).normalize():f}"


def render(template: str, **values: object) -> Markup:
    """A page, chart or text of this package's templates; everything but texts for a terminal is escaped."""
    return Markup(_environment().get_template(template).render(t=text, **values))  # noqa: S704 - autoescaped


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(asset),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": rich.markup.escape,
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
    }
    return environment


def _log10(rate: Rate) -> str:
    if rate.value:
        return f"{math.log10(rate.value):.1f}"
    return f"< {math.log10(3 / rate.of):.1f}" if rate.of > 3 else ""  # rule of 3


def _heat(rate: Rate) -> str:
    """The colour of an FMR in the heat map; none without a false match."""
    return _HEAT[min(max(round(math.log10(rate.value) + 6), 0), len(_HEAT) - 1)] if rate.value else ""
