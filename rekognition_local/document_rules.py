"""What lines of text say about the kind of document they stand on: title words, field names, numbered fields, zones.

Every piece of evidence adds to the log-odds of a kind; the sum is its confidence. No piece but a checked machine readable zone
is enough by itself: words appear in newspapers too. The words are those printed on documents, folded (`folded`): capitals
A-Z without accents and spaces, or CJK characters.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rekognition_local import mrz

PASSPORT_TITLES = (
    "PASSPORT PASSEPORT PASAPORTE PASSAPORTE PASSAPORTO PASSAPORT REISEPASS PASPOORT PASZPORT PASAPORT PASAPOARTE PASHAPORT "
    "PASSIPASS VEGABREF PUTOVNICA UTLEVEL CESTOVNIPAS CESTOVNYPAS POTNILIST PUTNAISPRAVA HOCHIEU ДІАВАТНРІО "
    "TRAVELDOCUMENT TITREDEVOYAGE REISEAUSWEIS 护照 護照 旅券"
).split()

DRIVING_TITLES = (
    "DRIVINGLICENCE DRIVINGLICENSE DRIVERLICENCE DRIVERLICENSE DRIVERSLICENCE DRIVERSLICENSE LEARNERPERMIT LEARNERLICENCE "
    "PERMISDECONDUIRE FUHRERSCHEIN FUEHRERSCHEIN FUHRERAUSWEIS PERMISODECONDUCCION PERMISODECONDUCIR PERMISDECONDUCCIO "
    "LICENCIADECONDUCIR LICENCIADECONDUCCION LICENCIADECONDUCTOR LICENCIANACIONALDECONDUCIR LICENCIAPARACONDUCIR LICENCIADEMANEJO "
    "CARTEIRANACIONALDEHABILITACAO CARTADECONDUCAO PATENTEDIGUIDA RIJBEWIJS AJOKORTTI KORKORT KOREKORT FORERKORT "
    "OKUSKIRTEINI PRAWOJAZDY RIDICSKYPRUKAZ VODICSKYPREUKAZ VEZETOIENGEDELY PERMISDECONDUCERE VOZNISKODOVOLJENJE "
    "VOZACKADOZVOLA VAIRUOTOJOPAZYMEJIMAS VADITAJAAPLIECIBA JUHILUBA LICENZJATASSEWQAN SURUCUBELGESI CEADUNASTIOMANA "
    "LEJEDREJTIMI SURATIZINMENGEMUDI LESENMEMANDU GIAYPHEPLAIXE 驾驶证 駕駛執照 駕照 運転免許証"
).split()

ID_CARD_TITLES = (
    "IDENTITYCARD IDENTIFICATIONCARD NATIONALIDENTITY NATIONALIDCARD NATIONALIDENTIFICATION CARTENATIONALEDIDENTITE "
    "CARTEDIDENTITE DOCUMENTONACIONALDEIDENTIDAD DOCUMENTNACIONALDIDENTITAT DOCUMENTODEIDENTIDAD DOCUMENTODEIDENTIFICACION "
    "DOCUMENTOPERSONALDEIDENTIFICACION CEDULADEIDENTIDAD CEDULADECIUDADANIA CEDULADEEXTRANJERIA TARJETADEIDENTIDAD "
    "CREDENCIALPARAVOTAR CARTEIRADEIDENTIDADE CARTAODECIDADAO BILHETEDEIDENTIDADE CARTADIDENTITA CARTADIIDENTITA "
    "PERSONALAUSWEIS IDENTITATSKARTE IDENTITEITSKAART IDENTITETSKORT IDKORT HENKILOKORTTI DOWODOSOBISTY OBCANSKYPRUKAZ "
    "OBCIANSKYPREUKAZ SZEMELYAZONOSITO SZEMELYIIGAZOLVANY SZEMELYAZONOSITOIGAZOLVANY CARTEDEIDENTITATE OSEBNAIZKAZNICA "
    "OSOBNAISKAZNICA LICNAKARTA ISIKUTUNNISTUS ASMENSTAPATYBESKORTELE PERSONASAPLIECIBA KARTATALIDENTITA KIMLIKKARTI "
    "LETERNJOFTIMI KARTUTANDAPENDUDUK KADPENGENALAN CANCUOCCONGDAN PAMBANSANGPAGKAKAKILANLAN 身份证 身份證 身分證 "
    "RESIDENCEPERMIT RESIDENCECARD RESIDENTCARD PERMANENTRESIDENT EMPLOYMENTAUTHORIZATION TITREDESEJOUR CARTEDESEJOUR "
    "CARTEDERESIDENT AUFENTHALTSTITEL AUFENTHALTSERLAUBNIS NIEDERLASSUNGSERLAUBNIS PERMESSODISOGGIORNO CARTADISOGGIORNO "
    "PERMISODERESIDENCIA TARJETADERESIDENCIA TARJETADEEXTRANJERO TITULODERESIDENCIA AUTORIZACAODERESIDENCIA VERBLIJFSTITEL "
    "VERBLIJFSVERGUNNING VERBLIJFSKAART UPPEHALLSTILLSTAND UPPEHALLSKORT OPHOLDSTILLADELSE OPPHOLDSTILLATELSE OPPHOLDSKORT "
    "OLESKELULUPA KARTAPOBYTU POVOLENIKPOBYTU POVOLENIENAPOBYT TARTOZKODASIENGEDELY PERMISDESEDERE ELAMISLUBA 在留カード"
).split()

# One entry for each field that identity documents have, so that a bilingual label counts once.
FIELDS: tuple[tuple[str, ...], ...] = tuple(
    tuple(words.split())
    for words in (
        "SURNAME LASTNAME FAMILYNAME NOM NOMS APELLIDO APELLIDOS COGNOME NACHNAME FAMILIENNAME NAZWISKO PREZIME EFTERNAMN "
        "ETTERNAVN EFTERNAVN SUKUNIMI PRIJMENI PRIEZVISKO APELIDO VEZETEKNEV CSALADINEV SOYADI PRIIMEK NUME ACHTERNAAM UZVARDS",
        "GIVENNAME GIVENNAMES FORENAME FORENAMES FIRSTNAME PRENOM PRENOMS NOMBRE NOMBRES VORNAME VORNAMEN NOME IMIE IMIONA "
        "FORNAMN FORNAVN ETUNIMI ETUNIMET JMENO UTONEV PRENUME VOORNAMEN VARDS IME",
        "BIRTH DOB NAISSANCE NACIMIENTO NAIXEMENT GEBURTSDATUM GEBURTSTAG GEBURTSORT GEBOREN NASCITA NASCIMENTO URODZENIA "
        "NAROZENI NARODENIA RODENJA ROJSTVA FODELSE FODSELS FODT SYNTYMA SZULETES NASTERII NASTERE DOGUM LAHIR GEBOORTE "
        "DZIMSANAS GIMIMO SUNNIAEG 生年月日 出生",
        "NATIONALITY NATIONALITE NACIONALIDAD NACIONALIDADE STAATSANGEHORIGKEIT STAATSANG CITTADINANZA OBYWATELSTWO "
        "DRZAVLJANSTVO MEDBORGARSKAP KANSALAISUUS STATSBORGERSKAP UYRUGU WARGANEGARA ALLAMPOLGARSAG CETATENIE OBCANSTVI CITIZENSHIP",
        "SEX SEXE SEXO SESSO GESCHLECHT PLEC SPOL KON KJONN SUKUPUOLI CINSIYET CINSIYETI JANTINA GENDER POHLAVI POHLAVIE GESLACHT "
        "性别 性別",
        "EXPIRY EXPIRES EXPIRATION EXP DATEDEXPIR VALIDUNTIL VALIDTHROUGH VALABLEJUSQU GULTIGBIS CADUCIDAD VENCIMIENTO VALIDEZ "
        "VALIDOHASTA VALIDADE SCADENZA WAZNOSCI VRIJEDIDO PLATNOST GILTIGT GYLDIG VOIMASSA ERVENYES GECERLILIK TAMAT GELDIGTOT "
        "有效期",
        "DATEOFISSUE ISSUED ISS DATEDISSUED DELIVRANCE DELIVREE DELIVREELE EXPEDICION EXPEDIDO EMISION AUSGESTELLT AUSSTELLUNG "
        "RILASCIATO RILASCIO EMISSIONE EMISSAO WYDANIA UTFARDAT UDSTEDT UTSTEDT",
        "AUTHORITY AUTORITE AUTORIDAD AUTORITA AUTORIDADE BEHORDE ORGAN MYNDIGHET MINISTRY MINISTERIO MINISTERO 機關 机关",
        "DOCUMENTNO DOCUMENTNUMBER DOCNO DOCNUMBER CARDNO CARDNUMBER IDNO IDNUMBER PASSPORTNO PASSPORTNUMBER PASSEPORTNO "
        "LICENCENO LICENSENO LICNO LIC DLNO PERSONALNO NUMSOPORT NUMERODEDOCUMENTO DOCUMENTON PASSEPORTN",
        "HEIGHT TAILLE HGT WGT EYES HAIR GROSSE AUGENFARBE ESTATURA STATURA COLOROFEYES",
        "SIGNATURE HOLDER TITULAIRE TITULAR UNTERSCHRIFT FIRMADELTITULAR FIRMA SIGNATUR PODPIS",
        "ADDRESS ADRESSE DOMICILE DOMICILIO DIRECCION ANSCHRIFT WOHNORT INDIRIZZO RESIDENZA MORADA",
    )
)

# Marks of driving licences: ISO/IEC 18013-1 numbers its fields, the American standard (AAMVA) also abbreviates them.
NUMBERED_FIELD = re.compile(r"\s*(?:([1-359])\s?[.,]|(4\s?[abcd])[.,:]?(?=[\s\d]|[A-Z]{2}|$))", re.IGNORECASE)
AMERICAN_FIELDS = frozenset(
    "DL DLN LIC CLASS DOB EXP ISS HGT WGT EYES HAIR SEX END RESTR RSTR REST DD DONOR REV VETERAN".split()
)

# Words of papers that are no identity documents, though some carry a name, a date or a portrait.
OTHER_PAPERS = (
    "INVOICE FACTURA FACTURE RECHNUNG FATTURA RECEIPT RECIBO QUITTUNG SUBTOTAL TOTAL IVA VAT TVA MWST VALIDTHRU GOODTHRU MASTERCARD "
    "DEBIT DEBITCARD CREDITCARD BANK BANCO BANQUE IBAN CHEQUE BOARDINGPASS EARNINGS PAYDATE PAYROLL INSURANCE ASSURANCE VERSICHERUNG "
    "KRANKENVERSICHERUNG VITALE SANITARIA HEALTHCARD REGISTRATIONCERTIFICATE VEHICLE IMMATRICULATION ZULASSUNGSBESCHEINIGUNG "
    "PERMISODECIRCULACION CARTADICIRCOLAZIONE CURRICULUM RESUME EDUCATION STUDENT LIBRARY MEMBER MEMBERSHIP EMPLOYEE"
).split()
VISA_WORDS = frozenset("VISA VISUM VISTO VISADO VISTOS".split())
CONTACT = re.compile(r"@|www\.|https?:|\.com\b", re.IGNORECASE)

# A title that is followed by one of these names a field: "Passport No."
_NUMBER_WORDS = frozenset("NO NR N NUM NUMBER NUMERO NUMMER".split())
_DATE = re.compile(
    r"\b\d{1,2}[./\- ](?:\d{1,2}|[A-Z]{3,4}(?:\s?/\s?[A-Z]{3,4})?)[./\- ](?:\d{4}|\d{2})\b|\b\d{4}[./-]\d{2}[./-]\d{2}\b",
    re.IGNORECASE,
)
_FILLED_LINE = re.compile(r"<{4,}|<[A-Z0-9]+<<[A-Z0-9]*<*$")
_WORD = re.compile(r"[^\W_]+")
_LOOKALIKES = str.maketrans("01358ΑΒΕΖΗΙΚΜΝΟΡΤΥΧŁØĐÐ", "OISSBABEZHIKMNOPTYXLODD")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Confidences in percent (0-100) that the text stands on a passport, or on another identity document."""

    passport: float
    id_card: float


