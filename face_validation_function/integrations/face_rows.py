"""Rows of the table of enrolled faces: DynamoDB's items from our values, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.people import Collections, EnrolledFace, KeptPhoto, PhotoVersion

Row = dict[str, dict[str, Any]]

LISTING = "faces"
LISTING_KEY = {"full_name": "S", "photo_id": "S", "listing": "S"}
# No person's name begins with a space.
STATE_KEY: Row = {"full_name": {"S": " collections"}, "photo_id": {"S": "state"}}
# Texts of a row that are left out when they are empty.
_TEXTS = ("digest", "reason", "moving_to", "expires_at")
_NUMBERS = ("left", "top", "width", "height")


class RowFormat:
    """How a photo is written down; `first` is the collection of the deployment, whose rows have the plainest keys."""

    def __init__(self, first: str) -> None:
        self.first = first

    def key(self, photo: PhotoVersion, collection_id: str) -> Row:
        """A row's key: a photo has one row for each collection."""
        return {"full_name": text(photo.full_name), "photo_id": text(self._photo_id(photo.id, collection_id))}

    def listing(self, collection_id: str) -> str:
        """The partition of the index `by_name` with the faces of a collection."""
        return LISTING if collection_id == self.first else collection_id

    def in_collection(self, key: Row, collection_id: str) -> Row:
        """A key of the index `by_name`, as the same photo has it in another collection."""
        photo_id = self._photo_id(key["photo_id"]["S"].partition("@")[0], collection_id)
        return {**key, "photo_id": text(photo_id), "listing": text(self.listing(collection_id))}

    def _photo_id(self, photo_id: str, collection_id: str) -> str:
        return photo_id if collection_id == self.first else f"{photo_id}@{collection_id}"

    def row(self, kept: KeptPhoto) -> Row:
        """The item of a photo."""
        item = {
            **self.key(kept.photo, kept.collection_id),
            "image_path": text(kept.photo.key),
            "version": text(kept.photo.version),
            "collection_id": text(kept.collection_id),
            **{name: text(getattr(kept, name)) for name in _TEXTS if getattr(kept, name)},
        }
        if kept.expires_at:
            item["expiring"] = text(LISTING)
        if kept.moved_from:
            item["moved_from"] = text(json.dumps(asdict(kept.moved_from)))
        if kept.claimed_at is not None:
            item["claimed_at"] = number(kept.claimed_at)
        if kept.face:
            item |= _face_row(kept.face) | {"listing": text(self.listing(kept.collection_id))}
        return item

    def kept(self, row: Mapping[str, Mapping[str, Any]]) -> KeptPhoto:
        """The photo of an item."""
        photo = PhotoVersion(row["full_name"]["S"], row["image_path"]["S"], row["version"]["S"])
        return KeptPhoto(
            photo,
            row["collection_id"]["S"] if "collection_id" in row else self.first,
            face=_face(row, photo) if "face_id" in row else None,
            moved_from=PhotoVersion(**json.loads(row["moved_from"]["S"])) if "moved_from" in row else None,
            claimed_at=int(row["claimed_at"]["N"]) if "claimed_at" in row else None,
            **{name: row[name]["S"] for name in _TEXTS if name in row},
        )

    def collections(self, row: Mapping[str, Mapping[str, Any]] | None) -> Collections:
        """The state of the collections; the deployment's answers as long as nothing else is written."""
        return Collections(**json.loads(row["state"]["S"])) if row else Collections(self.first)


def text(value: str) -> dict[str, str]:
    """DynamoDB's text."""
    return {"S": value}


def number(value: float) -> dict[str, str]:
    """DynamoDB's number."""
    # DynamoDB keeps 38 digits and refuses exponents below -130; nine decimals are far below a pixel.
    return {"N": str(round(value, 9))}


def _face_row(face: EnrolledFace) -> Row:
    found = face.face
    numbers = {name: getattr(found.box, name) for name in _NUMBERS}
    numbers |= {"confidence": found.confidence, "brightness": face.brightness, "sharpness": face.sharpness}
    points, pose = found.landmarks, found.pose
    record = {
        "landmarks": points and {name: getattr(points, name) for name in Landmarks.__slots__},
        "pose": pose and {name: getattr(pose, name) for name in Pose.__slots__},
        "model_version": face.model_version,
        "possible_duplicate": face.possible_duplicate,
    }
    return {
        "face_id": text(face.face_id),
        "enrolled_at": text(face.enrolled_at),
        "record": text(json.dumps(record)),
        **{name: number(value) for name, value in numbers.items()},
    }


def _face(row: Mapping[str, Mapping[str, Any]], photo: PhotoVersion) -> EnrolledFace:
    def at(name: str) -> float:
        return float(row[name]["N"])

    record = json.loads(row["record"]["S"]) if "record" in row else {}
    points, pose = record.get("landmarks"), record.get("pose")
    face = Face(
        BoundingBox(*(at(name) for name in _NUMBERS)),
        at("confidence"),
        Landmarks(**{name: tuple(point) for name, point in points.items()}) if points else None,
        Pose(**pose) if pose else None,
    )
    return EnrolledFace(
        face_id=row["face_id"]["S"],
        photo=photo,
        face=face,
        brightness=at("brightness"),
        sharpness=at("sharpness"),
        enrolled_at=row["enrolled_at"]["S"],
        model_version=record.get("model_version", ""),
        possible_duplicate=record.get("possible_duplicate", False),
    )
