"""Identity documents of a fictitious state, drawn around a given photograph for the demo, the page and the tests."""

import math
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont, ImageOps

from face_validation.local.samples.mrz import Holder, td1, td2, td3

# Pixels a millimetre: a passport's page becomes 1250 x 880, as a careful scan or phone photograph of one has.
SCALE = 10
PASSPORT_MM, CARD_MM, LARGE_CARD_MM = (125.0, 88.0), (85.6, 54.0), (105.0, 74.0)

ANNA = Holder(
    surname="Eriksson",
    given_names="Anna Maria",
    birth=date(1974, 8, 12),
    sex="F",
    number="L898902C3",
    issue=date(2024, 4, 15),
    expiry=date(2034, 4, 14),
    place="Zenith",
)
CLARA = Holder(
    surname="Lindqvist",
    given_names="Clara",
    birth=date(1966, 12, 9),
    sex="F",
    number="D23145890",
    issue=date(2023, 9, 1),
    expiry=date(2033, 8, 31),
    place="Amaurot",
)

_INK, _LABEL = (24, 28, 44), (70, 84, 122)


def passport(photograph: Image.Image, holder: Holder = ANNA) -> Image.Image:
    """The data page of a passport with its two MRZ lines: 1250 x 880 RGB."""
    page = _Card(PASSPORT_MM, paper=(238, 234, 222), ink=(150, 170, 196))
    page.text(6, 4, "REPUBLIC OF UTOPIA", 4.4, bold=True)
    page.text(6, 9.6, "RÉPUBLIQUE D'UTOPIE", 2.6, color=_LABEL)
    page.text(96, 4, "PASSPORT", 4.4, bold=True)
    page.text(96, 9.6, "PASSEPORT · PASAPORTE", 2.0, color=_LABEL)
    page.portrait(photograph, 6, 17, 35, 45)
    page.field(45, 17, "Type / Type", "P")
    page.field(62, 17, "Code of issuing State / Code", holder.state)
    page.field(94, 17, "Passport No. / No du passeport", holder.number)
    page.field(45, 25.5, "Surname / Nom", holder.surname.upper())
    page.field(45, 34, "Given names / Prénoms", holder.given_names.upper())
    page.field(45, 42.5, "Nationality / Nationalité", "UTOPIAN")
    page.field(94, 42.5, "Sex / Sexe", holder.sex)
    page.field(45, 51, "Date of birth / Date de naissance", _day(holder.birth))
    page.field(94, 51, "Place of birth / Lieu", holder.place.upper())
    page.field(45, 59.5, "Date of issue / Date de délivrance", _day(holder.issue))
    page.field(94, 59.5, "Date of expiry / Expiration", _day(holder.expiry))
    page.machine_readable(td3(holder), 68.5, 4.5)
    return page.image


def driving_licence(photograph: Image.Image, holder: Holder = CLARA) -> Image.Image:
    """The front of a driving licence, its fields numbered as the Vienna convention has them: 856 x 540 RGB."""
    card = _Card(CARD_MM, paper=(246, 226, 230), ink=(222, 160, 178))
    card.box(4, 3.6, 10, 7, (28, 60, 140))
    card.text(5.2, 5, "UT", 4, color=(255, 255, 255), bold=True)
    card.text(17, 3.4, "DRIVING LICENCE", 4.2, bold=True, color=(120, 24, 60))
    card.text(17, 8.4, "PERMIS DE CONDUIRE · REPUBLIC OF UTOPIA", 2.0, color=_LABEL)
    card.portrait(photograph, 4, 14, 23, 29)
    card.numbered(31, 14, "1.", holder.surname.upper())
    card.numbered(31, 18.6, "2.", holder.given_names.upper())
    card.numbered(31, 23.2, "3.", f"{_short_day(holder.birth)}  {holder.place.upper()}")
    card.numbered(31, 27.8, "4a.", _short_day(holder.issue))
    card.numbered(58, 27.8, "4c.", "UTO-17")
    card.numbered(31, 32.4, "4b.", _short_day(holder.expiry))
    card.numbered(31, 37, "5.", holder.number)
    card.numbered(31, 41.6, "8.", "12 HARBOUR STREET")
    card.numbered(31, 47.4, "9.", "AM / B1 / B")
    card.signature(4, 45, 23, holder)
    return card.image


def identity_card(photograph: Image.Image, holder: Holder = ANNA) -> Image.Image:
    """The front of a national identity card of bank-card size (its MRZ is on the back): 856 x 540 RGB."""
    card = _Card(CARD_MM, paper=(226, 236, 232), ink=(140, 186, 178))
    card.text(4, 3.2, "REPUBLIC OF UTOPIA", 3.4, bold=True)
    card.text(4, 7.6, "NATIONAL IDENTITY CARD · CARTE NATIONALE D'IDENTITÉ", 2.0, color=_LABEL)
    card.portrait(photograph, 4, 13, 24, 31)
    card.field(32, 12.6, "Surname / Nom", holder.surname.upper(), size=3)
    card.field(32, 19.4, "Given names / Prénoms", holder.given_names.upper(), size=3)
    card.field(32, 26.2, "Sex / Sexe", holder.sex, size=3)
    card.field(45, 26.2, "Nationality / Nationalité", holder.state, size=3)
    card.field(32, 33, "Date of birth / Date de naissance", _day(holder.birth), size=3)
    card.field(32, 39.8, "Document No.", holder.number, size=3)
    card.field(58, 39.8, "Date of expiry", _day(holder.expiry), size=3)
    card.signature(4, 46.4, 24, holder)
    return card.image


