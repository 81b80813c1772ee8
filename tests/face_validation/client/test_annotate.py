"""The annotated picture: the right colours in the right places, on images of any size."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from face_validation.client import Box, Boxes, Document, Face, ImageAnalysis, ValidationResult
from face_validation.client.annotation import DOCUMENT, MATCH, NO_MATCH, OTHER_FACE, Colour, annotate, annotate_people
from face_validation.client.people import EverybodyResult, FoundFace

GREY = (128, 128, 128)
BOX = Box(0.25, 0.25, 0.5, 0.5)


def side(size: tuple[int, int], *faces: Box, compared: int = 0, document: Box | None = None) -> ImageAnalysis:
    found = tuple(Face(box, 99.0) for box in faces or (BOX,))
    return ImageAnalysis(*size, found, compared, None if document is None else Document("Passport", 90.0, document))


def answer(
    source: ImageAnalysis, target: ImageAnalysis, similarity: float = 95.0, threshold: float = 80.0
) -> ValidationResult:
    return ValidationResult("x", similarity >= threshold, similarity, threshold, Boxes(source, target))


def grey(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, GREY)


def has(picture: Image.Image, colour: Colour, part: tuple[int, int, int, int] | None = None) -> bool:
    pixels = np.asarray(picture.crop(part) if part else picture)
    return bool((pixels == colour).all(axis=-1).any())


def halves(picture: Image.Image) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """The left and the right image of the picture, without the words above them."""
    middle = picture.width // 2
    return (0, 120, middle, picture.height), (middle, 120, picture.width, picture.height)


def test_a_match_is_green_on_both_sides() -> None:
    picture = annotate(grey((300, 300)), grey((300, 300)), answer(side((300, 300)), side((300, 300))))

    for half in halves(picture):
        assert has(picture, MATCH, half)
    assert not has(picture, NO_MATCH)


def test_no_match_is_red_on_both_sides() -> None:
    picture = annotate(grey((300, 300)), grey((300, 300)), answer(side((300, 300)), side((300, 300)), similarity=79.9))

    for half in halves(picture):
        assert has(picture, NO_MATCH, half)
    assert not has(picture, MATCH)


def test_the_document_is_blue_and_other_faces_are_grey_where_they_are() -> None:
    source = side((300, 300), document=Box(0.05, 0.05, 0.9, 0.9))
    target = side((300, 300), Box(0.05, 0.05, 0.2, 0.2), Box(0.6, 0.6, 0.3, 0.3), compared=1)

    picture = annotate(grey((300, 300)), grey((300, 300)), answer(source, target))

    left, right = halves(picture)
    assert has(picture, DOCUMENT, left)
    assert not has(picture, DOCUMENT, right)
    assert not has(picture, OTHER_FACE, left)
    assert has(picture, OTHER_FACE, right)
    # The compared face is the one at the bottom right, not the first in the list.
    assert has(picture, MATCH, (right[0] + 300, 500, right[2], right[3]))
    assert not has(picture, MATCH, (right[0], 130, right[0] + 250, 350))


def test_the_ring_lies_around_the_face_and_leaves_it_visible() -> None:
    picture = annotate(grey((720, 720)), grey((720, 720)), answer(side((720, 720)), side((720, 720))))

    pixels = np.asarray(picture)
    top, left = 84 + 30 + 30 + 4, 24 + 4  # where the first image begins
    face = pixels[top + 186 : top + 534, left + 186 : left + 534]
    assert (face == GREY).all()
    rows, columns = (
        np.flatnonzero((pixels[:, : picture.width // 2] == MATCH).all(axis=-1).any(axis=k)) for k in (1, 0)
    )
    assert abs(int(rows.max()) - (top + 540)) <= 5
    assert abs(int(columns[columns > left + 170].max()) - (left + 540)) <= 5


def test_without_boxes_the_pictures_are_shown_as_they_are() -> None:
    picture = annotate(grey((300, 200)), grey((200, 300)), ValidationResult("x", True, 99.0))

    for half in halves(picture):
        assert not has(picture, MATCH, half)
        assert has(picture, GREY, half)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photograph_is_upright_and_its_size_is_the_upright_one(turn: int) -> None:
    stored = Image.new("RGB", (300, 200), "white")
    stored.paste("black", (0, 0, 150, 100))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    content = BytesIO()
    stored.save(content, "JPEG", exif=exif, quality=95)
    upright = (200, 300) if turn >= 5 else (300, 200)
    nowhere = Box(-1, -1, 0.1, 0.1)

    picture = annotate(content.getvalue(), content.getvalue(), answer(side(upright, nowhere), side(upright, nowhere)))

    left = picture.crop(halves(picture)[0])
    assert (left.width > left.height) == (turn < 5)
    rows, columns = np.nonzero(np.asarray(left.convert("L")) < 60)
    # Where the corner that was stored first is to be seen, by the EXIF standard.
    at_bottom, at_right = turn in {3, 4, 7, 8}, turn in {2, 3, 6, 7}
    assert (rows.mean() > _middle(left, axis=0)) == at_bottom
    assert (columns.mean() > _middle(left, axis=1)) == at_right


def _middle(image: Image.Image, axis: int) -> float:
    """The middle of what is not background."""
    content = np.asarray(image).astype(int)
    differs = (np.abs(content - (250, 250, 248)) > 2).any(axis=-1)
    places = np.nonzero(differs)[axis]
    return float(places.min() + places.max()) / 2


def test_a_file_its_bytes_and_the_open_image_give_one_picture(tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    grey((120, 160)).save(file)
    result = answer(side((120, 160)), side((120, 160)))

    pictures = [annotate(photo, photo, result) for photo in (file, str(file), file.read_bytes(), grey((120, 160)))]

    assert all(np.array_equal(np.asarray(picture), np.asarray(pictures[0])) for picture in pictures)


def test_an_image_that_is_open_is_left_as_it_is(tmp_path: Path) -> None:
    grey((3000, 2000)).save(tmp_path / "photo.jpg")

    with Image.open(tmp_path / "photo.jpg") as photo:
        annotate(photo, photo, answer(side((3000, 2000)), side((3000, 2000))))

        assert photo.size == (3000, 2000)


def test_another_picture_than_the_one_validated_is_refused() -> None:
    with pytest.raises(ValueError, match=r"target picture has 160 x 120 px.*120 x 160 px"):
        annotate(grey((120, 160)), grey((160, 120)), answer(side((120, 160)), side((120, 160))))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16"])
def test_every_kind_of_png_is_drawn_in_colour(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (120, 160)).save(tmp_path / "photo.png")

    picture = annotate(tmp_path / "photo.png", tmp_path / "photo.png", answer(side((120, 160)), side((120, 160))))

    assert picture.mode == "RGB"
    assert has(picture, MATCH, halves(picture)[1])


def test_a_cmyk_jpeg_is_drawn_in_colour(tmp_path: Path) -> None:
    Image.new("CMYK", (120, 160)).save(tmp_path / "photo.jpg")

    assert (
        annotate(tmp_path / "photo.jpg", tmp_path / "photo.jpg", answer(side((120, 160)), side((120, 160)))).mode
        == "RGB"
    )


@pytest.mark.parametrize(
    ("similarity", "threshold", "text"),
    [
        (99.5, 80, "99.50"),
        (79.9999, 80, "79.9999"),
        (80.0, 80, "80.00"),
        (0.0, 0, "0.00"),
        (79.99999999, 80, "79.99999999"),
        (98.996, 99, "98.996"),
    ],
)
def test_the_similarity_never_reads_as_if_it_lay_on_the_other_side(
    similarity: float, threshold: float, text: str
) -> None:
    result = ValidationResult("x", similarity >= threshold, similarity, threshold)

    assert result.similarity_text == text
    assert (float(result.similarity_text) >= threshold) == result.matched


pixels = st.integers(80, 4096)
ratios = st.floats(-1, 2)
boxes = st.builds(Box, ratios, ratios, ratios, ratios) | st.builds(Box, *[st.floats(-1e12, 1e12, allow_nan=False)] * 4)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(pixels, pixels, pixels, pixels),
    faces=st.lists(boxes, max_size=5),
    document=boxes | st.none(),
    compared=st.integers(-1, 6),
    similarity=st.floats(0, 100),
    threshold=st.floats(0, 100),
)
def test_any_size_and_any_box_give_a_picture_of_bounded_size(
    sizes: tuple[int, int, int, int],
    faces: list[Box],
    document: Box | None,
    compared: int,
    similarity: float,
    threshold: float,
) -> None:
    source, target = sizes[:2], sizes[2:]
    seen = tuple(Face(box, 90.0) for box in faces)
    paper = None if document is None else Document("Driving License", 90.0, document)
    result = answer(
        ImageAnalysis(*source, seen, compared, paper), ImageAnalysis(*target, seen, compared), similarity, threshold
    )

    picture = annotate(Image.new("L", source), Image.new("L", target), result)

    assert 912 <= picture.width <= 1528
    assert 170 <= picture.height <= 896


def test_everybody_named_is_green_and_who_was_not_found_is_grey() -> None:
    left, right = Box(0.05, 0.4, 0.2, 0.3), Box(0.7, 0.4, 0.2, 0.3)
    faces = (FoundFace(left, 99.0, True, (), "Ana García", 97.5), FoundFace(right, 99.0, False, ()))

    picture = annotate_people(grey((600, 400)), EverybodyResult("x", True, faces))

    for half, wanted, other in zip(halves(picture), (MATCH, OTHER_FACE), (OTHER_FACE, MATCH), strict=True):
        assert has(picture, wanted, half)
        assert not has(picture, other, half)
