"""The A/B benchmark changes what the pipeline really reads, and puts it back."""

import io

import pytest
from PIL import Image

from benchmarks.pipeline_ab import VARIANTS, Variant, changed, cut_to_at_least
from face_validation_function.services import face_steps
from face_validation_function.utils.image_processing import encoded, open_upright


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_changes_what_is_there_and_puts_it_back(variant: Variant) -> None:
    before = [getattr(owner, name) for owner, name, _ in variant.changes]

    with changed(variant.changes):
        within = [getattr(owner, name) for owner, name, _ in variant.changes]

    assert within == [value for _, _, value in variant.changes]
    assert within != before or not variant.changes
    assert [getattr(owner, name) for owner, name, _ in variant.changes] == before


def test_the_margin_is_read_by_the_steps() -> None:
    assert "FACE_MARGIN" in face_steps.FaceSteps._prepared.__code__.co_names


@pytest.mark.parametrize(("area", "size"), [((0, 0, 40, 50), (160, 200)), ((0, 0, 200, 300), (200, 300))])
def test_small_crops_are_scaled_up_and_large_ones_are_not(
    area: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    image = open_upright(encoded(Image.new("RGB", (400, 400), "grey")))

    crop = cut_to_at_least(160)(image, area)

    assert Image.open(io.BytesIO(crop)).size == size
