"""Lines of text in an image: where they are and what they say, by PP-OCR's models on onnxruntime."""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

# The models lie in the rapidocr wheel. Its code is never imported: it may fetch a model that it does not find.
DETECTOR = ("PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f")
RECOGNISER = ("PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884")

PIXEL_THRESHOLD = 0.3
LINE_THRESHOLD = 0.5
UNCLIP = 1.6  # The detector marks the heart of a line; its full height is that much further out.
MAX_LINES = 300
LINE_HEIGHT = 48
MAX_LINE_WIDTH = 1536
BATCH_PIXELS = LINE_HEIGHT * 3200


@dataclass(frozen=True, slots=True)
class TextBox:
    """Where a line of text is: centre, length along the line, height across it in pixels, and the line's angle.

    `angle` in degrees, clockwise from the image's x axis, in [-45, 135): a line near 90 runs downwards (or upwards).
    """

    x: float
    y: float
    length: float
    height: float
    angle: float

    @property
    def corners(self) -> NDArray[np.float32]:
        """(4, 2) pixels: start top, end top, end bottom, start bottom, as the line is read."""
        return np.asarray(
            cv2.boxPoints(((self.x, self.y), (self.length, self.height), self.angle)), np.float32
        )[[1, 2, 3, 0]]

    def turned(self) -> "TextBox":
        """The same box, read from the other end."""
        return TextBox(self.x, self.y, self.length, self.height, self.angle + 180)


@dataclass(frozen=True, slots=True)
class TextLine:
    """What a box says; confidence 0-1 is the mean over its characters, 0 for an empty line."""

    box: TextBox
    text: str
    confidence: float


class TextReader:
    """Text detection and recognition. Safe under threads; the sessions are made once, on `load` or on first use."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._models: tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession, tuple[str, ...]] | None = None

    def load(self) -> None:
        """Load the models now.

        Raises:
            FileNotFoundError: the rapidocr package is not installed, or lacks a model.
            ValueError: a model is not the file that this program was measured with.
        """
        self._loaded()

    def find(self, image: NDArray[np.uint8], side: int = 640) -> list[TextBox]:
        """Boxes of lines in (h, w, 3) RGB 0-255, looked for with the longest side brought down to `side` pixels."""
        height, width = image.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        probability = self._loaded()[0].run(None, {"x": _network_input(small)[None]})[0][0, 0]
        return _boxes(probability, width / size[0], height / size[1])

    def read(self, image: NDArray[np.uint8], boxes: Sequence[TextBox]) -> list[TextLine]:
        """What each box says, in the order of `boxes`; image as in `find`."""
        _, recogniser, characters = self._loaded()
        crops = [_straightened(image, box) for box in boxes]
        lines: dict[int, TextLine] = {}
        for batch in _batches([crop.shape[1] for crop in crops]):
            width = max(crops[index].shape[1] for index in batch)
            pixels = np.zeros((len(batch), 3, LINE_HEIGHT, width), np.float32)
            for row, index in enumerate(batch):
                pixels[row, :, :, : crops[index].shape[1]] = _network_input(crops[index])
            for index, scores in zip(batch, recogniser.run(None, {"x": pixels})[0], strict=True):
                lines[index] = TextLine(boxes[index], *_decoded(scores, characters))
        return [lines[index] for index in range(len(boxes))]

    def _loaded(self) -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession, tuple[str, ...]]:
        if self._models is None:
            with self._lock:
                if self._models is None:
                    detector, recogniser = (_session(*model, self._threads) for model in (DETECTOR, RECOGNISER))
                    alphabet = recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
                    # Class 0 is "no character" (CTC's blank); the alphabet leaves out the space, which comes last.
                    self._models = (detector, recogniser, ("", *alphabet, " "))
        return self._models


def model_file(name: str, sha256: str) -> Path:
    """The model in the installed rapidocr package, checked by its hash; nothing is imported or fetched.

    Raises:
        FileNotFoundError: the package or the file is not there.
        ValueError: the file has another hash.
    """
    package = importlib.util.find_spec("rapidocr")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    path = next((path for folder in folders if (path := Path(folder, "models", name)).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"The text model {name} is missing: install rapidocr as pinned in requirements.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(f"The text model {name} has SHA-256 {found}, expected {sha256}.")
    return path


def _session(name: str, sha256: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Every image has another shape: an arena would keep the largest of all.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(model_file(name, sha256), options, providers=["CPUExecutionProvider"])


def _network_input(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) RGB 0-255 -> (3, h, w) BGR in -1..1, as both networks were trained."""
    planes = image[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    return np.asarray(planes / 127.5 - 1.0, np.float32)


def _boxes(probability: NDArray[np.float32], scale_x: float, scale_y: float) -> list[TextBox]:
    """Lines in a text probability map (h, w) 0-1, in pixels of the image (map pixels times the scales)."""
    marked = cv2.dilate((probability > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(marked, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:MAX_LINES]:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < 3 or _mean_inside(probability, contour) < LINE_THRESHOLD:
            continue
        margin = 2 * width * height * UNCLIP / (2 * (width + height))
        rectangle = ((x, y), (width + margin, height + margin), angle)
        corners = cv2.boxPoints(rectangle) * np.array([scale_x, scale_y], np.float32)
        (x, y), (width, height), angle = cv2.minAreaRect(corners)
        boxes.append(_text_box(x, y, width, height, angle))
    return boxes


def _text_box(x: float, y: float, width: float, height: float, angle: float) -> TextBox:
    """A box read along its longer side; a nearly square one along the image's x axis."""
    if height > width:
        width, height, angle = height, width, angle + 90
    if width < 1.5 * height and abs((angle + 90) % 180 - 90) > 45:
        width, height, angle = height, width, angle + 90
    return TextBox(x, y, width, height, (angle + 45) % 180 - 45)


def _mean_inside(probability: NDArray[np.float32], contour: NDArray[np.int32]) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [contour - np.array([left, top])], 1)
    return float(cv2.mean(probability[top : top + height, left : left + width], inside)[0])


def _straightened(image: NDArray[np.uint8], box: TextBox) -> NDArray[np.uint8]:
    """The line as an upright strip (48, w, 3)."""
    width = int(np.clip(np.ceil(box.length / max(box.height, 1.0) * LINE_HEIGHT), 16, MAX_LINE_WIDTH))
    strip = np.array([[0, 0], [width, 0], [width, LINE_HEIGHT]], np.float32)
    placed = cv2.getAffineTransform(box.corners[:3], strip)
    return np.asarray(cv2.warpAffine(image, placed, (width, LINE_HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _batches(widths: Sequence[int]) -> list[list[int]]:
    """Indices grouped by similar width, so that little is padded, each group of bounded size."""
    batches: list[list[int]] = []
    for index in sorted(range(len(widths)), key=lambda index: widths[index]):
        if batches and (len(batches[-1]) + 1) * widths[index] * LINE_HEIGHT <= BATCH_PIXELS and widths[index] <= 1.5 * widths[batches[-1][0]]:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _decoded(scores: NDArray[np.float32], characters: Sequence[str]) -> tuple[str, float]:
    """Greedy CTC: (steps, classes) -> text, and the mean probability of its characters."""
    best = scores.argmax(axis=1)
    kept = (best != 0) & (best != np.concatenate([[0], best[:-1]]))
    if not kept.any():
        return "", 0.0
    return "".join(characters[index] for index in best[kept]), float(scores.max(axis=1)[kept].mean())
