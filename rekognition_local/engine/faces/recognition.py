"""Turns a found face into a descriptor, and distances of descriptors into similarities.

What a measure means is found on photographs of different persons, two of whom never match: `Engine.calibrate` does that
for a recogniser of the user's own.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.pyramid import Floats, Image, Pyramid
from rekognition_local.engine.weights import models, opencv_zoo
from rekognition_local.engine.weights.model_files import RESNET, SFACE, ModelError

# Eyes, nose and mouth corners as the networks were trained to see them: of dlib's ResNet in a 150 px chip, of SFace and
# all of the ArcFace family (github.com/deepinsight/insightface) in a 112 px chip.
_RESNET_POINTS = np.array([(47.3, 45.5), (102.4, 45.7), (74.8, 78.9), (50.5, 103.1), (100.5, 102.3)], np.float32)
_RESNET_SIDE = 150
ARCFACE_POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
ARCFACE_SIDE = 112

# What all of SFace's descriptors have in common, as a length along its own last bias: with it taken away, they differ
# by the person alone. A centre measured on 500 persons is no better for persons that it does not know.
_COMMON_LENGTH = 0.33

# Squared distances. One of 1,000 different persons is nearer than the first, one of 10,000 nearer than the second
# (572,166 pairs of the development photographs).
_AT_80, _AT_99 = 1.662, 1.511

Channels = Literal["RGB", "BGR"]
# The default scale of a recogniser of the user's own.
MIDDLE, SLOPE = 0.235, 21.4


class PairedRecogniser:
    """SFace and dlib's ResNet side by side: they fail on different faces, and one distance of both fails less.

    A descriptor is SFace's 128 numbers, less what all faces have in common, at length 1; then dlib's 128, divided by
    the root of their length, which tells more of the picture's quality than of the person.
    """

    def __init__(self) -> None:
        self.model_id = f"sface-{SFACE.sha256[:12]}-less-bias-resnet-{RESNET.sha256[:12]}-root-length"
        self._sface, self._resnet = models.network(SFACE), models.network(RESNET)
        self._common = np.float32(_COMMON_LENGTH) * _at_length_1(opencv_zoo.sface_bias(SFACE.content()))

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, 256)."""
        pyramid = Pyramid(image)
        # One at a time: SFace's result must not depend on other faces, and memory not on how many there are.
        faces = [self._described(pyramid, face) for face in points]
        return np.stack(faces) if faces else np.empty((0, 256), np.float32)

    def _described(self, pyramid: Pyramid, points: Floats) -> Floats:
        sface = self._sface(pyramid.face(points, ARCFACE_POINTS, ARCFACE_SIDE)[None])[0][0]
        resnet = self._resnet(pyramid.face(points, _RESNET_POINTS, _RESNET_SIDE)[None])[0][0]
        evened = resnet / np.sqrt(np.linalg.norm(resnet))
        return np.hstack([_at_length_1(_at_length_1(sface) - self._common), evened])

    def similarity(self, probes: Floats, references: Floats) -> NDArray[np.float64]:
        """Logistic of the squared Euclidean distance: 80 % at 1.662, 99 % at 1.511."""
        middle, slope = scale_of(_AT_80, _AT_99)
        return logistic(slope * (squared_distances(probes, references) - middle))


class ArcFaceRecogniser:
    """An embedder of the ArcFace family: float (n, 3, 112, 112), (pixel - 127.5) / 127.5 -> (n, d), compared by cosine.

    Chip and mirror image are averaged and brought to length 1. The similarity is `100 / (1 + exp(slope * (middle -
    cosine)))`; with the defaults 80 % is at a cosine of 0.30 and 99 % at 0.45, usual for such networks. A network with
    other scores needs its own `middle` and `slope`, from pairs of its own.
    """

    def __init__(self, path: Path, *, channels: Channels = "RGB", middle: float = MIDDLE, slope: float = SLOPE) -> None:
        """Opens the file; ModelError unless it maps (n, 3, 112, 112) to (n, d)."""
        self._network = models.Network(path)
        self._channels, self._middle, self._slope = channels, middle, slope
        shape, result = self._network.input_shape, next(iter(self._network.output_shapes.values()))
        if len(shape) != 4 or shape[1:] != [3, ARCFACE_SIDE, ARCFACE_SIDE] or len(result) != 2:
            raise ModelError(f"{path} maps {shape} to {result}; an embedder must map (n, 3, 112, 112) to (n, d).")
        self._one_by_one, self._width = shape[0] == 1, result[1] if isinstance(result[1], int) else 0
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.model_id = f"arcface-{digest}-{channels}-mirrored"

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, d) of length 1."""
        if len(points) == 0:
            return np.empty((0, self._width), np.float32)
        pyramid = Pyramid(image)
        chips = [pyramid.face(face, ARCFACE_POINTS, ARCFACE_SIDE) for face in points]
        views = np.stack([view for chip in chips for view in (chip, chip[:, ::-1])])
        planes = views if self._channels == "RGB" else views[..., ::-1]
        batch = ((planes.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        parts: Sequence[Floats] = np.split(batch, len(batch)) if self._one_by_one else [batch]
        outputs = np.concatenate([self._network(np.ascontiguousarray(part))[0] for part in parts])
        return _at_length_1(outputs.reshape(len(points), 2, -1).sum(axis=1))

    def similarity(self, probes: Floats, references: Floats) -> NDArray[np.float64]:
        """Percent 0-100 of every probe (n, d) to every reference (m, d) -> (n, m)."""
        cosines = probes.astype(np.float64) @ references.astype(np.float64).T
        return logistic(self._slope * (cosines - self._middle))


def _at_length_1(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def squared_distances(probes: Floats, references: Floats) -> NDArray[np.float64]:
    """Squared Euclidean distances (n, d), (m, d) -> (n, m)."""
    a, b = probes.astype(np.float64), references.astype(np.float64)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(squared, 0), np.float64)


def logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percent 0-100."""
    return np.asarray(100 / (1 + np.exp(-np.clip(values, -700, 700))), np.float64)


def scale_of(at_80: float, at_99: float) -> tuple[float, float]:
    """Middle and slope of the logistic that gives 80 % and 99 % for these measures."""
    slope = math.log(99 / 4) / (at_99 - at_80)
    return at_80 - math.log(4) / slope, slope
