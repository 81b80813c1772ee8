"""IndexFaces, ListFaces and DeleteFaces: the faces of a collection."""

import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.operations.faces import (
    FaceOfImage,
    face_detail,
    face_record,
    faces_of,
    members_beyond_default,
    percent,
)
from rekognition_local.operations.image_sources import RequestImage
from rekognition_local.operations.pagination import page
from rekognition_local.operations.service import MAX_FACES, Service
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Collection, Face

PAGE_SIZE = 1000


def index_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """IndexFaces: the faces of an image that are good enough, largest first, at most MaxFaces.

    The same image with the same ExternalImageId is not kept twice: the faces that are there are answered again.
    """
    gallery = service.gallery
    collection = gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    members = members_beyond_default(request.get("DetectionAttributes", ()))
    found = faces_of(service, image, request.get("QualityFilter", "AUTO"), members)
    good = [face for face in found if not face.reasons]
    most = min(request.get("MaxFaces", MAX_FACES), MAX_FACES)
    vectors = service.engine.embed(image.pixels, [face.face for face in good[:most]])
    with gallery.store.transaction():
        # Asked for again: while the models worked, it may have been deleted.
        collection = gallery.comparable_collection(collection.collection_id)
        kept = [
            _kept(service, collection, image, request.get("ExternalImageId"), face, vector)
            for face, vector in zip(good[:most], vectors, strict=True)
        ]
        new = [place for place, (_, is_new) in enumerate(kept) if is_new]
        if gallery.store.count("faces", collection=collection.number) > gallery.quotas.faces:
            raise ServiceError(
                "ServiceQuotaExceededException", f"A collection holds at most {gallery.quotas.faces} faces."
            )
        gallery.add_vectors("faces", collection, [kept[place][0].number for place in new], vectors[new])
    return {
        "FaceRecords": [
            {"Face": face_record(row), "FaceDetail": face_detail(face, members)}
            for (row, _), face in zip(kept, good[:most], strict=True)
        ],
        "UnindexedFaces": [
            {"Reasons": reasons, "FaceDetail": face_detail(face, members)}
            for face in found
            if (reasons := face.reasons or (["EXCEEDS_MAX_FACES"] if face in good[most:] else []))
        ],
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def _kept(
    service: Service,
    collection: Collection,
    image: RequestImage,
    external_image_id: str | None,
    found: FaceOfImage,
    vector: NDArray[np.float32],
) -> tuple[Face, bool]:
    """The face in the store, and whether it is new: the same face of an image with the same ExternalImageId is not."""
    face, store = found.face, service.gallery.store
    box = {name: float(getattr(face, name)) for name in ("left", "top", "width", "height")}
    same: dict[str, Any] = {"collection": collection.number, "image_digest": image.digest, **box}
    same["external_image_id"] = external_image_id
    if external_image_id is not None and (known := store.find(Face, **same)):
        return known[0], False
    number = store.insert(
        "faces",
        **same,
        face_id=str(uuid.uuid4()),
        # One image has one id, however often it is sent.
        image_id=str(uuid.UUID(image.digest[:32], version=4)),
        confidence=percent(face.confidence),
        vector=vector.astype(np.float32).tobytes(),
    )
    return store.find(Face, number=number)[0], True


def list_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListFaces, oldest first; all, those of a user, or those of the given ids."""
    collection = service.gallery.collection(request["CollectionId"])
    wanted: dict[str, Any] = {"collection": collection.number}
    if "UserId" in request:
        wanted["user"] = service.gallery.user(collection, request["UserId"]).number
    if "FaceIds" in request:
        wanted["face_id"] = request["FaceIds"]
    found, next_token = page(service.gallery.store, "ListFaces", request, PAGE_SIZE, Face, **wanted)
    return {
        "Faces": [face_record(row) for row in found],
        "NextToken": next_token,
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def delete_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteFaces: those that exist and belong to no user; nothing of them stays on disk."""
    gallery, wanted = service.gallery, list(dict.fromkeys(request["FaceIds"]))
    with gallery.store.transaction():
        collection = gallery.collection(request["CollectionId"])
        found = gallery.faces(collection, wanted)
        deleted = [found[face_id] for face_id in wanted if face_id in found and found[face_id].user_id is None]
        numbers = gallery.store.delete("faces", number=[row.number for row in deleted])
        gallery.remove_vectors("faces", collection, numbers)
        gallery.store.erase_traces(collection.collection_id)
    return {
        "DeletedFaces": [row.face_id for row in deleted],
        "UnsuccessfulFaceDeletions": [
            {"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]}
            if face_id not in found
            else {
                "FaceId": face_id,
                "UserId": found[face_id].user_id,
                "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"],
            }
            for face_id in wanted
            if face_id not in found or found[face_id].user_id is not None
        ],
    }
