"""What every operation works with: the engine, the source of images, the gallery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.documents.documents import DocumentReading
from rekognition_local.engine.documents.lines import TextLine
from rekognition_local.engine.faces.attributes import FaceAttributes, FaceTraits
from rekognition_local.engine.faces.detection import DetectedFace
from rekognition_local.engine.faces.face_engine import FaceEngine
from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.storage.gallery import Gallery

MAX_FACES = 100  # "the 100 largest faces in the image": API_DetectFaces, API_CompareFaces, API_IndexFaces


class ImageEngine(FaceEngine, Protocol):
    """What operations need of an engine beside faces and their descriptors."""

    def attributes(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceAttributes:
        """Pose and quality of a face found in this image."""
        ...

    def traits(self, image: NDArray[np.uint8], face: DetectedFace) -> FaceTraits:
        """What is known of a face found in this image beyond its default attributes."""
        ...

    def read_documents(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> DocumentReading:
        """All that the text of an image tells of documents."""
        ...

    def read_text(self, image: NDArray[np.uint8]) -> list[TextLine]:
        """Every legible line of text of an upright RGB image (h, w, 3), from top to bottom."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """One running Rekognition: shared by all requests, safe under threads."""

    engine: ImageEngine
    images: ImageSource
    gallery: Gallery
    liveness: LivenessSessions = field(default_factory=LivenessSessions)


Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]
"""One of Rekognition's: the members of a request, as `validation.read_request` gives them -> those of the reply."""
