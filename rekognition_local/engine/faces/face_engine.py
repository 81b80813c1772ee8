"""What other packages need of an engine; `engine.Engine` is one."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.detection import DetectedFace


class FaceEngine(Protocol):
    """Finds faces and describes them."""

    @property
    def model_id(self) -> str:
        """Names the recogniser; descriptors of different names cannot be compared."""
        ...

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """Faces of an upright RGB image (h, w, 3), largest first."""
        ...

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """Descriptors (n, d) of faces found in this image, also of none at all."""
        ...


class ComparingEngine(FaceEngine, Protocol):
    """Also compares descriptors: the nearer two are (Euclidean), the more similar."""

    def similarity(self, probes: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
        """Percent (0-100) of every probe (n, d) to every reference (m, d) -> (n, m)."""
        ...
