"""Faces are found in any position and size; what one network finds, another must confirm."""

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

from rekognition_local.engine.faces.detection import Confirmation, Confirmed, ConfirmedDetector
from rekognition_local.engine.faces.pyramid import Floats, Pyramid
from rekognition_local.engine.faces.yunet import Candidates, YuNet, without_overlaps
from tests.rekognition_local.photographs import Picture, grace_hopper, sample

UPRIGHT = np.array([(10, 10), (30, 10), (20, 20), (12, 30), (28, 30)], np.float32)


@pytest.fixture(scope="module")
def detector() -> ConfirmedDetector:
    return ConfirmedDetector()


@pytest.fixture(scope="module")
def hopper() -> Picture:
    return grace_hopper()


class FakeFinder(YuNet):
    """Finds one face in every image, or only in the search of that number (0 is the first), and counts the searches."""

    def __init__(self, *scores: float) -> None:
        self._scores = scores
        self.sides: list[int] = []

    def find(self, pyramid: Pyramid, side: int, least_score: float, *, enlarge: bool = False) -> Candidates:
        score = self._scores[min(len(self.sides), len(self._scores) - 1)]
        self.sides.append(side)
        found = np.full(int(score >= least_score), score, np.float32)
        box = np.array([[10, 20, 90, 120]], np.float32)
        return Candidates(np.repeat(box, len(found), 0), found, np.repeat(UPRIGHT[None], len(found), 0))


class FakeJudge(Confirmation):
    """Scores every candidate alike; `head_gain` is how much better it would look on its head."""

    def __init__(self, score: float, head_gain: float = -1.0, points: Floats = UPRIGHT) -> None:
        self._score, self._head_gain, self._points = score, head_gain, points

    def confirm(self, pyramid: Pyramid, found: Candidates, least_score: float) -> Confirmed:
        kept = found[slice(None) if self._score >= least_score else slice(0)]
        scores, gains = (np.full(len(kept), value, np.float32) for value in (self._score, self._head_gain))
        return Confirmed(kept.boxes, scores, np.repeat(self._points[None], len(kept), 0), kept.scores, gains)


def overlap(boxes: Floats, others: Floats) -> NDArray[np.float64]:
    """Intersection over union of every box (n, 4) with every other (m, 4) -> (n, m)."""
    boxes, others = boxes.astype(np.float64), others.astype(np.float64)
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(opposite - corner, 0), axis=2)
    area, other_area = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0), axis=1) for b in (boxes, others))
    return np.asarray(common / np.maximum(area[:, None] + other_area[None] - common, 1e-12), np.float64)


IMAGE = np.zeros((200, 300, 3), np.uint8)
LARGE = np.zeros((900, 1200, 3), np.uint8)


def test_a_face_that_both_networks_see_is_found_in_one_search() -> None:
    finder = FakeFinder(0.9)

    found = ConfirmedDetector(finder, FakeJudge(0.99)).detect(IMAGE)

    assert found.boxes.tolist() == [[10, 20, 90, 120]]
    assert found.scores.tolist() == pytest.approx([0.99])
    assert finder.sides == [640]


def test_what_the_second_network_does_not_confirm_is_no_face() -> None:
    assert len(ConfirmedDetector(FakeFinder(0.9), FakeJudge(0.3)).detect(LARGE)) == 0


def test_where_nothing_is_found_a_border_is_put_around_the_image_first() -> None:
    finder = FakeFinder(0.0, 0.9)

    found = ConfirmedDetector(finder, FakeJudge(0.99)).detect(IMAGE)

    assert found.boxes.tolist() == [[10 - 75, 20 - 75, 90 - 75, 120 - 75]]
    assert finder.sides == [640, 640]


def test_a_large_image_without_a_face_is_looked_at_more_closely() -> None:
    finder = FakeFinder(0.0, 0.0, 0.9)

    found = ConfirmedDetector(finder, FakeJudge(0.99)).detect(LARGE)

    assert len(found) == 1
    assert finder.sides == [640, 640, 1280]


def test_later_searches_ask_for_more_certainty() -> None:
    first, later = FakeFinder(0.9), FakeFinder(0.0, 0.9)

    assert len(ConfirmedDetector(first, FakeJudge(0.6)).detect(IMAGE)) == 1
    assert len(ConfirmedDetector(later, FakeJudge(0.6)).detect(IMAGE)) == 0


