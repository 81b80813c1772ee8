"""The Lambda function that asks the deployed API one question every five minutes, as any caller does.

The question is a drawn passport beside a photograph of its holder: whatever a caller needs must work for the answer.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from aws_lambda_powertools import Logger
from urllib3.util import make_headers

from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.rest_function import once
from face_validation_function.routes import WRITE
from face_validation_function.settings import PROBE_KEYS, ProbeSettings
from face_validation_function.utils.logging_config import service_logger

IMAGES = Path(__file__).with_name("probe_images")
THRESHOLD = 99
TIMEOUT_S = 29
# A token is used until shortly before its end: each one is billed.
TOKEN_MARGIN_S = 300


class ProbeFailedError(Exception):
    """The API did not answer the question as it must; the text says what came instead."""


@dataclass(slots=True)
class Probe:
    """Asks as one app client, whose token it keeps, about what lies in `images`; `s3` and `cognito` are clients."""

    settings: ProbeSettings
    s3: Any
    cognito: Any
    logger: Logger
    images: Path = IMAGES
    _token: str = ""
    _token_ends: float = 0.0

    @classmethod
    def from_environment(cls) -> "Probe":
        """A probe for the process's environment; raises ValueError, naming the variable that is missing."""
        settings = ProbeSettings.from_environment()
        return cls(settings, aws_client("s3"), aws_client("cognito-idp"), service_logger(settings.log_level))

    def __call__(self) -> dict[str, Any]:
        """Put both images and ask; raises ProbeFailedError for a refusal, or an answer that a person would not give."""
        began = time.monotonic()
        for bucket, key in zip((self.settings.source_bucket, self.settings.target_bucket), PROBE_KEYS, strict=True):
            # Each time: the days of a bucket may have removed it.
            self.s3.put_object(Bucket=bucket, Key=key, Body=(self.images / Path(key).name).read_bytes())
        source, target = PROBE_KEYS
        question = {"type": "ID_TO_FACE", "source_path": source, "target_path": target, "threshold": THRESHOLD}
        url = f"{self.settings.api_url.rstrip('/')}/validation"
        answer = _asked(url, {"Authorization": f"Bearer {self._fresh_token()}"}, json=question)
        if answer.get("matched") is not True:
            raise ProbeFailedError(f"The drawn passport did not match its holder's photograph: {answer}.")
        took_ms = round((time.monotonic() - began) * 1000, 1)
        self.logger.info("probed", extra={"similarity": answer["similarity"], "duration_ms": took_ms})
        return answer

    def _fresh_token(self) -> str:
        if time.monotonic() < self._token_ends:
            return self._token
        client_id = self.settings.client_id
        # Read where it is kept: a secret in an environment variable is readable by whoever may describe the function.
        described = self.cognito.describe_user_pool_client(UserPoolId=self.settings.user_pool_id, ClientId=client_id)
        secret = described["UserPoolClient"]["ClientSecret"]
        granted = _asked(
            self.settings.token_url,
            {"Content-Type": "application/x-www-form-urlencoded", **make_headers(basic_auth=f"{client_id}:{secret}")},
            body=urlencode({"grant_type": "client_credentials", "scope": WRITE}),
        )
        self._token_ends = time.monotonic() + granted["expires_in"] - TOKEN_MARGIN_S
        self._token = granted["access_token"]
        return self._token


def _asked(url: str, headers: Mapping[str, str], **sent: Any) -> dict[str, Any]:
    """The JSON that a POST is answered with; `sent` is its `json` or its `body`."""
    try:
        answered = urllib3.request("POST", url, headers=headers, timeout=TIMEOUT_S, retries=False, **sent)
        if answered.status != 200:
            raise ProbeFailedError(f"{url} answered {answered.status}: {answered.data[:2000].decode(errors='replace')}")
        answer: dict[str, Any] = answered.json()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise ProbeFailedError(f"{url} gave no answer that can be read: {error}") from error
    return answer


_probe = once(Probe.from_environment)


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Ask once: what AWS Lambda calls by the schedule."""
    del event, context
    return _probe()()
