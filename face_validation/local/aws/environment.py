"""What the Lambda function finds in its environment on this machine, in place of what the deployment sets on AWS."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from face_validation.local.gateway.proxy_event import REGION

# Neither reaches an account: S3 and Rekognition on this machine take whatever they are given.
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local-and-worthless"  # noqa: S105 - moto takes any, and it opens no account


def function_settings(source_bucket: str, target_bucket: str, claims_table: str, log_level: str) -> dict[str, str]:
    """The function's own variables: the ones that the deployment sets, all of them and no others."""
    from face_validation_function.settings import ALL_VALIDATION_TYPES, DOCUMENT_LABELS, LIVENESS_CHALLENGES

    return {
        "SOURCE_BUCKET": source_bucket,
        "TARGET_BUCKET": target_bucket,
        "CLAIMS_TABLE": claims_table,
        "LOG_LEVEL": log_level,
        "DOCUMENT_LABELS": ",".join(DOCUMENT_LABELS),
        "VALIDATION_TYPES": ",".join(ALL_VALIDATION_TYPES),
        "THRESHOLD_LIVENESS": "90",
        "LIVENESS_CHALLENGE": LIVENESS_CHALLENGES[0],
        "LIVENESS_AUDIT_IMAGES": "0",
        "IDEMPOTENCY": "false",
        "AUDIT_BUCKET": "",
        "AUDIT_KEY": "",
    }


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
