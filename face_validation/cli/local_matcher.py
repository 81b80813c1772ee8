"""The engine of this machine for `evaluate --all-pairs`: describes and compares faces without a request each."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_validation.cli.evaluated_service import code_digest
from face_validation_function.faces import BoundingBox, Face, most_prominent
from rekognition_local.engine import Engine, images


class LocalMatcher:
    """The face that a validation would compare in each photograph, described by the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def load(cls) -> "LocalMatcher":
        """The engine with its built-in models."""
        return cls(Engine.load())

    @property
    def service(self) -> str:
        """Names the recogniser and the code that uses it."""
        return f"engine {self._engine.model_id}, code {code_digest()}"

    def describe(self, photo: Path) -> NDArray[np.float32] | None:
        """Descriptor (d,) of the most prominent face; None where there is none."""
        image = images.decode(photo.read_bytes())
        found = self._engine.detect(image)
        if not found:
            return None
        faces = [Face(BoundingBox(face.left, face.top, face.width, face.height), face.confidence) for face in found]
        descriptor: NDArray[np.float32] = self._engine.embed(image, [found[most_prominent(faces, central=True)]])[0]
        return descriptor

    def similarity(self, descriptors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
        """Similarities 0-100 of (n, d) and (m, d) descriptors: (n, m)."""
        return np.asarray(self._engine.similarity(descriptors, others), np.float64)
