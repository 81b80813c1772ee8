"""The claim check: is the person in a photo the enrolled one whose name was said?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from statistics import median
from typing import TypeVar

from face_validation_function.exceptions.exceptions import FaceValidationError, NotFoundError
from face_validation_function.faces import BoundingBox, ImageAnalysis, most_prominent
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import EnrolledFace
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import cut_face, faces_in, similarity_of
from face_validation_function.utils.image_processing import open_upright

# Each is a paid call; further photos of a person lower the errors little (docs/decisions/claim-check.md).
MOST_COMPARED = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verified:
    """The similarity (0-100) to the person's photos, their median, and what was seen in the photo."""

    similarity: float
    seen: ImageAnalysis


class VerificationService:
    """Compares photos with those of the people enrolled in one faces bucket."""

    def __init__(self, s3: S3Service, rekognition: RekognitionService, table: FacesTable, bucket: str) -> None:
        self._s3, self._rekognition, self._table, self._bucket = s3, rekognition, table, bucket

    def verify(self, timer: RequestTimer, data: bytes, full_name: str) -> Verified:
        """Compare the most prominent face of a photo (a JPG or PNG file) with the person's newest photos.

        Raises:
            NotFoundError: nobody of that name is enrolled.
            FaceValidationError: the photo shows no face, none of the person's photos can be compared, or AWS failed.
        """
        with timer.step("table"):
            enrolled = self._table.faces_of(full_name)[:MOST_COMPARED]
        if not enrolled:
            raise NotFoundError("nobody of that name is enrolled.")
        with timer.step("photo, decode"):
            image = open_upright(data)
        with ThreadPoolExecutor(max_workers=MOST_COMPARED, thread_name_prefix="photo") as pool:
            crops = _usable(pool, [partial(self._crop, timer, face) for face in enrolled])
            faces = faces_in(self._rekognition, timer, "photo", image.sendable)
            chosen = most_prominent(faces, central=True)
            crop, place = cut_face(image, faces[chosen])
            similarities = _usable(pool, [partial(self._similarity, timer, known, crop, place) for known in crops])
        # The largest of several chances to look alike lets in three times as many strangers as one comparison does.
        return Verified(median(similarities), ImageAnalysis(image.width, image.height, tuple(faces), chosen))

    def _crop(self, timer: RequestTimer, face: EnrolledFace) -> bytes:
        with timer.step("enrolled photo, download"):
            photo = self._s3.photo(self._bucket, face.photo.key, face.photo.version)
        with timer.step("enrolled photo, decode"):
            return cut_face(open_upright(photo.data), face.face)[0]

    def _similarity(self, timer: RequestTimer, known: bytes, crop: bytes, place: BoundingBox) -> float:
        with timer.step("photo, compare_faces", rekognition=True):
            return similarity_of(place, self._rekognition.compare_faces(known, crop))


def _usable(pool: ThreadPoolExecutor, work: list[Callable[[], T]]) -> list[T]:
    """The results, one at least; a photo that is refused is passed over as long as another is good."""
    done, refused = [], []
    for future in [pool.submit(one) for one in work]:
        try:
            done.append(future.result())
        except FaceValidationError as error:
            if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            refused.append(error)
    if not done:
        raise refused[0]
    return done
