"""CreateUser, DeleteUser, ListUsers, AssociateFaces and DisassociateFaces: several faces, one person.

ClientRequestToken: the same request with the same token is done once and answered alike.

A user's vector is the mean of the vectors of its faces, brought back to length 1 where theirs is 1 (ArcFace-style
recognisers); it is compared as a face's vector is. The service does not publish how it makes its user vectors.
"""

import json
import time
from collections.abc import Sequence
from functools import wraps
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.operations.faces import refusal, user_record
from rekognition_local.operations.service import Operation, Service, page
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.records import Collection, Face, User

PAGE_SIZE = 500
MAX_FACES = 100  # docs.aws.amazon.com/rekognition/latest/dg/limits.html
ASSOCIATION_THRESHOLD = 75.0


def change_of_a_user(operation: Operation) -> Operation:
    """Make an operation idempotent, the change and the memory of it in one transaction, and alone with its user."""

    @wraps(operation)
    def answer(service: Service, request: dict[str, Any]) -> dict[str, Any]:
        store, token = service.gallery.store, request.get("ClientRequestToken")
        with service.gallery.updating(request["CollectionId"], request["UserId"]), store.transaction():
            if token is None:
                return operation(service, request)
            name = {"operation": f"{service.gallery.region} {operation.__name__}", "token": token}
            digest = sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
            known = store.recall(**name)
            if known is None:
                reply = operation(service, request)
                kept = {"collection_id": request["CollectionId"], "request_digest": digest, "reply": json.dumps(reply)}
                store.insert("answers", **name, **kept, answered=time.time())
                return reply
        if known[0] != digest:
            raise ServiceError(
                "IdempotentParameterMismatchException",
                f"The ClientRequestToken: {token} you have supplied is already in use.",
            )
        remembered: dict[str, Any] = json.loads(known[1])
        return remembered

    return answer


@change_of_a_user
def create_user(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateUser."""
    gallery = service.gallery
    collection = gallery.collection(request["CollectionId"])
    if gallery.store.insert("users", collection=collection.number, user_id=request["UserId"]) is None:
        raise ServiceError("ConflictException", f"The user id: {request['UserId']} already exists")
    return {}


@change_of_a_user
def delete_user(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteUser; its faces stay in the collection, associated with nobody. Nothing of the user stays on disk."""
    gallery = service.gallery
    collection = gallery.collection(request["CollectionId"])
    user = gallery.user(collection, request["UserId"])
    gallery.remove_vectors("user_vectors", collection, gallery.store.delete("user_vectors", user=user.number))
    gallery.store.delete("users", number=user.number)
    gallery.store.erase_traces(collection.collection_id)
    return {}


def list_users(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListUsers, oldest first."""
    collection = service.gallery.collection(request["CollectionId"])
    found, next_token = page(service, "ListUsers", request, PAGE_SIZE, User, collection=collection.number)
    return {"Users": [user_record(user) for user in found], "NextToken": next_token}


@change_of_a_user
def associate_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """AssociateFaces.

    A user that has faces takes those that are similar enough to its vector; one without faces takes all.
    """
    gallery = service.gallery
    least = request.get("UserMatchThreshold", ASSOCIATION_THRESHOLD)
    collection = gallery.comparable_collection(request["CollectionId"])
    user = gallery.user(collection, request["UserId"])
    found = gallery.faces(collection, request["FaceIds"])
    similarities = _similarities(service, user, [row for row in found.values() if row is not None])
    failed = {
        face_id: failure
        for face_id, row in found.items()
        if (failure := _refused(face_id, row, user, similarities.get(face_id), least))
    }
    added = [row for id_, row in found.items() if row is not None and row.user_id is None and id_ not in failed]
    count = gallery.store.count("faces", user=user.number)
    if count + len(added) > MAX_FACES:
        message = f"A user has at most {MAX_FACES} faces; {user.user_id} has {count}."
        raise ServiceError("ServiceQuotaExceededException", message)
    status = _reassign(service, collection, user, added, user)
    return {
        "AssociatedFaces": [{"FaceId": row.face_id} for row in added],
        "UnsuccessfulFaceAssociations": list(failed.values()),
        "UserStatus": status,
    }


def _similarities(service: Service, user: User, rows: Sequence[Face]) -> dict[str, float]:
    """How similar faces are to a user, by their ids; empty when the user has no face yet."""
    _, own = service.gallery.store.vectors("user_vectors", user=user.number)
    if len(own) == 0 or not rows:
        return {}
    ids = {row.number: row.face_id for row in rows}
    numbers, vectors = service.gallery.store.vectors("faces", number=list(ids))
    scored = np.clip(service.engine.similarity(own, vectors)[0], 0, 100)
    return {ids[number]: float(similarity) for number, similarity in zip(numbers, scored, strict=True)}


def _refused(
    face_id: str, row: Face | None, user: User, similarity: float | None = None, least: float = 0.0
) -> dict[str, Any] | None:
    if row is None:
        return refusal(face_id, "FACE_NOT_FOUND")
    if row.user_id == user.user_id:
        return None
    if row.user_id is not None:
        return refusal(face_id, "ASSOCIATED_TO_A_DIFFERENT_USER", UserId=row.user_id)
    if similarity is not None and similarity < least:
        return refusal(face_id, "LOW_MATCH_CONFIDENCE", UserId=user.user_id, Confidence=similarity)
    return None


@change_of_a_user
def disassociate_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DisassociateFaces; faces that are nobody's are passed over."""
    gallery = service.gallery
    collection = gallery.comparable_collection(request["CollectionId"])
    user = gallery.user(collection, request["UserId"])
    found = gallery.faces(collection, request["FaceIds"])
    removed = [row for row in found.values() if row is not None and row.user_id == user.user_id]
    status = _reassign(service, collection, user, removed, None)
    failed = (_refused(face_id, row, user) for face_id, row in found.items())
    return {
        "DisassociatedFaces": [{"FaceId": row.face_id} for row in removed],
        "UnsuccessfulFaceDisassociations": [failure for failure in failed if failure is not None],
        "UserStatus": status,
    }


def _reassign(service: Service, collection: Collection, user: User, rows: Sequence[Face], owner: User | None) -> str:
    """Give faces to the user (or to nobody), make its vector anew, and say its status."""
    gallery, store = service.gallery, service.gallery.store
    if not rows:
        return user.status
    store.update("faces", [row.number for row in rows], "user", None if owner is None else owner.number)
    old = store.delete("user_vectors", user=user.number)
    _, vectors = store.vectors("faces", user=user.number)
    if len(vectors):
        mean = mean_vector(vectors).tobytes()
        store.insert("user_vectors", collection=collection.number, user=user.number, vector=mean)
        gallery.add_vectors("user_vectors", collection, *store.vectors("user_vectors", user=user.number))
    gallery.remove_vectors("user_vectors", collection, old)
    return "ACTIVE" if len(vectors) else "CREATED"


def mean_vector(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector (d,) of a user whose faces have the vectors (n, d)."""
    mean: NDArray[np.float32] = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    length = float(np.linalg.norm(mean))
    if length > 0 and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        mean /= np.float32(length)
    return mean
