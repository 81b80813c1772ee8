"""The two buckets that the service reads: images are put there before a question and may be deleted after it."""

import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from face_validation.client.errors import ConnectionFailedError, RequestFailedError, SettingsError
from face_validation.client.transport import checked_url, is_this_machine
from face_validation_function.file_formats import format_of

if TYPE_CHECKING:
    from botocore.config import Config

Bucket = Literal["source", "target"]
Photo = str | Path | bytes
"""An image file, or its bytes."""
_MEDIA_TYPES = {"JPG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png")}

logger = logging.getLogger(__name__)


def content_of(photo: Photo) -> bytes:
    """The bytes of an image as they are; raises OSError when the file cannot be read."""
    return photo if isinstance(photo, bytes) else Path(photo).read_bytes()


def content_type_of(content: bytes) -> tuple[str, str]:
    """Media type and file ending, told by the first bytes; whether it is an image at all is the service's to judge."""
    return _MEDIA_TYPES.get(format_of(content), ("application/octet-stream", ""))


class Buckets:
    """The source and the target bucket, through the caller's own AWS credentials; safe to share among threads.

    With an endpoint on this machine (the local stack) made-up credentials are used, and the caller's are never read.
    SettingsError when the endpoint is not an address, or not HTTPS and not on this machine.
    """

    def __init__(
        self, names: Mapping[Bucket, str], *, endpoint: str | None, region: str | None, timeout_s: float
    ) -> None:
        self._names, self._region, self._timeout_s = dict(names), region or None, timeout_s
        self._endpoint = checked_url("s3_endpoint", endpoint) if endpoint else None
        self._lock = threading.Lock()
        self._made: Any = None

    def store(self, side: Bucket, content: bytes, key: str | None = None) -> str:
        """Store `content` under `key`, or under a new one; gives the key.

        Raises SettingsError without the bucket's name or AWS credentials, RequestFailedError when S3 does not take it.
        """
        bucket, (media_type, ending) = self._bucket(side), content_type_of(content)
        if key is None:  # one that nobody else uses and that says nothing about the person: file names often do
            key = f"uploads/{uuid.uuid4()}{ending}"
        with _s3_faults("put the image into", bucket):
            self._s3().put_object(Bucket=bucket, Key=key, Body=content, ContentType=media_type)
        return key

    @contextlib.contextmanager
    def stored(self, side: Bucket, content: bytes, *, keep: bool) -> Iterator[str]:
        """The key of `content`, which is in its bucket only within the `with`, unless `keep`."""
        key = self.store(side, content)
        try:
            yield key
        finally:
            if not keep:
                try:
                    self.delete(side, key)
                except RequestFailedError as error:
                    # The answer is there and must not be lost: buckets expire what is left behind.
                    logger.warning("The upload %s stays in the %s bucket: %s", key, side, error)

    def delete(self, side: Bucket, key: str) -> None:
        """Delete `key`; nothing happens when it is not there. Raises as `store` does."""
        bucket = self._bucket(side)
        with _s3_faults("delete the image from", bucket):
            self._s3().delete_object(Bucket=bucket, Key=key)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()

    def _bucket(self, side: Bucket) -> str:
        name = self._names.get(side)
        if not name:
            raise SettingsError(
                f"The {side} bucket is not known: give --{side}-bucket, FACE_VALIDATION_{side.upper()}_BUCKET, "
                f"or {side}_bucket in the profile."
            )
        return name

    def _s3(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._new_client()
            return self._made

    def _new_client(self) -> Any:
        import boto3  # here: it takes half a second, and only uploads need it
        from botocore.config import Config

        config = Config(
            connect_timeout=5,
            read_timeout=self._timeout_s,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=50,
        )
        if self._endpoint is not None and is_this_machine(self._endpoint):
            return client_on_this_machine("s3", self._endpoint, config)
        with _s3_faults("use", "S3"):
            session: Any = boto3.session.Session()
            made = session.client("s3", endpoint_url=self._endpoint, region_name=self._region, config=config)
        # The user's AWS settings may name an endpoint, too.
        endpoint = checked_url("The endpoint of S3", made.meta.endpoint_url)
        return client_on_this_machine("s3", endpoint, config) if is_this_machine(endpoint) else made


@contextlib.contextmanager
def _s3_faults(action: str, bucket: str) -> Iterator[None]:
    from botocore import exceptions as aws

    try:
        yield
    except aws.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        advice = {
            "NoSuchBucket": "Check the bucket's name.",
            "AccessDenied": "The AWS credentials in use may not do this.",
            "InvalidAccessKeyId": "Check the AWS credentials in use.",
            "ExpiredToken": "Sign in to AWS again.",
        }.get(code, "")
        raise RequestFailedError(f"Could not {action} {bucket}: {code}. {advice}".strip()) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound, aws.TokenRetrievalError) as error:
        raise SettingsError(
            f"Could not {action} {bucket}: no usable AWS credentials. Sign in (`aws configure`, `aws sso login`) "
            f"or set AWS_PROFILE; for the local stack give its s3_endpoint. ({error})"
        ) from error
    except (aws.HTTPClientError, aws.ConnectionError) as error:
        raise ConnectionFailedError(f"Could not {action} {bucket}: S3 cannot be reached. ({error})") from error
    except aws.BotoCoreError as error:
        raise RequestFailedError(f"Could not {action} {bucket}: {error}") from error


def client_on_this_machine(service: str, endpoint: str, config: "Config") -> Any:
    """A boto3 client of `service` at a loopback address: it reads none of the user's AWS settings, nor goes to a proxy.

    So a stale AWS_PROFILE, AWS_CONFIG_FILE or ~/.aws breaks nothing, and HTTP_PROXY does not catch 127.0.0.1.
    """
    import boto3  # here: it takes half a second, and only uploads need it
    import botocore.session
    from botocore.config import Config

    settings = botocore.session.Session.SESSION_VARIABLES
    defaults = {name: (None, None, default, conversion) for name, (_, _, default, conversion) in settings.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session: Any = boto3.session.Session(
        **dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "local"),
        region_name="us-east-1",
        botocore_session=botocore.session.Session(session_vars={**defaults, **files}),
    )
    here = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
    return session.client(service, endpoint_url=endpoint, config=here)
