"""Searching: the people whose faces look most like the one in a photo."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.faces import Face
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.people import PersonMatch
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import cut_face, faces_in, prominent_face
from face_validation_function.utils.image_processing import open_upright

# A person has several photos: so many faces are asked for beyond the people wanted.
PHOTOS_PER_PERSON = 10
MOST_FACES = 1000
ROWS_AT_ONCE = 10
SEARCHES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The face that was searched for (box in ratios of the upright photo) and the people found, best first."""

    searched: Face
    matches: list[PersonMatch]


@dataclass(frozen=True, slots=True)
class Everybody:
    """The faces that were searched for, the largest first, and how many others the photo shows."""

    faces: list[Found]
    left_out: int


@dataclass(frozen=True, slots=True)
class SearchService:
    """Searches one collection."""

    rekognition: RekognitionService
    collection: CollectionService
    table: FacesTable

    def search(self, timer: RequestTimer, data: bytes, threshold: float, max_people: int) -> Found:
        """Whose face is the most prominent one of a photo (a JPG or PNG file); raises FaceValidationError."""
        with timer.step("photo, decode"):
            image = open_upright(data)
        face, crop = prominent_face(self.rekognition, timer, "photo", image)
        return self._of_face(timer, face, crop, threshold, max_people)

    def search_everybody(
        self, timer: RequestTimer, data: bytes, threshold: float, max_people: int, max_searched: int
    ) -> Everybody:
        """Whose faces a photo shows, the largest first: one search for each, side by side; raises as `search`."""
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
            return Everybody(list(pool.map(found, searched)), len(largest) - len(searched))

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
