"""Machine readable zones: fields, check digits, dates, names, claims; a misreading is noticed or proved."""

import random
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.documents.claims import Verdict, is_name_of, judged_claims
from face_validation_function.documents.document import DocumentReading, birth_date, expiry_date, read_document
from face_validation_function.documents.zones import check_digit
from face_validation_function.faces import BoundingBox, TextLine

TODAY = date(2026, 11, 27)
# The specimens of ICAO Doc 9303, and the older French card's.
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
VISA_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
VISA_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<")
FRANCE = ("IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6")


def lines(*texts: str, confidence: float = 99.0) -> list[TextLine]:
    return [
        TextLine(text, confidence, BoundingBox(0.05, 0.05 + 0.06 * row, 0.9, 0.04)) for row, text in enumerate(texts)
    ]


def read(*texts: str) -> DocumentReading:
    return read_document(lines(*texts), TODAY)


def values(document: DocumentReading) -> dict[str, str]:
    return {name: found.value for name, found in document.fields.items()}


@pytest.mark.parametrize(
    ("zone", "layout"),
    [(TD3, "TD3"), (TD2, "TD2"), (TD1, "TD1"), (VISA_A, "MRV-A"), (VISA_B, "MRV-B"), (FRANCE, "FRANCE")],
)
def test_every_format_is_read_with_all_its_check_digits_right(zone: tuple[str, ...], layout: str) -> None:
    document = read("REPUBLIC OF UTOPIA", *zone)

    assert document.format == layout
    assert not document.has_wrong_digit
    assert all(found.valid for name, found in document.fields.items() if name in {"document_number", "date_of_birth"})


def test_a_passports_fields_are_values() -> None:
    document = read(*TD3)

    assert values(document) == {
        "document_code": "P",
        "issuing_state": "UTO",
        "surname": "ERIKSSON",
        "given_names": "ANNA MARIA",
        "document_number": "L898902C3",
        "nationality": "UTO",
        "date_of_birth": "1974-08-12",
        "sex": "F",
        "expiry_date": "2012-04-15",
        "optional_data": "ZE184226B",
    }
    assert document.expired
    assert document.fields["surname"].valid is None


def test_the_french_card_has_no_expiry_and_its_names_apart() -> None:
    document = read(*FRANCE)

    assert values(document)["surname"] == "BERTHIER"
    assert values(document)["given_names"] == "CORINNE"
    assert values(document)["document_number"] == "880692310285"
    assert "expiry_date" not in document.fields
    assert document.expired is None


def test_given_names_that_two_fillers_part_are_values_with_one_space() -> None:
    document = read(FRANCE[0], FRANCE[1].replace("CORINNE<<<<<<<", "CORINNE<<MARIE"))

    assert values(document)["given_names"] == "CORINNE MARIE"


def test_a_long_number_goes_on_in_the_optional_data() -> None:
    number = "D23145890734"
    first = f"I<UTO{number[:9]}<{number[9:]}{check_digit(number)}".ljust(30, "<")
    second = "7408122F1204159UTO<<<<<<<<<<<"
    composite = check_digit(first[5:30] + second[:7] + second[8:15] + second[18:29])

    document = read(first, second + composite, TD1[2])

    assert (values(document)["document_number"], document.fields["document_number"].valid) == (number, True)


@pytest.mark.parametrize(
    ("misread", "name", "value"),
    [
        pytest.param(
            (TD3[0], TD3[1].replace("7408122", "74O8I22")), "date_of_birth", "1974-08-12", id="letters-in-a-date"
        ),
        pytest.param((TD3[0].replace("ERIKSSON", "ER1K5S0N"), TD3[1]), "surname", "ERIKSSON", id="digits-in-a-name"),
        pytest.param((TD3[0][:-4], TD3[1]), "given_names", "ANNA MARIA", id="fillers-lost"),
        pytest.param(
            (TD3[0], TD3[1].replace("89890", "8989O")), "document_number", "L898902C3", id="proved-by-the-digit"
        ),
    ],
)
def test_a_misreading_is_put_right_where_it_is_proved(misread: tuple[str, str], name: str, value: str) -> None:
    document = read(*misread)

    assert values(document)[name] == value
    assert not document.has_wrong_digit


def test_a_number_that_was_corrected_says_so() -> None:
    document = read(TD3[0], TD3[1].replace("89890", "8989O"))

    assert document.fields["document_number"].corrected
    assert not document.fields["date_of_birth"].corrected


def test_a_digit_is_never_taken_for_a_letter_to_make_a_check_digit_right() -> None:
    """8 -> 1 in the number, and I (18) for that 1, would be right again: the number would be false and valid."""
    document = read(TD3[0], TD3[1].replace("L898902C3", "L891902C3"))

    assert values(document)["document_number"] == "L891902C3"
    assert document.fields["document_number"].valid is False


