"""The drawn documents carry machine readable zones as ICAO Doc 9303 has them."""

from datetime import date

import numpy as np
import pytest
from PIL import Image

from face_validation.local.samples.documents import Holder, drawn, zone_lines
from face_validation.local.samples.questions import IMAGES, SAMPLES, sample_jpeg
from face_validation_function.documents.zones import check_digit

# The specimen of ICAO Doc 9303, parts 4 to 6.
SPECIMEN = Holder(
    surname="Eriksson",
    given_names="Anna Maria",
    birth=date(1974, 8, 12),
    sex="F",
    number="L898902C3",
    issue=date(2002, 4, 15),
    expiry=date(2012, 4, 15),
    place="Zenith",
)


def test_a_passports_zone_is_icaos_own_specimen() -> None:
    assert zone_lines("TD3", SPECIMEN, "ZE184226B") == [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ]


def test_a_large_cards_zone_is_icaos_own_specimen() -> None:
    holder = Holder(**{name: getattr(SPECIMEN, name) for name in Holder.__slots__} | {"number": "D23145890"})

    assert zone_lines("TD2", holder) == ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"]


def test_a_small_cards_zone_is_icaos_own_specimen() -> None:
    holder = Holder(**{name: getattr(SPECIMEN, name) for name in Holder.__slots__} | {"number": "D23145890"})

    assert zone_lines("TD1", holder) == [
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ]


@pytest.mark.parametrize(("field", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("<" * 14, "0")])
def test_check_digits(field: str, digit: str) -> None:
    assert check_digit(field) == digit


def test_names_lose_accents_and_are_cut_to_the_line() -> None:
    holder = Holder("Müller Ñandú", "Zoë " * 12, date(2000, 1, 1), "X", "1", date(2020, 1, 1), date(2030, 1, 1), "")

    first, second = zone_lines("TD3", holder)

    assert first.startswith("P<UTOMULLER<NANDU<<ZOE<ZOE<")
    assert (len(first), len(second)) == (44, 44)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("passport", (1250, 880)),
        ("driving_licence", (856, 540)),
        ("identity_card", (856, 540)),
        ("large_identity_card", (1050, 740)),
    ],
)
def test_a_document_shows_the_photograph_in_its_frame(name: str, size: tuple[int, int]) -> None:
    photograph = Image.new("RGB", (300, 400), (200, 30, 30))

    document = drawn(name, photograph)

    red = np.all(np.asarray(document) == (200, 30, 30), axis=-1).mean()
    assert document.size == size
    assert 0.08 < red < 0.25


def test_every_sample_names_images_that_are_there_and_they_are_jpegs() -> None:
    used = {name for sample in SAMPLES for name in (sample.source, sample.target) if name is not None}

    assert used == set(IMAGES)
    assert all(sample_jpeg(name).startswith(b"\xff\xd8\xff") for name in used)