@pytest.mark.parametrize(
    ("score", "head_gain", "lean", "searches"),
    [
        pytest.param(0.9, -1.0, 0, 1, id="no doubt"),
        pytest.param(0.8, -1.0, 0, 4, id="a faint find"),
        pytest.param(0.9, 0.0, 0, 4, id="as good on its head"),
        pytest.param(0.9, -1.0, 60, 4, id="leaning far over"),
    ],
)
def test_the_image_is_turned_only_in_doubt(score: float, head_gain: float, lean: float, searches: int) -> None:
    angle = np.radians(lean)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    finder = FakeFinder(score, 0.0)

    ConfirmedDetector(finder, FakeJudge(0.99, head_gain, (UPRIGHT @ turn).astype(np.float32))).detect(IMAGE)

    assert len(finder.sides) == searches


@pytest.mark.parametrize(
    ("scores", "is_turned"),
    [
        pytest.param((0.8, 0.0, 0.95, 0.0), True, id="one turn is better"),
        pytest.param((0.85, 0.0, 0.865, 0.0), False, id="hardly better"),
        pytest.param((0.6, 0.0, 0.8, 0.0), False, id="too faint for a turn"),
    ],
)
def test_another_turn_must_show_the_face_clearly_better(scores: tuple[float, ...], is_turned: bool) -> None:
    found = ConfirmedDetector(FakeFinder(*scores), FakeJudge(0.99)).detect(IMAGE)

    upside_down = [300 - 90, 200 - 120, 300 - 10, 200 - 20]
    assert found.boxes.tolist() == [upside_down if is_turned else [10, 20, 90, 120]]


class GroupFinder(FakeFinder):
    """The closer search finds the first face again, a little beside, and another one."""

    def find(self, pyramid: Pyramid, side: int, least_score: float, *, enlarge: bool = False) -> Candidates:
        first = super().find(pyramid, side, least_score)
        if len(self.sides) == 1:
            return first
        boxes = np.concatenate([first.boxes + np.float32(9), first.boxes + np.float32(400)])
        return Candidates(boxes, np.repeat(first.scores, 2), np.repeat(first.points, 2, 0))


def test_where_all_faces_are_small_a_closer_search_adds_those_that_it_alone_finds() -> None:
    finder = GroupFinder(0.9)

    found = ConfirmedDetector(finder, FakeJudge(0.99)).detect(LARGE)

    assert found.boxes.tolist() == [[10, 20, 90, 120], [410, 420, 490, 520]]
    assert finder.sides == [640, 1280]


def test_a_closer_search_asks_for_more_certainty() -> None:
    assert len(ConfirmedDetector(GroupFinder(0.9), FakeJudge(0.6)).detect(LARGE)) == 1


def test_small_faces_that_lean_are_found_in_a_group(detector: ConfirmedDetector, hopper: Picture) -> None:
    face = detector.detect(hopper).boxes[0]
    middle = ((face[0] + face[2]) / 2, (face[1] + face[3]) / 2)
    group = np.full((894, 902, 3), 128, np.uint8)
    places = [(x, y) for y in (150, 450, 750) for x in (150, 450, 750)]
    for (x, y), lean in zip(places, (0, 35, -40, 38, -35, 0, -38, 40, 36), strict=True):
        placed = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), lean, 52 / float(face[3] - face[1]))
        placed[:, 2] += np.array([x, y]) - middle
        there = cv2.warpAffine(np.full_like(hopper, 255), placed, (902, 894)) == 255
        group = np.where(there, cv2.warpAffine(hopper, placed, (902, 894)), group)

    found = detector.detect(group.astype(np.uint8))

    wanted = np.array([(x - 26, y - 26, x + 26, y + 26) for x, y in places], np.float32)
    assert (overlap(wanted, found.boxes).max(axis=1) > 0.3).sum() >= 8
    assert len(found) <= 10


@given(st.integers(1, 3), st.integers(80, 400), st.integers(80, 400))
def test_places_are_turned_back_with_their_image(turns: int, width: int, height: int) -> None:
    boxes = np.array([[10, 20, 50, 70]], np.float32)
    there = Candidates(boxes, np.ones(1, np.float32), UPRIGHT[None])
    marked = np.zeros((height, width), np.uint8)
    marked[20:70, 10:50] = 1

    rows, columns = np.nonzero(np.rot90(marked, turns))
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)

    assert Candidates(seen, there.scores, there.points).turned_back(turns, width, height).boxes.tolist() == [
        [10, 20, 50, 70]
    ]


