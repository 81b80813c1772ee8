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

from face_validation_function.exceptions.exceptions import InternalServerError, RequestError, ServiceBusyError
from face_validation_function.integrations.aws_errors import Refusals, translate_aws_errors
from face_validation_function.integrations.face_rows import (
    LISTING,
    LISTING_KEY,
    STATE_KEY,
    Row,
    RowFormat,
    number,
    text,
)
from face_validation_function.integrations.page_tokens import start_of, token_of
from face_validation_function.people import CLAIM_S, Collections, EnrolledFace, KeptPhoto, PhotoVersion

BY_FACE_ID = "by_face_id"
BY_NAME = "by_name"
BY_EXPIRY = "by_expiry"
# Rows of one page of a walk through the whole table.
PAGE_ROWS = 40


class ConditionNotMetError(InternalServerError):
    """DynamoDB did not write, since the row is not in the state that the write asks for."""


CONDITION: Refusals = dict.fromkeys(
    ("ConditionalCheckFailedException", "TransactionCanceledException"), ConditionNotMetError
)


class FacesTable:
    """Rows in and out; `client` is a DynamoDB client, `collection_id` the collection of the deployment."""

    def __init__(self, client: Any, table: str, collection_id: str) -> None:
        self._client = client
        self._table = table
        self._format = RowFormat(collection_id)

    def collections(self) -> Collections:
        """Which collection answers, read consistently."""
        return self._format.collections(self._ask("get_item", Key=STATE_KEY, ConsistentRead=True).get("Item"))

    def change_collections(self, after: Collections) -> None:
        """Write the next state of the collections; `after` has the next revision.

        Raises:
            ConditionNotMetError: another process changed it meanwhile.
        """
        row = {
            **STATE_KEY,
            "active": text(after.active),
            "revision": number(after.revision),
            "settled": {"BOOL": after.is_settled},
            "state": text(json.dumps(asdict(after))),
        }
        self._put(row, "attribute_not_exists(revision) OR revision = :before", {":before": number(after.revision - 1)})

    def claim(self, kept: KeptPhoto) -> None:
        """Reserve a photo version for indexing: `kept` without a face.

        Raises:
            ServiceBusyError: another delivery is indexing it now.
        """
        now = int(time.time())
        row = self._format.row(replace(kept, claimed_at=now))
        unused = "attribute_not_exists(photo_id) OR (attribute_not_exists(face_id) AND claimed_at < :expired)"
        try:
            self._put(row, unused, {":expired": number(now - CLAIM_S)})
        except ConditionNotMetError:
            raise ServiceBusyError("this photo is being enrolled by another request.") from None

    def complete(self, kept: KeptPhoto) -> None:
        """Finish a claim: from now on the face is found by its id and its name.

        Raises:
            InternalServerError: the claim is gone, because the person was erased meanwhile, or another collection
                answers now.
        """
        here = self._check("attribute_not_exists(active) OR active = :own", {":own": text(kept.collection_id)})
        self._transact(self._write(kept, "attribute_exists(photo_id)"), here)

    def keep_copy(self, kept: KeptPhoto) -> None:
        """Keep a photo whose face the person's other row with the same digest has; a row with a face stays."""
        with suppress(ConditionNotMetError):
            self._put(self._format.row(kept), "attribute_not_exists(face_id)")

    def release(self, kept: KeptPhoto) -> None:
        """Give up a claim; a row with a face stays."""
        with suppress(ConditionNotMetError):
            self._ask("delete_item", Key=self._key(kept), ConditionExpression="attribute_not_exists(face_id)")

    def get(self, kept: KeptPhoto) -> KeptPhoto | None:
        """The row of the same photo version and collection as it is now, read consistently."""
        found = self._ask("get_item", Key=self._key(kept), ConsistentRead=True)
        return self._format.kept(found["Item"]) if "Item" in found else None

    def by_face_id(self, face_id: str) -> KeptPhoto | None:
        """The row of a face."""
        rows = self._query(BY_FACE_ID, "face_id = :face", {":face": text(face_id)})["Items"]
        return self._format.kept(rows[0]) if rows else None

    def of_person(self, full_name: str, photo: PhotoVersion | None = None) -> list[KeptPhoto]:
        """Every row of a person, or of one of the photos, whatever its collection; read consistently."""
        one = " AND begins_with(photo_id, :photo)" if photo else ""
        values = {":full_name": text(full_name)} | ({":photo": text(photo.id)} if photo else {})
        asked = {"KeyConditionExpression": f"full_name = :full_name{one}", "ExpressionAttributeValues": values}
        with translate_aws_errors("DynamoDB", {}):
            query = self._client.get_paginator("query")
            pages = query.paginate(TableName=self._table, ConsistentRead=True, **asked)
            return [self._format.kept(row) for page in pages for row in page["Items"]]

    def faces_of(self, full_name: str) -> list[EnrolledFace]:
        """Every face of a person that searches find, the newest first; read consistently."""
        active = self.collections().active
        faces = [kept.face for kept in self.of_person(full_name) if kept.face and kept.collection_id == active]
        return sorted(faces, key=lambda face: face.enrolled_at, reverse=True)

    def listed(
        self, limit: int, next_token: str | None = None, full_name: str | None = None
    ) -> tuple[list[EnrolledFace], str | None]:
        """A page of faces by name, and the token of the next page; of one person when `full_name` is given.

        Raises:
            RequestError: the token is not one of ours.
        """
        active = self.collections().active
        named = " AND full_name = :full_name" if full_name else ""
        person = {":full_name": text(full_name)} if full_name else {}
        values = {":listing": text(self._format.listing(active)), **person}
        # The page before may have been of the collection that answered before.
        more = {}
        if next_token:
            more = {"ExclusiveStartKey": self._format.in_collection(start_of(next_token, **LISTING_KEY), active)}
        other = {"ValidationException": RequestError}
        found = self._query(BY_NAME, f"listing = :listing{named}", values, other, Limit=limit, **more)
        faces = (self._format.kept(row).face for row in found["Items"])
        return [face for face in faces if face], token_of(found.get("LastEvaluatedKey"))

    def expired(self, now: str, most: int) -> list[KeptPhoto]:
        """Rows whose time is over, the oldest first, at most `most`."""
        values = {":all": text(LISTING), ":now": text(now)}
        found = self._query(BY_EXPIRY, "expiring = :all AND expires_at <= :now", values, Limit=most)
        return [self._format.kept(row) for row in found["Items"]]

    def delete(self, kept: KeptPhoto) -> int:
        """Remove a row; how many there were (0 or 1)."""
        return int(bool(self._ask("delete_item", Key=self._key(kept), ReturnValues="ALL_OLD").get("Attributes")))

    def mark(self, kept: KeptPhoto, to: str) -> None:
        """Say in a row that its photo is being copied to the key `to`.

        Raises:
            ConditionNotMetError: the row is gone, or another rename copies it elsewhere.
        """
        self._ask(
            "update_item",
            Key=self._key(kept),
            UpdateExpression="SET moving_to = :to",
            ConditionExpression="attribute_exists(photo_id) AND (attribute_not_exists(moving_to) OR moving_to = :to)",
            ExpressionAttributeValues={":to": text(to)},
        )

    def settle(self, kept: KeptPhoto) -> None:
        """Say in a row that its photo lies nowhere else any more; nothing changes when the row is gone."""
        change: dict[str, Any] = {
            "UpdateExpression": "REMOVE moved_from",
            "ConditionExpression": "attribute_exists(photo_id)",
        }
        with suppress(ConditionNotMetError):
            self._ask("update_item", Key=self._key(kept), **change)

    def move(self, kept: KeptPhoto, photo: PhotoVersion) -> None:
        """Put a row under another name and photo, in one step.

        Raises:
            ConditionNotMetError: the row is not `kept` any more, or a reindex is under way.
        """
        calm = self._check("attribute_not_exists(settled) OR settled = :yes", {":yes": {"BOOL": True}})
        gone = {"Delete": self._unchanged(kept)}
        self._transact(self._write(kept.moved(photo), "attribute_not_exists(photo_id)"), gone, calm)

    def carry(self, kept: KeptPhoto, new: KeptPhoto) -> None:
        """Put the row of another collection beside `kept`.

        Raises:
            ConditionNotMetError: it is there already, or `kept` has changed, because the person was erased meanwhile.
        """
        there = {"ConditionCheck": self._unchanged(kept)}
        self._transact(self._write(new, "attribute_not_exists(photo_id)"), there)

    def walk(self, start: str = "") -> tuple[list[KeptPhoto], str]:
        """Some rows of the whole table, read consistently, and where to go on; empty at the end."""
        more = {"ExclusiveStartKey": json.loads(start)} if start else {}
        found = self._ask("scan", ConsistentRead=True, Limit=PAGE_ROWS, **more)
        last = found.get("LastEvaluatedKey")
        rows = [self._format.kept(row) for row in found["Items"] if "image_path" in row]
        return rows, json.dumps(last, sort_keys=True) if last else ""

    def _key(self, kept: KeptPhoto) -> Row:
        return self._format.key(kept.photo, kept.collection_id)

    def _ask(self, method: str, refusals: Refusals = CONDITION, **asked: Any) -> Any:
        with translate_aws_errors("DynamoDB", refusals):
            return getattr(self._client, method)(TableName=self._table, **asked)

    def _query(self, index: str, keys: str, values: Row, refusals: Refusals = CONDITION, **more: Any) -> Any:
        asked = {"KeyConditionExpression": keys, "ExpressionAttributeValues": values}
        return self._ask("query", refusals, IndexName=index, **asked, **more)

    def _put(self, row: Row, condition: str, values: Row | None = None) -> None:
        more: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        self._ask("put_item", Item=row, ConditionExpression=condition, **more)

    def _write(self, kept: KeptPhoto, condition: str) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": self._format.row(kept), "ConditionExpression": condition}}

    def _check(self, condition: str, values: Row) -> dict[str, Any]:
        """That the state of the collections meets a condition."""
        asked = {"TableName": self._table, "Key": STATE_KEY, "ConditionExpression": condition}
        return {"ConditionCheck": {**asked, "ExpressionAttributeValues": values}}

    def _unchanged(self, kept: KeptPhoto) -> dict[str, Any]:
        """A row with the face that `kept` has, or without one."""
        same: dict[str, Any] = {"ConditionExpression": "attribute_exists(photo_id) AND attribute_not_exists(face_id)"}
        if kept.face:
            values = {":face": text(kept.face.face_id)}
            same = {"ConditionExpression": "face_id = :face", "ExpressionAttributeValues": values}
        return {"TableName": self._table, "Key": self._key(kept), **same}

    def _transact(self, *steps: dict[str, Any]) -> None:
        with translate_aws_errors("DynamoDB", CONDITION):
            self._client.transact_write_items(TransactItems=list(steps))
