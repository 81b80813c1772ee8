"""The face engine: finds, describes and compares faces, and reads documents, with models that are loaded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine import images
from rekognition_local.engine.documents.documents import DetectedDocument, DocumentReading, read_documents
from rekognition_local.engine.documents.lines import TextLine
from rekognition_local.engine.documents.text import TextReader
from rekognition_local.engine.faces.attributes import FaceAttributes, FaceTraits, TraitReader, face_attributes
from rekognition_local.engine.faces.detection import ConfirmedDetector, DetectedFace
from rekognition_local.engine.faces.recognition import ArcFaceRecogniser, PairedRecogniser, scale_of
from rekognition_local.engine.faces.yunet import YuNet
from rekognition_local.engine.weights.models import Network

# Of the pairs of different persons, so many may reach 80 and 99. With LEAST_PAIRS, 99 rests on ten pairs.
_PASS_80, _PASS_99 = 1 / 1_000, 1 / 10_000
LEAST_PAIRS = 100_000


class CalibrationError(ValueError):
    """The photographs do not suffice; `str(error)` says how many there are and how many are needed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The cosine for 50 % and how fast the similarity rises there; and the pairs of different persons behind both."""

    middle: float
    slope: float
    pairs: int


class Engine:
    """All models together; every method is safe to call from several threads.

    `model_id` names the recogniser and how it is fed; descriptors of different names cannot be compared.
    """

    def __init__(self, detector: ConfirmedDetector | YuNet, recogniser: PairedRecogniser | ArcFaceRecogniser) -> None:
        self._detector, self._recogniser = detector, recogniser
        self._text, self._traits = TextReader(), TraitReader()
        self.model_id = recogniser.model_id

    @classmethod
    def load(cls, detector: Path | None = None, recogniser: ArcFaceRecogniser | None = None) -> "Engine":
        """Locates, checks and opens the models: about half a second.

        Both arguments stand in place of the built-in models; `detector` is an ONNX file laid out as `yunet` says.
        ModelError where a model is missing, is not the known file, or does not have the shape it must have.
        """
        found = ConfirmedDetector() if detector is None else YuNet(Network(detector), str(detector))
        return cls(found, PairedRecogniser() if recogniser is None else recogniser)

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """Faces of an upright RGB image (h, w, 3), largest first."""
        height, width = image.shape[:2]
        size = np.array([width, height], np.float32)
        found = self._detector.detect(image)
        corner, opposite = found.boxes[:, :2], found.boxes[:, 2:]
        places = np.hstack([corner / size, (opposite - corner) / size]).tolist()
        percents = (100 * found.scores).tolist()
        faces = [
            DetectedFace(left, top, wide, high, percent, landmarks)
            for (left, top, wide, high), percent, landmarks in zip(places, percents, found.points / size, strict=True)
        ]
        return sorted(faces, key=lambda face: face.width * face.height, reverse=True)

    def attributes(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceAttributes:
        """Pose and quality of a face found in this image."""
        return face_attributes(image, face)

    def traits(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceTraits:
        """What is known of a face beyond its default attributes; neutral where `rekognition-local models` never ran.

        Opens its models when first asked; ModelError where a file is not the known one.
        """
        return self._traits.read(image, face)

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """Descriptors (n, d) of faces found in this image."""
        height, width = image.shape[:2]
        points = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
        return self._recogniser.embed(image, points * np.array([width, height], np.float32))

    def similarity(self, probes: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
        """Percent (0-100) of every probe (n, d) to every reference (m, d) -> (n, m)."""
        return self._recogniser.similarity(probes, references)

    def documents(self, image: NDArray[np.uint8]) -> list[DetectedDocument]:
        """Official documents in an upright RGB image (h, w, 3), most certain first."""
        return list(self.read_documents(image, self.detect(image)).documents)

    def read_documents(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> DocumentReading:
        """What the text of an image tells of documents, given its faces; loads its models when first asked."""
        return read_documents(self._text, image, faces, self.detect)

    def read_text(self, image: NDArray[np.uint8]) -> list[TextLine]:
        """Every legible line of text of an upright RGB image (h, w, 3), from top to bottom; loads as documents do."""
        return self._text.transcript(image)

    def calibrate(self, folder: Path) -> Calibration:
        """Of every person (a folder of photographs) against all others, 1 of 1,000 reaches 80, 1 of 10,000 reaches 99.

        CalibrationError says that there are fewer than `LEAST_PAIRS` pairs of different persons, or that all are alike.
        """
        described = []
        for path in sorted(folder.glob("*/*")):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
                image = images.decode(path.read_bytes())
                if faces := self.detect(image):  # the largest is the person's
                    described.append((path.parent.name, self.embed(image, faces[:1])[0]))
        persons = np.array([person for person, _ in described])
        vectors = np.stack([vector for _, vector in described]) if described else np.empty((0, 1), np.float32)
        cosines = (vectors @ vectors.T)[np.triu(persons[:, None] != persons[None], 1)]
        if len(cosines) < LEAST_PAIRS:
            raise CalibrationError(
                f"{folder} has {len(described)} photographs with a face, which are {len(cosines)} pairs of different "
                f"persons; {LEAST_PAIRS} are needed. 450 persons with one photograph each suffice."
            )
        at_80, at_99 = np.quantile(cosines.astype(np.float64), [1 - _PASS_80, 1 - _PASS_99])
        if at_99 <= at_80:
            raise CalibrationError(f"The recogniser gives pairs in {folder} the same cosine, {at_80:.4f}.")
        return Calibration(*scale_of(at_80, at_99), len(cosines))
