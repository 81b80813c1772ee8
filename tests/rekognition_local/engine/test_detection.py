"""Faces are found in any position and size; animals, textures and HOG's or MTCNN's lonely opinions are weighed."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from rekognition_local.engine.faces.detection import CascadeDetector, HogDetector
from rekognition_local.engine.faces.mtcnn import Candidates, Cascade, no_candidates, overlap, without_overlaps
from tests.rekognition_local.photographs import Picture, grace_hopper, sample


@pytest.fixture(scope="module")
def detector() -> CascadeDetector:
    return CascadeDetector(Cascade(), HogDetector())


@pytest.fixture(scope="module")
def hopper() -> Picture:
    return grace_hopper()


class FakeCascade:
    """Finds always the same faces; reads the same points in any box."""

    def __init__(self, *faces: tuple[float, float]) -> None:
        self._found = _candidates(*faces)

    def find(self, image: Picture, smallest: float, least_score: float) -> Candidates:
        padding = np.float32(max(0, (image.shape[0] - 200) / 2))
        return Candidates(self._found.boxes + padding, self._found.scores, self._found.points + padding)

    def read_points(self, image: Picture, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Candidates:
        return Candidates(boxes, scores, np.repeat(boxes[:, None, :2], 5, axis=1))


class FakeHog:
    """Has one opinion on every place, and finds given faces by itself."""

    def __init__(self, opinion: float, *found: float) -> None:
        self._opinion, self._found = opinion, found

    def find(self, image: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        boxes = np.tile(np.array([[10, 10, 60, 60]], np.float32), (len(self._found), 1))
        return boxes, np.array(self._found, np.float32)

    def score(self, image: Picture, box: NDArray[np.float32]) -> float:
        return self._opinion


def _candidates(*faces: tuple[float, float]) -> Candidates:
    """Faces of these scores and sides, best first."""
    if not faces:
        return no_candidates()
    boxes = np.array([(10, 10, 10 + side, 10 + side) for _, side in faces], np.float32)
    points = boxes[:, None, :2] + np.array([(10, 10), (30, 10), (20, 20), (12, 30), (28, 30)], np.float32)
    return Candidates(boxes, np.array([score for score, _ in faces], np.float32), points)


@pytest.mark.parametrize(
    ("faces", "opinion", "kept"),
    [
        pytest.param([(0.99, 40)], -1.0, [0.99], id="a certain face needs no second opinion"),
        pytest.param([(0.95, 40)], 0.4, [0.95], id="a likely face that HOG sees"),
        pytest.param([(0.95, 40)], -1.0, [], id="a likely face of which HOG sees nothing"),
        pytest.param([(0.99, 40), (0.95, 20)], -1.0, [0.99, 0.95], id="a likely face beside a certain one"),
        pytest.param([(0.75, 40)], 0.4, [0.85], id="a possible face that HOG confirms"),
        pytest.param([(0.75, 40)], -0.1, [], id="a possible face that HOG does not confirm"),
        pytest.param([(0.99, 80), (0.75, 20)], 1.0, [0.99], id="a possible face far smaller than another"),
    ],
)
def test_doubtful_faces_need_a_second_opinion(
    faces: list[tuple[float, float]], opinion: float, kept: list[float]
) -> None:
    detector = CascadeDetector(FakeCascade(*faces), FakeHog(opinion))

    found = detector.detect(np.zeros((200, 200, 3), np.uint8))

    assert found.scores.tolist() == pytest.approx(kept)


def test_a_face_that_only_hog_finds_counts_with_a_low_score() -> None:
    found = CascadeDetector(FakeCascade(), FakeHog(-1.0, 1.0)).detect(np.zeros((200, 200, 3), np.uint8))

    assert found.scores.tolist() == pytest.approx([0.85])
    assert found.boxes.tolist() == [[10, 10, 60, 60]]


def test_hogs_faint_hits_do_not_count() -> None:
    found = CascadeDetector(FakeCascade(), FakeHog(-1.0, 0.2)).detect(np.zeros((200, 200, 3), np.uint8))

    assert len(found) == 0


def test_a_face_on_its_head_that_only_hog_finds_is_no_face(detector: CascadeDetector, hopper: Picture) -> None:
    height, width = hopper.shape[:2]
    pair = np.hstack([hopper[::-1, ::-1], hopper])
    upright = detector.detect(hopper).boxes + np.array([width, 0, width, 0], np.float32)
    on_its_head = np.array([2 * width, height] * 2, np.float32) - upright[:, [2, 3, 0, 1]]

    found = Cascade().read_points(pair, np.concatenate([on_its_head, upright]), np.array([0.85, 0.85], np.float32))

    assert found.boxes.tolist() == upright.tolist()
    assert len(found.scores) == len(found.points) == 1


_BOXES = st.lists(
    st.tuples(*[st.floats(0, 100, width=32)] * 2, *[st.floats(1, 50, width=32)] * 2, st.floats(0, 1, width=32)),
    max_size=12,
)


@given(_BOXES, st.booleans())
def test_overlapping_boxes_leave_the_best_of_each_place(places: list[tuple[float, ...]], of_smaller: bool) -> None:
    values = np.array(places, np.float32).reshape(-1, 5)
    boxes, scores = np.hstack([values[:, :2], values[:, :2] + values[:, 2:4]]), values[:, 4]

    kept = without_overlaps(boxes, scores, 0.5, of_smaller=of_smaller)

    between = overlap(boxes, boxes[kept], of_smaller=of_smaller)
    assert sorted(scores[kept], reverse=True) == list(scores[kept])
    assert np.all((between[kept] <= 0.5) | np.eye(len(kept), dtype=bool))
    covered = (between > 0.5) & (scores[kept][None] >= scores[:, None])
    assert all(index in kept or covered[index].any() for index in range(len(boxes)))


@pytest.mark.slow
def test_a_portrait_has_one_face_with_its_five_points_in_order(detector: CascadeDetector) -> None:
    found = detector.detect(sample("astronaut"))

    left_eye, right_eye, nose, left_mouth, right_mouth = found.points[0]
    assert len(found) == 1
    assert found.scores[0] > 0.98
    assert overlap(found.boxes, np.array([[178, 62, 270, 176]], np.float32))[0, 0] > 0.6
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.slow
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_lying_on_its_side_or_head_gives_the_same_face(
    detector: CascadeDetector, hopper: Picture, turns: int
) -> None:
    upright = detector.detect(hopper)

    turned = detector.detect(np.ascontiguousarray(np.rot90(hopper, turns)))

    expected, width, height = upright.points[0], hopper.shape[1], hopper.shape[0]
    for _ in range(turns):  # a turn to the left puts what was at the right on top
        expected = np.stack([expected[:, 1], width - expected[:, 0]], axis=1)
        width, height = height, width
    reach = np.linalg.norm(upright.points[0][0] - upright.points[0][1])
    assert len(turned) == 1
    assert np.abs(turned.points[0] - expected).max() < 0.1 * reach


@pytest.mark.slow
def test_a_crop_without_any_background_still_has_its_face(detector: CascadeDetector, hopper: Picture) -> None:
    left, top, right, bottom = detector.detect(hopper).boxes[0].round().astype(int)

    found = detector.detect(np.ascontiguousarray(hopper[top:bottom, left:right]))

    assert len(found) == 1


@pytest.mark.slow
@pytest.mark.parametrize("side", [36, 60, 120], ids=lambda side: f"{side}px")
def test_a_small_portrait_on_a_large_page_is_found(detector: CascadeDetector, hopper: Picture, side: int) -> None:
    left, top, right, bottom = detector.detect(hopper).boxes[0].round().astype(int)
    portrait = hopper[top - 60 : bottom + 60, left - 60 : right + 60]
    scale = side / (bottom - top)
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    page = np.full((1000, 1500, 3), 235, np.uint8)
    page[300 : 300 + small.shape[0], 200 : 200 + small.shape[1]] = small

    found = detector.detect(page)

    wanted = np.array(
        [[200 + 60 * scale, 300 + 60 * scale, 200 + small.shape[1] - 60 * scale, 300 + small.shape[0] - 60 * scale]]
    )
    assert len(found) == 1
    assert overlap(found.boxes, wanted.astype(np.float32))[0, 0] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(partial(sample, "chelsea"), id="cat"),
        pytest.param(partial(sample, "brick"), id="bricks"),
        pytest.param(partial(sample, "coins"), id="coins"),
        pytest.param(partial(sample, "coffee"), id="coffee"),
        pytest.param(lambda: np.random.default_rng(5).integers(0, 256, (300, 400, 3), np.uint8), id="noise"),
        pytest.param(lambda: np.zeros((80, 80, 3), np.uint8), id="black"),
    ],
)
def test_what_is_no_face_is_none(detector: CascadeDetector, picture: Callable[[], Picture]) -> None:
    assert len(detector.detect(picture())) == 0


@pytest.mark.slow
def test_the_largest_picture_costs_no_more_than_a_small_one_many_times_over(detector: CascadeDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    huge = np.tile(noise, (64, 64, 1))
    before = time.process_time()

    detector.detect(huge)

    assert time.process_time() - before < 10


@pytest.mark.slow
def test_a_group_has_all_its_faces_and_none_more(detector: CascadeDetector, hopper: Picture) -> None:
    faces = cv2.resize(hopper, (256, 300), interpolation=cv2.INTER_AREA)
    group = np.hstack([faces, faces[:, ::-1], faces, faces[:, ::-1]])

    assert len(detector.detect(np.ascontiguousarray(group))) == 4


@pytest.mark.slow
def test_no_animal_or_landscape_of_the_development_images_is_a_face(detector: CascadeDetector, face_data: Path) -> None:
    found = {}
    for path in sorted((face_data / "hostile" / "no_face").iterdir()):
        with Image.open(path) as image:
            found[path.name] = len(detector.detect(np.array(image.convert("RGB"))))

    assert len(found) > 15
    assert [name for name, count in found.items() if count] == []
