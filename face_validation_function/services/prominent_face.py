"""The faces of an image that count, the one that a photograph is of, and how it gets into a collection."""

from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.faces import BoundingBox, Face, most_prominent
from face_validation_function.integrations.collection_service import CollectionService
from face_validation_function.integrations.rekognition_service import (
    FaceMatch,
    NoFaceToCompareError,
    RekognitionService,
)
from face_validation_function.people import EnrolledFace, KeptPhoto, moment
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.utils.image_processing import FACE_MARGIN, UprightImage, crop_pixels, cut, relative

MIN_FACE_CONFIDENCE = 80.0


def faces_in(
    rekognition: RekognitionService, timer: RequestTimer, name: str, image: bytes, where: str = "the image"
) -> list[Face]:
    """The faces of an image that count, one at least; raises ImageValidationError when the detector is sure of none."""
    with timer.step(f"{name}, detect_faces", rekognition=True):
        found = rekognition.detect_faces(image)
        faces = [face for face in found if face.confidence >= MIN_FACE_CONFIDENCE]
        if not faces:
            best = max((face.confidence for face in found), default=None)
            seen = "none was found" if best is None else f"the best of {len(found)} has {best:.2f}"
            raise no_face(where, seen)
    return faces


def prominent_face(
    rekognition: RekognitionService, timer: RequestTimer, name: str, image: UprightImage
) -> tuple[Face, bytes]:
    """The face that a photograph is of, and its crop as a JPG; raises ImageValidationError when there is none."""
    faces = faces_in(rekognition, timer, name, image.sendable)
    face = faces[most_prominent(faces, central=True)]
    return face, cut_face(image, face)[0]


def cut_face(image: UprightImage, face: Face) -> tuple[bytes, BoundingBox]:
    """A face cut out with its margin, as a JPG, and where it lies in that."""
    area = crop_pixels(face.box, image.width, image.height, FACE_MARGIN)
    return cut(image, area), face.box.relative_to(relative(area, image.width, image.height))


def index(collection: CollectionService, timer: RequestTimer, kept: KeptPhoto, face: Face, crop: bytes) -> EnrolledFace:
    """Add the face in a crop to the collection that `kept` names; ImageValidationError where it is not good enough."""
    with timer.step("photo, index_faces", rekognition=True):
        indexed = collection.index_face(crop, kept.photo.id, kept.collection_id)
    return EnrolledFace(
        indexed.face_id, kept.photo, face, indexed.brightness, indexed.sharpness, moment(), indexed.model_version
    )


def similarity_of(face: BoundingBox, matches: list[FaceMatch]) -> float:
    """The similarity of the chosen face, not of a bystander; raises NoFaceToCompareError if no match is on it."""
    of_face = [match.similarity for match in matches if face.holds(match.box.centre)]
    if not of_face:
        raise NoFaceToCompareError("the face of the target was found by DetectFaces but not by CompareFaces.")
    return max(of_face)


def no_face(where: str, seen: str) -> ImageValidationError:
    """The refusal of an image, or of a document on it, without a face that counts."""
    return ImageValidationError(
        f"no face in {where}: its confidence must be at least {MIN_FACE_CONFIDENCE:g}; {seen}.",
        Reason.NO_PORTRAIT if where == "the document" else Reason.NO_FACE,
    )
