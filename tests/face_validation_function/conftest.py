"""What the unit tests share."""

from collections.abc import Iterator

import pytest

from tests.enrolled import House, aws_in_memory


@pytest.fixture(autouse=True)
def _metrics_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on AWS; the local stack, which other tests start in this process, turns them off."""
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)


@pytest.fixture(scope="module")
def _aws() -> Iterator[None]:
    with aws_in_memory():
        yield


@pytest.fixture
def house(_aws: None) -> House:
    """Enrolled people in memory, nobody at first."""
    return House()
