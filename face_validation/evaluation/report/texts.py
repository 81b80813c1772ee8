"""What the report says, in English and Spanish: both are in the page, and one of them is shown."""

import json
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

CATALOGUE = "texts.json"


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
