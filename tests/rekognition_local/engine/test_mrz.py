"""Machine readable zones: ICAO's own examples, every change of one character, and what recognition does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.documents.zones import ALPHABET, FILLER, LAYOUTS, Layout, Zone, check_digit, judged
from rekognition_local.engine.documents import mrz

# The examples of ICAO Doc 9303, parts 4 to 7, and the older French card's.
SPECIMENS = {
    "TD3": (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    "TD2": ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"),
    "TD1": ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"),
    "MRV-A": (
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
    ),
    "MRV-B": ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"),
    "FRANCE": ("IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6"),
}
OF_NAME = {layout.name: layout for layout in LAYOUTS}

every_specimen = pytest.mark.parametrize("name", SPECIMENS)


def value(character: str) -> int:
    return 0 if character == "<" else int(character, 36)


def checks(layout: Layout) -> list[tuple[list[int], int]]:
    """The places that each check digit counts, and the digit's own."""
    own = [(list(range(*layout.fields[name])), place) for name, place in layout.checks.items()]
    whole = [at for span in layout.covered for at in range(*span)]
    return own if layout.composite is None else [*own, (whole, layout.composite)]


def zone_of(name: str, *lines: str) -> Zone:
    return judged(OF_NAME[name], "".join(lines))


@every_specimen
def test_the_examples_are_read_with_all_check_digits_right(name: str) -> None:
    code = {"FRANCE": "ID"}.get(name, SPECIMENS[name][0][0])

    assert zone_of(name, *SPECIMENS[name]).is_valid
    assert mrz.find(SPECIMENS[name]) == mrz.MachineReadableZone(code, is_whole=True, is_valid=True)


@given(name=st.sampled_from(sorted(SPECIMENS)), new=st.sampled_from(ALPHABET + FILLER), chosen=st.data())
def test_a_changed_character_is_caught_unless_its_value_is_the_same_modulo_ten(
    name: str, new: str, chosen: st.DataObject
) -> None:
    zone, guarded = "".join(SPECIMENS[name]), checks(OF_NAME[name])
    covered = {at for places, _ in guarded for at in places} - {digit for _, digit in guarded}
    place = chosen.draw(st.sampled_from(sorted(covered)))

    changed = zone_of(name, zone[:place], new, zone[place + 1 :])

    assert changed.is_valid == ((value(new) - value(zone[place])) % 10 == 0)


@given(name=st.sampled_from(sorted(SPECIMENS)), new=st.sampled_from(ALPHABET + FILLER), chosen=st.data())
def test_a_changed_check_digit_is_always_caught(name: str, new: str, chosen: st.DataObject) -> None:
    zone = "".join(SPECIMENS[name])
    filled = [digit for places, digit in checks(OF_NAME[name]) if any(zone[at] != FILLER for at in places)]
    place = chosen.draw(st.sampled_from(filled))

    changed = zone_of(name, zone[:place], new, zone[place + 1 :])

    assert changed.is_valid == (new == zone[place])


def test_the_check_digit_of_an_empty_optional_field_may_be_a_filler() -> None:
    number, rest = "L898902C36UTO7408122F1204159", "<<<<<<<<<<<<<<"
    composite = check_digit("L898902C36" + "7408122" + "1204159" + rest + "<")

    assert zone_of("TD3", SPECIMENS["TD3"][0], f"{number}{rest}<{composite}").is_valid


def test_the_check_digit_of_an_expiry_that_is_not_known_may_be_a_filler() -> None:
    composite = check_digit("D231458907" + "7408122" + "<<<<<<<" + "<<<<<<<")

    zone = mrz.find([SPECIMENS["TD2"][0], f"D231458907UTO7408122F<<<<<<<<<<<<<<{composite}"])

    assert zone is not None
    assert zone.is_valid


def test_a_long_document_number_goes_on_in_the_optional_field() -> None:
    digit = check_digit("D23145890" + "734")
    first = f"I<UTOD23145890<734{digit}<<<<<<<<<<<"
    second = "7408122F1204159UTO<<<<<<<<<<<"
    composite = check_digit(first[5:] + second[0:7] + second[8:15] + second[18:29])

    assert zone_of("TD1", first, second + composite, SPECIMENS["TD1"][2]).is_valid


def test_a_card_may_begin_with_another_letter_but_v() -> None:
    first = SPECIMENS["TD2"][0]

    assert mrz.find(["B1USA" + first[5:], SPECIMENS["TD2"][1]]) == mrz.MachineReadableZone("BI", True, True)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="nothing"),
        pytest.param(["P<UTO", "L898902C3"], id="too-short"),
        pytest.param([SPECIMENS["TD3"][1]], id="the-second-line-alone"),
        pytest.param([SPECIMENS["TD3"][1], SPECIMENS["TD2"][1][:24]], id="lengths-of-two-formats"),
    ],
)
def test_other_lines_form_no_zone(lines: list[str]) -> None:
    assert mrz.find(lines) is None


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_is_searched_without_an_error(texts: list[str]) -> None:
    mrz.find(texts)


def test_fields_with_other_characters_have_no_check_digit() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        check_digit("AB-12")


@every_specimen
@given(more=st.integers(-3, 3))
def test_miscounted_fillers_are_forgiven(name: str, more: int) -> None:
    first = SPECIMENS[name][0]
    run = first[len(first.rstrip("<")) :]
    read = first.rstrip("<") + "<" * (len(run) + more)

    zone = mrz.find([read, *SPECIMENS[name][1:]])

    assert zone is not None
    assert zone.is_valid


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(["P<UT0ERIKSS0N<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"], id="zeros-in-names"),
        pytest.param(["P<UTOERIKSSON««ANNA<MARIA<<<<<<<<<<<<<<<<<<"], id="guillemets"),
        pytest.param(["P < UTO ERIKSSON<<ANNA<MARIA <<<<<<<<<<<<<<<<<<<"], id="spaces"),
    ],
)
def test_what_recognition_misreads_in_ocr_b_is_repaired(read: list[str]) -> None:
    zone = mrz.find([*read, "L898902C36UT074O8I22F12O4159ZE184226B<<<<<1O"])

    assert zone is not None
    assert (zone.code, zone.is_valid) == ("P", True)


def test_the_zone_is_found_between_other_lines() -> None:
    page = ["UTOPIA", "PASSPORT", "ERIKSSON", *SPECIMENS["TD3"], "printed by the office of passports"]

    zone = mrz.find(page)

    assert zone is not None
    assert zone.is_valid


def test_a_first_line_alone_tells_the_kind_but_proves_nothing() -> None:
    assert mrz.find([SPECIMENS["TD3"][0]]) == mrz.MachineReadableZone("P", is_whole=False, is_valid=False)


def test_an_empty_form_is_no_zone() -> None:
    assert mrz.find(["MRZ<LINE<1".ljust(44, "<"), "MRZ<LINE<2".ljust(44, "<")]) is None
