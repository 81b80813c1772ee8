"""Identifying enrolled people: whose faces a photo shows, and whether it shows the person whose name was said."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from statistics import median
from typing import TypeVar

from face_validation_function.exceptions.exceptions import FaceValidationError, ImageValidationError, NotFoundError
from face_validation_function.faces import BoundingBox, Face, ImageAnalysis, most_prominent
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import EnrolledFace, PersonMatch
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import cut_face, faces_in, prominent_face, similarity_of
from face_validation_function.utils.image_processing import open_upright

# A person has several photos: so many faces are asked for beyond the people wanted.
PHOTOS_PER_PERSON = 10
MOST_FACES = 1000
ROWS_AT_ONCE = 10
SEARCHES_AT_ONCE = 10
# Each is a paid call; further photos of a person lower the errors little (docs/decisions/claim-check.md).
MOST_COMPARED = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """The face that was searched for (box in ratios of the upright photo) and the people found, best first."""

    searched: Face
    matches: list[PersonMatch]


@dataclass(frozen=True, slots=True)
class IdentificationService:
    """Searches one collection, and compares with the photos of one faces bucket."""

    s3: S3Service
    rekognition: RekognitionService
    collection: CollectionService
    table: FacesTable
    bucket: str

    def search(self, timer: RequestTimer, data: bytes, threshold: float, max_people: int) -> Found:
        """Whose face is the most prominent one of a photo (a JPG or PNG file); raises FaceValidationError."""
        with timer.step("photo, decode"):
            image = open_upright(data)
        face, crop = prominent_face(self.rekognition, timer, image)
        return self._of_face(timer, face, crop, threshold, max_people)

    def search_everybody(
        self, timer: RequestTimer, data: bytes, threshold: float, max_people: int, max_searched: int
    ) -> tuple[list[Found], int]:
        """Whose faces a photo shows, the largest first, and how many were not searched for; raises as `search`."""
        with timer.step("photo, decode"):
            image = open_upright(data)
        faces = faces_in(self.rekognition, timer, "photo", image.sendable)
        largest = sorted(faces, key=lambda face: face.box.visible_area, reverse=True)
        searched = largest[:max_searched]

        def found(face: Face) -> Found:
            with suppress(ImageValidationError):  # DetectFaces found it in the photo, the search not in its crop
                return self._of_face(timer, face, cut_face(image, face)[0], threshold, max_people)
            return Found(face, [])

        with ThreadPoolExecutor(max_workers=SEARCHES_AT_ONCE, thread_name_prefix="face") as pool:
            return list(pool.map(found, searched)), len(largest) - len(searched)

    def verify(self, timer: RequestTimer, data: bytes, full_name: str) -> tuple[float, ImageAnalysis]:
        """The median similarity (0-100) of a photo's most prominent face to the person's newest photos; what was seen.

        NotFoundError when nobody of that name is enrolled; also ImageValidationError without a face, in either.
        """
        with timer.step("table"):
            enrolled = self.table.faces_of(full_name)[:MOST_COMPARED]
        if not enrolled:
            raise NotFoundError("nobody of that name is enrolled.")
        with timer.step("photo, decode"):
            image = open_upright(data)
        with ThreadPoolExecutor(max_workers=MOST_COMPARED, thread_name_prefix="photo") as pool:
            crops = _usable(pool, [partial(self._crop, timer, face) for face in enrolled])
            faces = faces_in(self.rekognition, timer, "photo", image.sendable)
            chosen = most_prominent(faces, central=True)
            crop, place = cut_face(image, faces[chosen])
            similarities = _usable(pool, [partial(self._similarity, timer, known, crop, place) for known in crops])
        # The largest of several chances to look alike lets in three times as many strangers as one comparison does.
        return median(similarities), ImageAnalysis(*image.pixels.size, tuple(faces), chosen)

    def _of_face(self, timer: RequestTimer, face: Face, crop: bytes, threshold: float, max_people: int) -> Found:
        with timer.step("photo, search_faces_by_image", rekognition=True):
            similar = self.collection.search(crop, threshold, min(max_people * PHOTOS_PER_PERSON, MOST_FACES))
        with timer.step("table"):
            return Found(face, self._people(similar, max_people))

    def _people(self, similar: list[tuple[str, float]], most: int) -> list[PersonMatch]:
        """The people whose faces these are (face id, similarity), best first."""
        people: dict[str, PersonMatch] = {}
        with ThreadPoolExecutor(max_workers=ROWS_AT_ONCE, thread_name_prefix="row") as pool:
            for start in range(0, len(similar), ROWS_AT_ONCE):
                some = similar[start : start + ROWS_AT_ONCE]
                rows = pool.map(self.table.by_face_id, [face_id for face_id, _ in some])
                for (face_id, similarity), row in zip(some, rows, strict=True):
                    # A face without a row is being enrolled or erased at this moment: it has no name to answer.
                    if row is not None:
                        name = row.photo.full_name
                        people.setdefault(name, PersonMatch(name, similarity, face_id))
                if len(people) >= most:
                    break
        return list(people.values())[:most]

    def _crop(self, timer: RequestTimer, face: EnrolledFace) -> bytes:
        with timer.step("enrolled photo, download"):
            photo = self.s3.photo(self.bucket, face.photo.key, face.photo.version)
        with timer.step("enrolled photo, decode"):
            return cut_face(open_upright(photo.data), face.face)[0]

    def _similarity(self, timer: RequestTimer, known: bytes, crop: bytes, place: BoundingBox) -> float:
        with timer.step("photo, compare_faces", rekognition=True):
            return similarity_of(place, self.rekognition.compare_faces(known, crop))


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
