"""What the Lambda function finds in its environment on this machine, in place of what the deployment sets on AWS."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any

from face_validation.local.gateway.proxy_event import REGION
from face_validation_function.settings import ALL_VALIDATION_TYPES

# Neither reaches an account: S3 and Rekognition on this machine take whatever they are given.
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local-and-worthless"  # noqa: S105 - opens nothing: moto accepts any value


def function_settings(*kinds: type[Any], log_level: str = "WARNING", **named: Any) -> dict[str, str]:
    """The variables that the deployment sets for functions with settings of these kinds, all of them and no others.

    `named` says where everything is; what is not a setting is left out. The others have the functions' own defaults,
    but every type of validation is answered.
    """
    settings = [setting for kind in kinds for setting in fields(kind)]
    known = {setting.name: setting.default for setting in settings if setting.default is not MISSING}
    known |= {"validation_types": ALL_VALIDATION_TYPES, "log_level": log_level, **named}
    return {setting.name.upper(): _text(known[setting.name]) for setting in settings}


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def aws_variables(s3_endpoint: str, rekognition_endpoint: str) -> dict[str, str]:
    """Where boto3 finds AWS: per service, so that a service which is not here is never asked by mistake."""
    others = os.environ.get("no_proxy", os.environ.get("NO_PROXY"))
    loopback = "*" if others == "*" else ",".join(filter(None, (others, "127.0.0.1,localhost")))
    return {
        **{f"AWS_ENDPOINT_URL_{name}": s3_endpoint for name in ("S3", "DYNAMODB", "SQS", "SFN", "EVENTBRIDGE", "KMS")},
        "AWS_ENDPOINT_URL_REKOGNITION": rekognition_endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        # Metrics are lines for CloudWatch on standard output; here nobody collects them.
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` in this process, without AWS's own of the caller; put everything back afterwards.

    Whoever runs the stack may have an account set up: none of that may be used, nor reach AWS by mistake, nor break
    anything when it is stale.
    """
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
