"""The steps that every validation shares: fetch both images, find the faces, cut them out, compare."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from face_validation_function.exceptions.exceptions import FaceValidationError, ImageValidationError
from face_validation_function.faces import (
    WHOLE_IMAGE,
    BoundingBox,
    Comparison,
    Document,
    Face,
    ImageAnalysis,
    most_prominent,
)
from face_validation_function.integrations.rekognition_service import (
    FaceMatch,
    NoFaceToCompareError,
    RekognitionService,
)
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.request_timer import RequestTimer
from face_validation_function.settings import Settings
from face_validation_function.utils.image_processing import (
    DOCUMENT_MARGIN,
    FACE_MARGIN,
    UprightImage,
    crop_pixels,
    cut,
    open_upright,
    relative,
)
from face_validation_function.validations.validation_request import FaceValidationRequest

MIN_FACE_CONFIDENCE = 80.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """One of the two images as it came: `name` is source or target."""

    name: str
    image: UprightImage


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """One side, ready to be compared: the crop (JPG), where the face lies in it, and the uncropped image."""

    seen: ImageAnalysis
    crop: bytes
    face_in_crop: BoundingBox
    uncropped: bytes

    @property
    def face(self) -> Face:
        """The face that is compared; its box in ratios of the uncropped image."""
        return self.seen.faces[self.seen.compared]


class PreparationStep(Protocol):
    """How one side's face is found."""

    def __call__(self, photo: LoadedImage, request: FaceValidationRequest) -> PreparedFace:
        """The side's face, cut out; raises ImageValidationError when there is none."""


class FaceSteps:
    """The steps of one request; they share its timer (clock, bill and deadline)."""

    def __init__(self, s3: S3Service, rekognition: RekognitionService, settings: Settings, timer: RequestTimer) -> None:
        self._s3 = s3
        self._rekognition = rekognition
        self._settings = settings
        self._timer = timer

    def compare(
        self, request: FaceValidationRequest, *, source: PreparationStep, target: PreparationStep
    ) -> Comparison:
        """Both sides at once, then the two faces beside each other.

        No paid call begins before both files have been read and found good. When both sides fail, the
        source's error is the one raised.
        """
        settings = self._settings
        photos = self._side_by_side(
            lambda: self._photo("source", settings.source_bucket, request.source_path),
            lambda: self._photo("target", settings.target_bucket, request.target_path),
        )
        portraits = self._side_by_side(lambda: source(photos[0], request), lambda: target(photos[1], request))
        similarity = self._similarity(*portraits)
        return Comparison(similarity, request.threshold, portraits[0].seen, portraits[1].seen)

    def only_face(self, photo: LoadedImage, request: FaceValidationRequest) -> PreparedFace:
        """The most prominent face of a photograph."""
        del request
        faces = self._faces(photo.name, photo.image.sendable)
        return _prepared(photo, faces, most_prominent(faces, central=True))

    def document_portrait(self, photo: LoadedImage, request: FaceValidationRequest) -> PreparedFace:
        """The portrait on the official document that the image shows; the most prominent face, not its ghost image."""
        image = photo.image
        document = self._document(photo, request.threshold_label)
        area = crop_pixels(document.box, image.width, image.height, DOCUMENT_MARGIN)
        part = relative(area, image.width, image.height)
        faces = self._faces(photo.name, image.sendable if part == WHOLE_IMAGE else cut(image, area), "the document")
        on_document = [Face(face.box.within(part), face.confidence) for face in faces]
        return _prepared(photo, on_document, most_prominent(faces, central=False), document)

    def _side_by_side(self, source: Callable[[], T], target: Callable[[], T]) -> tuple[T, T]:
        """Both results; the source's error before the target's, whichever came first."""
        # Leaving the pool waits for the target's call under way: Lambda freezes what goes on behind an answer.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="target") as pool:
            later = pool.submit(target)
            try:
                found = source()
            except BaseException as error:
                self._timer.end(error if isinstance(error, FaceValidationError) else None)
                raise
            return found, later.result()

    def _photo(self, name: str, bucket: str, key: str) -> LoadedImage:
        with self._timer.step(f"{name}, download"):
            data = self._s3.image(bucket, key)
        with self._timer.step(f"{name}, decode"):
            return LoadedImage(name, open_upright(data))

    def _document(self, photo: LoadedImage, threshold_label: float) -> Document:
        accepted = self._settings.document_labels
        with self._timer.step(f"{photo.name}, detect_labels", rekognition=True):
            labels = self._rekognition.detect_labels(photo.image.sendable)
            documents = [label for label in labels if label.label in accepted]
            best = max(documents, key=lambda document: document.confidence, default=None)
            if best is None or best.confidence <= threshold_label:
                seen = f"the best is {best.label} with {best.confidence:.2f}" if best else "none was seen"
                raise ImageValidationError(
                    f"no official document: {' or '.join(accepted)} must be above "
                    f"threshold_label {threshold_label:g}; {seen}."
                )
        return best

    def _faces(self, name: str, image: bytes, where: str = "the image") -> list[Face]:
        return faces_in(self._rekognition, self._timer, name, image, where)

    def _similarity(self, source: PreparedFace, target: PreparedFace) -> float:
        try:
            with self._timer.step("compare_faces", rekognition=True):
                matches = self._rekognition.compare_faces(source.crop, target.crop)
                return _similarity_of(target.face_in_crop, matches)
        except NoFaceToCompareError:
            # CompareFaces does not say in which image it found no face: both go uncropped.
            with self._timer.step("compare_faces, uncropped", rekognition=True):
                matches = self._rekognition.compare_faces(source.uncropped, target.uncropped)
                return _similarity_of(target.face.box, matches)


