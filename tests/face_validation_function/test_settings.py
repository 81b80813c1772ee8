"""The environment is read in one place, and what is missing is named."""

import pytest

from face_validation_function.settings import Settings


def test_the_contract_s_defaults_hold() -> None:
    settings = Settings.from_environment({"SOURCE_BUCKET": "s", "TARGET_BUCKET": "t"})

    assert settings == Settings("s", "t", "DEBUG", ("Driving License", "Passport"))


@pytest.mark.parametrize("missing", ["SOURCE_BUCKET", "TARGET_BUCKET"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_bucket_has_no_default(missing: str, value: str | None) -> None:
    environment = {"SOURCE_BUCKET": "s", "TARGET_BUCKET": "t"}
    del environment[missing]
    if value is not None:
        environment[missing] = value

    with pytest.raises(ValueError, match=missing):
        Settings.from_environment(environment)


def test_the_document_labels_are_a_setting() -> None:
    environment = {"SOURCE_BUCKET": "s", "TARGET_BUCKET": "t", "DOCUMENT_LABELS": "Passport, Id Cards ,"}

    assert Settings.from_environment(environment).document_labels == ("Passport", "Id Cards")


def test_an_unknown_log_level_is_refused_with_what_is_possible() -> None:
    with pytest.raises(ValueError, match=r"LOG_LEVEL is 'LOUD'.*DEBUG"):
        Settings.from_environment({"SOURCE_BUCKET": "s", "TARGET_BUCKET": "t", "LOG_LEVEL": "LOUD"})
