"""Ours and the peers' face engines in the words of the benchmarks; the peers are used as their documentation shows.

`face_recognition`: HOG detector, 68 points, one descriptor a face, distance 0.6, on dlib-bin. OpenCV: FaceDetectorYN
and FaceRecognizerSF with the very weights that we use, cosine 0.363. Their calls take turns: they are one object for
all threads.

Each has `detect`: the faces of an upright (h, w, 3) RGB image; `embed`: their (n, d) descriptors; and `same_person`:
whether a descriptor (d,) and each of others (n, d) are of one person, at the engine's default threshold.
"""

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.measuring import PEER
from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.engine.weights import model_files

OURS, OPENCV = "rekognition_local", "opencv"

Picture = NDArray[np.uint8]
Descriptors = NDArray[np.float32]
NO_POINTS = np.zeros((5, 2), np.float32)


class OurEngine:
    """rekognition_local, at 80 %."""

    def __init__(self) -> None:
        self._engine = Engine.load()
        self.detect, self.embed = self._engine.detect, self._engine.embed

    def same_person(self, probe: Descriptors, references: Descriptors) -> NDArray[np.bool_]:
        """Whether the similarity is at least 80 %."""
        similar: NDArray[np.bool_] = self._engine.similarity(probe[None], references)[0] >= 80
        return similar


class FaceRecognition(Engine):
    """The `face_recognition` library in the place of the engine, at its default distance of 0.6."""

    model_id = PEER

    def __init__(self) -> None:
        import face_recognition

        self._library: Any = face_recognition
        self._turn = threading.Lock()

    def detect(self, image: Picture) -> list[DetectedFace]:
        """The faces that the HOG detector finds; it tells neither points nor how sure it is."""
        height, width = image.shape[:2]
        with self._turn:
            boxes = self._library.face_locations(image)
        return [
            DetectedFace(left / width, top / height, (right - left) / width, (bottom - top) / height, 100.0, NO_POINTS)
            for top, right, bottom, left in boxes
        ]

    def embed(self, image: Picture, faces: Sequence[DetectedFace]) -> Descriptors:
        """(n, 128) descriptors."""
        height, width = image.shape[:2]
        sides = [(face.top, face.left + face.width, face.top + face.height, face.left) for face in faces]
        boxes = [tuple(np.rint(np.array(one) * (height, width, height, width)).astype(int).tolist()) for one in sides]
        with self._turn:
            return np.array(self._library.face_encodings(image, boxes), np.float32).reshape(len(faces), 128)

    def same_person(self, probe: Descriptors, references: Descriptors) -> NDArray[np.bool_]:
        """Whether the distance is at most 0.6."""
        return np.array(self._library.compare_faces(references, probe))


class OpenCv:
    """OpenCV's own YuNet and SFace, at its sample's cosine of 0.363."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._turn = threading.Lock()
        self._detector = cv2.FaceDetectorYN.create(str(model_files.YUNET.locate()), "", (320, 320))
        # The file lists its weights as inputs, which OpenCV would ask for.
        model = onnx.load_model_from_string(model_files.SFACE.content())
        del model.graph.input[1:]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "sface.onnx")
            onnx.save(model, path)
            self._recogniser = cv2.FaceRecognizerSF.create(str(path), "")

    def detect(self, image: Picture) -> list[DetectedFace]:
        """The faces; a large image is shrunk to 640 pixels, as ours is."""
        scale = min(1.0, 640 / max(image.shape[:2]))
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        small = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA)
        with self._turn:
            self._detector.setInputSize(size)
            found = self._detector.detect(small)[1]
        places = np.empty((0, 7, 2)) if found is None else found[:, :14].reshape(-1, 7, 2) / np.array(size)
        return [
            DetectedFace(left, top, width, height, 100.0, np.array(points))
            for (left, top), (width, height), *points in places
        ]

    def embed(self, image: Picture, faces: Sequence[DetectedFace]) -> Descriptors:
        """(n, 128) descriptors of length 1."""
        size = np.array([image.shape[1], image.shape[0]])
        vectors = []
        for face in faces:
            places = np.array([[face.left, face.top], [face.width, face.height], *face.landmarks]) * size
            with self._turn:
                row = np.append(places.ravel(), 1).astype(np.float32)
                chip = self._recogniser.alignCrop(np.ascontiguousarray(image[..., ::-1]), row)
                vectors.append(self._recogniser.feature(chip)[0])
        return np.array([vector / np.linalg.norm(vector) for vector in vectors], np.float32)

    def same_person(self, probe: Descriptors, references: Descriptors) -> NDArray[np.bool_]:
        """Whether the cosine is at least 0.363."""
        return np.asarray(references @ probe >= 0.363)


FaceBench = OurEngine | FaceRecognition | OpenCv
ENGINES: dict[str, type[FaceBench]] = {OURS: OurEngine, OPENCV: OpenCv, PEER: FaceRecognition}