def tampered(chance: random.Random) -> Iterator[tuple[tuple[str, ...], str]]:
    """Zones with one character of a protected field changed, and the field; not into what counts the same (0 and A)."""
    places = {
        TD3: {"document_number": (1, 0, 9), "date_of_birth": (1, 13, 19), "expiry_date": (1, 21, 27)},
        TD2: {"document_number": (1, 0, 9), "date_of_birth": (1, 13, 19), "expiry_date": (1, 21, 27)},
        TD1: {"document_number": (0, 5, 14), "date_of_birth": (1, 0, 6), "expiry_date": (1, 8, 14)},
        VISA_A: {"document_number": (1, 0, 9), "date_of_birth": (1, 13, 19)},
        FRANCE: {"document_number": (1, 0, 12), "date_of_birth": (1, 27, 33)},
    }
    while True:
        zone = chance.choice(list(places))
        name = chance.choice(list(places[zone]))
        row, start, stop = places[zone][name]
        at = chance.randrange(start, stop)
        old = zone[row][at]
        kinds = "0123456789" if old.isdecimal() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        new = chance.choice([c for c in kinds if (int(check_digit(c)) - int(check_digit(old))) % 10])
        changed = zone[row][:at] + new + zone[row][at + 1 :]
        yield (*zone[:row], changed, *zone[row + 1 :]), name


def test_five_hundred_tampered_zones_are_all_noticed() -> None:
    cases = tampered(random.Random(9303))

    for _ in range(500):
        zone, name = next(cases)
        document = read(*zone)
        noticed = not document.readable or document.fields[name].valid is False or document.fields[name].corrected
        assert noticed, (zone, name)


@given(st.lists(st.text(st.sampled_from("ABPIVO01<2<3<<9Z "), max_size=48), max_size=6))
def test_whatever_is_read_a_valid_field_has_a_right_check_digit(texts: list[str]) -> None:
    document = read(*texts)

    for name in ("date_of_birth", "expiry_date"):
        found = document.fields.get(name)
        if found is not None and found.valid:
            assert found.value


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param((), id="nothing"),
        pytest.param(("REPUBLIC OF UTOPIA", "PASSPORT"), id="print-alone"),
        pytest.param(("P<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", "<" * 44), id="a-form-not-filled-in"),
        pytest.param((TD3[0],), id="the-first-line-alone"),
    ],
)
def test_without_a_zone_nothing_is_readable(texts: tuple[str, ...]) -> None:
    assert not read(*texts).readable


@pytest.mark.parametrize(
    ("text", "born", "expires"),
    [
        ("740812", "1974-08-12", "2074-08-12"),
        ("261127", "2026-11-27", "2026-11-27"),
        ("261128", "1926-11-28", "2026-11-28"),
        ("340414", "1934-04-14", "2034-04-14"),
        ("85<<<<", "1985", "1985"),
        ("8512<<", "1985-12", "1985-12"),
        ("851301", None, None),
        ("990230", None, None),
        ("<<<<<<", None, None),
    ],
)
def test_a_birth_is_not_in_the_future_and_an_expiry_within_fifty_years(
    text: str, born: str | None, expires: str | None
) -> None:
    assert birth_date(text, TODAY) == born
    assert expiry_date(text, TODAY) == expires


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        pytest.param(("Passport No. L898902C3", "12 AUG/AOÛT 1974"), True, id="both"),
        pytest.param(("L898902C3",), True, id="number"),
        pytest.param(("12.08.74",), True, id="date"),
        pytest.param(("L898902C8",), False, id="another-number"),
        pytest.param(("13 AUG 1974", "16 APR 2002", "15 APR 2012"), False, id="another-birth"),
        pytest.param(("16 APR 2002", "15 APR 2012"), None, id="the-birth-was-not-read"),
        pytest.param(("UTOPIAN",), None, id="neither"),
    ],
)
def test_the_print_agrees_differs_or_was_not_read(printed: tuple[str, ...], agrees: bool | None) -> None:
    assert read(*printed, *TD3).mrz_matches_print is agrees