def judge(lines: Sequence[str], *, portrait: bool, people: bool = False) -> Verdict:
    """Weighs the lines of one page.

    Args:
        lines: legible text, from top to bottom.
        portrait: whether a face stands among the lines as a portrait would.
        people: whether there is any other face in the image.
    """
    page = _Lines.of(lines)
    zone = mrz.find(lines)
    fields = min(7, _fields(page) + (len(_dates(lines)) >= 2))
    common = -2.5 + 0.35 * fields - 4.0 * _is_visa(zone, page)
    common -= 1.5 * min(3, _other_papers(page)) + 1.0 * any(CONTACT.search(line) for line in lines)

    passport_titles, id_card_titles = _titles(PASSPORT_TITLES, page), _titles((*DRIVING_TITLES, *ID_CARD_TITLES), page)
    passport = _TITLE[min(2, passport_titles)]
    id_card = _TITLE[min(2, id_card_titles)] + _licence_marks(page)
    if zone is not None:
        strength = 5.0 if zone.is_valid else 3.5 if zone.checks else 2.5
        if zone.code.startswith("P") or zone.code == "IP":
            passport += strength
        elif not zone.code.startswith("V"):
            id_card += strength
    elif (filled := max((len(line) for line in lines if _FILLED_LINE.search(line)), default=0)) >= 24:
        passport += 1.0 * (filled >= 40)
        id_card += 1.0 * (filled < 40)
    if portrait:
        # Beside a word on a shirt a face is anyone's: it takes two hints of a document to make it a portrait.
        hints = fields + passport_titles + id_card_titles + (zone is not None) + bool(_dates(lines)) + (len(lines) >= 6)
        common += 1.5 * (hints >= 2)
    elif passport_titles and not people and len(lines) <= 6:
        common += 0.5  # the cover of a closed passport says no more
    # One document is one or the other. Portrait and fields without a title make a card: passports say what they are.
    if passport > id_card:
        return Verdict(_percent(common + passport), _percent(common + id_card - passport))
    return Verdict(_percent(common + passport - id_card - 2.5), _percent(common + id_card))


