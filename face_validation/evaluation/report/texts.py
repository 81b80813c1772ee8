"""What the report says: words in English and Spanish, of which the page shows one, and rates and thresholds."""

import json
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from html import escape
from importlib.resources import files

from face_validation.evaluation.statistics.intervals import F1Score, Rate

CATALOGUE = "texts.json"
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in English and in Spanish."""

    en: str
    es: str

    def __html__(self) -> str:
        """Both, for CSS to show one of them; everything is escaped. Templates ask for it by themselves."""
        return f'<span lang="en">{escape(self.en)}</span><span lang="es">{escape(self.es)}</span>'


def text(key: str, **values: object) -> Text:
    """The catalogue's words of that key, filled in; a value may be a `Text` itself.

    Raises:
        KeyError: the catalogue does not have it, or a value is missing.
    """
    english, spanish = _catalogue()[key]
    of_english = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
    of_spanish = {name: value.es if isinstance(value, Text) else value for name, value in values.items()}
    return Text(english.format(**of_english), spanish.format(**of_spanish))


@cache
def _catalogue() -> dict[str, tuple[str, str]]:
    loaded = json.loads(files(__package__).joinpath(CATALOGUE).read_text(encoding="utf-8"))
    return {key: (english, spanish) for key, (english, spanish) in loaded.items()}


def percent(rate: Rate | F1Score | float | None) -> str:
    """A ratio in percent, with as many decimals as the count behind it can carry."""
    value = rate if rate is None or isinstance(rate, float) else rate.value
    return NOTHING if value is None else f"{percent_of(value, rate)} %"


def percent_of(value: float, rate: Rate | F1Score | float | None) -> str:
    """An end of a rate's interval, with the rate's own number of decimals or more."""
    if isinstance(rate, Rate) and rate.of < 1000:
        return f"{value * 100:.1f}"
    return f"{value * 100:.{2 if value == 0 or value >= 0.00095 else 3 if value >= 0.000095 else 4}f}"


def threshold(value: float) -> str:
    """A threshold with three decimals, rounded up: printed too low, it would let the highest non-match through."""
    if value > 100:
        return "> 100"  # even a similarity of 100 is reached by a non-match
    return f"{Decimal(value).quantize(Decimal('0.001'), ROUND_CEILING).normalize():f}"
