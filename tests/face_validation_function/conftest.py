"""What the unit tests share."""

import pytest


@pytest.fixture(autouse=True)
def _metrics_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on AWS; the local stack, which other tests start in this process, turns them off."""
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
