"""The model card's tables are renewed between their marks, and nothing else is touched."""

import pytest

from face_validation.evaluation.statistics.intervals import Measured
from tests.figures.model_card import CARD, renew, with_interval

PAGE = (
    "before\n<!-- table: a -->\n<!-- end of table -->\nbetween\n<!-- table: b -->\nold\n<!-- end of table -->\nafter\n"
)


def test_only_the_named_table_is_replaced_and_again_the_same() -> None:
    once = renew(renew(PAGE, "a", "| x |"), "b", "| y |")

    assert once == PAGE.replace("a -->\n", "a -->\n| x |\n").replace("old", "| y |")
    assert renew(once, "a", "| x |") == once


def test_a_table_that_the_card_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="'c'"):
        renew(PAGE, "c", "")


@pytest.mark.parametrize("name", ["thresholds", "verdict", "cases", "documents", "faces", "quality", "people"])
def test_the_card_has_each_table(name: str) -> None:
    content = CARD.read_text(encoding="utf-8").partition(f"<!-- table: {name} -->\n")[2]

    assert content.startswith("| ")


def test_a_rate_is_told_with_its_interval() -> None:
    assert with_interval(Measured(value=0.0026, low=0.0007, high=0.0099)) == "0.26 % (0.070 to 0.99)"
    assert with_interval(None) == "\N{EN DASH}"
