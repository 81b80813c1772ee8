"""The vocabulary of the service: boxes, faces, documents and what a comparison found."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from face_validation_function.quality.measures import Quality


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in ratios of the image's size, origin top left; may reach past 0 and 1.

    Source: docs.aws.amazon.com/rekognition/latest/APIReference/API_BoundingBox.html
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in the same ratios."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def visible_area(self) -> float:
        """The area inside the image, as a ratio of the image's area (0-1)."""
        width = min(1.0, self.left + self.width) - max(0.0, self.left)
        height = min(1.0, self.top + self.height) - max(0.0, self.top)
        return max(0.0, width) * max(0.0, height)

    def within(self, other: "BoundingBox") -> "BoundingBox":
        """This box, given in ratios of `other`, in ratios of the image that `other` is part of."""
        return BoundingBox(
            other.left + self.left * other.width,
            other.top + self.top * other.height,
            self.width * other.width,
            self.height * other.height,
        )

    def relative_to(self, other: "BoundingBox") -> "BoundingBox":
        """This box in ratios of `other`: the inverse of `within`."""
        return BoundingBox(
            (self.left - other.left) / other.width,
            (self.top - other.top) / other.height,
            self.width / other.width,
            self.height / other.height,
        )

    def holds(self, point: tuple[float, float]) -> bool:
        """Whether a point (x, y) lies inside the box."""
        x, y = point
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


WHOLE_IMAGE = BoundingBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of a face in ratios of the image's size, origin top left; left and right are the image's."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]

    def within(self, part: BoundingBox) -> "Landmarks":
        """These points, given in ratios of `part`, in ratios of the image that `part` is part of."""
        return Landmarks(*((part.left + x * part.width, part.top + y * part.height) for x, y in astuple(self)))


@dataclass(frozen=True, slots=True)
class Pose:
    """How a face is turned, in degrees; 0 looks straight into the camera."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was found: where, how sure the detector is (0-100), and its points and pose where it told them."""

    box: BoundingBox
    confidence: float
    landmarks: Landmarks | None = None
    pose: Pose | None = None

    def within(self, part: BoundingBox) -> "Face":
        """This face, found in `part` of an image, as a face of the image."""
        points = self.landmarks.within(part) if self.landmarks else None
        return Face(self.box.within(part), self.confidence, points, self.pose)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text that was read: what it says, how surely (0-100), and where."""

    text: str
    confidence: float
    box: BoundingBox


@dataclass(frozen=True, slots=True)
class Document:
    """An official document that was recognised: its label, confidence (0-100), best instance, model's version."""

    label: str
    confidence: float
    box: BoundingBox = WHOLE_IMAGE
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """What was seen in one image (source or target). Boxes are ratios of the upright, uncropped image.

    `width` and `height` are pixels after EXIF rotation; `compared` is the index in `faces` of the one compared, and
    `quality` that face's measures, where they were asked for. `sha256` is the digest of the file as it came.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    compared: int
    document: Document | None = None
    quality: Quality | None = None
    sha256: bytes = b""

    @property
    def face(self) -> Face:
        """The face that is compared."""
        return self.faces[self.compared]


def most_prominent(faces: Sequence[Face], *, central: bool) -> int:
    """The index of the face that an image is of: large, whole and, where the middle counts (`central`), in the middle.

    The middle counts in photographs, where a bystander at the border is often the larger face. On a document the
    portrait stands at one side, and only its size tells it from the ghost image.
    """
    return max(range(len(faces)), key=lambda index: _prominence(faces[index].box, central=central))


def _prominence(box: BoundingBox, *, central: bool) -> float:
    visible = box.visible_area
    wholeness = visible / (box.width * box.height) if box.width > 0 and box.height > 0 else 0.0
    if not central:
        return visible * wholeness
    x, y = box.centre
    # 0.3 of the image's side: half-way to the border, a face must be twice as large as one in the middle to win.
    return visible * wholeness * math.exp(-(((x - 0.5) / 0.3) ** 2 + ((y - 0.5) / 0.3) ** 2))
