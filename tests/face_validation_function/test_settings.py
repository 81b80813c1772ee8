"""The environment is read in one place, and what is missing is named."""

import pytest

from face_validation_function.settings import Settings

REQUIRED = {"SOURCE_BUCKET": "s", "TARGET_BUCKET": "t", "CLAIMS_TABLE": "c"}


def test_the_contract_s_defaults_hold() -> None:
    settings = Settings.from_environment(REQUIRED)

    assert settings == Settings("s", "t", "c", ("Driving License", "Passport"), log_level="DEBUG")


@pytest.mark.parametrize("missing", [*REQUIRED])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_bucket_or_table_has_no_default(missing: str, value: str | None) -> None:
    environment = dict(REQUIRED)
    del environment[missing]
    if value is not None:
        environment[missing] = value

    with pytest.raises(ValueError, match=missing):
        Settings.from_environment(environment)


def test_the_document_labels_are_a_setting() -> None:
    environment = REQUIRED | {"DOCUMENT_LABELS": "Passport, Id Cards ,"}

    assert Settings.from_environment(environment).document_labels == ("Passport", "Id Cards")


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("warn", "WARNING"),
        ("WARNING", "WARNING"),
        ("fatal", "CRITICAL"),
        (" info ", "INFO"),
        ("LOUD", "DEBUG"),
        ("", "DEBUG"),
    ],
)
def test_no_word_for_a_log_level_stops_the_service(word: str, level: str) -> None:
    settings = Settings.from_environment(REQUIRED | {"LOG_LEVEL": word})

    assert settings.log_level == level
