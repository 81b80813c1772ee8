"""Where a page is and whose portrait it bears, from given boxes of text: geometry alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.engine.documents.lines import TextBox, TextLine
from rekognition_local.engine.documents.page import Page, Rectangle

FACE = Rectangle(100, 150, 180, 250)
ROWS = ("UTOPIA", "IDENTITY CARD", "Surname", "NOVAK", "Nationality", "UTOPIAN", "01.01.2030")


def rows(left: float = 240, top: float = 100, height: float = 20) -> list[TextLine]:
    """Lines of text beside FACE, on a card of about 500 x 250 pixels."""
    boxes = [TextBox(left + 140, top + 30 * row, 280, height, 0) for row in range(len(ROWS))]
    return [TextLine(box, text, 0.99) for box, text in zip(boxes, ROWS, strict=True)]


def page(lines: list[TextLine], *faces: Rectangle) -> Page:
    return Page.of([line.box for line in lines], lines, faces)


def turned(point: tuple[float, float], degrees: float) -> tuple[float, float]:
    angle, (x, y) = math.radians(degrees), (point[0] - 300, point[1] - 200)
    return (300 + x * math.cos(angle) - y * math.sin(angle), 200 + x * math.sin(angle) + y * math.cos(angle))


def test_a_face_beside_the_text_is_its_portrait() -> None:
    assert page(rows(), FACE).portrait == FACE


@pytest.mark.parametrize(
    "face",
    [
        pytest.param(Rectangle(100, 100, 900, 1100), id="whoever-holds-the-card"),
        pytest.param(Rectangle(1500, 150, 1580, 250), id="somebody-far-away"),
        pytest.param(Rectangle(100, 150, 116, 170), id="smaller-than-letters"),
        pytest.param(Rectangle(190, 180, 220, 218), id="the-ghost-of-a-portrait"),
    ],
)
def test_other_faces_are_no_portraits(face: Rectangle) -> None:
    assert page(rows(), face).portrait is None
    assert page(rows(), face, FACE).portrait == FACE


def test_a_larger_face_above_a_card_that_is_held_up_is_not_its_portrait() -> None:
    holder = Rectangle(250, -220, 410, -10)

    assert page(rows(), holder, FACE).portrait == FACE


def test_a_larger_face_beside_a_card_that_is_held_up_is_not_its_portrait() -> None:
    holder = Rectangle(-180, 100, -20, 290)

    assert page(rows(), holder, FACE).portrait == FACE
    assert page(rows(), FACE).has_likely_portrait
    assert not page(rows(), holder).has_likely_portrait


def test_a_ghost_of_the_portrait_is_not_preferred() -> None:
    ghost = Rectangle(540, 200, 580, 250)

    assert page(rows(), ghost, FACE).portrait == FACE


def test_the_portrait_makes_the_card_more_certain() -> None:
    assert page(rows(), FACE).confidence > page(rows()).confidence


def test_the_extent_holds_the_text_and_the_portrait_with_a_margin() -> None:
    extent = page(rows(), FACE).extent()

    assert extent.left < FACE.left - 20
    assert extent.bottom > FACE.bottom + 20
    assert extent.right > 520
    assert extent.top < 90


def test_text_far_from_the_card_is_not_part_of_it() -> None:
    poster = TextLine(TextBox(2000, 1500, 400, 22, 0), "CONCERT TONIGHT", 0.99)

    extent = page([*rows(), poster], FACE).extent()

    assert extent.right < 900
    assert extent.bottom < 600


def test_the_extent_never_reaches_over_a_larger_face() -> None:
    holder = Rectangle(60, -70, 150, 45)
    poster = TextLine(TextBox(100, -90, 120, 20, 0), "CONCERT", 0.99)

    seen = page([*rows(), poster], FACE, holder)

    assert seen.portrait == FACE
    assert seen.extent().top > 60
    assert page([*rows(), poster], FACE).extent().top < -100


def test_illegible_boxes_are_texture_not_text() -> None:
    leaves = TextLine(TextBox(2000, 1500, 400, 22, 0), "zx", 0.2)

    seen = page([*rows(), leaves])

    assert len(seen.lines) == len(seen.boxes) == len(ROWS)
    assert seen.text_extent.right < 600


def test_nothing_legible_is_no_page() -> None:
    seen = page([TextLine(TextBox(10, 10, 40, 22, 0), "zx", 0.2)], FACE)

    assert (seen.lines, seen.boxes, seen.portrait, seen.confidence) == ((), (), None, 0.0)


@given(degrees=st.floats(-180, 180))
def test_the_extent_of_a_tilted_card_holds_its_corners(degrees: float) -> None:
    lines = [
        TextLine(TextBox(*turned((line.box.x, line.box.y), degrees), 280, 20, degrees), line.text, line.confidence)
        for line in rows()
    ]
    portrait = Rectangle.around(np.array([turned((float(x), float(y)), degrees) for x, y in FACE.corners]))

    extent = page(lines, portrait).extent()

    for corner in ((90, 90), (90, 260), (520, 90), (520, 290)):
        x, y = turned(corner, degrees)
        assert extent.left <= x <= extent.right
        assert extent.top <= y <= extent.bottom


@given(degrees=st.sampled_from([0, 90, 180, 270]))
def test_lines_are_ordered_from_the_top_of_the_page_whichever_way_it_lies(degrees: int) -> None:
    lines = [
        TextLine(TextBox(*turned((line.box.x, line.box.y), degrees), 280, 20, degrees), line.text, line.confidence)
        for line in rows()
    ]

    assert [line.text for line in page(lines[::-1]).lines] == list(ROWS)


def test_corners_of_a_box_start_where_reading_starts() -> None:
    box = TextBox(100, 50, 80, 20, 0)

    assert box.corners.tolist() == [[60, 40], [140, 40], [140, 60], [60, 60]]
    assert np.allclose(box.turned().corners, [[140, 60], [60, 60], [60, 40], [140, 40]])


@given(st.tuples(*[st.floats(-500, 1500)] * 4))
def test_a_clipped_rectangle_lies_inside(edges: tuple[float, float, float, float]) -> None:
    left, top, dx, dy = edges
    clipped = Rectangle(left, top, left + abs(dx), top + abs(dy)).clipped(Rectangle(0, 0, 640, 480))

    assert 0 <= clipped.left <= clipped.right <= 640
    assert 0 <= clipped.top <= clipped.bottom <= 480
