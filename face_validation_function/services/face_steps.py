"""The steps that every validation shares: fetch both images, find the faces, cut them out, compare."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from face_validation_function.comparison import Comparison
from face_validation_function.documents.claims import judged_claims
from face_validation_function.documents.document import DocumentReading, read_document
from face_validation_function.exceptions.exceptions import FaceValidationError, ImageValidationError
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face, most_prominent
from face_validation_function.integrations.rekognition_service import NoFaceToCompareError, RekognitionService
from face_validation_function.integrations.s3_service import S3Service, looked_for_in
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import (
    HOLDER_BY_PORTRAIT,
    LoadedImage,
    PreparedFace,
    faces_apart,
    faces_in,
    no_face,
    no_holder,
    prepared_face,
    similarity_of,
    stands_on,
)
from face_validation_function.settings import Settings
from face_validation_function.utils.image_processing import DOCUMENT_MARGIN, UprightImage, cut, open_upright, part_of
from face_validation_function.validations.validation_request import FaceValidationRequest

_SIDES = {"source": Reason.SOURCE_REFUSED, "target": Reason.TARGET_REFUSED}

T = TypeVar("T")
U = TypeVar("U")

PreparationStep = Callable[[LoadedImage, FaceValidationRequest], PreparedFace]
"""One side's face, cut out; raises ImageValidationError when there is none."""


