"""Which worker of pytest-xdist runs which tests: those that share costly fixtures run on one, long ones first.

A module's tests stay together, for each worker would else make the module's fixtures again; so do the tests of all
modules that use the local stack, which is one for each process, and those that only synthesise templates. On one
worker such tests also come in one order: what they leave in the process is the same in each run.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
# What the text of a module names -> its group. The controller of xdist has collected nothing: it knows paths alone.
GROUPS = {r"\bLocalStack\b|\bAnswered\b|\basset:": "stack", r"\bSynthesise\b": "cdk"}


@cache
def group_of(path: str) -> str:
    """The group of a test module, given from the project's folder; its own path where it is in none."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return next((group for named, group in GROUPS.items() if re.search(named, text)), path)


class ModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Work units are groups, and modules of tests that are in none; they begin in the order of `arrange`."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def arrange(items: list[pytest.Item]) -> None:
    """Put the groups first, then modules with slow tests, then the others: short ones fill what is left at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        return 0 if group_of(item.nodeid.partition("::")[0]) in GROUPS.values() else 1 if item.path in slow else 2

    items.sort(key=place)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    """The names of all fixtures that a test uses, also through others."""
    return item.fixturenames if isinstance(item, pytest.Function) else ()