def identity_card_back(holder: Holder = ANNA) -> Image.Image:
    """The back of `identity_card`, with three MRZ lines and no portrait: 856 x 540 RGB."""
    card = _Card(CARD_MM, paper=(226, 236, 232), ink=(140, 186, 178))
    card.field(4, 4, "Place of birth / Lieu de naissance", holder.place.upper(), size=3)
    card.field(4, 11, "Date of issue / Date de délivrance", _day(holder.issue), size=3)
    card.field(4, 18, "Authority / Autorité", "MINISTRY OF THE INTERIOR", size=3)
    card.machine_readable(td1(holder), 34, 4.2)
    return card.image


def large_identity_card(photograph: Image.Image, holder: Holder = CLARA) -> Image.Image:
    """An identity card of the larger kind (ID-2), portrait and two MRZ lines on one side: 1050 x 740 RGB."""
    card = _Card(LARGE_CARD_MM, paper=(240, 236, 214), ink=(196, 186, 130))
    card.text(5, 4, "IDENTITY CARD", 4, bold=True)
    card.text(5, 9, "CARTE D'IDENTITÉ · PERSONALAUSWEIS", 2.2, color=_LABEL)
    card.text(62, 4.4, "REPUBLIC OF UTOPIA", 3, bold=True)
    card.portrait(photograph, 5, 14, 30, 39)
    card.field(39, 14, "Surname / Nom", holder.surname.upper())
    card.field(39, 22, "Given names / Prénoms", holder.given_names.upper())
    card.field(39, 30, "Date of birth / Date de naissance", _day(holder.birth))
    card.field(39, 38, "Place of birth / Lieu de naissance", holder.place.upper())
    card.field(39, 46, "Date of expiry / Expiration", _day(holder.expiry))
    card.field(80, 14, "Card No. / No", holder.number)
    card.machine_readable(td2(holder), 57, 4.6)
    return card.image


class _Card:
    """A sheet measured in millimetres, with the fine waves that identity documents are printed on."""

    def __init__(self, size_mm: tuple[float, float], *, paper: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
        self._width, self._height = size_mm
        self.image = Image.new("RGB", (_px(self._width), _px(self._height)), paper)
        self._draw = ImageDraw.Draw(self.image)
        self._paper = paper
        pale = tuple((3 * sheet + line) // 4 for sheet, line in zip(paper, ink, strict=True))
        for offset in range(-12, int(self._height) + 12, 2):
            self._wave(offset, pale)

    def text(
        self, x: float, y: float, words: str, size: float, *, bold: bool = False, color: tuple[int, ...] = _INK
    ) -> None:
        """Write `words` with their top left corner at (x, y); `size` is the height of the letters' body."""
        self._draw.text((_px(x), _px(y)), words, fill=color, font=_font("DejaVuSans", size, bold=bold))

    def field(self, x: float, y: float, label: str, value: str, size: float = 3.6) -> None:
        """A small label above its value."""
        self.text(x, y, label, 1.9, color=_LABEL)
        self.text(x, y + 2.5, value, size, bold=True)

    def numbered(self, x: float, y: float, number: str, value: str) -> None:
        """A field of a driving licence: its number, then its value on the same line."""
        self.text(x, y + 0.4, number, 2.2, color=_LABEL)
        self.text(x + 5.2, y, value, 2.9, bold=True)

    def box(self, x: float, y: float, width: float, height: float, color: tuple[int, int, int]) -> None:
        """A filled rectangle."""
        self._draw.rectangle((_px(x), _px(y), _px(x + width), _px(y + height)), fill=color)

    def portrait(self, photograph: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """The photograph, cut to fill its frame."""
        fitted = ImageOps.fit(photograph.convert("RGB"), (_px(width), _px(height)), Image.Resampling.LANCZOS)
        self.image.paste(fitted, (_px(x), _px(y)))

    def signature(self, x: float, y: float, width: float, holder: Holder) -> None:
        """The holder's name as handwriting stands in for a signature."""
        font = _font("DejaVuSerif", 4, italic=True)
        self._draw.text((_px(x), _px(y)), holder.given_names[0] + ". " + holder.surname, fill=(30, 40, 110), font=font)
        self._draw.line((_px(x), _px(y + 6), _px(x + width), _px(y + 6)), fill=_LABEL, width=1)

    def machine_readable(self, lines: Sequence[str], y: float, size: float) -> None:
        """The machine readable zone: white paper from `y` to the bottom edge, one line below the other."""
        self._draw.rectangle((0, _px(y), _px(self._width), _px(self._height)), fill=(250, 249, 244))
        font = _font("DejaVuSansMono", size)
        pitch = (self._width - 10) / len(lines[0])
        step = (self._height - y - 2) / len(lines)
        for row, line in enumerate(lines):
            for column, character in enumerate(line):
                place = _px(5 + column * pitch), _px(y + 2 + row * step)
                self._draw.text(place, character, fill=_INK, font=font)

    def _wave(self, offset: float, color: tuple[int, ...]) -> None:
        points = [
            (_px(x), _px(offset + 3 * math.sin(x / 9) + 1.2 * math.sin(x / 2.3 + offset)))
            for x in range(int(self._width) + 2)
        ]
        self._draw.line(points, fill=color, width=1)


def _px(millimetres: float) -> int:
    return round(millimetres * SCALE)


def _day(day: date) -> str:
    return day.strftime("%d %b %Y").upper()


def _short_day(day: date) -> str:
    return day.strftime("%d.%m.%Y")


@cache
def _font(family: str, size: float, *, bold: bool = False, italic: bool = False) -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts that matplotlib carries, `size` in millimetres."""
    style = ("Bold" if bold else "") + ("Oblique" if italic and family == "DejaVuSans" else "Italic" if italic else "")
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / f"{family}{'-' + style if style else ''}.ttf", _px(size))