@dataclass(frozen=True, slots=True)
class FaceSteps:
    """The steps of one request, over its timer; `live` is a liveness session's image (JPG) in place of the target's."""

    s3: S3Service
    rekognition: RekognitionService
    settings: Settings
    timer: RequestTimer
    live: bytes | None = None

    def compare(
        self, request: FaceValidationRequest, *, source: PreparationStep, target: PreparationStep
    ) -> Comparison:
        """Both sides at once, then the two faces beside each other.

        No paid call begins before both files are found good. When both sides fail, the source's error is raised.
        """
        settings = self.settings
        photos = self._side_by_side(
            partial(self._photo, "source", settings.source_bucket, request.source_path),
            partial(self._photo, "target", settings.target_bucket, request.target_path, self.live),
        )
        portraits = self._side_by_side(partial(source, photos[0], request), partial(target, photos[1], request))
        return self._judged(request, self._similarity(*portraits), *portraits)

    def compare_within(self, request: FaceValidationRequest) -> Comparison:
        """The portrait of the document that a person holds, against the person: both in the target image.

        At most four paid calls: what the whole image shows of documents and of faces, the document's faces where the
        whole image showed none there, and the comparison, which is not tried again.
        """
        with _about("target"):
            photo = self._photo("target", self.settings.target_bucket, request.target_path)
            document, faces = self._at_once(
                partial(self._document, photo, request.threshold_label),
                partial(faces_in, self.rekognition, self.timer, photo.name, photo.image.sendable),
            )
            with self.timer.step("target, document and person apart"):
                on_document, others = faces_apart(faces, document)
            if not on_document:
                on_document = self._held_portraits(photo, document)
            source = replace(photo, name="source")
            most = most_prominent(on_document, central=False)
            portrait = prepared_face(self.timer, source, on_document, most, request, document)
            holder = prepared_face(self.timer, photo, others, most_prominent(others, central=True), request)
            with self.timer.step("target, document and person apart"):
                if holder.seen.face.box.height < HOLDER_BY_PORTRAIT * portrait.seen.face.box.height:
                    raise no_holder("the face beside it is as small as a printed one")
            # CompareFaces takes the largest face of its source: in the portrait's crop that may be the holder's.
            similarity, portrait = self._at_once(
                partial(self._similarity, holder, portrait, again=False),
                partial(self._with_text, portrait, request, lambda: _cut_document(photo.image, document)[0]),
            )
            return self._judged(request, similarity, portrait, holder)

    def _judged(
        self, request: FaceValidationRequest, similarity: float, source: PreparedFace, target: PreparedFace
    ) -> Comparison:
        """The comparison; of a match, with the claims about the document judged."""
        comparison = Comparison(
            similarity, request.threshold, source.seen, target.seen, request.threshold_review, source.reading
        )
        if request.claims is None or source.document_file is None or not comparison.is_match:
            return comparison
        # Only now, and only of a match: nothing is read of, nor told about, a stranger's document.
        with _about("source"):
            reading = self._read(source.document_file)
        return replace(comparison, claims=judged_claims(request.claims.model_dump(exclude_none=True), reading))

    def only_face(self, photo: LoadedImage, request: FaceValidationRequest) -> PreparedFace:
        """The most prominent face of a photograph."""
        faces = faces_in(self.rekognition, self.timer, photo.name, photo.image.sendable)
        return prepared_face(self.timer, photo, faces, most_prominent(faces, central=True), request)

    def document_portrait(self, photo: LoadedImage, request: FaceValidationRequest) -> PreparedFace:
        """The portrait on the official document that the image shows; the most prominent face, not its ghost image."""
        document = self._document(photo, request.threshold_label)
        file, part = _cut_document(photo.image, document)

        def portrait() -> PreparedFace:
            faces = faces_in(self.rekognition, self.timer, photo.name, file, "the document")
            on_document = [face.within(part) for face in faces]
            return prepared_face(
                self.timer, photo, on_document, most_prominent(faces, central=False), request, document
            )

        if "document" not in request.include:
            return self._with_text(portrait(), request, lambda: file)
        found, reading = self._at_once(portrait, partial(self._read, file))
        return replace(found, reading=reading)

    def _with_text(
        self, portrait: PreparedFace, request: FaceValidationRequest, document_file: Callable[[], bytes]
    ) -> PreparedFace:
        """The portrait with what the document says, or with the document's image where only claims need it."""
        if "document" in request.include:
            return replace(portrait, reading=self._read(document_file()))
        return replace(portrait, document_file=document_file()) if request.claims else portrait

    def _read(self, document_file: bytes) -> DocumentReading:
        with self.timer.step("source, detect_text", rekognition=True):
            lines = self.rekognition.detect_text(document_file)
        return read_document(lines, datetime.now(UTC).date())

    def _side_by_side(self, source: Callable[[], T], target: Callable[[], T]) -> tuple[T, T]:
        """Both results; the source's error before the target's, each with the reason that says whose it is."""
        return self._at_once(_about("source")(source), _about("target")(target))

    def _at_once(self, first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
        """Both results; the first one's error before the second one's, whichever came first."""
        # Leaving the pool waits for the second call under way: Lambda freezes what goes on behind an answer.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="second") as pool:
            later = pool.submit(second)
            try:
                found = first()
            except BaseException as error:
                self.timer.end(error if isinstance(error, FaceValidationError) else None)
                raise
            return found, later.result()

    def _held_portraits(self, photo: LoadedImage, document: Document) -> list[Face]:
        """The faces on a document that a person holds, looked for in the document alone."""
        file, part = _cut_document(photo.image, document)
        faces = faces_in(self.rekognition, self.timer, "source", file, "the document")
        found = [face for face in (face.within(part) for face in faces) if stands_on(face, document)]
        if not found:
            raise no_face("the document", "only the face of the person who holds it was found")
        return found

    def _photo(self, name: str, bucket: str, key: str, data: bytes | None = None) -> LoadedImage:
        if data is None:
            with self.timer.step(f"{name}, download"), looked_for_in(name):
                data = self.s3.photo(bucket, key).data
        with self.timer.step(f"{name}, decode"):
            return LoadedImage(name, open_upright(data), hashlib.sha256(data).digest())

    def _document(self, photo: LoadedImage, threshold_label: float) -> Document:
        accepted = self.settings.document_labels
        with self.timer.step(f"{photo.name}, detect_labels", rekognition=True):
            labels = self.rekognition.detect_labels(photo.image.sendable)
            documents = [label for label in labels if label.label in accepted]
            best = max(documents, key=lambda document: document.confidence, default=None)
            if best is None or best.confidence <= threshold_label:
                seen = f"the best is {best.label} with {best.confidence:.2f}" if best else "none was seen"
                raise ImageValidationError(
                    f"no official document: {' or '.join(accepted)} must be above "
                    f"threshold_label {threshold_label:g}; {seen}.",
                    Reason.NO_DOCUMENT,
                )
        return best

    def _similarity(self, source: PreparedFace, target: PreparedFace, *, again: bool = True) -> float:
        """The similarity of both faces; `again`: when CompareFaces finds none in the crops, once more uncropped."""
        try:
            with self.timer.step("compare_faces", rekognition=True):
                matches = self.rekognition.compare_faces(source.crop, target.crop)
                return similarity_of(target.face_in_crop, matches)
        except NoFaceToCompareError:
            if not again:
                raise
            # CompareFaces does not say in which image it found no face: both go uncropped.
            with self.timer.step("compare_faces, uncropped", rekognition=True):
                matches = self.rekognition.compare_faces(source.uncropped, target.uncropped)
                return similarity_of(target.seen.face.box, matches)


def _cut_document(image: UprightImage, document: Document) -> tuple[bytes, BoundingBox]:
    """The document with a little of what is around it, and where that lies in the image."""
    area, part = part_of(image, document.box, DOCUMENT_MARGIN)
    return (image.sendable if part == WHOLE_IMAGE else cut(image, area)), part


@contextmanager
def _about(side: str) -> Iterator[None]:
    """Say of a refusal of an image, once, whose image it is."""
    try:
        yield
    except FaceValidationError as error:
        # The source's error is also what the target's side stops with.
        if error.status == HTTPStatus.UNPROCESSABLE_ENTITY and not set(_SIDES.values()) & set(error.reasons):
            error.reasons = (*error.reasons, _SIDES[side])
        raise
