"""Amazon S3 in our words: image files in and out of the buckets, our exceptions only."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import quote, unquote

from face_validation_function.exceptions.exceptions import ImageTooLargeError, InternalServerError, InvalidS3ObjectError
from face_validation_function.integrations.aws_client import Refusals, translate_aws_errors
from face_validation_function.reasons import Reason
from face_validation_function.utils.image_processing import MAX_OBJECT_BYTES

NAME_METADATA = "fullname"
UPLOAD_S = 300
LINK_S = 300

# What S3 says of an object that cannot be read; all else is a failure of the service. MethodNotAllowed is its answer
# for a version that is a delete marker; HEAD has no body, and so gives statuses for codes
# (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
UNREADABLE: Refusals = dict.fromkeys(
    (
        *("NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405", "AccessDenied", "403"),
        *("InvalidObjectState", "KeyTooLongError"),
        # Encrypted with a key that only its owner sends (SSE-C), or with one of KMS that may not be used or is gone.
        *("InvalidRequest", "400", "KMS.*"),
    ),
    InvalidS3ObjectError,
)


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """An object: its bytes, its version, and the name in its metadata, if there is one."""

    data: bytes
    version: str
    full_name: str | None


@contextmanager
def looked_for_in(bucket: str) -> Iterator[None]:
    """Say of an object that cannot be read in which bucket the key was looked for: "source", "target" or "faces"."""
    try:
        yield
    except InvalidS3ObjectError as error:
        error.args = (f"{error.args[0]} The key was looked for in the {bucket} bucket.",)
        raise


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of one object; a delete marker has no content."""

    key: str
    version: str
    is_delete_marker: bool = False


class S3Service:
    """Reads, lists and erases what callers have put into the buckets, and lets them put more."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def photo(self, bucket: str, key: str, version: str | None = None) -> StoredPhoto:
        """One version of an object, by default the newest: 1 byte to 15 MB.

        InvalidS3ObjectError when it is missing, denied or empty; ImageTooLargeError by its length, before it is read.
        """
        chosen = {"VersionId": version} if version else {}
        with translate_aws_errors("S3", UNREADABLE):
            found = self._client.get_object(Bucket=bucket, Key=key, **chosen)
            size = found["ContentLength"]
            if size > MAX_OBJECT_BYTES:
                found["Body"].close()
                raise ImageTooLargeError(
                    f"the object has {size} bytes; the limit is {MAX_OBJECT_BYTES} (15 MB).", Reason.FILE_TOO_LARGE
                )
            data: bytes = found["Body"].read()
            photo = StoredPhoto(data, found.get("VersionId", "null"), name_in(found.get("Metadata", {})))
        if not data:
            raise InvalidS3ObjectError("the object is empty (0 bytes; at least 1 is needed).", Reason.OBJECT_EMPTY)
        return photo

    def name_of(self, bucket: str, key: str, version: str) -> str | None:
        """The name in the metadata of one version; None when it has none or is gone."""
        with suppress(InvalidS3ObjectError), translate_aws_errors("S3", UNREADABLE):
            return name_in(self._client.head_object(Bucket=bucket, Key=key, VersionId=version).get("Metadata", {}))
        return None

    def is_deleted(self, bucket: str, key: str) -> bool:
        """Whether a key has no object any more, although earlier versions of it may be there."""
        try:
            with translate_aws_errors("S3", UNREADABLE):
                self._client.head_object(Bucket=bucket, Key=key)
        except InvalidS3ObjectError as refused:
            return Reason.OBJECT_MISSING in refused.reasons
        return False

    def versions(self, bucket: str, key: str) -> list[StoredVersion]:
        """Every version of an object that there is, delete markers too."""
        with translate_aws_errors("S3", {}):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
            return [
                StoredVersion(key, found["VersionId"], kind == "DeleteMarkers")
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for found in page.get(kind, ())
                if found["Key"] == key
            ]

    def copy(self, bucket: str, key: str, version: str, to: str, full_name: str) -> str:
        """Copy a version to another key, under a person's name; the new version. InvalidS3ObjectError if it is gone."""
        with translate_aws_errors("S3", UNREADABLE):
            kind = self._client.head_object(Bucket=bucket, Key=key, VersionId=version).get("ContentType", "")
            copied = self._client.copy_object(
                Bucket=bucket,
                Key=to,
                CopySource={"Bucket": bucket, "Key": key, "VersionId": version},
                MetadataDirective="REPLACE",
                Metadata={NAME_METADATA: quote(full_name, safe=" ")},
                ContentType=kind or "binary/octet-stream",
            )
            return str(copied.get("VersionId", "null"))

    def link(self, bucket: str, key: str, version: str) -> str:
        """The address from which anyone may download one version, for five minutes."""
        with translate_aws_errors("S3", {}):
            asked = {"Bucket": bucket, "Key": key, "VersionId": version}
            # Saved, never shown: an upload may be a page that calls itself an image.
            asked["ResponseContentDisposition"] = "attachment"
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=LINK_S))

    def delete_versions(self, bucket: str, key: str, versions: list[str]) -> int:
        """Erase versions of an object for good; how many were erased. Raises InternalServerError if S3 kept some."""
        erased = 0
        for start in range(0, len(versions), 1000):  # what DeleteObjects takes at once
            part = [{"Key": key, "VersionId": version} for version in versions[start : start + 1000]]
            with translate_aws_errors("S3", {}):
                answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": part, "Quiet": True})
                kept = answer.get("Errors", [])
            erased += len(part) - len(kept)
            if kept:
                raise InternalServerError(f"S3 kept {len(kept)} of {len(versions)} versions: try again.")
        return erased

    def presigned_post(
        self, bucket: str, key: str, content_type: str, full_name: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """The address and the form fields by which anyone may put one image at `key`, for five minutes.

        S3 itself enforces the policy: this key, this content type, this name, 1 byte to 15 MB.
        Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        fields = {"Content-Type": content_type}
        if full_name is not None:
            fields[f"x-amz-meta-{NAME_METADATA}"] = quote(full_name, safe=" ")
        with translate_aws_errors("S3", {}):
            limits = [["content-length-range", 1, MAX_OBJECT_BYTES], *({name: fields[name]} for name in fields)]
            post = self._client.generate_presigned_post(
                Bucket=bucket, Key=key, Fields=dict(fields), Conditions=limits, ExpiresIn=UPLOAD_S
            )
            # Not post["url"]: that is the address of all regions, which sends forms for a new bucket elsewhere (307).
            return f"{self._client.meta.endpoint_url}/{bucket}", post["fields"]


def name_in(metadata: dict[str, str]) -> str | None:
    """The person's name in an object's metadata: text, percent-encoded, or RFC 2047 as S3 answers what is not ASCII.

    None when there is none, or none that can be read: who puts a photo writes what he likes. What is not UTF-8 is
    never replaced by a sign: two people would become one, and the erasure of one would erase both.
    """
    written = metadata.get(NAME_METADATA, "")
    try:
        if written.startswith("=?"):
            written = str(make_header(decode_header(written)))
        return unquote(written, errors="strict").strip() or None
    except (HeaderParseError, LookupError, ValueError):
        return None
