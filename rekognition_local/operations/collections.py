"""CreateCollection, DeleteCollection, DescribeCollection and ListCollections."""

import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

from rekognition_local.operations.service import Service
from rekognition_local.protocol.pagination import page
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.gallery import FACE_MODEL_VERSION, Collection

PAGE_SIZE = 1000

# The service's form, of no account. CreateCollection leaves out "arn:", DescribeCollection does not; so does the
# service.
_RESOURCE = "aws:rekognition:us-east-1:000000000000:collection/"


def create_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateCollection. Tags are accepted and have no effect: nothing here reads them."""
    gallery, collection_id = service.gallery, request["CollectionId"]
    with gallery.store.transaction():
        try:
            gallery.store.run(
                "INSERT INTO collections (collection_id, created, model_id) VALUES (?, ?, ?)",
                collection_id,
                time.time(),
                service.engine.model_id,
            )
        except sqlite3.IntegrityError as error:
            raise ServiceError(
                "ResourceAlreadyExistsException", f"The collection id: {collection_id} already exists"
            ) from error
        most = gallery.quotas.collections
        if gallery.store.row("SELECT COUNT(*) FROM collections")[0] > most:
            raise ServiceError("ServiceQuotaExceededException", f"There are {most} collections, the most allowed.")
    return {
        "StatusCode": 200,
        "CollectionArn": f"{_RESOURCE}{collection_id}",
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def delete_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteCollection, with all faces and users in it."""
    gallery = service.gallery
    with gallery.store.transaction():
        collection = gallery.collection(request["CollectionId"])
        gallery.store.run("DELETE FROM collections WHERE number = ?", collection.number)
        gallery.forget(collection)
        gallery.store.erase_traces(collection.collection_id)
    return {"StatusCode": 200}


def describe_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeCollection."""
    collection = service.gallery.collection(request["CollectionId"])
    store = service.gallery.store
    return {
        "FaceCount": store.count("faces", collection.number),
        "UserCount": store.count("users", collection.number),
        "FaceModelVersion": FACE_MODEL_VERSION,
        "CollectionARN": f"arn:{_RESOURCE}{collection.collection_id}",
        "CreationTimestamp": datetime.fromtimestamp(collection.created, UTC),
    }


def list_collections(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListCollections, oldest first."""

    def read(after: int, most: int) -> list[Collection]:
        rows = service.gallery.store.rows(
            "SELECT number, collection_id, created, model_id FROM collections WHERE number > ? ORDER BY number LIMIT ?",
            after,
            most,
        )
        return [Collection(*row) for row in rows]

    found, next_token = page("ListCollections", request, PAGE_SIZE, read)
    return {
        "CollectionIds": [collection.collection_id for collection in found],
        "FaceModelVersions": [FACE_MODEL_VERSION] * len(found),
        "NextToken": next_token,
    }
