"""What the Lambda function finds in its environment on this machine, in place of what the deployment sets on AWS."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from face_validation.local.gateway.proxy_event import REGION

# Neither reaches an account: S3 and Rekognition on this machine take whatever they are given.
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local-and-worthless"  # noqa: S105 - moto takes any, and it opens no account

# Whoever runs the stack may have an account of his own set up: none of that may be used, nor reach AWS by mistake.
NOT_INHERITED = frozenset(
    {
        "AWS_DEFAULT_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)


def function_settings(source_bucket: str, target_bucket: str, log_level: str) -> dict[str, str]:
    """The function's own variables: the ones that the deployment sets, all of them and no others."""
    from face_validation_function.settings import DOCUMENT_LABELS

    return {
        "SOURCE_BUCKET": source_bucket,
        "TARGET_BUCKET": target_bucket,
        "LOG_LEVEL": log_level,
        "DOCUMENT_LABELS": ",".join(DOCUMENT_LABELS),
    }


def aws_variables(s3_endpoint: str, rekognition_endpoint: str) -> dict[str, str]:
    """Where boto3 finds AWS: per service, so that a service which is not here is never asked by mistake."""
    loopback = ",".join(filter(None, (os.environ.get("no_proxy", os.environ.get("NO_PROXY")), "127.0.0.1,localhost")))
    return {
        "AWS_ENDPOINT_URL_S3": s3_endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": s3_endpoint,
        "AWS_ENDPOINT_URL_SQS": s3_endpoint,
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


def inherited() -> dict[str, str]:
    """This process's variables, but for those that would lead to somebody's account."""
    return {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` in this process, without what must not be inherited; put everything back afterwards."""
    before = dict(os.environ)
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
