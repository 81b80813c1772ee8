"""Who is this? The answers of the routes about enrolled people."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from face_validation.client.api import ADMIN, READ, Api, read_answer
from face_validation.client.buckets import Photo, content_type_of
from face_validation.client.errors import ImageValidationError, RequestError, RequestFailedError
from face_validation.client.folders import is_utf8, printable
from face_validation.client.transport import checked_url, network_faults
from face_validation.client.validation_request import new_id
from face_validation.client.validation_result import DEFAULT_THRESHOLD, Box, Face, ImageAnalysis, T
from face_validation_function.file_formats import format_of


@dataclass(frozen=True, slots=True)
class EnrolledFace:
    """A face that searches can find: whose, from which photo in the faces bucket, since when (ISO 8601)."""

    face_id: str
    full_name: str
    image_path: str
    box: Box
    confidence: float
    enrolled_at: str


@dataclass(frozen=True, slots=True)
class NewFace(EnrolledFace):
    """The face of a photo that was enrolled; a possible duplicate is one that a search finds under another name."""

    possible_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class PersonMatch:
    """A person found, by the most similar (0-100) of the person's faces."""

    full_name: str
    similarity: float
    face_id: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Who is in the photo, best first; `person` and `similarity` are the best one's, None when nobody was found."""

    id_request: str
    found: bool
    matches: tuple[PersonMatch, ...]
    searched_face: Face
    person: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class FoundFace(Face):
    """A face in a photo and whose it may be, best first; `person` is None when nobody was found."""

    found: bool
    matches: tuple[PersonMatch, ...]
    person: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class EverybodyResult:
    """Who is in the photo: its faces, the largest first, and how many more there are that were not looked for."""

    id_request: str
    found: bool
    faces: tuple[FoundFace, ...]
    not_searched: int = 0


@dataclass(frozen=True, slots=True)
class BoxesOfOne:
    """What was seen in the photo."""

    target: ImageAnalysis


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Whether the photo shows the person, by the similarity (0-100); reasons and boxes when they were asked for."""

    id_request: str
    matched: bool
    similarity: float
    reasons: tuple[str, ...] = ()
    boxes: BoxesOfOne | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed: faces of the collection, versions of photos, rows of the table."""

    faces: int
    photo_versions: int
    rows: int


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where one image may be put without AWS credentials: a form that S3 takes for `expires_in` seconds."""

    key: str
    url: str
    fields: Mapping[str, str]
    expires_in: int


# A Lambda function takes 6 MB of request; base64 makes four bytes of three.
MOST_BYTES_IN_BODY = 4_000_000


class People:
    """The people that searches know: enrol them, list them, look for them, erase them."""

    def __init__(self, api: Api, content_of: Callable[[Photo], bytes]) -> None:
        self._api, self._content_of = api, content_of

    def upload(self, photo: Photo, bucket: str) -> str:
        """Put an image into the "source", "target" or "faces" bucket without AWS credentials; gives its key.

        Raises OSError when the file cannot be read, ImageValidationError when it is neither JPG nor PNG and is not made
        into one, RequestFailedError when the service gives no form or S3 does not take the image.
        """
        return self._uploaded(self._content_of(photo), bucket)

    def _uploaded(self, content: bytes, bucket: str) -> str:
        media_type, ending = content_type_of(content)
        if not ending:
            kind = format_of(content)
            raise ImageValidationError(
                "The image is not valid.", details=f"Its format is {kind}; the service takes JPG and PNG."
            )
        form = self._api.read(UploadForm, "POST", "/uploads", {"bucket": bucket, "content_type": media_type})
        url = checked_url("The address for uploads", form.url)
        with network_faults("S3", url):
            response = self._api.http.post(url, data=dict(form.fields), files={"file": content})
        if not response.is_success:
            raise RequestFailedError(f"S3 refused the upload: {response.status_code}.", details=response.text[:200])
        return form.key

    def enrol(
        self, photo: Photo, full_name: str, *, allow_duplicate: bool = False, expires_at: str | None = None
    ) -> NewFace:
        """Upload a photo and make its person findable; raises as `upload`, and FaceValidationError as the service.

        Args:
            photo: shows the person.
            full_name: the person's name.
            allow_duplicate: enrol a face too that is enrolled under another name; else ConflictError.
            expires_at: when the service erases the face (ISO 8601 with a time zone).
        """
        body: dict[str, Any] = {"image_path": self.upload(photo, "faces"), "full_name": full_name}
        if allow_duplicate:
            body["allow_duplicate"] = True
        if expires_at is not None:
            body["expires_at"] = expires_at
        return self._api.read(NewFace, "POST", "/faces", body)

    def faces(self, full_name: str | None = None) -> Iterator[EnrolledFace]:
        """Every face enrolled, or one person's, page by page as it is read on."""
        query = {} if full_name is None else {"full_name": full_name}
        return self._api.pages(EnrolledFace, "/faces", "faces", READ, query)

    def search(self, photo: Photo, *, threshold: float = DEFAULT_THRESHOLD, max_faces: int = 5) -> SearchResult:
        """Who is in the photo? People from `threshold` (0-100) on, at most `max_faces` of them."""
        return self._ask_about(SearchResult, photo, "/search", threshold=threshold, max_faces=max_faces)

    def search_everybody(
        self, photo: Photo, *, threshold: float = DEFAULT_THRESHOLD, max_faces: int = 5, max_searched: int = 10
    ) -> EverybodyResult:
        """Whose faces does the photo show? Of the `max_searched` largest; each costs the service one search."""
        limits = {"threshold": threshold, "max_faces": max_faces, "max_searched": max_searched}
        return self._ask_about(EverybodyResult, photo, "/search", faces="all", **limits)

    def verify(
        self, photo: Photo, full_name: str, *, threshold: float = DEFAULT_THRESHOLD, include: Sequence[str] = ()
    ) -> VerificationResult:
        """Does the photo show the enrolled person of that name? Raises NotFoundError when nobody is called so.

        `include` may name `boxes` and `reasons`.
        """
        asked = {"full_name": full_name, "threshold": threshold, "include": list(include)}
        return self._ask_about(VerificationResult, photo, "/verification", **asked)

    def _ask_about(self, kind: type[T], photo: Photo, path: str, **fields: Any) -> T:
        content, id_request = self._content_of(photo), new_id()
        body = {**fields, "id_request": id_request}
        if len(content) <= MOST_BYTES_IN_BODY:
            body["image"] = base64.b64encode(content).decode()  # nothing stays behind in a bucket
        else:
            body["image_path"] = self._uploaded(content, "target")
        return self._api.read(kind, "POST", path, body, scope=READ, id_request=id_request)

    def erase_face(self, face_id: str) -> Erased:
        """Erase one face and its photo."""
        return self._erase(f"/faces/{path_segment('face_id', face_id)}")

    def erase_person(self, full_name: str) -> Erased:
        """Erase all of a person's faces and photos."""
        return self._erase(f"/people/{path_segment('full_name', full_name)}")

    def _erase(self, path: str) -> Erased:
        answer = self._api.ask("DELETE", path, scope=ADMIN)
        return read_answer(Erased, answer.get("erased") if isinstance(answer, dict) else None)


def path_segment(name: str, text: str) -> str:
    """A text as one segment of a path; RequestError when it is not valid Unicode."""
    if not is_utf8(text):
        raise RequestError("The request is not valid.", details=f"{name} is '{printable(text)}', which is not UTF-8.")
    return quote(text, safe="")
