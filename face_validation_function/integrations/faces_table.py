"""The DynamoDB table of enrolled faces: one row for each photo version, found by name, by face id, or in a list.

Keys: `full_name` (partition) and `photo_id` (sort), so that a person is read whole and consistently before erasure.
A row without `face_id` is a claim: its photo is being indexed. The indexes `by_face_id` and `by_name` hold the others.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from face_validation_function.exceptions.exceptions import InternalServerError, RequestError, ServiceBusyError
from face_validation_function.faces import BoundingBox, Face
from face_validation_function.integrations.aws_errors import translate_aws_errors
from face_validation_function.people import EnrolledFace, PhotoVersion

BY_FACE_ID = "by_face_id"
BY_NAME = "by_name"
LISTING = "faces"
_LISTING_KEY = {"full_name": "S", "photo_id": "S", "listing": "S"}
# Longer than any function runs: a claim this old was left by one that died.
CLAIM_S = 120

Row = dict[str, dict[str, str]]
T = TypeVar("T")


class _ConditionNotMetError(InternalServerError):
    """DynamoDB did not write, since the row is not in the state that the write asks for."""


_CONDITION = {"ConditionalCheckFailedException": _ConditionNotMetError}


class FacesTable:
    """Rows in and out; `client` is a DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def claim(self, photo: PhotoVersion) -> EnrolledFace | None:
        """Reserve a photo version for indexing; the face instead when it is enrolled already.

        Raises:
            ServiceBusyError: another delivery is indexing it now.
        """
        now = int(time.time())
        try:
            with translate_aws_errors("DynamoDB", _CONDITION):
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        **_key(photo),
                        "image_path": _text(photo.key),
                        "version": _text(photo.version),
                        "claimed_at": _number(now),
                    },
                    ConditionExpression="attribute_not_exists(photo_id) "
                    "OR (attribute_not_exists(face_id) AND claimed_at < :expired)",
                    ExpressionAttributeValues={":expired": _number(now - CLAIM_S)},
                )
        except _ConditionNotMetError:
            face = self.get(photo)
            if face is None:
                raise ServiceBusyError("this photo is being enrolled by another request.") from None
            return face
        return None

    def complete(self, face: EnrolledFace) -> None:
        """Finish a claim: from now on the face is found by its id and its name.

        Raises:
            InternalServerError: the claim is gone, because the person was erased meanwhile.
        """
        with translate_aws_errors("DynamoDB", {}):
            self._client.put_item(
                TableName=self._table, Item=_row(face), ConditionExpression="attribute_exists(photo_id)"
            )

    def release(self, photo: PhotoVersion) -> None:
        """Give up a claim; a row with a face stays."""
        with suppress(_ConditionNotMetError), translate_aws_errors("DynamoDB", _CONDITION):
            self._client.delete_item(
                TableName=self._table, Key=_key(photo), ConditionExpression="attribute_not_exists(face_id)"
            )

    def get(self, photo: PhotoVersion) -> EnrolledFace | None:
        """The face of one photo version; None when there is none or it is only claimed."""
        with translate_aws_errors("DynamoDB", {}):
            row = self._client.get_item(TableName=self._table, Key=_key(photo), ConsistentRead=True).get("Item")
            return _face(row) if row and "face_id" in row else None

    def by_face_id(self, face_id: str) -> EnrolledFace | None:
        """The row of a face."""
        with translate_aws_errors("DynamoDB", {}):
            rows = self._client.query(
                TableName=self._table,
                IndexName=BY_FACE_ID,
                KeyConditionExpression="face_id = :face_id",
                ExpressionAttributeValues={":face_id": _text(face_id)},
            )["Items"]
            return _face(rows[0]) if rows else None

    def photos_of(self, full_name: str) -> list[tuple[PhotoVersion, str | None]]:
        """Every photo version of a person, with its face id when it has one; claims too, and read consistently."""
        return self._rows_of(full_name, lambda row: (_photo(row), row.get("face_id", {}).get("S")))

    def faces_of(self, full_name: str) -> list[EnrolledFace]:
        """Every face of a person, the newest first, and read consistently."""
        faces = self._rows_of(full_name, lambda row: _face(row) if "face_id" in row else None)
        return sorted(filter(None, faces), key=lambda face: face.enrolled_at, reverse=True)

    def _rows_of(self, full_name: str, read: Callable[[Row], T]) -> list[T]:
        with translate_aws_errors("DynamoDB", {}):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="full_name = :full_name",
                ExpressionAttributeValues={":full_name": _text(full_name)},
                ConsistentRead=True,
            )
            return [read(row) for page in pages for row in page["Items"]]

    def listed(
        self, limit: int, next_token: str | None = None, full_name: str | None = None
    ) -> tuple[list[EnrolledFace], str | None]:
        """A page of faces by name, and the token of the next page; of one person when `full_name` is given.

        Raises:
            RequestError: the token is not one of ours.
        """
        named = " AND full_name = :full_name" if full_name else ""
        values = {":listing": _text(LISTING)} | ({":full_name": _text(full_name)} if full_name else {})
        more = {"ExclusiveStartKey": start_of(next_token, **_LISTING_KEY)} if next_token else {}
        with translate_aws_errors("DynamoDB", {"ValidationException": RequestError}):
            found = self._client.query(
                TableName=self._table,
                IndexName=BY_NAME,
                KeyConditionExpression=f"listing = :listing{named}",
                ExpressionAttributeValues=values,
                Limit=limit,
                **more,
            )
            return [_face(row) for row in found["Items"]], token_of(found.get("LastEvaluatedKey"))

    def delete(self, photo: PhotoVersion) -> int:
        """Remove a row; how many there were (0 or 1)."""
        with translate_aws_errors("DynamoDB", {}):
            gone = self._client.delete_item(TableName=self._table, Key=_key(photo), ReturnValues="ALL_OLD")
            return int(bool(gone.get("Attributes")))


