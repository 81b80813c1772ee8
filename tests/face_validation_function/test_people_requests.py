"""What may be asked about people, and why something else is refused."""

import base64
from typing import Any

import pytest

from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.validations.body import parse_body, validated
from face_validation_function.validations.people_requests import (
    EnrolRequest,
    ListRequest,
    SearchRequest,
    UploadRequest,
    full_name_of,
)

PHOTO = base64.b64encode(b"\xff\xd8\xff and so on").decode()


def test_a_search_has_the_defaults_that_are_promised() -> None:
    asked = validated({"image_path": "a.jpg"}, SearchRequest)

    assert (asked.threshold, asked.max_faces, asked.photo) == (80, 5, b"")


def test_a_photo_may_come_in_the_body_of_a_search() -> None:
    assert validated({"image": PHOTO}, SearchRequest).photo == b"\xff\xd8\xff and so on"


@pytest.mark.parametrize("broken_by", ["\n", "\r\n", " "])
def test_base64_may_be_written_in_lines(broken_by: str) -> None:
    lines = broken_by.join([PHOTO[:10], PHOTO[10:], ""])

    assert validated({"image": lines}, SearchRequest).photo == b"\xff\xd8\xff and so on"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="neither"),
        pytest.param({"image": PHOTO, "image_path": "a.jpg"}, id="both"),
        pytest.param({"image": None, "image_path": None}, id="nulls"),
    ],
)
def test_a_search_has_one_photo(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"^send either image_path or image\.$"):
        validated(fields, SearchRequest)


@pytest.mark.parametrize("image", [PHOTO + "!", PHOTO.replace("/", "_"), PHOTO[:-1], ""])
def test_what_is_no_base64_is_refused_without_a_byte_of_the_image_in_the_answer(image: str) -> None:
    with pytest.raises(RequestError, match=r"^image: ") as refused:
        validated({"image": image}, SearchRequest)

    assert PHOTO[:8] not in str(refused.value)


@pytest.mark.parametrize("most", [0, 101, "5", True, 10**30])
def test_the_number_of_people_searched_for_is_a_whole_one_from_1_to_100(most: object) -> None:
    with pytest.raises(RequestError, match="max_faces"):
        validated({"image_path": "a.jpg", "max_faces": most}, SearchRequest)


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "a\nb", "\x00", "n" * 201, "Jos\ufffd"])
def test_what_is_no_name_enrols_nobody(name: str) -> None:
    with pytest.raises(RequestError, match="full_name"):
        validated({"image_path": "a.jpg", "full_name": name}, EnrolRequest)


def test_half_a_surrogate_pair_is_no_name() -> None:
    with pytest.raises(RequestError, match="full_name"):
        validated(parse_body('{"image_path": "a.jpg", "full_name": "\\ud800"}'), EnrolRequest)


def test_a_name_is_the_same_however_its_accents_were_typed() -> None:
    assert full_name_of(" Ana Garci\u0301a ") == full_name_of("Ana Garc\u00eda") == "Ana Garc\u00eda"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Ana  Garc\u00eda", id="two-spaces"),
        pytest.param("Ana\u00a0Garc\u00eda", id="no-break-space"),
        pytest.param("Ana\u2028Garc\u00eda", id="line-separator"),
        pytest.param("Ana Garci\u200b\u0301a", id="zero-width-space"),
        pytest.param("\u202eAna Garc\u00eda\u202c", id="written-backwards"),
        pytest.param("\ufeffAna Garc\u00eda", id="byte-order-mark"),
    ],
)
def test_names_that_look_the_same_are_the_same(name: str) -> None:
    assert full_name_of(name) == "Ana Garc\u00eda"


def test_the_joiners_of_persian_names_stay() -> None:
    assert full_name_of("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627") == "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"


def test_a_name_goes_with_the_faces_bucket_alone() -> None:
    with pytest.raises(RequestError, match="faces"):
        validated({"bucket": "source", "content_type": "image/png", "full_name": "Ana"}, UploadRequest)


@pytest.mark.parametrize("kind", ["image/gif", "image/jpeg; q=1", "IMAGE/JPEG", None])
def test_nothing_but_jpg_and_png_may_be_put(kind: str | None) -> None:
    with pytest.raises(RequestError, match="content_type"):
        validated({"bucket": "source", "content_type": kind}, UploadRequest)


def test_a_query_s_numbers_come_as_text() -> None:
    assert validated({"limit": "7"}, ListRequest).limit == 7


@pytest.mark.parametrize("limit", ["0", "101", "1e1", "", "five"])
def test_a_page_has_1_to_100_faces(limit: str) -> None:
    with pytest.raises(RequestError, match="limit"):
        validated({"limit": limit}, ListRequest)
