"""Models that the user brings as ONNX files: a detector laid out as YuNet, an embedder as ArcFace."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine.faces.mtcnn import Candidates, no_candidates, without_overlaps
from rekognition_local.engine.faces.recognition import aligned, logistic
from rekognition_local.engine.weights.carriers import ModelError
from rekognition_local.engine.weights.models import Network

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]
Channels = Literal["RGB", "BGR"]

# Eyes, nose, mouth corners in a 112 px chip, as the ArcFace family is trained (github.com/deepinsight/insightface).
_ARCFACE_POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
_ARCFACE_SIDE = 112


class ArcFaceRecogniser:
    """An embedder of the ArcFace family: float (n, 3, 112, 112), (pixel - 127.5) / 127.5 -> (n, d), compared by cosine.

    Chip and mirror image are averaged and brought to length 1. The similarity is `100 / (1 + exp(slope * (middle -
    cosine)))`; with the defaults 80 % is at a cosine of 0.30 and 99 % at 0.45, usual for such networks. A network with
    other scores needs its own `middle` and `slope`, from pairs of its own.
    """

    def __init__(
        self, path: Path, *, channels: Channels = "RGB", middle: float = 0.235, slope: float = 21.4, threads: int = 1
    ) -> None:
        """Opens the file.

        Raises:
            ModelError: the file cannot be opened, or does not map (n, 3, 112, 112) to (n, d).
        """
        self._network = Network(path, threads)
        self._channels, self._middle, self._slope = channels, middle, slope
        shape, outputs = self._network.input_shape, self._network.output_shapes
        if len(shape) != 4 or shape[1:] != [3, _ARCFACE_SIDE, _ARCFACE_SIDE] or len(outputs[0]) != 2:
            raise ModelError(f"{path} maps {shape} to {outputs[0]}; an embedder must map (n, 3, 112, 112) to (n, d).")
        self._one_by_one = shape[0] == 1
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.model_id = f"arcface-{digest}-{channels}-mirrored"

    def embed(self, image: Image, points: Floats) -> Floats:
        """Descriptors (n, d) of length 1."""
        chips = [aligned(image, face, _ARCFACE_POINTS, _ARCFACE_SIDE) for face in points]
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


class YuNetDetector:
    """A detector with YuNet's inputs and outputs (github.com/ShiqiYu/libfacedetection).

    Input: float (1, 3, height, width), BGR 0-255, sides of a multiple of 32; a fixed size is obeyed, else the image is
    shrunk to 640 pixels. Outputs, for the strides 8, 16 and 32, named `cls_8`, `obj_8`, `bbox_8`, `kps_8` and so on:
    for every cell of the grid, row by row, class and object score (1, cells, 1) whose geometric mean is the face's
    score; box (1, cells, 4) as centre shifts in cells and logarithms of size in cells; points (1, cells, 10) as shifts
    in cells: left eye, right eye, nose, left and right mouth corner as seen in the image.
    """

    _STRIDES = (8, 16, 32)
    _SIDE = 640
    _LEAST_SCORE, _MOST_OVERLAP = 0.6, 0.3

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Opens the file.

        Raises:
            ModelError: the file cannot be opened, or has other inputs or outputs.
        """
        self._network = Network(path, threads)
        shape, names = self._network.input_shape, self._network.output_names
        missing = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in self._STRIDES} - set(
            names
        )
        if len(shape) != 4 or shape[1] != 3 or missing:
            raise ModelError(
                f"{path} takes {shape} and lacks the outputs {sorted(missing)}; a detector must be laid out as YuNet."
            )
        height, width = shape[2], shape[3]
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None

    def detect(self, image: Image, smallest: float) -> Candidates:  # noqa: ARG002 - the network looks for all sizes at once
        """Faces in pixels of the image, best first; scores as the network gives them."""
        height, width = image.shape[:2]
        room_height, room_width = self._fixed or (self._SIDE, self._SIDE)
        scale = min(room_height / height, room_width / width)
        if self._fixed is None:
            scale = min(scale, 1.0)
            room_height, room_width = (max(32, -(-round(side * scale) // 32) * 32) for side in (height, width))
        size = (min(room_width, max(1, round(width * scale))), min(room_height, max(1, round(height * scale))))
        batch = np.zeros((1, 3, room_height, room_width), np.float32)
        shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        batch[0, :, : size[1], : size[0]] = shrunk[..., ::-1].transpose(2, 0, 1)
        outputs = dict(zip(self._network.output_names, self._network(batch), strict=True))
        found = [self._cells(outputs, stride, room_width // stride) for stride in self._STRIDES]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if len(scores) == 0:
            return no_candidates()
        kept = without_overlaps(boxes, scores, self._MOST_OVERLAP)
        back = np.array([width / size[0], height / size[1]], np.float32)
        return Candidates(boxes[kept] * np.tile(back, 2), scores[kept], points[kept] * back)

    def _cells(self, outputs: dict[str, Floats], stride: int, columns: int) -> tuple[Floats, Floats, Floats]:
        """Boxes, scores and points in pixels of the network's input, of the cells that score enough."""
        scores = np.sqrt(
            np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        )
        chosen = np.nonzero(scores >= self._LEAST_SCORE)[0]
        cells = np.stack([chosen % columns, chosen // columns], axis=1).astype(np.float32)
        box, points = outputs[f"bbox_{stride}"][0, chosen], outputs[f"kps_{stride}"][0, chosen].reshape(-1, 5, 2)
        centre, half = cells + box[:, :2], np.exp(box[:, 2:]) / 2
        corners = np.concatenate([centre - half, centre + half], axis=1)
        return corners * stride, scores[chosen].astype(np.float32), (points + cells[:, None]) * np.float32(stride)