def faces_in(
    rekognition: RekognitionService, timer: RequestTimer, name: str, image: bytes, where: str = "the image"
) -> list[Face]:
    """The faces of an image that count: one at least.

    Raises:
        ImageValidationError: no face, or none that the detector is sure enough of.
    """
    with timer.step(f"{name}, detect_faces", rekognition=True):
        found = rekognition.detect_faces(image)
        faces = [face for face in found if face.confidence >= MIN_FACE_CONFIDENCE]
        if not faces:
            best = max((face.confidence for face in found), default=None)
            seen = "none was found" if best is None else f"the best of {len(found)} has {best:.2f}"
            raise ImageValidationError(
                f"no face in {where}: a face counts from confidence {MIN_FACE_CONFIDENCE:g}; {seen}."
            )
    return faces


def prominent_face(
    rekognition: RekognitionService, timer: RequestTimer, name: str, image: UprightImage
) -> tuple[Face, bytes]:
    """The face that a photograph is of, and its crop as a JPG; raises ImageValidationError when there is none."""
    faces = faces_in(rekognition, timer, name, image.sendable)
    face = faces[most_prominent(faces, central=True)]
    return face, cut(image, crop_pixels(face.box, image.width, image.height, FACE_MARGIN))


def _prepared(photo: LoadedImage, faces: list[Face], compared: int, document: Document | None = None) -> PreparedFace:
    image = photo.image
    area = crop_pixels(faces[compared].box, image.width, image.height, FACE_MARGIN)
    return PreparedFace(
        seen=ImageAnalysis(image.width, image.height, tuple(faces), compared, document),
        crop=cut(image, area),
        face_in_crop=faces[compared].box.relative_to(relative(area, image.width, image.height)),
        uncropped=image.sendable,
    )


def _similarity_of(face: BoundingBox, matches: list[FaceMatch]) -> float:
    """The similarity of the face that was chosen, not of a bystander who came into the picture.

    Raises:
        NoFaceToCompareError: that face is not among the matches.
    """
    of_face = [match.similarity for match in matches if face.holds(match.box.centre)]
    if not of_face:
        raise NoFaceToCompareError("the face of the target was found by DetectFaces but not by CompareFaces.")
    return max(of_face)
