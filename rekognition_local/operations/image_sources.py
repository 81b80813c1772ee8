"""Where a request's image comes from: its own bytes, or an object in S3 as the service would read it."""

import ipaddress
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from numpy.typing import NDArray

from rekognition_local.engine import images
from rekognition_local.protocol.wire import DEFAULT_REGION, ServiceError, invalid_parameters

MAX_S3_BYTES = 15 * 1024 * 1024  # docs.aws.amazon.com/rekognition/latest/dg/limits.html
LARGE_PIXELS = 4096 * 4096

# Both sentences are the service's own: docs.aws.amazon.com/rekognition/latest/dg/error-handling.html
UNREADABLE = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
INVALID_OBJECT = "Request has invalid S3 object."

logger = logging.getLogger("rekognition_local")


@dataclass(frozen=True, slots=True)
class RequestImage:
    """A decoded image, (h, w, 3) RGB 0-255 upright, and the SHA-256 of its file."""

    pixels: NDArray[np.uint8]
    digest: str


class ImageSource:
    """Reads the `Image` members of requests, S3Objects by a boto3 S3 client; shared by threads."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        # Large images are decoded one at a time, so that the memory of a pool of threads stays bounded.
        self._large = threading.Semaphore(1)

    def read(self, image: Mapping[str, Any]) -> RequestImage:
        """The image of an `Image` structure.

        Raises:
            ServiceError: InvalidS3ObjectException, ImageTooLargeException, InvalidImageFormatException;
                InvalidParameterException for neither or both of Bytes and S3Object, and for an image of under 80 px
                (the service does not say ImageTooSmall: github.com/boto/botocore/issues/1366).
        """
        file = self._file(image)
        try:
            found = images.ImageFile(file)
            turn: AbstractContextManager[Any] = (
                self._large if found.width * found.height > LARGE_PIXELS else nullcontext()
            )
            with turn:
                pixels = found.pixels()
        except images.InvalidImageFormatError as error:
            # Word for word the service's: programs compare it. The reason is in the log.
            raise ServiceError("InvalidImageFormatException", "Request has invalid image format") from error
        except images.ImageTooSmallError as error:
            raise invalid_parameters(str(error)) from error
        except images.ImageTooLargeError as error:
            raise ServiceError("ImageTooLargeException", f"Image size is too large. {error}") from error
        return RequestImage(pixels, sha256(file).hexdigest())

    def digest(self, image: Mapping[str, Any]) -> str | None:
        """The SHA-256 of an image's file, in hexadecimal; None where it cannot be read."""
        try:
            return sha256(self._file(image)).hexdigest()
        except ServiceError:
            return None

    def keep(self, bucket: str, key: str, file: bytes) -> None:
        """Put an image into S3; AccessDeniedException when the bucket does not take it."""
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=file)
        except (ClientError, BotoCoreError) as error:
            raise ServiceError("AccessDeniedException", f"The bucket {bucket} takes no image. ({error})") from error

    def _file(self, image: Mapping[str, Any]) -> bytes:
        match image:
            case {"Bytes": bytes(file), **others} if "S3Object" not in others:
                return file
            case {"S3Object": dict(location), **others} if "Bytes" not in others:
                return self._object(location)
            case _:
                raise invalid_parameters("An image is either Bytes or S3Object.")

    def _object(self, location: Mapping[str, str]) -> bytes:
        if "Bucket" not in location or "Name" not in location:
            raise ServiceError("InvalidS3ObjectException", f"{INVALID_OBJECT} Bucket and Name are needed.")
        version = {"VersionId": location["Version"]} if "Version" in location else {}
        try:
            found = self._s3.get_object(Bucket=location["Bucket"], Key=location["Name"], **version)
            size = found["ContentLength"]
            if size > MAX_S3_BYTES:
                found["Body"].close()
                raise ServiceError(
                    "ImageTooLargeException", f"Image size is too large. {size} bytes; the maximum is {MAX_S3_BYTES}."
                )
            file: bytes = found["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise ServiceError("InvalidS3ObjectException", f"{UNREADABLE} ({error})") from error
        if not file:
            raise ServiceError("InvalidS3ObjectException", f"{INVALID_OBJECT} The object is empty.")
        return file


def s3_client(endpoint: str | None) -> Any:
    """The boto3 client that reads S3Object images.

    An endpoint is an S3 that is not AWS's. Of the user's AWS settings it gets the credentials in the environment, if
    there are any, and nothing else. None is AWS's own, by the user's settings; where they cannot be used, the log says
    so and every S3Object is refused, but the server serves.
    """
    patience: dict[str, Any] = {"connect_timeout": 2, "read_timeout": 20, "max_pool_connections": 32}
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, **patience)
    if endpoint is None:
        try:
            session = boto3.Session()
            return session.client("s3", region_name=session.region_name or DEFAULT_REGION, config=config)
        except BotoCoreError as error:
            logger.warning("Images in S3 cannot be read, for your AWS settings cannot be used: %s", error)
            return _session_of_no_account().client("s3", region_name=DEFAULT_REGION, config=config)
    return _session_of_no_account().client(
        "s3",
        endpoint_url=endpoint,
        region_name=DEFAULT_REGION,
        config=config.merge(Config(proxies={})) if _is_this_machine(urlsplit(endpoint).hostname or "") else config,
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or "local",
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "local",
        aws_session_token=os.environ.get("AWS_SESSION_TOKEN") or None,
    )


def _session_of_no_account() -> boto3.Session:
    """A session that never reads AWS_PROFILE, AWS_CONFIG_FILE, ~/.aws, or any other setting of an account."""
    # Each setting's default alone: neither its variable nor its name in the configuration file is looked at.
    settings = {
        name: (None, None, default, conversion)
        for name, (_, _, default, conversion) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    settings |= dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=settings))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
