"""The objects of jobs in S3: manifests in, batches and outcomes of batches, results out."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import IO, Any, TypeVar

from face_validation_function.exceptions.exceptions import InvalidS3ObjectError, RequestError
from face_validation_function.integrations.aws_errors import Ignoring, Refusals, translate_aws_errors
from face_validation_function.integrations.s3_service import UNREADABLE
from face_validation_function.jobs import Counts

MOST_BYTES = 1_000_000_000
LINK_S = 300
_CHANGED: Refusals = {**UNREADABLE, **dict.fromkeys(("PreconditionFailed", "412"), InvalidS3ObjectError)}
_CHUNK_BYTES = 1 << 20

Value = TypeVar("Value")


class JobFiles:
    """Objects of the bucket of jobs, and manifests, which lie in the source bucket; `client` is an S3 client."""

    def __init__(self, client: Any, bucket: str, source_bucket: str) -> None:
        self._client, self.bucket, self._source_bucket = client, bucket, source_bucket

    def manifest_etag(self, key: str) -> str:
        """Which version of a manifest is there now.

        Raises:
            InvalidS3ObjectError: it cannot be read.
            RequestError: it is empty, or over 1 GB.
        """
        with translate_aws_errors("manifest_path: S3", UNREADABLE):
            found = self._client.head_object(Bucket=self._source_bucket, Key=key)
            size, etag = int(found["ContentLength"]), str(found["ETag"])
        if not 1 <= size <= MOST_BYTES:
            raise RequestError(f"manifest_path: the manifest has {size} bytes; the limits are 1 to {MOST_BYTES}.")
        return etag

    def manifest(self, key: str, etag: str) -> Iterator[bytes]:
        """The manifest, a part at a time; raises InvalidS3ObjectError when it is another version by now."""
        with translate_aws_errors("manifest_path: S3", _CHANGED):
            body = self._client.get_object(Bucket=self._source_bucket, Key=key, IfMatch=etag)["Body"]
            yield from body.iter_chunks(_CHUNK_BYTES)

    def put(self, key: str, data: bytes, counts: Counts | None = None, attempt: int = 1) -> None:
        """Keep an object; `counts` and `attempt` beside it, where it holds the outcomes of a batch."""
        noted = {} if counts is None else {**asdict(counts), "attempt": attempt}
        with translate_aws_errors("S3", {}):
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                Metadata={name.replace("_", "-"): str(value) for name, value in noted.items()},
            )

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is none."""
        return self._found(self._client.get_object, key, _content)

    def noted(self, key: str) -> tuple[Counts, int] | None:
        """The counts of a batch's outcomes, and the attempt that they are of; None when there are none."""
        return self._found(self._client.head_object, key, _noted)

    def has(self, key: str) -> bool:
        """Whether there is such an object."""
        return self._found(self._client.head_object, key, bool) is not None

    def upload(self, key: str, file: IO[bytes]) -> None:
        """Keep a file of any size."""
        with translate_aws_errors("S3", {}):
            self._client.upload_fileobj(file, self.bucket, key)

    def link(self, key: str) -> str:
        """An address by which anyone may read an object, for five minutes."""
        with translate_aws_errors("S3", {}):
            asked = {"Bucket": self.bucket, "Key": key}
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=LINK_S))

    def _found(self, ask: Any, key: str, read: Callable[[Any], Value]) -> Value | None:
        with translate_aws_errors("S3", {}), Ignoring("NoSuchKey", "404"):
            return read(ask(Bucket=self.bucket, Key=key))
        return None


def _content(found: Any) -> bytes:
    return bytes(found["Body"].read())


def _noted(found: Any) -> tuple[Counts, int]:
    metadata = found["Metadata"]
    return Counts(*(int(metadata[name.replace("_", "-")]) for name in asdict(Counts()))), int(metadata["attempt"])
