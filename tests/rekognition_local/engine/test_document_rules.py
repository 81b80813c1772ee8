"""What given lines of text are taken for: no model is needed to check the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.engine.documents.rules import contains, folded, judge

COUNTED = 55.0  # the service's default: a label counts above it

PASSPORT_ZONE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
VISA_ZONE = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
CARD_ZONE = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
FIELDS = ("Surname", "ERIKSSON", "Given names", "ANNA", "Date of birth", "12.08.1974", "Date of expiry", "15.04.2034")

PASSPORTS = {
    "titles-and-fields": ("UTOPIA", "PASSPORT", "PASSEPORT", *FIELDS),
    "polish": ("RZECZPOSPOLITA", "PASZPORT", "Nazwisko", "NOWAK", "Data urodzenia", "01.01.1980"),
    "german": ("UTOPIEN", "REISEPASS", "Name", "MUSTERMANN", "Geburtsdatum", "12.08.1964"),
    "icelandic": ("VEGABRÉF", "PASSPORT", "UTOPIA"),
    "greek": ("ΔΙΑΒΑΤΗΡΙΟ", "PASSPORT", *FIELDS),
    "chinese": ("护照", "PASSPORT", *FIELDS),
    "misread-title": ("UTOPIA", "PASSP0RT", "PASSEP0RT", *FIELDS),
    "zone-only": ("UTOPIA", *PASSPORT_ZONE),
    "zone-and-identity-number": ("Identity No.", "123", *FIELDS, *PASSPORT_ZONE),
    "unfilled-zone": ("PASSPORT", *FIELDS, "MRZ<LINE<1".ljust(44, "<"), "MRZ<LINE<2".ljust(44, "<")),
    "illegible-zone": ("AUSTRALIA", "Date of birth", "01.01.1980", "C1T1ZEN<<J0HN" + 31 * "<"),
    "passport-card": ("UTOPIA", "PASSPORT CARD", "Passport Card no.", *FIELDS),
}
CARDS = {
    "spanish-dni": ("REINO DE UTOPÍA", "DOCUMENTO NACIONAL DE IDENTIDAD", "APELLIDOS", "GARCÍA", "01 01 1980"),
    "spanish-dni-broken-title": ("DOCUMENTO NACIONAL", "DE IDENTIDAD", "APELLIDOS", "GARCÍA", "SEXO", "F"),
    "italian": ("CARTA DI IDENTITÀ / IDENTITY CARD", "COGNOME", "ROSSI", "NASCITA", "01.01.1980"),
    "french": ("CARTE NATIONALE D'IDENTITÉ N°: 1234", "Nom: MARTIN", "Sexe: F"),
    "german": ("PERSONALAUSWEIS", "Staatsangehörigkeit", "Geburtsdatum", "12.08.1964"),
    "polish": ("DOWÓD OSOBISTY", "NAZWISKO", "NOWAK", "PŁEĆ", "K"),
    "turkish": ("ÜTOPYA CUMHURİYETİ KİMLİK KARTI", "Soyad\u0131/Surname", "YILMAZ", "Doğum Tarihi"),
    "colombian": ("CÉDULA DE CIUDADANÍA", "APELLIDOS", "GÓMEZ", "NOMBRES", "ANA"),
    "residence-permit": ("TITRE DE SÉJOUR", "NOM", "DIALLO", "NATIONALITÉ", "SEN"),
    "american-green-card": ("UNITED STATES OF UTOPIA", "PERMANENT RESIDENT CARD", "Surname", "Country of Birth"),
    "zone-only": ("UTOPIA", *CARD_ZONE),
    "american-licence": (
        "UTOPIA USA",
        "DRIVER LICENSE",
        "DL 1234568",
        "EXP 08/31/2034",
        "CLASS C",
        "SEX F",
        "HGT 5-05",
    ),
    "american-licence-without-title": ("UTOPIA", "DL 12", "EXP 08/31/2034", "CLASS C", "SEX F", "DOB 08/31/1977"),
    "european-licence": ("UTOPIEN", "FÜHRERSCHEIN", "1. MUSTERMANN", "2. ERIKA", "4a. 01.01.13", "4b. 31.12.27"),
    "european-licence-without-title": ("1. DOE", "2. JANE", "3. 01.01.1990", "4a. 01.01.2012", "4b. 01.01.2034"),
    "brazilian-licence": ("CARTEIRA NACIONAL DE HABILITAÇÃO", "NOME", "MARIA", "VALIDADE", "01/01/2030"),
    "canadian-licence": ("Driver's Licence", "Permis de conduire", "EXP 2034/01/01", "DOB 1980/01/01"),
    "finnish-licence": ("AJOKORTTI", "1. VIRTANEN", "2. MARIA", "4a. 01.01.2013"),
    "greek": ("ΕΛΛΗΝΙΚΗ ΔΗΜΟΚΡΑΤΙΑ", "ΔΕΛΤΙΟ ΤΑΥΤΟΤΗΤΑΣ", "12/08/1974", "15.04.2034"),
    "turkish-booklet": ("T.C.", "NÜFUS CÜZDANI", "SOYADI", "YILMAZ", "01.01.1980"),
    "untitled-card": ("JAMHURI YA UTOPIA", "ID NUMBER", *FIELDS, "SEX", "FEMALE"),
}
OTHERS = {
    "visa": ("ÉTATS SCHENGEN", "VISA", "PASSPORT NUMBER", "Z123", "Surname", "NOVAK", "Nationality", "UTO", *VISA_ZONE),
    "visa-without-zone": ("SCHENGENER STAATEN", "VISUM", "REISEPASS-NR.", "Z123", *FIELDS),
    "bank-card": ("UTOPIA BANK", "5412 7512 3412 3456", "VALID THRU", "12/28", "ANNA NOVAK"),
    "business-card": ("ACME", "Anna Novak", "Director", "anna@acme.example.com", "www.acme.example.com"),
    "receipt": ("Payment Receipt", "VAT 232 153 895", "TOTAL", "10.20", "26 Feb 2026"),
    "invoice": ("FACTURA", "NOMBRE: JOSE MENDEZ", "FECHA DE VENCIMIENTO : 01/12/2026", "DIRECCION", "SUBTOTAL"),
    "newspaper": ("THE UTOPIA TIMES", "Minister presents new passport", "The driving licence changes too, he said."),
    "shirt": ("PASSPORT", "TO PARADISE"),
    "headline": (
        "THE DAILY",
        "PASSPORT CHAOS",
        "at the airport",
        "Thousands waited for hours",
        "on Friday, 12 June 2026",
    ),
    "book-in-a-shop": ("BOOKS", "PASSPORT", "A Novel", "Anna Novak", "4.5 of 5 stars", "352 pages", "Buy now", "12.99"),
    "titles-in-sentences": ("My Account", "Renew your driving licence", "and the passport", "YOUR IDENTITY CARD"),
    "student-card": ("UNIVERSIDAD", "CARNÉ DE ESTUDIANTE", "APELLIDOS", "NOVAK", "NOMBRE", "ANNA", "N° 12", "VALIDEZ"),
    "form": ("PASSPORT APPLICATION FORM", "Surname: NOVAK", "Given names: ANNA", "Date of birth: 12.08.1974", "Sex: F"),
    "vehicle": ("CARTA DI CIRCOLAZIONE", "A", "AB123CD", "B 01/01/2013", "C.1.1 ROSSI"),
    "curriculum": ("Curriculum Vitae", "Date of birth", "1 May 1980", "Nationality", "Driving licence: B", "a@b.org"),
    "membership": ("FITNESS UTOPIA", "MEMBERSHIP CARD", "Anna Novak", "Member No. 12", "Valid until 01/01/2030"),
    "boarding-pass": ("AIR UTOPIA", "BOARDING PASS", "NOVAK/ANNA", "UTO - BIR", "01 JAN"),
    "jersey": ("NBA", "IBA", "23"),
}


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in PASSPORTS.items()])
def test_a_passport_with_its_portrait_is_one(lines: tuple[str, ...]) -> None:
    verdict = judge(lines, portrait=True)

    assert verdict.passport > COUNTED > verdict.id_card


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in CARDS.items()])
def test_a_card_with_its_portrait_is_one(lines: tuple[str, ...]) -> None:
    verdict = judge(lines, portrait=True)

    assert verdict.id_card > COUNTED > verdict.passport


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in OTHERS.items()])
def test_other_papers_are_none_even_beside_a_portrait(lines: tuple[str, ...]) -> None:
    verdict = judge(lines, portrait=True)

    assert max(verdict.passport, verdict.id_card) < COUNTED


def test_clear_documents_are_nearly_certain() -> None:
    assert judge(("PASSPORT", *FIELDS, *PASSPORT_ZONE), portrait=True).passport > 95
    assert judge(("IDENTITY CARD", *FIELDS), portrait=True).id_card > 90


def test_a_face_without_words_of_documents_proves_nothing() -> None:
    assert judge(("HELLO", "WORLD"), portrait=True).id_card < 10


def test_the_closed_cover_of_a_passport_is_weak_evidence_and_gone_beside_people() -> None:
    cover = ("République d'Utopie", "PASSEPORT")

    assert COUNTED < judge(cover, portrait=False).passport < 75
    assert judge(cover, portrait=False, people=True).passport < COUNTED


def test_each_piece_of_evidence_adds() -> None:
    title = ("UTOPIA", "PASSPORT", "Surname", "y", "z", "w", "v")

    confidences = [
        judge(title, portrait=False, people=True).passport,
        judge(title, portrait=True).passport,
        judge((*title, *FIELDS), portrait=True).passport,
        judge((*title, *FIELDS, *PASSPORT_ZONE), portrait=True).passport,
    ]

    assert confidences == sorted(set(confidences))


def test_a_zone_with_a_wrong_check_digit_counts_less() -> None:
    altered = PASSPORT_ZONE[1].replace("740812", "750812")

    assert judge((PASSPORT_ZONE[0], altered), portrait=True).passport < judge(PASSPORT_ZONE, portrait=True).passport


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("Führerschein", "FUHRERSCHEIN", id="umlaut"),
        pytest.param("KİMLİK kart\u0131", "KIMLIKKARTI", id="turkish"),
        pytest.param("Prawo jazdy, płeć", "PRAWOJAZDYPLEC", id="polish"),
        pytest.param("PASSP0RT 1", "PASSPORTI", id="digits"),
        pytest.param("straße Ærø", "STRASSEAERO", id="ligatures"),
        pytest.param("护照 / PASSPORT", "护照PASSPORT", id="chinese"),
    ],
)
def test_folding_leaves_plain_letters(text: str, plain: str) -> None:
    assert folded(text) == plain


@given(word=st.text("ABCDEFGHIJ", min_size=8, max_size=30), around=st.text("KLMNOP", max_size=10), chosen=st.data())
def test_one_misread_letter_in_eight_is_forgiven(word: str, around: str, chosen: st.DataObject) -> None:
    place = chosen.draw(st.integers(0, len(word) - 1))
    misread = word[:place] + chosen.draw(st.sampled_from(["", "Z", word[place] + "Z"])) + word[place + 1 :]

    assert contains(around + misread + around, word)


def test_short_words_and_other_words_are_not_forgiven() -> None:
    assert not contains("KORKORK", "KORKORT")
    assert not contains("TRANSPORT", "PASSPORT")
    assert not contains("PASS", "PASSPORT")


@given(st.lists(st.text(max_size=50), max_size=15), st.booleans(), st.booleans())
def test_any_lines_give_percentages(lines: list[str], portrait: bool, people: bool) -> None:
    verdict = judge(lines, portrait=portrait, people=people)

    assert 0 <= verdict.passport <= 100
    assert 0 <= verdict.id_card <= 100