# The name as its bearer writes it, the zone's surname and given names, whether they are one.
NAMES = [
    # German
    ("Jürgen Müller", "MUELLER", "JUERGEN", True),
    ("Jürgen Müller", "MULLER", "JURGEN", True),
    ("Anna-Lena Groß", "GROSS", "ANNA LENA", True),
    ("Käthe Schröder", "SCHROEDER", "KAETHE", True),
    ("Jürgen Müller", "MILLER", "JUERGEN", False),
    # Spanish
    ("María José Núñez Peña", "NUNEZ PENA", "MARIA JOSE", True),
    ("Núñez Peña, María José", "NUNEZ PENA", "MARIA JOSE", True),
    ("Begoña Muñoz", "MUNXXOZ", "BEGONXXA", True),
    ("José de la Cruz", "DE LA CRUZ", "JOSE", True),
    ("María José Núñez", "NUNEZ PENA", "MARIA JOSE", False),
    # French
    ("Hélène D'Artagnan", "DARTAGNAN", "HELENE", True),
    ("Jean-Noël L\u2019Œuvre", "LOEUVRE", "JEAN NOEL", True),
    ("Zoë Lefèvre", "LEFEVRE", "ZOE", True),
    ("François Lefèvre", "LEFEVRE", "FRANCOISE", False),
    ("Aÿ Ça", "CA", "AY", True),
    # Polish
    ("Łukasz Żółkiewski", "ZOLKIEWSKI", "LUKASZ", True),
    ("Małgorzata Wiśniewska-Król", "WISNIEWSKA KROL", "MALGORZATA", True),
    ("Stanisław Wójcik", "WOJCIK", "STANISLAW", True),
    ("Grażyna Dąbrowska", "DABROWSKA", "GRAZYNA", True),
    ("Stanisław Wójcik", "WOJCIK", "STANISLAWA", False),
    # Turkish
    ("İsmail Yıldız", "YILDIZ", "ISMAIL", True),
    ("Gülşen Öztürk", "OEZTUERK", "GUELSEN", True),
    ("Gülşen Öztürk", "OZTURK", "GULSEN", True),
    ("Çağla Şahin", "SAHIN", "CAGLA", True),
    ("Işık Yılmaz", "YILMAZ", "ISK", False),
    # Danish, Norwegian, Icelandic
    ("Søren Ågård", "AAGAARD", "SOEREN", True),
    ("Bjørn Æbelø", "AEBELOE", "BJOERN", True),
    ("Þórður Guðmundsson", "GUDMUNDSSON", "THORDUR", True),
    ("Åse Ødegård", "ODEGARD", "ASE", True),
    ("Søren Ågård", "AAGAARD", "SVEN", False),
    # Russian, Ukrainian
    ("Юлия Щербакова", "SHCHERBAKOVA", "IULIIA", True),
    ("Сергей Хрущёв", "KHRUSHCHEV", "SERGEI", True),
    ("Олена Їжак", "IZHAK", "OLENA", True),
    ("Дмитрий Ильин", "ILIN", "DMITRII", True),
    ("Сергей Хрущёв", "KHRUSHCHEV", "ANDREI", False),
    # Vietnamese
    ("Nguyễn Thị Hồng", "NGUYEN", "THI HONG", True),
    ("Trần Đức Lương", "TRAN", "DUC LUONG", True),
    ("Phạm Văn Đồng", "PHAM", "VAN DONG", True),
    ("Lê Quý Đôn", "LE", "QUY DON", True),
    ("Nguyễn Thị Hồng", "NGUYEN", "THI HANH", False),
]


@pytest.mark.parametrize(("name", "surname", "given", "same"), NAMES)
def test_forty_names_in_eight_languages(name: str, surname: str, given: str, same: bool) -> None:
    assert len(NAMES) == 40
    assert is_name_of(name, surname, given, truncated=False) is same


def test_names_cut_off_at_the_end_of_their_field_match_by_what_is_there() -> None:
    whole = "Chayapa Dejthamrong Krasuang Nilavadhanananda"

    assert is_name_of(whole, "NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KR", truncated=True)
    assert not is_name_of(whole, "NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KR", truncated=False)
    assert not is_name_of("Someone Else", "NILAVADHANANANDA", "CHAYAPA", truncated=True)


@given(st.text(max_size=200), st.sampled_from(["A", "UEUEUEUE", "MARIA JOSE"]))
def test_no_name_takes_long_or_fails(name: str, zone: str) -> None:
    is_name_of(name, zone, zone, truncated=True)


@pytest.mark.parametrize(
    ("claim", "said", "verdict"),
    [
        ("document_number", "L898902C3", "match"),
        ("document_number", "l 898902-c3", "match"),
        ("document_number", "L898902C4", "mismatch"),
        ("date_of_birth", "1974-08-12", "match"),
        ("date_of_birth", "1974-12-08", "mismatch"),
        ("expiry_date", "2012-04-15", "match"),
        ("nationality", "uto", "match"),
        ("nationality", "DEU", "mismatch"),
        ("full_name", "Anna María Eriksson", "match"),
        ("full_name", "Anna Eriksson", "mismatch"),
    ],
)
def test_a_claim_is_right_or_wrong(claim: str, said: str, verdict: Verdict) -> None:
    assert judged_claims({claim: said}, read(*TD3)) == {claim: verdict}


def test_a_field_whose_check_digit_is_wrong_is_not_readable_and_so_is_a_document_without_a_zone() -> None:
    wrong = read(TD3[0], TD3[1].replace("7408122", "7408132"))

    assert judged_claims({"date_of_birth": "1974-08-13"}, wrong) == {"date_of_birth": "not_readable"}
    assert judged_claims({"full_name": "Anna"}, read()) == {"full_name": "not_readable"}


def test_what_was_read_is_not_in_the_readings_repr() -> None:
    assert "ERIKSSON" not in repr(read(*TD3))