@pytest.mark.slow
def test_a_face_on_its_head_is_not_confirmed(detector: ConfirmedDetector, hopper: Picture) -> None:
    height, width = hopper.shape[:2]
    pair = np.ascontiguousarray(np.hstack([hopper[::-1, ::-1], hopper]))
    upright = detector.detect(hopper).boxes + np.array([width, 0, width, 0], np.float32)
    on_its_head = np.array([2 * width, height] * 2, np.float32) - upright[:, [2, 3, 0, 1]]
    places = np.concatenate([on_its_head, upright])
    candidates = Candidates(places, np.array([0.9, 0.8], np.float32), np.zeros((2, 5, 2), np.float32))

    found = Confirmation().confirm(Pyramid(pair), candidates, 0.0)

    assert found.detector_scores.tolist() == pytest.approx([0.8])
    assert overlap(found.boxes, upright)[0, 0] > 0.7
    assert found.head_gains[0] < 0


_BOXES = st.lists(
    st.tuples(*[st.floats(0, 100, width=32)] * 2, *[st.floats(1, 50, width=32)] * 2, st.floats(2.0**-10, 1, width=32)),
    max_size=12,
)


@given(_BOXES)
def test_overlapping_boxes_leave_the_best_of_each_place(places: list[tuple[float, ...]]) -> None:
    values = np.array(places, np.float32).reshape(-1, 5)
    boxes, scores = np.hstack([values[:, :2], values[:, :2] + values[:, 2:4]]), values[:, 4].copy()

    kept = without_overlaps(boxes, scores, 0.5, 12)

    between = overlap(boxes, boxes[kept])
    assert sorted(scores[kept], reverse=True) == list(scores[kept])
    assert np.all((between[kept] <= 0.5 + 1e-6) | np.eye(len(kept), dtype=bool))
    covered = (between > 0.5 - 1e-6) & (scores[kept][None] >= scores[:, None])
    assert all(index in kept or covered[index].any() for index in range(len(boxes)))


def test_of_too_many_boxes_the_best_are_kept() -> None:
    boxes = np.array([(at, 0, at + 10, 10) for at in range(0, 100, 20)], np.float32)

    assert without_overlaps(boxes, np.array([0.5, 0.9, 0.7, 0.8, 0.6], np.float32), 0.4, 3).tolist() == [1, 3, 2]


@pytest.mark.slow
def test_a_portrait_has_one_face_with_its_five_points_in_order(detector: ConfirmedDetector) -> None:
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
    detector: ConfirmedDetector, hopper: Picture, turns: int
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
def test_a_crop_without_any_background_still_has_its_face(detector: ConfirmedDetector, hopper: Picture) -> None:
    left, top, right, bottom = detector.detect(hopper).boxes[0].round().astype(int)

    found = detector.detect(np.ascontiguousarray(hopper[top:bottom, left:right]))

    assert len(found) == 1


@pytest.mark.slow
@pytest.mark.parametrize("side", [36, 60, 120], ids=lambda side: f"{side}px")
def test_a_small_portrait_on_a_large_page_is_found(detector: ConfirmedDetector, hopper: Picture, side: int) -> None:
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
def test_what_is_no_face_is_none(detector: ConfirmedDetector, picture: Callable[[], Picture]) -> None:
    assert len(detector.detect(picture())) == 0


@pytest.mark.slow
def test_the_largest_picture_costs_no_more_than_a_small_one_many_times_over(detector: ConfirmedDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    huge = np.tile(noise, (64, 64, 1))
    before = time.process_time()

    detector.detect(huge)

    assert time.process_time() - before < 10


@pytest.mark.slow
def test_a_group_has_all_its_faces_and_none_more(detector: ConfirmedDetector, hopper: Picture) -> None:
    faces = cv2.resize(hopper, (256, 300), interpolation=cv2.INTER_AREA)
    group = np.hstack([faces, faces[:, ::-1], faces, faces[:, ::-1]])

    assert len(detector.detect(np.ascontiguousarray(group))) == 4


@pytest.mark.slow
def test_no_animal_or_landscape_of_the_development_images_is_a_face(
    detector: ConfirmedDetector, face_data: Path
) -> None:
    found = {}
    for path in sorted((face_data / "hostile" / "no_face").iterdir()):
        with Image.open(path) as image:
            found[path.name] = len(detector.detect(np.array(image.convert("RGB"))))

    assert len(found) > 15
    assert [name for name, count in found.items() if count] == []
