"""Rows of the table of enrolled faces from our values, and back."""

import json
from dataclasses import asdict
from typing import Any

from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.integrations.dynamodb import Row, attributes
from face_validation_function.people import Collections, EnrolledFace, KeptPhoto, PhotoVersion

LISTING = "faces"
LISTING_KEY = {"full_name": "S", "photo_id": "S", "listing": "S"}
# No person's name begins with a space.
STATE_KEY = {"full_name": " collections", "photo_id": "state"}
# Texts of a row that are left out when they are empty.
_TEXTS = ("digest", "reason", "moving_to", "expires_at")


class RowFormat:
    """How a photo is written down; `first` is the collection of the deployment, whose rows have the plainest keys."""

    def __init__(self, first: str) -> None:
        self.first = first

    def key(self, photo: PhotoVersion, collection_id: str) -> dict[str, str]:
        """A row's key: a photo has one row for each collection."""
        return {"full_name": photo.full_name, "photo_id": self._photo_id(photo.id, collection_id)}

    def listing(self, collection_id: str) -> str:
        """The partition of the index `by_name` with the faces of a collection."""
        return LISTING if collection_id == self.first else collection_id

    def in_collection(self, start: dict[str, dict[str, Any]], collection_id: str) -> dict[str, dict[str, Any]]:
        """A key of the index `by_name`, as DynamoDB writes it, as the same photo has it in another collection."""
        photo_id = self._photo_id(start["photo_id"]["S"].partition("@")[0], collection_id)
        return start | attributes({"photo_id": photo_id, "listing": self.listing(collection_id)})

    def _photo_id(self, photo_id: str, collection_id: str) -> str:
        return photo_id if collection_id == self.first else f"{photo_id}@{collection_id}"

    def row(self, kept: KeptPhoto) -> dict[str, Any]:
        """The row of a photo."""
        row = {
            **self.key(kept.photo, kept.collection_id),
            "image_path": kept.photo.key,
            "version": kept.photo.version,
            "collection_id": kept.collection_id,
            **{name: getattr(kept, name) or None for name in _TEXTS},
            "expiring": LISTING if kept.expires_at else None,
            "moved_from": json.dumps(asdict(kept.moved_from)) if kept.moved_from else None,
            "claimed_at": kept.claimed_at,
        }
        return row | _face_row(kept.face) | {"listing": self.listing(kept.collection_id)} if kept.face else row

    def kept(self, row: Row) -> KeptPhoto:
        """The photo of a row."""
        photo = PhotoVersion(row["full_name"], row["image_path"], row["version"])
        return KeptPhoto(
            photo,
            row.get("collection_id", self.first),
            face=_face(row, photo) if "face_id" in row else None,
            moved_from=PhotoVersion(**json.loads(row["moved_from"])) if "moved_from" in row else None,
            claimed_at=row.get("claimed_at"),
            **{name: row[name] for name in _TEXTS if name in row},
        )

    def collections(self, row: Row | None) -> Collections:
        """The state of the collections; the deployment's answers as long as nothing else is written."""
        return Collections(**json.loads(row["state"])) if row else Collections(self.first)


def _face_row(face: EnrolledFace) -> dict[str, Any]:
    points, pose = face.face.landmarks, face.face.pose
    record = {
        "landmarks": points and asdict(points),
        "pose": pose and asdict(pose),
        "model_version": face.model_version,
        "possible_duplicate": face.possible_duplicate,
    }
    return {
        "face_id": face.face_id,
        "enrolled_at": face.enrolled_at,
        "record": json.dumps(record),
        **asdict(face.face.box),
        "confidence": face.face.confidence,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
    }


def _face(row: Row, photo: PhotoVersion) -> EnrolledFace:
    record = json.loads(row.get("record", "{}"))
    points, pose = record.get("landmarks"), record.get("pose")
    face = Face(
        BoundingBox(*(float(row[name]) for name in BoundingBox.__slots__)),
        float(row["confidence"]),
        Landmarks(**{name: tuple(point) for name, point in points.items()}) if points else None,
        Pose(**pose) if pose else None,
    )
    return EnrolledFace(
        face_id=row["face_id"],
        photo=photo,
        face=face,
        brightness=float(row["brightness"]),
        sharpness=float(row["sharpness"]),
        enrolled_at=row["enrolled_at"],
        model_version=record.get("model_version", ""),
        possible_duplicate=record.get("possible_duplicate", False),
    )
