"""IndexFaces, ListFaces and DeleteFaces: the faces of a collection."""

import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine import DetectedFace
from rekognition_local.operations import faces
from rekognition_local.operations.service import MAX_FACES, Service, page
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Face

PAGE_SIZE = 1000


def index_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """IndexFaces: the faces of an image that are good enough, largest first, at most MaxFaces.

    The same image with the same ExternalImageId is not kept twice: the faces that are there are answered again.
    """
    gallery = service.gallery
    collection = gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    members = faces.members_beyond_default(request.get("DetectionAttributes", ()))
    found = faces.faces_of(service, image, request.get("QualityFilter", "AUTO"), members)
    good = [face for face in found if not face.reasons]
    most = min(request.get("MaxFaces", MAX_FACES), MAX_FACES)
    good, too_many = good[:most], good[most:]
    vectors = service.engine.embed(image.pixels, [face.face for face in good])
    with gallery.store.transaction():
        # Asked for again: while the models worked, it may have been deleted.
        collection = gallery.comparable_collection(collection.collection_id)
        source = {"collection": collection.number, "image_digest": image.digest}
        source["external_image_id"] = request.get("ExternalImageId")
        kept = [_kept(gallery.store, source, face.face, vector) for face, vector in zip(good, vectors, strict=True)]
        new = [place for place, (_, is_new) in enumerate(kept) if is_new]
        gallery.add_vectors("faces", collection, [kept[place][0].number for place in new], vectors[new])
    return {
        "FaceRecords": [
            {"Face": faces.face_record(row), "FaceDetail": faces.face_detail(face, members)}
            for (row, _), face in zip(kept, good, strict=True)
        ],
        "UnindexedFaces": [
            {"Reasons": reasons, "FaceDetail": faces.face_detail(face, members)}
            for face in found
            if (reasons := face.reasons or (["EXCEEDS_MAX_FACES"] if face in too_many else []))
        ],
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def _kept(store: Store, source: dict[str, Any], face: DetectedFace, vector: NDArray[np.float32]) -> tuple[Face, bool]:
    """The face in the store, and whether it is new: the same face of an image with the same ExternalImageId is not."""
    box: dict[str, Any] = {name: float(getattr(face, name)) for name in ("left", "top", "width", "height")}
    if source["external_image_id"] is not None and (known := store.find(Face, **source, **box)):
        return known[0], False
    number = store.insert(
        "faces",
        **source,
        **box,
        face_id=str(uuid.uuid4()),
        # One image has one id, however often it is sent.
        image_id=str(uuid.UUID(source["image_digest"][:32], version=4)),
        confidence=faces.percent(face.confidence),
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
    found, next_token = page(service, "ListFaces", request, PAGE_SIZE, Face, **wanted)
    return {
        "Faces": [faces.face_record(row) for row in found],
        "NextToken": next_token,
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def delete_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteFaces: those that exist and belong to no user; nothing of them stays on disk."""
    gallery = service.gallery
    with gallery.store.transaction():
        collection = gallery.collection(request["CollectionId"])
        found = gallery.faces(collection, request["FaceIds"])
        deleted = [row for row in found.values() if row is not None and row.user_id is None]
        numbers = gallery.store.delete("faces", number=[row.number for row in deleted])
        gallery.remove_vectors("faces", collection, numbers)
        gallery.store.erase_traces(collection.collection_id)
    return {
        "DeletedFaces": [row.face_id for row in deleted],
        "UnsuccessfulFaceDeletions": [
            faces.refusal(face_id, "ASSOCIATED_TO_AN_EXISTING_USER", UserId=row.user_id)
            if row is not None
            else faces.refusal(face_id, "FACE_NOT_FOUND")
            for face_id, row in found.items()
            if row is None or row.user_id is not None
        ],
    }
