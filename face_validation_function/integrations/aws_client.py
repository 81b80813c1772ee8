"""boto3 clients with everything that botocore's releases have changed pinned down."""

import logging
from typing import Any, Literal

import boto3
from botocore.config import Config

# 3 attempts within the handler's deadline; `standard` retries only throttling, 5xx and broken connections.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=8,
    max_pool_connections=50,
    tcp_keepalive=True,
)


def aws_client(
    service: Literal["s3", "rekognition", "dynamodb", "sqs", "stepfunctions", "events", "kms", "cognito-idp"],
    *,
    attempts: int | None = None,
) -> Any:
    """A client for `service`, safe to call from threads once made; `attempts` in place of three.

    boto3 itself obeys `AWS_ENDPOINT_URL_<SERVICE>`: that is how everything runs on one machine.
    """
    # At DEBUG botocore logs whole replies: text of documents, and names. Whatever the process's level is, it may not.
    logging.getLogger("botocore").setLevel(logging.INFO)
    # Presigned forms would else be signed by the old version 2, which newer regions refuse.
    config = _CONFIG.merge(Config(signature_version="s3v4")) if service == "s3" else _CONFIG
    if attempts is not None:
        config = config.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}))
    return boto3.session.Session().client(service, config=config)
