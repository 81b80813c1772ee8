"""The face of one image that is compared: cut out, and its quality measured where the request asks for it."""

from dataclasses import dataclass

from face_validation_function.documents.document import DocumentReading
from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.faces import BoundingBox, Document, Face, ImageAnalysis
from face_validation_function.quality.measures import Quality, shortcomings
from face_validation_function.quality.pixels import face_quality
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.prominent_face import cut_face
from face_validation_function.utils.image_processing import UprightImage
from face_validation_function.validations.validation_request import FaceValidationRequest


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """One of the two images as it came: `name` is source or target, `sha256` the digest of its file."""

    name: str
    image: UprightImage
    sha256: bytes


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """One side, ready to be compared: the crop (JPG), where the face lies in it, and the uncropped image.

    `document_file` is the document alone and `reading` what it says, each where the request needs it.
    """

    seen: ImageAnalysis
    crop: bytes
    face_in_crop: BoundingBox
    uncropped: bytes
    document_file: bytes | None = None
    reading: DocumentReading | None = None

    @property
    def face(self) -> Face:
        """The face that is compared; its box in ratios of the uncropped image."""
        return self.seen.face


def prepared_face(
    timer: RequestTimer,
    photo: LoadedImage,
    faces: list[Face],
    compared: int,
    request: FaceValidationRequest,
    document: Document | None = None,
) -> PreparedFace:
    """The face that is compared, cut out; its quality too where the request asks for it.

    Raises:
        ImageValidationError: its quality is below `min_quality`.
    """
    image, face = photo.image, faces[compared]
    crop, face_in_crop = cut_face(image, face)
    # Reasons are told without a face's quality too, where the detector gave no points to measure it by.
    can_measure = face.landmarks is not None and face.pose is not None
    measure = request.needs_quality or (request.wants_quality and can_measure)
    quality = _quality(timer, photo, face, request) if measure else None
    return PreparedFace(
        seen=ImageAnalysis(image.width, image.height, tuple(faces), compared, document, quality, photo.sha256),
        crop=crop,
        face_in_crop=face_in_crop,
        uncropped=image.sendable,
    )


def _quality(timer: RequestTimer, photo: LoadedImage, face: Face, request: FaceValidationRequest) -> Quality:
    with timer.step(f"{photo.name}, quality"):
        quality = face_quality(photo.image.pixels, face)
        least = request.least_quality
        if failed := shortcomings(quality, photo.name, least):
            low = ", ".join(
                f"{measure} scores {quality[measure].score:.1f} and min_quality asks for {score:g}"
                for measure, score in least.items()
                if quality[measure].score < score
            )
            raise ImageValidationError(f"the compared face is not good enough: {low}.", *failed)
    return quality
