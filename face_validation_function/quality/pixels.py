"""A face's measures from its pixels and landmarks; Pillow alone, for the function has no numpy."""

import math

from PIL import Image, ImageFilter, ImageStat

from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.faces import Face, Landmarks, Pose
from face_validation_function.quality.measures import CHIN, Quality, measured

# The face laid straight: eyes 60 pixels apart, one third from the top, and the skin around them without background.
EYES_APART = 60
CHIP = (120, 132)
LEFT_EYE = (30.0, 40.0)

_LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
# Coarse enough that noise does not tell the two halves of a face apart.
_LEVELS_TOGETHER = 16

Point = tuple[float, float]


def face_quality(pixels: Image.Image, face: Face) -> Quality:
    """Every measure of one face of an upright RGB image; InternalServerError when it came without landmarks or pose."""
    if face.landmarks is None or face.pose is None:
        raise InternalServerError("DetectFaces gave no landmarks or pose: the quality of the face is not known.")
    chip = straightened(pixels, face.landmarks)
    return measured({**_geometry(pixels.size, face.landmarks, face.pose), **_luminance(chip)})


def straightened(pixels: Image.Image, landmarks: Landmarks) -> Image.Image:
    """The face as a grey image of 120 x 132 pixels, the eyes level and 60 pixels apart; grey where the image ends."""
    left, right = _in_pixels(landmarks.left_eye, pixels.size), _in_pixels(landmarks.right_eye, pixels.size)
    apart = max(math.dist(left, right), 1.0)
    # Where a large face would be sampled with gaps, it is averaged down first.
    factor = max(1, int(apart / EYES_APART))
    reach = 3 * apart
    x, y = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
    area = (
        max(0, int(x - reach)),
        max(0, int(y - reach)),
        min(pixels.width, math.ceil(x + reach)),
        min(pixels.height, math.ceil(y + reach)),
    )
    if area[0] >= area[2] or area[1] >= area[3]:
        return Image.new("L", CHIP, 128)
    near = pixels.crop(area).convert("L")
    if factor > 1:
        near = near.reduce(factor)
    begin = ((left[0] - area[0]) / factor, (left[1] - area[1]) / factor)
    along = ((right[0] - left[0]) / factor / EYES_APART, (right[1] - left[1]) / factor / EYES_APART)
    # Pixel (u, v) of the chip is taken from begin + (u - LEFT_EYE.x) * along + (v - LEFT_EYE.y) * across.
    (ax, ay), (cx, cy), (u, v) = along, (-along[1], along[0]), LEFT_EYE
    affine = (ax, cx, begin[0] - ax * u - cx * v, ay, cy, begin[1] - ay * u - cy * v)
    return near.transform(CHIP, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC, fillcolor=128)


def _geometry(size: tuple[int, int], landmarks: Landmarks, pose: Pose) -> dict[str, float]:
    left, right = _in_pixels(landmarks.left_eye, size), _in_pixels(landmarks.right_eye, size)
    mouth = _middle(_in_pixels(landmarks.mouth_left, size), _in_pixels(landmarks.mouth_right, size))
    eyes = _middle(left, right)
    apart = math.dist(left, right) / max(math.cos(math.radians(pose.yaw)), 0.1)
    chin = max(CHIN * math.dist(eyes, mouth), 1.0)
    across = max(apart, 1.0)
    return {
        "inter_eye_distance": apart,
        "head_size": chin / size[1],
        "leftward_crop": min(left[0], right[0]) / across,
        "rightward_crop": (size[0] - max(left[0], right[0])) / across,
        "margin_above": eyes[1] / chin,
        "margin_below": (size[1] - eyes[1]) / chin,
        "head_pose_yaw": pose.yaw,
        "head_pose_pitch": pose.pitch,
        "head_pose_roll": pose.roll,
    }


def _luminance(chip: Image.Image) -> dict[str, float]:
    levels = chip.histogram()
    pixels = sum(levels)
    contrast = ImageStat.Stat(chip).stddev[0]
    # The filter leaves the outermost pixels as they were.
    detail = ImageStat.Stat(chip.filter(_LAPLACE).crop((1, 1, chip.width - 1, chip.height - 1))).stddev[0]
    mean = ImageStat.Stat(chip).mean[0] / 255
    half = chip.width // 2
    halves = [_coarse(chip.crop(box)) for box in ((0, 0, half, chip.height), (half, 0, chip.width, chip.height))]
    return {
        "luminance_mean": mean,
        "luminance_variance": (contrast / 255) ** 2,
        "under_exposure_prevention": sum(levels[:26]) / pixels,
        "over_exposure_prevention": sum(levels[247:]) / pixels,
        "dynamic_range": -sum(n / pixels * math.log2(n / pixels) for n in levels if n),
        "illumination_uniformity": sum(map(min, *halves)),
        "sharpness": detail / max(contrast, 4.0),
    }


def _coarse(half: Image.Image) -> list[float]:
    """Shares of a half's pixels in bands of luminance."""
    levels = half.histogram()
    together = range(0, 256, _LEVELS_TOGETHER)
    return [sum(levels[start : start + _LEVELS_TOGETHER]) / (half.width * half.height) for start in together]


def _in_pixels(point: Point, size: tuple[int, int]) -> Point:
    return point[0] * size[0], point[1] * size[1]


def _middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
