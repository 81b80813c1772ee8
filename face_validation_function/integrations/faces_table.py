"""The DynamoDB table of enrolled faces: one row for each photo version and collection, found by name, face id or time.

Keys: `full_name` (partition) and `photo_id` (sort), so that a person is read whole and consistently before erasure.
A row without `face_id` is no face yet, or no more: see `KeptPhoto`. The indexes `by_face_id` and `by_name` hold the
others, `by_expiry` all that end some day. One row of its own, under a name that nobody has, is the state of the
collections.
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from face_validation_function.exceptions.exceptions import ServiceBusyError
from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.integrations.dynamodb import ConditionNotMetError, Row, Table, start_of, token_of
from face_validation_function.people import CLAIM_S, Collections, EnrolledFace, KeptPhoto, PhotoVersion

BY_FACE_ID = "by_face_id"
BY_NAME = "by_name"
BY_EXPIRY = "by_expiry"
LISTING = "faces"
# Rows of one page of a walk through the whole table.
PAGE_ROWS = 40
# No person's name begins with a space.
_STATE_KEY = {"full_name": " collections", "photo_id": "state"}
# Texts of a row that are left out when they are empty.
_TEXTS = ("digest", "reason", "moving_to", "expires_at")
_RECORD = ("landmarks", "pose", "model_version", "possible_duplicate")
_OF_FACE = ("face_id", "brightness", "sharpness", "enrolled_at", "model_version", "possible_duplicate")


class FacesTable:
    """Rows in and out; `client` is a DynamoDB client, `collection_id` the collection that answers at first."""

    def __init__(self, client: Any, table: str, collection_id: str) -> None:
        self._table, self._first = Table(client, table), collection_id

    def collections(self) -> Collections:
        """Which collection answers, read consistently."""
        row = self._table.get(_STATE_KEY)
        return Collections(**json.loads(row["state"])) if row else Collections(self._first)

    def change_collections(self, after: Collections) -> None:
        """Write the next state, with the next revision; raises ConditionNotMetError if it was changed meanwhile."""
        known = {"active": after.active, "revision": after.revision, "settled": after.is_settled}
        row = {**_STATE_KEY, **known, "state": json.dumps(asdict(after))}
        self._put(row, "attribute_not_exists(revision) OR revision = :before", {"before": after.revision - 1})

    def claim(self, kept: KeptPhoto) -> None:
        """Reserve a photo version for indexing: `kept` without a face; ServiceBusyError if another delivery has it."""
        now = int(time.time())
        row = self._row(replace(kept, claimed_at=now))
        unused = "attribute_not_exists(photo_id) OR (attribute_not_exists(face_id) AND claimed_at < :expired)"
        try:
            self._put(row, unused, {"expired": now - CLAIM_S})
        except ConditionNotMetError:
            raise ServiceBusyError("this photo is being enrolled by another request.") from None

    def complete(self, kept: KeptPhoto) -> None:
        """Finish a claim; ConditionNotMetError if the person was erased meanwhile or another collection answers now."""
        here = self._check("attribute_not_exists(active) OR active = :own", {"own": kept.collection_id})
        self._table.transact(self._write(kept, "attribute_exists(photo_id)"), here)

    def keep_copy(self, kept: KeptPhoto) -> None:
        """Keep a photo whose face the person's other row with the same digest has; a row with a face stays."""
        with suppress(ConditionNotMetError):
            self._put(self._row(kept), "attribute_not_exists(face_id)")

    def release(self, kept: KeptPhoto) -> None:
        """Give up a claim; a row with a face stays."""
        with suppress(ConditionNotMetError):
            self._table.write("delete_item", Key=self._key(kept), ConditionExpression="attribute_not_exists(face_id)")

    def get(self, kept: KeptPhoto) -> KeptPhoto | None:
        """The row of the same photo version and collection as it is now, read consistently."""
        row = self._table.get(self._key(kept))
        return self._kept(row) if row else None

    def by_face_id(self, face_id: str) -> KeptPhoto | None:
        """The row of a face."""
        rows, _ = self._query(BY_FACE_ID, "face_id = :face", {"face": face_id})
        return rows[0] if rows else None

    def of_person(self, full_name: str, photo: PhotoVersion | None = None) -> list[KeptPhoto]:
        """Every row of a person, or of one of the photos, whatever its collection; read consistently."""
        one = " AND begins_with(photo_id, :photo)" if photo else ""
        values = {"full_name": full_name, "photo": photo.id if photo else None}
        return list(map(self._kept, self._table.query_all(f"full_name = :full_name{one}", values)))

    def faces_of(self, full_name: str) -> list[EnrolledFace]:
        """Every face of a person that searches find, the newest first; read consistently."""
        active = self.collections().active
        faces = [kept.face for kept in self.of_person(full_name) if kept.face and kept.collection_id == active]
        return sorted(faces, key=lambda face: face.enrolled_at, reverse=True)

    def listed(
        self, limit: int, next_token: str | None = None, full_name: str | None = None
    ) -> tuple[list[EnrolledFace], str | None]:
        """A page of faces by name, of one person or all, and the next page's token; RequestError for a false token."""
        active = self.collections().active
        named = " AND full_name = :full_name" if full_name else ""
        values = {"listing": self._listing(active), "full_name": full_name}
        more = {}
        if next_token:
            start = start_of(next_token, full_name="S", photo_id="S", listing="S")
            # The page before may have been of the collection that answered then; the photo has a row here, too.
            here = self._photo_id(start["photo_id"]["S"].partition("@")[0], active)
            more = {"ExclusiveStartKey": {**start, "photo_id": {"S": here}, "listing": {"S": self._listing(active)}}}
        rows, last = self._query(BY_NAME, f"listing = :listing{named}", values, Limit=limit, **more)
        return [kept.face for kept in rows if kept.face], token_of(last)

    def expired(self, now: str, most: int) -> list[KeptPhoto]:
        """Rows whose time is over, the oldest first, at most `most`."""
        values = {"all": LISTING, "now": now}
        return self._query(BY_EXPIRY, "expiring = :all AND expires_at <= :now", values, Limit=most)[0]

    def delete(self, kept: KeptPhoto) -> int:
        """Remove a row; how many there were (0 or 1)."""
        return int(bool(self._table.write("delete_item", Key=self._key(kept), ReturnValues="ALL_OLD")))

    def mark(self, kept: KeptPhoto, to: str) -> None:
        """Say that a row's photo is being copied to `to`; ConditionNotMetError if it is gone or copied elsewhere."""
        here = "attribute_exists(photo_id) AND (attribute_not_exists(moving_to) OR moving_to = :to)"
        change, key = "SET moving_to = :to", self._key(kept)
        self._table.write("update_item", {"to": to}, Key=key, UpdateExpression=change, ConditionExpression=here)

    def settle(self, kept: KeptPhoto) -> None:
        """Say in a row that its photo lies nowhere else any more; nothing changes when the row is gone."""
        change, here, key = "REMOVE moved_from", "attribute_exists(photo_id)", self._key(kept)
        with suppress(ConditionNotMetError):
            self._table.write("update_item", Key=key, UpdateExpression=change, ConditionExpression=here)

    def move(self, kept: KeptPhoto, photo: PhotoVersion) -> None:
        """Put a row under another name and photo; ConditionNotMetError if it changed, or a reindex is under way."""
        calm = self._check("attribute_not_exists(settled) OR settled = :yes", {"yes": True})
        gone = ("Delete", self._unchanged(kept))
        self._table.transact(self._write(kept.moved(photo), "attribute_not_exists(photo_id)"), gone, calm)

    def carry(self, kept: KeptPhoto, new: KeptPhoto) -> None:
        """Put another collection's row beside `kept`; ConditionNotMetError if it is there, or `kept` has changed."""
        there = ("ConditionCheck", self._unchanged(kept))
        self._table.transact(self._write(new, "attribute_not_exists(photo_id)"), there)

    def walk(self, start: str = "") -> tuple[list[KeptPhoto], str]:
        """Some rows of the whole table, read consistently, and where to go on; empty at the end."""
        more = {"ExclusiveStartKey": json.loads(start)} if start else {}
        rows, last = self._table.page("scan", ConsistentRead=True, Limit=PAGE_ROWS, **more)
        kept = [self._kept(row) for row in rows if "image_path" in row]
        return kept, json.dumps(last, sort_keys=True) if last else ""

    def _key(self, kept: KeptPhoto) -> dict[str, str]:
        """A photo has one row for each collection."""
        return {"full_name": kept.photo.full_name, "photo_id": self._photo_id(kept.photo.id, kept.collection_id)}

    def _photo_id(self, photo_id: str, collection_id: str) -> str:
        return photo_id if collection_id == self._first else f"{photo_id}@{collection_id}"

    def _listing(self, collection_id: str) -> str:
        """The partition of the index `by_name` with the faces of a collection."""
        return LISTING if collection_id == self._first else collection_id

    def _row(self, kept: KeptPhoto) -> dict[str, Any]:
        row = {
            **self._key(kept),
            "image_path": kept.photo.key,
            "version": kept.photo.version,
            "collection_id": kept.collection_id,
            **{name: getattr(kept, name) or None for name in _TEXTS},
            "expiring": LISTING if kept.expires_at else None,
            "moved_from": json.dumps(asdict(kept.moved_from)) if kept.moved_from else None,
            "claimed_at": kept.claimed_at,
        }
        return row | _face_row(kept.face) | {"listing": self._listing(kept.collection_id)} if kept.face else row

    def _kept(self, row: Row) -> KeptPhoto:
        photo = PhotoVersion(row["full_name"], row["image_path"], row["version"])
        return KeptPhoto(
            photo,
            row.get("collection_id", self._first),
            face=_face(row, photo) if "face_id" in row else None,
            moved_from=PhotoVersion(**json.loads(row["moved_from"])) if "moved_from" in row else None,
            **{name: row[name] for name in (*_TEXTS, "claimed_at") if name in row},
        )

    def _query(self, index: str, keys: str, values: Row, **more: Any) -> tuple[list[KeptPhoto], Any]:
        rows, last = self._table.page("query", values, IndexName=index, KeyConditionExpression=keys, **more)
        return list(map(self._kept, rows)), last

    def _put(self, row: Row, condition: str, values: Row | None = None) -> None:
        self._table.write("put_item", values, Item=row, ConditionExpression=condition)

    def _write(self, kept: KeptPhoto, condition: str) -> tuple[str, dict[str, Any]]:
        return "Put", self._table.request(Item=self._row(kept), ConditionExpression=condition)

    def _check(self, condition: str, values: Row) -> tuple[str, dict[str, Any]]:
        return "ConditionCheck", self._table.request(values, Key=_STATE_KEY, ConditionExpression=condition)

    def _unchanged(self, kept: KeptPhoto) -> dict[str, Any]:
        """A row with the face that `kept` has, or without one."""
        if kept.face:
            values, same = {"face": kept.face.face_id}, "face_id = :face"
        else:
            values, same = {}, "attribute_exists(photo_id) AND attribute_not_exists(face_id)"
        return self._table.request(values, Key=self._key(kept), ConditionExpression=same)


def _face_row(face: EnrolledFace) -> dict[str, Any]:
    """The attributes of a face: all of them flat, but for those of the record."""
    told = asdict(face)
    told |= told.pop("face")
    told |= told.pop("box")
    del told["photo"]
    return told | {"record": json.dumps({name: told.pop(name) for name in _RECORD})}


def _face(row: Row, photo: PhotoVersion) -> EnrolledFace:
    # Faces that were enrolled by the first release have no record.
    told = {**row, **json.loads(row.get("record", "{}"))}
    points, pose = told.get("landmarks"), told.get("pose")
    face = Face(
        BoundingBox(*(told[name] for name in BoundingBox.__slots__)),
        told["confidence"],
        Landmarks(**{name: tuple(point) for name, point in points.items()}) if points else None,
        Pose(**pose) if pose else None,
    )
    return EnrolledFace(photo=photo, face=face, **{name: told[name] for name in _OF_FACE if name in told})
