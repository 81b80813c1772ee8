"""SearchFaces, SearchFacesByImage, SearchUsers and SearchUsersByImage: who is similar."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.operations import faces
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import ServiceError, invalid_parameters
from rekognition_local.storage.gallery import FACE_MODEL_VERSION
from rekognition_local.storage.records import Collection, Face, User

# The model's upper bounds are also the defaults: nobody who is similar enough is left out unasked.
MAX_FACES, MAX_USERS = 4096, 500
THRESHOLD = 80.0

Vectors = NDArray[np.float32]


def search_faces(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchFaces: faces similar to one of the collection, without that one."""
    collection, face_id = service.gallery.comparable_collection(request["CollectionId"]), request["FaceId"]
    (probe,) = _vectors_of_face(service, collection, face_id)
    return {"SearchedFaceId": face_id, **_face_matches(service, request, collection, probe, but=face_id)}


def search_faces_by_image(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchFacesByImage: faces similar to the largest one of an image that is above the quality bar."""
    collection = service.gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    # Word for word the service's: programs compare it.
    complaint = ServiceError("InvalidParameterException", "There are no faces in the image. Should be at least 1.")
    searched = faces.usable_faces(service, image, request.get("QualityFilter", "NONE"), complaint)[0].face
    (probe,) = service.engine.embed(image.pixels, [searched])
    return {
        "SearchedFaceBoundingBox": faces.bounding_box(searched),
        "SearchedFaceConfidence": faces.percent(searched.confidence),
        **_face_matches(service, request, collection, probe),
    }


def search_users(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchUsers: users similar to a face or to another user of the collection."""
    gallery = service.gallery
    collection = gallery.comparable_collection(request["CollectionId"])
    match request:
        case {"UserId": str(user_id), **others} if "FaceId" not in others:
            user = gallery.user(collection, user_id)
            _, probes = gallery.store.vectors("user_vectors", user=user.number)
            return {
                **_user_matches(service, request, collection, probes, but=user),
                "SearchedUser": {"UserId": user_id},
            }
        case {"FaceId": str(face_id), **others} if "UserId" not in others:
            probes = _vectors_of_face(service, collection, face_id)
            return {**_user_matches(service, request, collection, probes), "SearchedFace": {"FaceId": face_id}}
        case _:
            raise invalid_parameters("A UserId or a FaceId.")


def search_users_by_image(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """SearchUsersByImage: users similar to an image's largest face; without a face, an answer without SearchedFace."""
    collection = service.gallery.comparable_collection(request["CollectionId"])
    image = service.images.read(request["Image"])
    found = faces.faces_of(service, image, request.get("QualityFilter", "NONE"))
    searched = next((face for face in found if not face.reasons), None)
    probes = service.engine.embed(image.pixels, [] if searched is None else [searched.face])
    return {
        **_user_matches(service, request, collection, probes),
        "SearchedFace": None if searched is None else {"FaceDetail": faces.face_detail(searched)},
        "UnsearchedFaces": [
            {"FaceDetails": faces.face_detail(face), "Reasons": face.reasons or ["FACE_NOT_LARGEST"]}
            for face in found
            if face is not searched
        ],
    }


def _vectors_of_face(service: Service, collection: Collection, face_id: str) -> Vectors:
    """The one vector (1, d) of a face."""
    _, found = service.gallery.store.vectors("faces", collection=collection.number, face_id=face_id)
    if len(found) == 0:
        # InvalidParameter, not ResourceNotFound: so programs that call the service report it.
        raise ServiceError("InvalidParameterException", f"faceId was not found in the collection: {face_id}")
    return found


def _face_matches(
    service: Service, request: dict[str, Any], collection: Collection, probe: Vectors, but: str | None = None
) -> dict[str, Any]:
    """The members of the reply that tell the faces similar to a vector (d,), without the face of the id `but`."""
    most, least = request.get("MaxFaces", MAX_FACES), request.get("FaceMatchThreshold", THRESHOLD)
    found = service.gallery.similar(Face, collection, probe, most + 1, least)
    told = [{"Similarity": percent, "Face": faces.face_record(row)} for percent, row in found if row.face_id != but]
    return {"FaceMatches": told[:most], "FaceModelVersion": FACE_MODEL_VERSION}


def _user_matches(
    service: Service, request: dict[str, Any], collection: Collection, probes: Vectors, but: User | None = None
) -> dict[str, Any]:
    """The members of the reply that tell the users similar to a vector (1, d), or to none (0, d)."""
    most, least = request.get("MaxUsers", MAX_USERS), request.get("UserMatchThreshold", THRESHOLD)
    found = [one for probe in probes for one in service.gallery.similar(User, collection, probe, most + 1, least)]
    told = [{"Similarity": percent, "User": faces.user_record(user)} for percent, user in found if user != but]
    return {"UserMatches": told[:most], "FaceModelVersion": FACE_MODEL_VERSION}
