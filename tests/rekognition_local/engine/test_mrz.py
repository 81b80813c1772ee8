"""Machine readable zones: ICAO's own examples, every change of one character, and what recognition does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.engine.documents import mrz

# The examples of ICAO Doc 9303, parts 4 to 7.
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
}
LAYOUTS = {layout.name: layout for layout in mrz.LAYOUTS}

every_specimen = pytest.mark.parametrize("name", SPECIMENS)


def value(character: str) -> int:
    return 0 if character == "<" else int(character, 36)


def lines_of(zone: str, length: int) -> list[str]:
    return [zone[at : at + length] for at in range(0, len(zone), length)]


@every_specimen
def test_the_examples_of_icao_are_read_with_all_check_digits_right(name: str) -> None:
    zone = mrz.parse(SPECIMENS[name])

    assert zone is not None
    assert (zone.layout, zone.code) == (name, SPECIMENS[name][0][0])
    assert zone.is_valid
    assert mrz.find(SPECIMENS[name]) == zone


@given(name=st.sampled_from(sorted(SPECIMENS)), new=st.sampled_from(mrz.ALPHABET + mrz.FILLER), chosen=st.data())
def test_a_changed_character_is_caught_unless_its_value_is_the_same_modulo_ten(
    name: str, new: str, chosen: st.DataObject
) -> None:
    layout, zone = LAYOUTS[name], "".join(SPECIMENS[name])
    digits = {place for _, place in layout.checks}
    covered = {at for spans, _ in layout.checks for span in spans for at in range(*span)} - digits
    place = chosen.draw(st.sampled_from(sorted(covered)))

    changed = mrz.parse(lines_of(zone[:place] + new + zone[place + 1 :], layout.length))

    assert changed is not None
    assert changed.is_valid == ((value(new) - value(zone[place])) % 10 == 0)


@given(name=st.sampled_from(sorted(SPECIMENS)), new=st.sampled_from(mrz.ALPHABET + mrz.FILLER), chosen=st.data())
def test_a_changed_check_digit_is_always_caught(name: str, new: str, chosen: st.DataObject) -> None:
    layout, zone = LAYOUTS[name], "".join(SPECIMENS[name])
    filled = [place for spans, place in layout.checks if any(zone[slice(*span)].strip("<") for span in spans)]
    place = chosen.draw(st.sampled_from(filled))

    changed = mrz.parse(lines_of(zone[:place] + new + zone[place + 1 :], layout.length))

    assert changed is not None
    assert changed.is_valid == (new == zone[place])


def test_the_check_digit_of_an_empty_optional_field_may_be_a_filler() -> None:
    number, rest = "L898902C36UTO7408122F1204159", "<<<<<<<<<<<<<<"
    composite = mrz.check_digit("L898902C36" + "7408122" + "1204159" + rest + "<")

    zone = mrz.parse([SPECIMENS["TD3"][0], f"{number}{rest}<{composite}"])

    assert zone is not None
    assert zone.is_valid


def test_a_long_document_number_goes_on_in_the_optional_field() -> None:
    digit = mrz.check_digit("D23145890" + "734")
    first = f"I<UTOD23145890<734{digit}<<<<<<<<<<<"
    second = "7408122F1204159UTO<<<<<<<<<<<"
    composite = mrz.check_digit(first[5:] + second[0:7] + second[8:15] + second[18:29])

    zone = mrz.parse([first, second + composite, SPECIMENS["TD1"][2]])

    assert zone is not None
    assert zone.is_valid


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="nothing"),
        pytest.param(["P<UTO", "L898902C3"], id="too-short"),
        pytest.param([SPECIMENS["TD3"][0]], id="one-line"),
        pytest.param([SPECIMENS["TD3"][0].replace("E", "É", 1), SPECIMENS["TD3"][1]], id="foreign-letter"),
    ],
)
def test_other_lines_form_no_zone(lines: list[str]) -> None:
    assert mrz.parse(lines) is None


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_is_searched_without_an_error(texts: list[str]) -> None:
    mrz.find(texts)


def test_fields_with_other_characters_have_no_check_digit() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        mrz.check_digit("AB-12")


@every_specimen
@given(more=st.integers(-3, 3))
def test_miscounted_fillers_are_forgiven(name: str, more: int) -> None:
    first = SPECIMENS[name][0]
    run = first[len(first.rstrip("<")) :]
    read = first.rstrip("<") + "<" * (len(run) + more)

    zone = mrz.find([read, *SPECIMENS[name][1:]])

    assert zone is not None
    assert (zone.layout, zone.is_valid) == (name, True)


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
    assert (zone.layout, zone.code, zone.is_valid) == ("TD3", "P", True)


def test_the_zone_is_found_between_other_lines() -> None:
    page = ["UTOPIA", "PASSPORT", "ERIKSSON", *SPECIMENS["TD3"], "printed by the office of passports"]

    zone = mrz.find(page)

    assert zone is not None
    assert zone.is_valid


def test_a_first_line_alone_tells_the_kind_but_proves_nothing() -> None:
    zone = mrz.find([SPECIMENS["TD3"][0]])

    assert zone == mrz.MachineReadableZone("TD3", "P")
    assert not zone.is_valid


def test_an_empty_form_is_no_zone() -> None:
    assert mrz.find(["MRZ<LINE<1".ljust(44, "<"), "MRZ<LINE<2".ljust(44, "<")]) is None
