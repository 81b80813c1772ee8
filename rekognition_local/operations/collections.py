"""CreateCollection, DeleteCollection, DescribeCollection and ListCollections."""

from datetime import UTC, datetime
from typing import Any

from rekognition_local.operations.service import Service
from rekognition_local.protocol.pagination import page
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage import records
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Collection

PAGE_SIZE = 1000

# The service's form, of no account. CreateCollection leaves out "arn:", DescribeCollection does not; so does the
# service.
_RESOURCE = "aws:rekognition:us-east-1:000000000000:collection/"


def create_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateCollection. Tags are accepted and have no effect: nothing here reads them."""
    gallery, collection_id = service.gallery, request["CollectionId"]
    with gallery.store.transaction():
        if not records.add_collection(gallery.store, collection_id, service.engine.model_id):
            raise ServiceError("ResourceAlreadyExistsException", f"The collection id: {collection_id} already exists")
        most = gallery.quotas.collections
        if records.collection_count(gallery.store) > most:
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
        records.delete_collection(gallery.store, collection)
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
        return records.collections_after(service.gallery.store, after, most)

    found, next_token = page("ListCollections", request, PAGE_SIZE, read)
    return {
        "CollectionIds": [collection.collection_id for collection in found],
        "FaceModelVersions": [FACE_MODEL_VERSION] * len(found),
        "NextToken": next_token,
    }