def folded(text: str) -> str:
    """Capital letters A-Z and CJK characters only; accents dropped, look-alike digits and Greek capitals read as letters."""
    plain = unicodedata.normalize("NFKD", text.upper().replace("Æ", "AE").replace("Þ", "TH")).translate(_LOOKALIKES)
    return "".join(character for character in plain if "A" <= character <= "Z" or "\u3040" <= character <= "\u9fff")


def contains(text: str, word: str) -> bool:
    """Whether a folded word stands in a folded text, one misread letter forgiven in eight."""
    if word in text:
        return True
    errors = min(3, len(word) // 8)
    if errors == 0 or len(text) < len(word) - errors:
        return False
    # With so few errors at least one piece of the word is intact: a quick way to say no.
    step = len(word) // (errors + 1)
    pieces = (word[at : at + step] for at in range(0, step * (errors + 1), step))
    return any(piece in text for piece in pieces) and _distance_inside(text, word) <= errors


def _distance_inside(text: str, word: str) -> int:
    """Least edit distance of the word to any part of the text (Sellers)."""
    column = list(range(len(word) + 1))
    best = column[-1]
    for character in text:
        before, column[0] = column[0], 0
        for row, letter in enumerate(word, 1):
            before, column[row] = column[row], min(before + (letter != character), column[row] + 1, column[row - 1] + 1)
        best = min(best, column[-1])
    return best


@dataclass(frozen=True, slots=True)
class _Lines:
    """A page's lines: as read; folded whole; their folded words; and which are in capitals."""

    read: tuple[str, ...]
    whole: tuple[str, ...]
    words: tuple[frozenset[str], ...]
    capitals: tuple[bool, ...]
    every_word: frozenset[str]

    @classmethod
    def of(cls, lines: Sequence[str]) -> "_Lines":
        words = tuple(frozenset(folded(word) for word in _WORD.findall(line)) for line in lines)
        return cls(
            tuple(lines),
            tuple(folded(line) for line in lines),
            words,
            tuple(sum(map(str.isupper, line)) >= 0.8 * sum(map(str.isalpha, line)) for line in lines),
            frozenset().union(*words),
        )

    def mention(self, word: str) -> bool:
        """Whether the word stands anywhere; within other words only if it is long."""
        return word in self.every_word or (len(word) >= 8 and any(word in text for text in self.whole))


# Evidence by the number of lines that are titles.
_TITLE = (0.0, 2.5, 3.0)


def _titles(titles: Iterable[str], page: _Lines) -> int:
    """How many lines are titles, a title broken over two lines counting as one."""
    titles = tuple(titles)
    found = sum(_is_title(titles, *line) for line in zip(page.whole, page.words, page.capitals, strict=True))
    return found or int(any(_is_title(titles, *joined) for joined in _joined(page)))


def _is_title(titles: Iterable[str], text: str, words: frozenset[str], capitals: bool) -> bool:
    """Whether a title is much of a line in capitals, or most of another: sentences mention documents, fields number them."""
    if words & _NUMBER_WORDS:
        return False
    part = 0.33 if capitals else 0.6
    return any(len(title) >= part * len(text) and contains(text, title) for title in titles)


def _joined(page: _Lines) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Each short line with one of the next few: long titles are broken, and columns stand between."""
    short = [index for index, text in enumerate(page.whole) if 3 <= len(text) <= 24]
    for at, first in enumerate(short):
        for second in short[at + 1 : at + 4]:
            yield (
                page.whole[first] + page.whole[second],
                page.words[first] | page.words[second],
                page.capitals[first] and page.capitals[second],
            )


def _fields(page: _Lines) -> int:
    return sum(any(page.mention(name) for name in names) for names in FIELDS)


def _dates(lines: Sequence[str]) -> set[str]:
    return {date for line in lines for date in _DATE.findall(line)}


def _other_papers(page: _Lines) -> int:
    return sum(page.mention(word) for word in OTHER_PAPERS)


def _is_visa(zone: mrz.MachineReadableZone | None, page: _Lines) -> bool:
    if zone is not None:
        return zone.code.startswith("V")
    return any(words & VISA_WORDS and len(words) <= 2 for words in page.words)


def _licence_marks(page: _Lines) -> float:
    marks = (NUMBERED_FIELD.match(line) for line in page.read)
    numbered = {(mark[1] or mark[2]).lower().replace(" ", "") for mark in marks if mark}
    american = len(AMERICAN_FIELDS & page.every_word)
    if (len(numbered) >= 4 and any(mark.startswith("4") for mark in numbered)) or american >= 5:
        return 2.5
    return 0.3 * american


def _percent(log_odds: float) -> float:
    return 100 / (1 + math.exp(-log_odds))
