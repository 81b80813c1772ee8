"""The server's options: what the environment says for other programs does not stop it."""

import pytest

from rekognition_local.cli import log_level_of


@pytest.mark.parametrize(
    ("word", "level"), [("warn", "WARN"), ("info", "INFO"), (" ERROR ", "ERROR"), ("LOUD", "WARNING"), ("", "WARNING")]
)
def test_no_word_in_log_level_stops_the_server(word: str, level: str) -> None:
    assert log_level_of(word) == level
