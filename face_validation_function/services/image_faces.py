"""The faces of an image that count, and the one that is compared: told from the others, cut out, perhaps measured."""

from dataclasses import dataclass

from face_validation_function.documents.document import DocumentReading
from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face, ImageAnalysis, most_prominent
from face_validation_function.integrations.rekognition_service import (
    FaceMatch,
    NoFaceToCompareError,
    RekognitionService,
)
from face_validation_function.quality.measures import Quality, shortcomings
from face_validation_function.quality.pixels import face_quality
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.utils.image_processing import FACE_MARGIN, UprightImage, cut, part_of
from face_validation_function.validations.validation_request import FaceValidationRequest

MIN_FACE_CONFIDENCE = 80.0
# By the document's height: a printed face has 0.25 to 0.45. A person's face has 20 cm, a passport's page 9 and a card
# 5.4: even held close to the camera, neither is twice as high as the face. Without this limit a document alone whose
# portrait stands beside its box would match its own ghost image.
PORTRAIT_OR_HOLDER = 0.5
# By the document's size: how far outside its box a face may be that is printed on it, for boxes cut off portraits.
BESIDE_BOX = 0.15
# And a face of 20 cm beside a printed one of 3.
HOLDER_BY_PORTRAIT = 1.5


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """One of the two images as it came: `name` is source or target, `sha256` the digest of its file."""

    name: str
    image: UprightImage
    sha256: bytes


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """One side, ready to be compared: the crop (JPG), where the face lies in it, and the uncropped image."""

    seen: ImageAnalysis
    crop: bytes
    face_in_crop: BoundingBox
    uncropped: bytes
    # The document alone, and what it says: each where the request needs it.
    document_file: bytes | None = None
    reading: DocumentReading | None = None


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


def prominent_face(rekognition: RekognitionService, timer: RequestTimer, image: UprightImage) -> tuple[Face, bytes]:
    """The face that a photograph is of, and its crop as a JPG; raises ImageValidationError when there is none."""
    faces = faces_in(rekognition, timer, "photo", image.sendable)
    face = faces[most_prominent(faces, central=True)]
    return face, cut_face(image, face)[0]


def cut_face(image: UprightImage, face: Face) -> tuple[bytes, BoundingBox]:
    """A face cut out with its margin, as a JPG, and where it lies in that."""
    area, part = part_of(image, face.box, FACE_MARGIN)
    return cut(image, area), face.box.relative_to(part)


def prepared_face(
    timer: RequestTimer,
    photo: LoadedImage,
    faces: list[Face],
    compared: int,
    request: FaceValidationRequest,
    document: Document | None = None,
) -> PreparedFace:
    """The compared face cut out, with its quality if asked for; ImageValidationError when it is below `min_quality`."""
    image, face = photo.image, faces[compared]
    crop, face_in_crop = cut_face(image, face)
    is_needed = bool(request.min_quality) or "quality" in request.include
    # Reasons are told without a face's quality too, where the detector gave no points to measure it by.
    is_useful = "reasons" in request.include and face.landmarks is not None and face.pose is not None
    quality = _quality(timer, photo, face, request) if is_needed or is_useful else None
    seen = ImageAnalysis(*image.pixels.size, tuple(faces), compared, document, quality, photo.sha256)
    return PreparedFace(seen, crop, face_in_crop, image.sendable)


def _quality(timer: RequestTimer, photo: LoadedImage, face: Face, request: FaceValidationRequest) -> Quality:
    with timer.step(f"{photo.name}, quality"):
        quality = face_quality(photo.image.pixels, face)
        if failed := shortcomings(quality, photo.name, request.min_quality):
            low = ", ".join(
                f"{name} scores {quality[name].score:.1f} and min_quality asks for {least:g}"
                for name, least in request.min_quality.items()
                if quality[name].score < least
            )
            raise ImageValidationError(f"the compared face is not good enough: {low}.", *failed)
    return quality


def stands_on(face: Face, document: Document) -> bool:
    """Whether a face is printed on the document, by its place and size."""
    box = document.box
    dx, dy = BESIDE_BOX * box.width, BESIDE_BOX * box.height
    around = BoundingBox(box.left - dx, box.top - dy, box.width + 2 * dx, box.height + 2 * dy)
    return around.holds(face.box.centre) and face.box.height <= PORTRAIT_OR_HOLDER * box.height


def faces_apart(faces: list[Face], document: Document) -> tuple[list[Face], list[Face]]:
    """The faces on the document, and those large enough to be of whoever holds it; ImageValidationError without."""
    if document.box == WHOLE_IMAGE:
        raise ImageValidationError(
            f"the label {document.label} came without a position, so it is not known which face is on the document.",
            Reason.NO_DOCUMENT,
        )
    on_document = [face for face in faces if stands_on(face, document)]
    smallest = PORTRAIT_OR_HOLDER * document.box.height
    others = [face for face in faces if face not in on_document and face.box.height >= smallest]
    if not others:
        raise no_holder("every face found is on it, or too small for a person who holds it")
    return on_document, others


def no_holder(seen: str) -> ImageValidationError:
    """The refusal of an image in which nobody holds the document."""
    return ImageValidationError(
        f"no person beside the document: {seen}. The face of the person who holds it must be in the picture.",
        Reason.NO_HOLDER,
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
