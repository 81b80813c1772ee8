"""The bodies and queries of the routes about people."""

import base64
import binascii
import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from face_validation_function.people import moment
from face_validation_function.validations.body import ObjectKey, Percent, StrictBody

MAX_NAME = 200
# What nobody sees: soft hyphen, zero width space, marks of direction, byte order mark. Not the joiners (200c, 200d),
# with which Persian and Indian names are written.
INVISIBLE = r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_REPLACEMENT = "\ufffd"
_INVISIBLE = re.compile(f"[{INVISIBLE}]")


def full_name_of(name: str) -> str:
    """A person's name as it is kept: composed Unicode, single spaces, nothing invisible; ValueError if not valid.

    Names that look the same are the same, so that an erasure finds what was enrolled.
    """
    composed = " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", name)).split())
    if not 1 <= len(composed) <= MAX_NAME:
        raise ValueError(f"a full name has 1 to {MAX_NAME} characters, this one has {len(composed)}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise ValueError("a full name has no control character")
    if _REPLACEMENT in composed:
        # Somewhere on its way a letter was lost that was not UTF-8: whose name it was cannot be told any more.
        raise ValueError("a full name has no U+FFFD, which stands for a letter that was not sent in UTF-8")
    return composed


def _base64(text: str) -> str:
    text = "".join(text.split())  # lines of 76 characters, as MIME and the command `base64` write it
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the image is not base64 ({error})") from error
    return text


def _whole(value: object) -> object:
    # 5.0 is a whole number in JSON, as 5 is.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _future(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
        written = moment(when)
    except (ValueError, OverflowError) as error:
        raise ValueError("a time is ISO 8601, as 2030-01-31T00:00:00Z") from error
    if when.tzinfo is None:
        raise ValueError("the time needs its time zone, as 2030-01-31T00:00:00Z")
    if when <= datetime.now(UTC):
        raise ValueError("the time must be in the future")
    return written


Whole = Annotated[int, BeforeValidator(_whole)]
Future = Annotated[str, Field(json_schema_extra={"format": "date-time"}), AfterValidator(_future)]
Base64Image = Annotated[
    str, Field(min_length=1, json_schema_extra={"contentEncoding": "base64"}), AfterValidator(_base64)
]
FullName = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME, examples=["Ana García"]), AfterValidator(full_name_of)
]


class EnrolRequest(StrictBody):
    """POST /faces: this photo shows this person."""

    image_path: ObjectKey = Field(description="Key of the photo in the faces bucket.")
    full_name: FullName = Field(description="The person's name. Several photos of a person make searches better.")
    allow_duplicate: bool = Field(default=False, description="Enrol a face that is enrolled under another name too.")
    expires_at: Future | None = Field(
        default=None, description="When the face is erased, with its time zone; the deployment may erase it sooner."
    )


class RenameRequest(StrictBody):
    """POST /renames: a person is called otherwise."""

    old: FullName = Field(alias="from", description="The name that the person has.")
    to: FullName = Field(description="The name that the person gets; one who has it already becomes the same person.")

    @model_validator(mode="after")
    def _two_names(self) -> Self:
        if self.old == self.to:
            raise ValueError("from and to are the same name")
        return self


class ReindexRequest(StrictBody):
    """POST /reindexings: index every photo again; `id_request` names the whole reindex."""


class PhotoRequest(StrictBody):
    """A question about a photo, which lies in the target bucket or comes with the question."""

    image_path: ObjectKey | None = Field(default=None, description="Key of the photo in the target bucket.")
    image: Base64Image | None = Field(default=None, description="The photo itself, in base64, instead of a key.")

    @property
    def photo(self) -> bytes:
        """The image file that came in the body; empty when a key came instead."""
        return base64.b64decode(self.image or "")

    @model_validator(mode="after")
    def _one_photo(self) -> Self:
        if (self.image_path is None) == (self.image is None):
            raise ValueError("send either image_path or image")
        return self


class SearchRequest(PhotoRequest):
    """POST /search: who, among the people enrolled, is in this photo?"""

    threshold: Percent = Field(default=80.0, description="The lowest similarity that counts as found, in percent.")
    max_faces: Whole = Field(default=5, ge=1, le=100, description="The largest number of people in the answer.")
    faces: Literal["prominent", "all"] = Field(
        default="prominent", description="Whom to search for: the main person of the photo, or everybody in it."
    )
    max_searched: Whole = Field(
        default=10, ge=1, le=50, description='With `faces` "all": the most faces to search for; each costs one search.'
    )

    @model_validator(mode="after")
    def _most_of_all(self) -> Self:
        if self.faces != "all" and "max_searched" in self.model_fields_set:
            raise ValueError('max_searched is only for faces "all"')
        return self


class VerificationRequest(PhotoRequest):
    """POST /verification: is this the enrolled person of that name?"""

    full_name: FullName = Field(description="Whom the person in the photo claims to be.")
    threshold: Percent = Field(default=80.0, description="The lowest similarity that is a match, in percent.")
    include: list[Literal["boxes", "reasons"]] = Field(
        default=[],
        max_length=2,
        json_schema_extra={"uniqueItems": True},
        description='Optional parts of the answer: "boxes" tells the faces seen in the photo, "reasons" stable codes.',
    )


class UploadRequest(StrictBody):
    """POST /uploads: where and how one image may be put."""

    bucket: Literal["source", "target", "faces"] = Field(description="Which bucket the image is for.")
    content_type: Literal["image/jpeg", "image/png"] = Field(description="The image's type; S3 refuses any other.")
    full_name: FullName | None = Field(
        default=None, description="For the bucket faces only: the person's name. The upload enrols the photo."
    )

    @model_validator(mode="after")
    def _names_are_for_faces(self) -> Self:
        if self.full_name is not None and self.bucket != "faces":
            raise ValueError("full_name is only for the bucket faces")
        return self


class ListRequest(StrictBody):
    """GET /faces: a page of the faces enrolled; query parameters, so numbers come as text."""

    limit: Annotated[int, Field(ge=1, le=100, strict=False, description="The largest number of faces on a page.")] = 50
    next_token: str | None = Field(default=None, description="The `next_token` of the page before.")
    full_name: FullName | None = Field(default=None, description="Only the faces of this person.")