def now() -> str:
    """The time as rows carry it: ISO 8601, UTC, seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _key(photo: PhotoVersion) -> Row:
    return {"full_name": _text(photo.full_name), "photo_id": _text(photo.id)}


def _row(face: EnrolledFace) -> Row:
    box = face.face.box
    numbers = {
        "left": box.left,
        "top": box.top,
        "width": box.width,
        "height": box.height,
        "confidence": face.face.confidence,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
    }
    return {
        **_key(face.photo),
        "image_path": _text(face.photo.key),
        "version": _text(face.photo.version),
        "face_id": _text(face.face_id),
        "listing": _text(LISTING),
        "enrolled_at": _text(face.enrolled_at),
        **{name: _number(value) for name, value in numbers.items()},
    }


def _photo(row: Mapping[str, Mapping[str, str]]) -> PhotoVersion:
    return PhotoVersion(row["full_name"]["S"], row["image_path"]["S"], row["version"]["S"])


def _face(row: Mapping[str, Mapping[str, str]]) -> EnrolledFace:
    def number(name: str) -> float:
        return float(row[name]["N"])

    return EnrolledFace(
        face_id=row["face_id"]["S"],
        photo=_photo(row),
        face=Face(BoundingBox(number("left"), number("top"), number("width"), number("height")), number("confidence")),
        brightness=number("brightness"),
        sharpness=number("sharpness"),
        enrolled_at=row["enrolled_at"]["S"],
    )


def _text(value: str) -> dict[str, str]:
    return {"S": value}


def _number(value: float) -> dict[str, str]:
    # DynamoDB keeps 38 digits and refuses exponents below -130; nine decimals are far below a pixel.
    return {"N": str(round(value, 9))}


def token_of(key: Row | None) -> str | None:
    """The token of the page that begins after this row; None where there is no such page."""
    return base64.urlsafe_b64encode(json.dumps(key, sort_keys=True).encode()).decode() if key else None


def start_of(token: str, **names: str) -> Row:
    """The row that a page begins after, which has these attributes of these types.

    Raises:
        RequestError: the token is not one that `token_of` gave.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise RequestError("next_token is not one that this service gave.") from error
    if not (
        isinstance(key, dict)
        and set(key) == set(names)
        and all(isinstance(key[name], dict) and [*key[name]] == [kind] for name, kind in names.items())
        and all(isinstance(text, str) for value in key.values() for text in value.values())
    ):
        raise RequestError("next_token is not one that this service gave.")
    return key
