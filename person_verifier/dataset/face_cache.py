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
from person_verifier.errors import NoFaceError
from rekognition_local.engine import DetectedFace
from rekognition_local.engine.faces.face_engine import ComparingEngine
from rekognition_local.engine.images import ImageError, decode

# Part of every cache folder's name: raise it when the choice of the face, its alignment or its shot picture changes.
FACE_STEP = 3

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """What one photograph shows. Without a judged face, `problem` says why and the rest is empty.

    `face_count` counts every face; `crop` is the written picture; `shot` is (32, 32) grey, see `splits.same_shots`.
    """

    photo: Photo
    face_count: int = 0
    face: DetectedFace | None = None
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

        Crops of photographs that are gone are removed, and what was computed from them. `advance` is called after
        every photograph.
        """
        seen = _side_by_side(self._crop, photos, advance)
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
        path = self.folder / "crops" / _crop_name(photo)
        if found is not None and shot is not None and (path.exists() or not len(found)):
            return _seen(photo, found, path, shot)
        try:
            image = decode(photo.path.read_bytes(), KEPT_SIDE_PX)
            found, shot = self._find(image)
        except (ImageError, OSError) as error:
            return PhotoRecord(photo, problem=str(error))
        if len(found):
            path.parent.mkdir(parents=True, exist_ok=True)
            crop = cv2.cvtColor(align(image, _face(found[0])), cv2.COLOR_RGB2BGR)
            path.write_bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        self._write("faces", photo, found)
        self._write("shots", photo, shot)
        return _seen(photo, found, path, shot)

    def _find(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """The judged face followed by all faces, as rows, and the judged one's shot picture; empty without a face."""
        try:
            judged = largest_face(self.engine, image)
        except NoFaceError:
            return np.empty((0, 15)), np.empty((0, 0), np.uint8)
        return np.array([_row(face) for face in (judged, *self.engine.detect(image))]), shot_picture(image, judged)

    def _embed(self, entry: PhotoRecord) -> NDArray[np.float32]:
        vector = self._read("descriptors", entry.photo)
        if vector is None:
            if entry.face is None:
                raise NoFaceError(f"{entry.photo.name} has no face.")
            vector = self.engine.embed(decode(entry.photo.path.read_bytes(), KEPT_SIDE_PX), [entry.face])[0]
            self._write("descriptors", entry.photo, vector)
        return vector

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
    return PhotoRecord(photo, max(1, len(found) - 1), _face(found[0]), path, shot)


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
