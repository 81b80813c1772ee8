"""From a photo to a face of a collection, as enrolment and reindexing both need it."""

from face_validation_function.faces import Face
from face_validation_function.integrations.collection_service import CollectionService
from face_validation_function.people import EnrolledFace, KeptPhoto, PhotoVersion, moment
from face_validation_function.request_timer import RequestTimer
from face_validation_function.utils.image_processing import FACE_MARGIN, UprightImage, crop_pixels, cut


def crop_of(image: UprightImage, face: Face) -> bytes:
    """The face of an image, cut out as a JPG."""
    return cut(image, crop_pixels(face.box, image.width, image.height, FACE_MARGIN))


def index(collection: CollectionService, timer: RequestTimer, kept: KeptPhoto, face: Face, crop: bytes) -> EnrolledFace:
    """Add the face in a crop of a photo to the collection that `kept` names.

    Raises:
        ImageValidationError: the face is not good enough to be searched for.
    """
    photo: PhotoVersion = kept.photo
    with timer.step("photo, index_faces", rekognition=True):
        indexed = collection.index_face(crop, photo.id, kept.collection_id)
    return EnrolledFace(
        indexed.face_id, photo, face, indexed.brightness, indexed.sharpness, moment(), indexed.model_version
    )
