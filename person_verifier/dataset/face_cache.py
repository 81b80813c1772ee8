"""The steps before training: photographs become crops to look through and descriptors, each computed once."""

import hashlib
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from person_verifier.dataset.faces import KEPT_SIDE_PX, SAME_PERSON_SIMILARITY, align, most_prominent, shot_picture
from person_verifier.dataset.photos import Photo
from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.engine.images import ImageError, decode

# Part of every cache folder's name: raise it when the choice of the face, its alignment or its shot picture changes.
FACE_STEP = 5
# Photographs of the person with one face each, from which on these say which face is the person's in the others.
LEAST_AGREEING = 5
NO_FACE = "No face was found."
# NumPy parses headers as Python, and Python 3.11 counts how deep it parses for all threads together: SystemError.
_ONE_READS = threading.Lock()


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """What one photograph shows. Without a face, `problem` says why and the rest is empty.

    `faces` has its n faces, the largest first, and `vectors` (n, d) their descriptors; `judged` is the place of the one
    that counts, `crop` its written picture, and `shot` (32, 32) grey, see `faces.same_shots`.
    """

    photo: Photo
    crop: Path | None = None
    faces: tuple[DetectedFace, ...] = ()
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    judged: int = 0
    shot: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    problem: str = ""

    @property
    def vector(self) -> NDArray[np.float32]:
        """(d,) of the judged face."""
        return self.vectors[self.judged, :]


@dataclass(frozen=True, slots=True)
class FaceCache:
    """The steps, with their results below `folder`: `crops/` for people, `cache/` for reruns."""

    folder: Path
    engine: Engine

    def describe(self, photos: list[Photo], advance: Callable[[], None]) -> list[PhotoRecord]:
        """Find and describe each photograph's faces, and write the judged one, aligned, to `crops/`.

        It is the most prominent one; in a photograph of the person the one that looks like the person's other photos.
        Crops of photographs that are gone are removed, and what was computed from them. `advance` is called after
        every photograph.
        """
        # The engine releases Python's lock while a network runs: one thread per core.
        seen = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for record in pool.map(self._describe, photos):
                seen.append(record)
                advance()
        alone = [record.vector for record in seen if record.photo.is_me and len(record.faces) == 1]
        if len(alone) >= LEAST_AGREEING:
            seen = [self._agreeing(record, np.stack(alone)) for record in seen]
        digests = {photo.digest for photo in photos}
        for computed in (self.folder / "cache").rglob("?" * 64 + ".np?"):  # named by a SHA-256
            if computed.stem not in digests:
                computed.unlink()
        current = {record.crop for record in seen}
        for old in (self.folder / "crops").rglob("*-????????.jpg"):
            if old not in current:
                old.unlink()
        return seen

    def _describe(self, photo: Photo) -> PhotoRecord:
        kept = self._read(photo)
        if kept is not None and (kept.crop is None or kept.crop.exists()):
            return kept
        try:
            image = decode(photo.path.read_bytes(), KEPT_SIDE_PX)
        except (ImageError, OSError) as error:
            return PhotoRecord(photo, problem=str(error))
        if kept is None and (faces := tuple(self.engine.detect(image))):
            vectors = self.engine.embed(image, faces)
            kept = PhotoRecord(photo, self._crop_path(photo), faces, vectors, most_prominent(faces))
        return self._kept(kept or PhotoRecord(photo, problem=NO_FACE), image)

    def _agreeing(self, record: PhotoRecord, person: NDArray[np.float32]) -> PhotoRecord:
        """The same, with the person's own face where a bystander's is more prominent in a photograph of the person."""
        if not record.photo.is_me or len(record.faces) < 2:
            return record
        alike = self.engine.similarity(record.vectors, person).mean(axis=1)
        best = int(alike.argmax())
        if not alike[record.judged] < SAME_PERSON_SIMILARITY <= alike[best]:
            return record
        return self._kept(replace(record, judged=best), decode(record.photo.path.read_bytes(), KEPT_SIDE_PX))

    def _kept(self, record: PhotoRecord, image: NDArray[np.uint8]) -> PhotoRecord:
        """Keep what was found, wholly or, when interrupted, not at all, and write the judged face's crop."""
        if record.crop is not None:
            face, crop = record.faces[record.judged], record.crop
            record = replace(record, shot=shot_picture(image, face))
            crop.parent.mkdir(parents=True, exist_ok=True)
            picture = cv2.cvtColor(align(image, face), cv2.COLOR_RGB2BGR)
            crop.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        path = self._path(record.photo)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            boxes = np.array([(one.left, one.top, one.width, one.height, one.confidence) for one in record.faces])
            landmarks, judged = np.array([face.landmarks for face in record.faces]), np.array(record.judged)
            np.savez(part, boxes=boxes, landmarks=landmarks, vectors=record.vectors, judged=judged, shot=record.shot)
        Path(part.name).replace(path)
        return record

    def _read(self, photo: Photo) -> PhotoRecord | None:
        """What was computed from the photograph's bytes; a damaged file counts as absent."""
        try:
            with _ONE_READS, self._path(photo).open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
                found = zip(kept["boxes"].tolist(), kept["landmarks"], strict=True)
                faces = tuple(DetectedFace(*(*box, landmarks)) for box, landmarks in found)
                if not faces:
                    return PhotoRecord(photo, problem=NO_FACE)
                crop = self._crop_path(photo)
                return PhotoRecord(photo, crop, faces, kept["vectors"], int(kept["judged"]), kept["shot"])
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None

    def _crop_path(self, photo: Photo) -> Path:
        """The photograph's own path with a piece of its hash: a changed photograph gets a new crop."""
        name = PurePosixPath(photo.name)
        return self.folder / "crops" / name.with_name(f"{name.stem}-{photo.digest[:8]}.jpg")

    def _path(self, photo: Photo) -> Path:
        # Another recogniser has another id, and so a folder of its own.
        engine = hashlib.sha256(self.engine.model_id.encode()).hexdigest()
        return self.folder / "cache" / f"{engine[:16]}-{FACE_STEP}" / f"{photo.digest}.npz"
