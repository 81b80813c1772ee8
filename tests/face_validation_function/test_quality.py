"""A face's quality: each measure falls under the degradation that it is for, and the table is the contract's."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from face_validation.local.samples.questions import grace_hopper
from face_validation_function.exceptions.exceptions import InternalServerError
from face_validation_function.faces import BoundingBox, Face, Landmarks, Pose
from face_validation_function.quality.measures import SCALES, Measured, Quality, shortcomings
from face_validation_function.quality.pixels import CHIP, face_quality, straightened
from face_validation_function.reasons import MEANINGS, Reason

# Grace Hopper's photograph, 512 x 600 px: where its eyes, nose and mouth are.
POINTS = ((221.0, 191.9), (307.9, 187.4), (268.9, 236.7), (231.0, 276.9), (307.2, 274.7))
WIDTH, HEIGHT = 512, 600


def face(pose: Pose | None = None, scale: float = 1.0, shift: float = 0.0) -> Face:
    points = [(x / WIDTH * scale + shift, y / HEIGHT * scale) for x, y in POINTS]
    return Face(BoundingBox(0.35, 0.19, 0.35, 0.38), 99.9, Landmarks(*points), pose or Pose(0, 0, 0))


def blurred(image: Image.Image, strength: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1.5 * strength))


def darkened(image: Image.Image, strength: int) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.5**strength)


def brightened(image: Image.Image, strength: int) -> Image.Image:
    return image.point(lambda level: min(255, level + 40 * strength))


def shrunk(image: Image.Image, strength: int) -> Image.Image:
    return image.resize((WIDTH // (1 + strength), HEIGHT // (1 + strength)), Image.Resampling.BOX)


def flattened(image: Image.Image, strength: int) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(0.6**strength)


def lit_from_one_side(image: Image.Image, strength: int) -> Image.Image:
    """The light falls off across the face, to `1 - 0.22 * strength` of itself at its right."""
    left, right = POINTS[0][0] - 40, POINTS[1][0] + 40
    columns = [min(1.0, max(0.0, (x - left) / (right - left))) for x in range(WIDTH)]
    mask = Image.new("L", (WIDTH, 1))
    mask.putdata([round(255 * (1 - 0.22 * strength * column)) for column in columns])
    return Image.composite(image, Image.new("RGB", image.size), mask.resize(image.size))


@pytest.mark.parametrize(
    ("measure", "degrade"),
    [
        pytest.param("sharpness", blurred, id="blur"),
        pytest.param("luminance_mean", darkened, id="darkness"),
        pytest.param("under_exposure_prevention", darkened, id="blackness"),
        pytest.param("over_exposure_prevention", brightened, id="glare"),
        pytest.param("inter_eye_distance", shrunk, id="size"),
        pytest.param("dynamic_range", flattened, id="contrast"),
        pytest.param("illumination_uniformity", lit_from_one_side, id="one-sided-light"),
    ],
)
def test_a_measure_falls_the_more_the_face_is_degraded_by_what_it_is_for(
    measure: str, degrade: Callable[[Image.Image, int], Image.Image]
) -> None:
    photograph = grace_hopper()

    scores = [face_quality(degrade(photograph, strength), face())[measure].score for strength in range(5)]

    assert all(before >= after - 1e-9 for before, after in pairwise(scores)), scores
    assert scores[0] > scores[-1] + 0.05, scores


@given(st.floats(0, 90), st.floats(0, 90), st.sampled_from(["yaw", "pitch", "roll"]), st.booleans())
def test_the_more_a_head_is_turned_the_lower_its_score(one: float, other: float, axis: str, negative: bool) -> None:
    sign = -1 if negative else 1
    measure = f"head_pose_{axis}"
    little, much = sorted((one, other))
    turned = [Pose(**{"roll": 0.0, "yaw": 0.0, "pitch": 0.0, axis: sign * degrees}) for degrees in (little, much)]

    scores = [face_quality(Image.new("RGB", (80, 80)), face(pose))[measure].score for pose in turned]

    assert scores[0] >= scores[1]


def test_a_face_at_the_border_is_cut() -> None:
    measures = [face_quality(grace_hopper(), face(shift=shift)) for shift in (0.0, 0.25, 0.38)]

    scores = [quality["rightward_crop"].score for quality in measures]
    assert scores == sorted(scores, reverse=True)
    assert Reason.TARGET_FACE_CUT not in shortcomings(measures[0], "target")
    assert Reason.TARGET_FACE_CUT in shortcomings(measures[-1], "target")


@settings(max_examples=60)
@given(
    st.integers(80, 200),
    st.integers(80, 200),
    st.binary(min_size=48, max_size=48),
    st.lists(st.floats(-3, 4), min_size=10, max_size=10),
    st.tuples(st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180)),
)
def test_whatever_the_pixels_and_points_every_score_is_a_percentage(
    width: int, height: int, pixels: bytes, numbers: list[float], pose: tuple[float, float, float]
) -> None:
    image = Image.frombytes("RGB", (4, 4), pixels).resize((width, height))
    points = list(zip(numbers[::2], numbers[1::2], strict=True))

    quality = face_quality(image, Face(BoundingBox(0, 0, 1, 1), 99.0, Landmarks(*points), Pose(*pose)))

    assert set(quality) == set(SCALES)
    assert all(0 <= found.score <= 100 for found in quality.values())


def test_the_face_is_laid_straight_whatever_its_size_and_turn() -> None:
    upright = grace_hopper()
    turned = upright.rotate(30, Image.Resampling.BICUBIC, expand=False)
    centre = (WIDTH / 2, HEIGHT / 2)

    def moved(x: float, y: float) -> tuple[float, float]:
        # Image.rotate turns anticlockwise about the middle.
        dx, dy, cos, sin = x - centre[0], y - centre[1], 0.8660254, 0.5
        return (centre[0] + dx * cos + dy * sin) / WIDTH, (centre[1] - dx * sin + dy * cos) / HEIGHT

    straight = straightened(upright, Landmarks(*((x / WIDTH, y / HEIGHT) for x, y in POINTS)))
    again = straightened(turned, Landmarks(*(moved(x, y) for x, y in POINTS)))

    assert straight.size == again.size == CHIP
    difference = [abs(a - b) for a, b in zip(straight.tobytes(), again.tobytes(), strict=True)]
    assert sum(difference) / len(difference) < 4


def test_a_face_without_points_has_no_quality() -> None:
    with pytest.raises(InternalServerError, match="no landmarks"):
        face_quality(grace_hopper(), Face(BoundingBox(0, 0, 1, 1), 99.0))


def test_a_sound_photograph_has_no_shortcoming() -> None:
    assert shortcomings(face_quality(grace_hopper(), face()), "source") == []


def test_a_shortcoming_names_the_side_and_each_reason_once() -> None:
    quality: Quality = {
        "luminance_mean": Measured(0.05, 5.0),
        "under_exposure_prevention": Measured(0.99, 3.0),
        "sharpness": Measured(0.5, 99.0),
    }

    assert shortcomings(quality, "target") == [Reason.TARGET_FACE_DARK]
    assert shortcomings(quality, "source", {"sharpness": 99.5}) == [Reason.SOURCE_FACE_BLURRED]


@pytest.mark.parametrize("side", ["SOURCE", "TARGET"])
def test_every_shortcoming_of_the_table_is_a_reason_and_every_reason_has_one(side: str) -> None:
    kinds = {kind for scale in SCALES.values() for kind in (scale.shortcoming, scale.other) if kind}

    assert {f"{side}_FACE_{kind}" for kind in kinds} == {r for r in Reason if r.startswith(f"{side}_FACE_")}


def test_every_reason_has_a_meaning_and_a_limit_that_the_table_of_measures_has_too() -> None:
    assert set(MEANINGS) == set(Reason)
    for measure, scale in SCALES.items():
        said = MEANINGS[Reason(f"TARGET_FACE_{scale.shortcoming}")]
        if scale.limit:
            assert f"{scale.limit:g}" in said, measure
