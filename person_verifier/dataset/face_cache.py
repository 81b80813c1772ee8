"""The steps before training: photographs become crops to look through and descriptors, each computed once."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from person_verifier.dataset.faces import KEPT_SIDE_PX, align, largest_face, shot_picture
from person_verifier.dataset.photos import Photo
from person_verifier.dataset.splits import SAME_PERSON_SIMILARITY
from person_verifier.errors import NoFaceError
from rekognition_local.engine import DetectedFace
from rekognition_local.engine.faces.face_engine import ComparingEngine
from rekognition_local.engine.images import ImageError, decode

# Part of every cache folder's name: raise it when the choice of the face, its alignment or its shot picture changes.
FACE_STEP = 4
# Photographs of the person with one face each, from which on these say which face is the person's in the others.
LEAST_AGREEING = 5

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """What one photograph shows. Without a judged face, `problem` says why and the rest is empty.

    `face_count` counts every face; the judged one need not be the largest; `crop` is the written picture; `shot` is
    (32, 32) grey, see `splits.same_shots`.
    """

    photo: Photo
    face_count: int = 0
    face: DetectedFace | None = None
    is_largest: bool = True
    crop: Path | None = None
    shot: NDArray[np.uint8] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FaceCache:
    """The steps, with their results below `folder`: `crops/` for people, `cache/` for reruns."""

    folder: Path
    engine: ComparingEngine

    def crop(self, photos: list[Photo], advance: Callable[[], None]) -> list[PhotoRecord]:
        """Find each photograph's judged face and write it, aligned, to `crops/`.

        It is the most prominent one; in a photograph of the person the one that looks like the person's other photos.
        Crops of photographs that are gone are removed, and what was computed from them. `advance` is called after
        every photograph.
        """
        seen = self._agreed(_side_by_side(self._crop, photos, advance))
        digests = {photo.digest for photo in photos}
        for computed in (self.folder / "cache").rglob("?" * 64 + ".npy"):  # named by a SHA-256
            if computed.stem not in digests:
                computed.unlink()
        current = {entry.crop for entry in seen}
        for old in (self.folder / "crops").rglob("*-????????.jpg"):
            if old not in current:
                old.unlink()
        return seen

    def embed(self, seen: list[PhotoRecord], advance: Callable[[], None]) -> NDArray[np.float64]:
        """(n, d) descriptors of the n judged faces, one in each entry; `advance` is called after every photograph."""
        return np.array(_side_by_side(self._embed, seen, advance), np.float64)

    def _crop(self, photo: Photo) -> PhotoRecord:
        found, shot = self._read("faces", photo), self._read("shots", photo)
        path = self._crop_path(photo)
        if found is not None and shot is not None and (path.exists() or not len(found)):
            return _seen(photo, found, path, shot)
        try:
            image = decode(photo.path.read_bytes(), KEPT_SIDE_PX)
            return self._kept(photo, image, [largest_face(self.engine, image), *self.engine.detect(image)])
        except NoFaceError:
            return self._kept(photo, image, [])
        except (ImageError, OSError) as error:
            return PhotoRecord(photo, problem=str(error))

    def _kept(self, photo: Photo, image: NDArray[np.uint8], faces: list[DetectedFace]) -> PhotoRecord:
        """Keeps the judged face followed by all faces, and the judged one's crop and shot picture."""
        path, shot = self._crop_path(photo), np.empty((0, 0), np.uint8)
        if faces:
            shot = shot_picture(image, faces[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            crop = cv2.cvtColor(align(image, faces[0]), cv2.COLOR_RGB2BGR)
            path.write_bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        found = np.array([_row(face) for face in faces]).reshape(-1, 15)
        self._write("faces", photo, found)
        self._write("shots", photo, shot)
        return _seen(photo, found, path, shot)

    def _agreed(self, seen: list[PhotoRecord]) -> list[PhotoRecord]:
        """The same, with the person's own face where a bystander's is more prominent in a photograph of the person."""
        alone = [entry for entry in seen if entry.photo.is_me and entry.face_count == 1]
        if len(alone) < LEAST_AGREEING:
            return seen
        several = [entry.photo.is_me and entry.face_count > 1 for entry in seen]
        person = self.embed(alone, lambda: None).astype(np.float32) if any(several) else np.empty((0, 0), np.float32)
        return [self._agreeing(entry, person) if is_one else entry for entry, is_one in zip(seen, several, strict=True)]

    def _agreeing(self, entry: PhotoRecord, person: NDArray[np.float32]) -> PhotoRecord:
        found, vectors = self._read("faces", entry.photo), self._read("everyone", entry.photo)
        if found is None:  # it went from the disk meanwhile
            return entry
        faces, image = [_face(row) for row in found], None
        if vectors is None or len(vectors) != len(faces):
            image = decode(entry.photo.path.read_bytes(), KEPT_SIDE_PX)
            vectors = self.engine.embed(image, faces)
        alike = self.engine.similarity(vectors, person).mean(axis=1)
        best = int(alike.argmax())
        if not alike[0] < SAME_PERSON_SIMILARITY <= alike[best]:
            best = 0
        self._write("everyone", entry.photo, np.concatenate([vectors[[best]], vectors[1:]]))
        if best == 0:
            return entry
        self._write("descriptors", entry.photo, vectors[best])
        image = decode(entry.photo.path.read_bytes(), KEPT_SIDE_PX) if image is None else image
        return self._kept(entry.photo, image, [faces[best], *faces[1:]])

    def _embed(self, entry: PhotoRecord) -> NDArray[np.float32]:
        vector = self._read("descriptors", entry.photo)
        if vector is None:
            if entry.face is None:
                raise NoFaceError(f"{entry.photo.name} has no face.")
            vector = self.engine.embed(decode(entry.photo.path.read_bytes(), KEPT_SIDE_PX), [entry.face])[0]
            self._write("descriptors", entry.photo, vector)
        return vector

    def _crop_path(self, photo: Photo) -> Path:
        return self.folder / "crops" / _crop_name(photo)

    def _path(self, kind: str, photo: Photo) -> Path:
        # Another recogniser has another id, and so a folder of its own.
        engine = hashlib.sha256(self.engine.model_id.encode()).hexdigest()
        return self.folder / "cache" / f"{engine[:16]}-{FACE_STEP}" / kind / f"{photo.digest}.npy"

    def _read(self, kind: str, photo: Photo) -> NDArray[Any] | None:
        """What was computed from the photograph's bytes; a damaged file counts as absent."""
        try:
            array: NDArray[Any] = np.load(self._path(kind, photo), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return array

    def _write(self, kind: str, photo: Photo, array: NDArray[Any]) -> None:
        """Keep it: wholly or, when interrupted, not at all."""
        path = self._path(kind, photo)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            np.save(part, array, allow_pickle=False)
        Path(part.name).replace(path)


def _seen(photo: Photo, found: NDArray[np.float64], path: Path, shot: NDArray[np.uint8]) -> PhotoRecord:
    if not len(found):
        return PhotoRecord(photo, problem="No face was found.")
    is_largest = bool((found[0] == found[1]).all())
    return PhotoRecord(photo, len(found) - 1, _face(found[0]), is_largest, path, shot)


def _row(face: DetectedFace) -> NDArray[np.float64]:
    box = [face.left, face.top, face.width, face.height, face.confidence]
    return np.concatenate([np.array(box, np.float64), face.landmarks.astype(np.float64).ravel()])


def _face(row: NDArray[np.float64]) -> DetectedFace:
    left, top, width, height, confidence = (float(value) for value in row[:5])
    return DetectedFace(left, top, width, height, confidence, row[5:].reshape(5, 2).astype(np.float32))


def _crop_name(photo: Photo) -> PurePosixPath:
    """Below `crops/`: the photograph's own path with a piece of its hash: a changed photograph gets a new crop."""
    name = PurePosixPath(photo.name)
    return name.with_name(f"{name.stem}-{photo.digest[:8]}.jpg")


def _side_by_side(work: Callable[[Item], Result], items: list[Item], advance: Callable[[], None]) -> list[Result]:
    # The engine releases Python's lock while a network runs: one thread per core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = []
        for result in pool.map(work, items):
            results.append(result)
            advance()
        return results
