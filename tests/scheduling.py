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
# Modules that take longest, the longest first; a name that is no longer right costs time, nothing else.
LONGEST = (
    "test_wire_process",
    "test_process",
    "test_local_stack",
    "test_hostile_files",
    "test_rename",
    "test_documents",
    "test_server_memory",
    "test_server_real",
    "test_collections_process",
    "test_new_figures",
    "test_reindex",
    "test_server",
    "test_works_with",
    "test_project",
)


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
    """Put the groups first, then the longest modules, then others with slow tests: short ones fill what is left."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        if group_of(item.nodeid.partition("::")[0]) in GROUPS.values():
            return -1
        if item.path.stem in LONGEST:
            return LONGEST.index(item.path.stem)
        return len(LONGEST) + (item.path not in slow)

    items.sort(key=place)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    """The names of all fixtures that a test uses, also through others."""
    return item.fixturenames if isinstance(item, pytest.Function) else ()
