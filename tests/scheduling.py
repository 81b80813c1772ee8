"""Which worker of pytest-xdist runs which tests: those that share costly fixtures run on one, long ones first.

A module's tests stay together, for each worker would else make the module's fixtures again; so do the tests of all
modules that use the local stack, which is one for each process, and those that only synthesise templates. On one
worker such tests also come in one order: what they leave in the process is the same in each run.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

# Fixture -> the group of the tests that use it; a test that uses several is in the first one's.
GROUPS = {"local_stack": "stack", "asset": "stack", "synthesise": "cdk"}


class ModuleScheduling(LoadGroupScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Work units are groups, and modules of tests that are in none; they begin in the order of `arrange`."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return group.partition("::")[0]


def arrange(items: list[pytest.Item]) -> None:
    """Put tests into their groups; groups come first, then modules with slow tests, then the others."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        for fixture, group in GROUPS.items():
            if fixture in fixtures_of(item):
                item.add_marker(pytest.mark.xdist_group(group))
                break
    items.sort(key=lambda item: 0 if item.get_closest_marker("xdist_group") else 1 if item.path in slow else 2)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    """The names of all fixtures that a test uses, also through others."""
    return item.fixturenames if isinstance(item, pytest.Function) else ()
