"""CreateCollection, DeleteCollection, DescribeCollection, ListCollections, and the tags of collections."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rekognition_local.operations.service import Service, page
from rekognition_local.protocol.wire import ServiceError, invalid_parameters
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
        model = service.engine.model_id
        named = {"region": gallery.region, "collection_id": collection_id}
        if gallery.store.insert("collections", **named, created=time.time(), model_id=model) is None:
            raise ServiceError("ResourceAlreadyExistsException", f"The collection id: {collection_id} already exists")
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
        gallery.store.delete("collections", number=collection.number)
        gallery.forget(collection)
        gallery.store.erase_traces(collection.collection_id)
    return {"StatusCode": 200}


def describe_collection(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeCollection."""
    collection = service.gallery.collection(request["CollectionId"])
    store = service.gallery.store
    return {
        "FaceCount": store.count("faces", collection=collection.number),
        "UserCount": store.count("users", collection=collection.number),
        "FaceModelVersion": FACE_MODEL_VERSION,
        "CollectionARN": f"arn:{_resource(collection.region, collection.collection_id)}",
        "CreationTimestamp": datetime.fromtimestamp(collection.created, UTC),
    }


def list_collections(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListCollections of the region, oldest first."""
    region = service.gallery.region
    found, next_token = page(service, "ListCollections", request, PAGE_SIZE, Collection, region=region)
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
        collection = _tagged(service, request)
        service.gallery.store.delete("tags", collection=collection.number, key=request["TagKeys"])
    return {}


def list_tags_for_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource, for collections."""
    return {"Tags": service.gallery.store.tags(_tagged(service, request).number)}


def _tag(service: Service, collection: Collection, tags: Mapping[str, str]) -> None:
    store, number = service.gallery.store, collection.number
    store.delete("tags", collection=number, key=list(tags))  # a key that is there gets the new value
    for key, value in tags.items():
        store.insert("tags", collection=number, key=key, value=value)
    if store.count("tags", collection=number) > MAX_TAGS:
        raise ServiceError("ServiceQuotaExceededException", f"A collection has at most {MAX_TAGS} tags.")


def _tagged(service: Service, request: Mapping[str, Any]) -> Collection:
    """The collection of a request's ARN, with or without "arn:"."""
    found = _ARN.fullmatch(request["ResourceArn"])
    if found is None:
        raise invalid_parameters(f"{request['ResourceArn']} is not the ARN of a collection.")
    if found[1] != service.gallery.region:
        raise ServiceError(
            "ResourceNotFoundException", f"The resource {request['ResourceArn']} is not in {service.gallery.region}."
        )
    return service.gallery.collection(found[2])


def _resource(region: str, collection_id: str) -> str:
    return f"aws:rekognition:{region}:000000000000:collection/{collection_id}"
