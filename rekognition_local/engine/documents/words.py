"""The words printed on identity documents, as `words.toml` lists them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PrintedWords:
    """The lists of `words.toml`, under their names there."""

    passport_titles: tuple[str, ...]
    driving_titles: tuple[str, ...]
    id_card_titles: tuple[str, ...]
    american_fields: tuple[str, ...]
    number_words: tuple[str, ...]
    sentence_words: tuple[str, ...]
    visa_words: tuple[str, ...]
    other_papers: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]


@cache
def printed_words() -> PrintedWords:
    """All lists, read once."""
    lists = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
    fields = tuple(tuple(names.split()) for names in lists.pop("fields"))
    return PrintedWords(fields=fields, **{name: tuple(words.split()) for name, words in lists.items()})
