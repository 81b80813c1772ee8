"""Boxes and the face that an image is of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.comparison import Comparison
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Face, ImageAnalysis, most_prominent

ratios = st.floats(0.01, 0.99)
boxes = st.builds(BoundingBox, st.floats(-1, 2), st.floats(-1, 2), ratios, ratios)


@given(inner=boxes, outer=boxes)
def test_a_box_of_a_part_is_the_same_box_in_the_whole(inner: BoundingBox, outer: BoundingBox) -> None:
    back = inner.within(outer).relative_to(outer)

    assert (back.left, back.top, back.width, back.height) == pytest.approx(
        (inner.left, inner.top, inner.width, inner.height), abs=1e-9
    )


@given(box=boxes)
def test_the_whole_image_changes_no_box(box: BoundingBox) -> None:
    assert box.within(WHOLE_IMAGE) == box


@given(box=boxes)
def test_the_visible_area_is_never_more_than_the_box_or_the_image(box: BoundingBox) -> None:
    assert 0 <= box.visible_area <= min(1.0, box.width * box.height) + 1e-12


@pytest.mark.parametrize(
    ("box", "area"),
    [
        pytest.param(BoundingBox(-0.25, 0.0, 0.5, 0.5), 0.125, id="past-the-left"),
        pytest.param(BoundingBox(0.75, 0.0, 0.5, 0.5), 0.125, id="past-the-right"),
        pytest.param(BoundingBox(0.0, -0.25, 0.5, 0.5), 0.125, id="past-the-top"),
        pytest.param(BoundingBox(0.0, 0.75, 0.5, 0.5), 0.125, id="past-the-bottom"),
        pytest.param(BoundingBox(1.5, 1.5, 0.5, 0.5), 0.0, id="outside"),
    ],
)
def test_only_what_lies_in_the_image_is_visible(box: BoundingBox, area: float) -> None:
    assert box.visible_area == area


@pytest.mark.parametrize("central", [True, False])
def test_a_whole_face_goes_before_a_larger_one_that_the_border_cuts(central: bool) -> None:
    cut = Face(BoundingBox(-1.0, 0.4, 3.0, 0.2), 99.0)
    whole = Face(BoundingBox(0.3, 0.35, 0.4, 0.3), 99.0)

    assert cut.box.visible_area > whole.box.visible_area
    assert most_prominent([cut, whole], central=central) == 1


@pytest.mark.parametrize(("left", "top"), [(0.0, 0.36), (0.72, 0.36), (0.36, 0.0), (0.36, 0.72)])
def test_a_bystander_at_the_border_must_be_much_larger_to_be_the_subject(left: float, top: float) -> None:
    bystander = Face(BoundingBox(left, top, 0.28, 0.28), 99.0)
    subject = Face(BoundingBox(0.4, 0.4, 0.2, 0.2), 99.0)

    assert most_prominent([bystander, subject], central=True) == 1
    assert most_prominent([subject, bystander], central=False) == 1


@given(found=st.lists(boxes, min_size=1, max_size=8), central=st.booleans())
def test_one_of_the_faces_is_always_the_most_prominent(found: list[BoundingBox], central: bool) -> None:
    chosen = most_prominent([Face(box, 99.0) for box in found], central=central)

    assert 0 <= chosen < len(found)


middle = st.floats(0.3, 0.7)


@given(size=st.floats(0.05, 0.5), shrink=st.floats(0.1, 0.9), x=middle, y=middle, central=st.booleans())
def test_of_two_whole_faces_at_one_place_the_larger_is_the_most_prominent(
    size: float, shrink: float, x: float, y: float, central: bool
) -> None:
    def face(width: float) -> Face:
        return Face(BoundingBox(x - width / 2, y - width / 2, width, width), 99.0)

    assert most_prominent([face(size * shrink), face(size)], central=central) == 1


@pytest.mark.parametrize("similarity", [0.0, 79.999, 80.0, 100.0])
def test_a_threshold_of_0_matches_every_similarity(similarity: float) -> None:
    """(R) A threshold of 0 is legal."""
    side = ImageAnalysis(100, 100, (Face(WHOLE_IMAGE, 99.0),), 0)

    assert Comparison(similarity, 0.0, side, side).is_match
