"""CreateCollection, DeleteCollection, DescribeCollection, ListCollections, and the tags of collections."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rekognition_local.operations.service import Service
from rekognition_local.protocol.pagination import page
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage import records
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Collection

PAGE_SIZE = 1000
MAX_TAGS = 50  # docs.aws.amazon.com/rekognition/latest/dg/tag-collections.html

# Of no account.
_ARN = re.compile(r"(?:arn:)?aws[a-z-]*:rekognition:([a-z0-9-]+):\d{12}:collection/(.+)")


def create_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateCollection."""
    gallery, collection_id = service.gallery, request["CollectionId"]
    with gallery.store.transaction():
        if not records.add_collection(gallery.store, gallery.region, collection_id, service.engine.model_id):
            raise ServiceError("ResourceAlreadyExistsException", f"The collection id: {collection_id} already exists")
        most = gallery.quotas.collections
        if records.collection_count(gallery.store, gallery.region) > most:
            raise ServiceError("ServiceQuotaExceededException", f"There are {most} collections, the most allowed.")
        _tag(service, gallery.collection(collection_id), request.get("Tags", {}))
    return {
        "StatusCode": 200,
        # Without "arn:", which DescribeCollection's has; so does the service.
        "CollectionArn": _resource(gallery.region, collection_id),
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
        "CollectionARN": f"arn:{_resource(collection.region, collection.collection_id)}",
        "CreationTimestamp": datetime.fromtimestamp(collection.created, UTC),
    }


def list_collections(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListCollections of the region, oldest first."""
    gallery = service.gallery

    def read(after: int, most: int) -> list[Collection]:
        return records.collections_after(gallery.store, gallery.region, after, most)

    found, next_token = page("ListCollections", request, PAGE_SIZE, read)
    return {
        "CollectionIds": [collection.collection_id for collection in found],
        "FaceModelVersions": [FACE_MODEL_VERSION] * len(found),
        "NextToken": next_token,
    }


def tag_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource, for collections."""
    with service.gallery.store.transaction():
        _tag(service, _tagged(service, request), request["Tags"])
    return {}


def untag_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource, for collections; keys that are not tags are ignored."""
    with service.gallery.store.transaction():
        records.delete_tags(service.gallery.store, _tagged(service, request), request["TagKeys"])
    return {}


def list_tags_for_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource, for collections."""
    return {"Tags": records.tags_of(service.gallery.store, _tagged(service, request))}


def _tag(service: Service, collection: Collection, tags: Mapping[str, str]) -> None:
    records.set_tags(service.gallery.store, collection, tags)
    if len(records.tags_of(service.gallery.store, collection)) > MAX_TAGS:
        raise ServiceError("ServiceQuotaExceededException", f"A collection has at most {MAX_TAGS} tags.")


def _tagged(service: Service, request: Mapping[str, Any]) -> Collection:
    """The collection of a request's ARN, with or without "arn:".

    Raises:
        ServiceError: InvalidParameterException for another ARN, ResourceNotFoundException.
    """
    found = _ARN.fullmatch(request["ResourceArn"])
    if found is None:
        raise ServiceError(
            "InvalidParameterException",
            f"Request has invalid parameters. {request['ResourceArn']} is not the ARN of a collection.",
        )
    if found[1] != service.gallery.region:
        raise ServiceError(
            "ResourceNotFoundException", f"The resource {request['ResourceArn']} is not in {service.gallery.region}."
        )
    return service.gallery.collection(found[2])


def _resource(region: str, collection_id: str) -> str:
    return f"aws:rekognition:{region}:000000000000:collection/{collection_id}"
