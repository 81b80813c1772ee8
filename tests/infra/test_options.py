"""What operations choose by context, and the words they get for a wrong choice."""

import pytest

from face_validation_function.routes import ADMIN, READ, WRITE
from infra.options import AppClient, CustomDomain, Options


def from_given(**given: str) -> Options:
    return Options.from_context(given.get)


def test_dev_is_the_default_and_logs_all() -> None:
    assert from_given() == Options()
    assert not Options().is_prod


def test_prod_logs_less() -> None:
    options = from_given(stage="prod")

    assert options.is_prod
    assert options.log_level == "INFO"


def test_every_option_is_read() -> None:
    given = {
        "arch": "x86_64", "alarm_email": "ops@example.com", "kms": "true", "waf": "true", "reserved_concurrency": "5",
        "throttle_rate": "7", "throttle_burst": "9", "log_level": "ERROR", "domain": "faces.example.com",
        "certificate_arn": "arn", "hosted_zone_id": "Z0", "hosted_zone_name": "example.com",
        "source_days": "7", "target_days": "31", "clients": "kiosk:write, back-office:read+admin",
        "release": "canary", "provisioned_concurrency": "2", "rekognition_tps": "50",
        "idempotency": "true", "audit": "true", "audit_days": "90", "probe": "true",
    }  # fmt: skip

    assert from_given(**given) == Options(
        arch="x86_64",
        log_level="ERROR",
        throttle_rate=7,
        throttle_burst=9,
        reserved_concurrency=5,
        alarm_email="ops@example.com",
        kms=True,
        waf=True,
        domain=CustomDomain("faces.example.com", "arn", "Z0", "example.com"),
        source_days=7,
        target_days=31,
        release="canary",
        provisioned_concurrency=2,
        rekognition_tps=50,
        idempotency=True,
        audit=True,
        audit_days=90,
        probe=True,
        clients=(AppClient("kiosk", (WRITE,)), AppClient("back-office", (READ, ADMIN))),
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"stage": "production"}, "stage=production"),
        ({"arch": "arm"}, "arch=arm"),
        ({"kms": "yes"}, "kms=yes"),
        ({"reserved_concurrency": "0"}, "reserved_concurrency=0"),
        ({"throttle_rate": "-1"}, "throttle_rate=-1"),
        # Targets move to Infrequent Access after 30 days, and S3 refuses to remove them no later.
        ({"target_days": "30"}, "target_days=30.*greater than 30"),
        ({"source_days": "0"}, "source_days=0.*greater than or equal to 1"),
        ({"audit_days": "90"}, "add -c audit=true"),
        ({"audit": "true", "audit_days": "0"}, "audit_days=0"),
        ({"release": "blue-green"}, "release=blue-green"),
        ({"provisioned_concurrency": "2"}, "add -c release=canary"),
        ({"clients": "Kiosk:write"}, "'Kiosk' must consist"),
        ({"clients": "kiosk:write,kiosk:read"}, "appear only once"),
        ({"clients": "kiosk:everything"}, "admin, read, write"),
        ({"clients": "kiosk"}, "the scopes ''"),
        ({"domain": "faces.example.com", "hosted_zone_id": "Z0"}, "add -c certificate_arn=... -c hosted_zone_name=..."),
        ({"jobs_webhook_url": "https://example.com"}, "add -c jobs_webhook_secret_arn"),
        ({"jobs_webhook_url": "http://example.com", "jobs_webhook_secret_arn": "arn"}, "begin with https"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        from_given(**given)
