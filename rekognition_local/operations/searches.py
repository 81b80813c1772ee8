"""SearchFaces, SearchFacesByImage, SearchUsers and SearchUsersByImage: who is similar."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.operations.collection_faces import face_record
from rekognition_local.operations.face_details import bounding_box, face_detail, percent
from rekognition_local.operations.faces import faces_of, usable_faces
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Collection, Face, User

# The model's upper bounds are also the defaults: nobody who is similar enough is left out unasked.
MAX_FACES, MAX_USERS = 4096, 500
THRESHOLD = 80.0


def search_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchFaces: faces similar to one of the collection, without that one."""
    collection = service.gallery.comparable_collection(request["CollectionId"])
    (probe,) = _vectors_of_face(service, collection, request["FaceId"])
    most = request.get("MaxFaces", MAX_FACES)
    found = service.gallery.similar_faces(collection, probe, most + 1, request.get("FaceMatchThreshold", THRESHOLD))
    others = [(similarity, row) for similarity, row in found if row.face_id != request["FaceId"]]
    return {
        "SearchedFaceId": request["FaceId"],
        "FaceMatches": _face_matches(others[:most]),
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def search_faces_by_image(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchFacesByImage: faces similar to the largest one of an image.

    Raises:
        ServiceError: InvalidParameterException when the image has no face, or none above the quality bar.
    """
    collection = service.gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    # Word for word the service's: programs compare it.
    complaint = "There are no faces in the image. Should be at least 1."
    searched = usable_faces(service, image, request.get("QualityFilter", "NONE"), complaint)[0].face
    found = service.gallery.similar_faces(
        collection,
        service.engine.embed(image.pixels, [searched])[0],
        request.get("MaxFaces", MAX_FACES),
        request.get("FaceMatchThreshold", THRESHOLD),
    )
    return {
        "SearchedFaceBoundingBox": bounding_box(searched),
        "SearchedFaceConfidence": percent(searched.confidence),
        "FaceMatches": _face_matches(found),
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def search_users(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchUsers: users similar to a face or to another user of the collection.

    Raises:
        ServiceError: InvalidParameterException unless there is either a UserId or a FaceId.
    """
    gallery = service.gallery
    collection = gallery.comparable_collection(request["CollectionId"])
    user: User | None
    probes: NDArray[np.float32]
    match request:
        case {"UserId": str(user_id), **others} if "FaceId" not in others:
            user = gallery.user(collection, user_id)
            _, probes = gallery.store.vectors("user_vectors", user=user.number)
            searched = {"SearchedUser": {"UserId": user_id}}
        case {"FaceId": str(face_id), **others} if "UserId" not in others:
            user, probes = None, _vectors_of_face(service, collection, face_id)
            searched = {"SearchedFace": {"FaceId": face_id}}
        case _:
            raise ServiceError("InvalidParameterException", "Request has invalid parameters. A UserId or a FaceId.")
    most = request.get("MaxUsers", MAX_USERS)
    least = request.get("UserMatchThreshold", THRESHOLD)
    found = [match for probe in probes for match in gallery.similar_users(collection, probe, most + 1, least)]
    others_found = [(similarity, other) for similarity, other in found if other != user]
    return {"UserMatches": _user_matches(others_found[:most]), "FaceModelVersion": FACE_MODEL_VERSION, **searched}


def search_users_by_image(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchUsersByImage: users similar to an image's largest face; without a face, an answer without SearchedFace."""
    collection = service.gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    found = faces_of(service, image, request.get("QualityFilter", "NONE"))
    searched = next((face for face in found if not face.reasons), None)
    matches = []
    if searched is not None:
        matches = service.gallery.similar_users(
            collection,
            service.engine.embed(image.pixels, [searched.face])[0],
            request.get("MaxUsers", MAX_USERS),
            request.get("UserMatchThreshold", THRESHOLD),
        )
    return {
        "UserMatches": _user_matches(matches),
        "FaceModelVersion": FACE_MODEL_VERSION,
        "SearchedFace": None if searched is None else {"FaceDetail": face_detail(searched)},
        "UnsearchedFaces": [
            {"FaceDetails": face_detail(face), "Reasons": face.reasons or ["FACE_NOT_LARGEST"]}
            for face in found
            if face is not searched
        ],
    }


def _vectors_of_face(service: Service, collection: Collection, face_id: str) -> NDArray[np.float32]:
    """The one vector (1, d) of a face."""
    _, found = service.gallery.store.vectors("faces", collection=collection.number, face_id=face_id)
    if len(found) == 0:
        # InvalidParameter, not ResourceNotFound: so programs that call the service report it.
        raise ServiceError("InvalidParameterException", f"faceId was not found in the collection: {face_id}")
    return found


def _face_matches(found: list[tuple[float, Face]]) -> list[dict[str, Any]]:
    return [{"Similarity": similarity, "Face": face_record(row)} for similarity, row in found]


def _user_matches(found: list[tuple[float, User]]) -> list[dict[str, Any]]:
    return [
        {"Similarity": similarity, "User": {"UserId": user.user_id, "UserStatus": user.status}}
        for similarity, user in found
    ]
