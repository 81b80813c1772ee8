"""A face that is enrolled under another name: refused, marked or let in, and never with the other name told."""

import json
from typing import Any

import pytest

from face_validation_function.exceptions.exceptions import ConflictError
from face_validation_function.indexing_function import keep_dead_letter
from face_validation_function.reasons import Reason
from face_validation_function.rest_function import refused
from face_validation_function.settings import THRESHOLD_DUPLICATE, THRESHOLD_POSSIBLE_DUPLICATE
from tests.enrolled import ANA, EVA, House, colour_of
from tests.fakes import jpeg


def make_alike(house: House, one: str, other: str, similarity: float) -> None:
    house.rekognition.alike[frozenset({colour_of(jpeg(colour=one)), colour_of(jpeg(colour=other))})] = similarity


def test_a_certain_duplicate_is_refused_with_its_reason_and_leaves_nothing(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal")
    make_alike(house, "teal", "navy", THRESHOLD_DUPLICATE)
    house.put("eva.jpg", "navy")

    with pytest.raises(ConflictError) as error:
        house.enrol("eva.jpg", EVA)

    answer = refused(error.value, "5f0c0001-0000-4000-8000-00000000000a")
    assert answer["statusCode"] == 409
    assert json.loads(answer["body"])["error"]["reasons"] == [Reason.FACE_ENROLLED_UNDER_ANOTHER_NAME]
    assert ANA not in answer["body"]
    assert len(house.rows()) == 1
    assert house.rekognition.paid.count("IndexFaces") == 1


def test_whoever_allows_duplicates_enrols_it_and_it_is_marked(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal")

    enrolled = house.put_and_enrol("other.jpg", EVA, "teal", allow_duplicate=True)

    assert (enrolled.is_new, enrolled.face.possible_duplicate) == (True, True)
    assert sorted(house.names_found("teal")) == [ANA, EVA]
    assert house.enrol("other.jpg", EVA).face.possible_duplicate  # the same answer again


@pytest.mark.parametrize(
    ("similarity", "is_possible"),
    [(THRESHOLD_POSSIBLE_DUPLICATE, True), (THRESHOLD_POSSIBLE_DUPLICATE - 0.01, False)],
)
def test_a_possible_duplicate_is_enrolled_and_marked(house: House, similarity: float, is_possible: bool) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal")
    make_alike(house, "teal", "navy", similarity)

    enrolled = house.put_and_enrol("eva.jpg", EVA, "navy")

    assert (enrolled.is_new, enrolled.face.possible_duplicate) == (True, is_possible)


def test_more_photos_of_the_same_person_are_no_duplicates(house: House) -> None:
    house.put_and_enrol("one.jpg", ANA, "teal")
    make_alike(house, "teal", "navy", 99.9)

    assert not house.put_and_enrol("two.jpg", ANA, "navy").face.possible_duplicate


def test_another_name_is_found_behind_the_person_s_own_photos(house: House) -> None:
    house.put_and_enrol("one.jpg", ANA, "teal")
    house.put_and_enrol("eva.jpg", EVA, "olive")
    make_alike(house, "teal", "navy", 99.9)
    make_alike(house, "olive", "navy", 85)

    assert house.put_and_enrol("two.jpg", ANA, "navy").face.possible_duplicate


def test_the_very_same_photo_has_one_name_even_where_duplicates_are_allowed(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA)

    with pytest.raises(ConflictError, match="this very photo"):
        house.enrol("ana.jpg", EVA, allow_duplicate=True)

    assert house.names_found("teal") == [ANA]


def test_a_letter_about_a_refused_photo_has_the_reason(house: House) -> None:
    sent: list[Any] = []

    class Queue:
        def send_message(self, **asked: Any) -> None:
            sent.append(json.loads(asked["MessageBody"]))

    house.put_and_enrol("ana.jpg", ANA)
    house.put("index/eva.jpg", name="Eva")
    with pytest.raises(ConflictError) as error:
        house.enrol("index/eva.jpg")

    keep_dead_letter(Queue(), "queue", {"s3": {}}, error.value)

    (letter,) = sent
    assert (letter["error"], letter["reasons"]) == ("ConflictError", ["FACE_ENROLLED_UNDER_ANOTHER_NAME"])
