"""An embedder of the ArcFace family that the user brings as an ONNX file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid
from rekognition_local.engine.faces.recognition import ARCFACE_POINTS, ARCFACE_SIDE, logistic
from rekognition_local.engine.weights.carriers import ModelError
from rekognition_local.engine.weights.models import Network

Channels = Literal["RGB", "BGR"]


class ArcFaceRecogniser:
    """An embedder of the ArcFace family: float (n, 3, 112, 112), (pixel - 127.5) / 127.5 -> (n, d), compared by cosine.

    Chip and mirror image are averaged and brought to length 1. The similarity is `100 / (1 + exp(slope * (middle -
    cosine)))`; with the defaults 80 % is at a cosine of 0.30 and 99 % at 0.45, usual for such networks. A network with
    other scores needs its own `middle` and `slope`, from pairs of its own.
    """

    def __init__(self, path: Path, *, channels: Channels = "RGB", middle: float = 0.235, slope: float = 21.4) -> None:
        """Opens the file.

        Raises:
            ModelError: the file cannot be opened, or does not map (n, 3, 112, 112) to (n, d).
        """
        self._network = Network(path)
        self._channels, self._middle, self._slope = channels, middle, slope
        shape, outputs = self._network.input_shape, self._network.output_shapes
        if len(shape) != 4 or shape[1:] != [3, ARCFACE_SIDE, ARCFACE_SIDE] or len(outputs[0]) != 2:
            raise ModelError(f"{path} maps {shape} to {outputs[0]}; an embedder must map (n, 3, 112, 112) to (n, d).")
        self._one_by_one = shape[0] == 1
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.model_id = f"arcface-{digest}-{channels}-mirrored"

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, d) of length 1."""
        pyramid = Pyramid(image)
        chips = [pyramid.face(face, ARCFACE_POINTS, ARCFACE_SIDE) for face in points]
        views = (
            np.stack([view for chip in chips for view in (chip, chip[:, ::-1])]) if chips else np.empty((0, 1, 1, 3))
        )
        if len(views) == 0:
            width = self._network.output_shapes[0][1]
            return np.empty((0, width if isinstance(width, int) else 0), np.float32)
        planes = views if self._channels == "RGB" else views[..., ::-1]
        batch = ((planes.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        parts: Sequence[Floats] = np.split(batch, len(batch)) if self._one_by_one else [batch]
        outputs = np.concatenate([self._network(np.ascontiguousarray(part))[0] for part in parts])
        sums = outputs.reshape(len(points), 2, -1).sum(axis=1)
        descriptors: Floats = (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return descriptors

    def similarity(self, probes: Floats, references: Floats) -> NDArray[np.float64]:
        """Percent 0-100 of every probe (n, d) to every reference (m, d) -> (n, m)."""
        cosines = probes.astype(np.float64) @ references.astype(np.float64).T
        return logistic(self._slope * (cosines - self._middle))
