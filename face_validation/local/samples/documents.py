"""Identity documents of a fictitious state, drawn around a given photograph for the demo, the page and the tests.

What stands where on each is in documents.json, in millimetres from the top left corner. Their machine readable
zones have the formats that the service reads.
"""

import json
import math
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from face_validation_function.documents.zones import ALPHABET, FILLER, LAYOUTS, check_digit

# Where the package's files lie; importing it would take half a second of each start.
MATPLOTLIB_DATA = Path(str(distribution("matplotlib").locate_file("matplotlib/mpl-data")))
# Pixels a millimetre: a passport's page becomes 1250 x 880, as a careful scan or phone photograph of one has.
SCALE = 10


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a drawn document is about, and what it says of itself. `state` is a three-letter code."""

    surname: str
    given_names: str
    birth: date
    sex: str
    number: str
    issue: date
    expiry: date
    place: str
    state: str = "UTO"


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
CLARAS = frozenset({"driving_licence", "large_identity_card"})

_DRAWINGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
_INK, _LABEL = (24, 28, 44), (70, 84, 122)
_COLORS = {"label": _LABEL, "title": (120, 24, 60)}


def drawn(name: str, photograph: Image.Image | None = None) -> Image.Image:
    """One of documents.json, RGB.

    `passport`: its data page with two MRZ lines, 1250 x 880. `driving_licence`: its front, fields numbered as the
    Vienna convention has them, 856 x 540. `identity_card`: the front of one of bank-card size, 856 x 540;
    `identity_card_back`: three MRZ lines and no portrait. `large_identity_card`: ID-2, portrait and two MRZ lines on
    one side, 1050 x 740.
    """
    return _Card(name, CLARA if name in CLARAS else ANNA, photograph).image


class _Card:
    """A sheet measured in millimetres, with the fine waves that identity documents are printed on.

    Each method but `image` draws one kind of mark of documents.json.
    """

    def __init__(self, name: str, holder: Holder, photograph: Image.Image | None) -> None:
        layout = dict(_DRAWINGS[name])
        self._holder, self._photograph = holder, photograph
        self._width, self._height = layout.pop("size_mm")
        paper, ink = layout.pop("paper"), layout.pop("ink")
        self.image = Image.new("RGB", (_px(self._width), _px(self._height)), tuple(paper))
        self._draw = ImageDraw.Draw(self.image)
        pale = tuple((3 * sheet + line) // 4 for sheet, line in zip(paper, ink, strict=True))
        for offset in range(-12, int(self._height) + 12, 2):
            heights = (3 * math.sin(x / 9) + 1.2 * math.sin(x / 2.3 + offset) for x in range(int(self._width) + 2))
            wave = [(_px(x), _px(offset + height)) for x, height in enumerate(heights)]
            self._draw.line(wave, fill=pale, width=1)
        for kind, marks in layout.items():
            for mark in marks:
                getattr(self, kind)(*mark)

    def text(self, x: float, y: float, words: str, size: float, style: str = "bold") -> None:
        """Write `words` with their top left corner at (x, y); `size` is the height of the letters' body."""
        font = _font("DejaVuSans" if style == "label" else "DejaVuSans-Bold", size)
        self._draw.text((_px(x), _px(y)), words, fill=_COLORS.get(style, _INK), font=font)

    def field(self, x: float, y: float, label: str, value: str, size: float = 3.6) -> None:
        self.text(x, y, label, 1.9, "label")
        self.text(x, y + 2.5, self._said(value), size)

    def numbered(self, x: float, y: float, number: str, value: str) -> None:
        """A field of a driving licence: its number, then its value on the same line."""
        self.text(x, y + 0.4, number, 2.2, "label")
        self.text(x + 5.2, y, self._said(value), 2.9)

    def badge(self, x: float, y: float, width: float, height: float, state: str) -> None:
        self._draw.rectangle((_px(x), _px(y), _px(x + width), _px(y + height)), fill=(28, 60, 140))
        place = _px(x + 1.2), _px(y + 1.4)
        self._draw.text(place, state, fill=(255, 255, 255), font=_font("DejaVuSans-Bold", 4))

    def portrait(self, x: float, y: float, width: float, height: float) -> None:
        if self._photograph is not None:
            photograph = self._photograph.convert("RGB")
            fitted = ImageOps.fit(photograph, (_px(width), _px(height)), Image.Resampling.LANCZOS)
            self.image.paste(fitted, (_px(x), _px(y)))

    def signature(self, x: float, y: float, width: float) -> None:
        name = f"{self._holder.given_names[0]}. {self._holder.surname}"
        self._draw.text((_px(x), _px(y)), name, fill=(30, 40, 110), font=_font("DejaVuSerif-Italic", 4))
        self._draw.line((_px(x), _px(y + 6), _px(x + width), _px(y + 6)), fill=_LABEL, width=1)

    def zone(self, form: str, y: float, size: float) -> None:
        """The machine readable zone: white paper from `y` to the bottom edge, one line below the other."""
        lines = zone_lines(form, self._holder)
        self._draw.rectangle((0, _px(y), _px(self._width), _px(self._height)), fill=(250, 249, 244))
        font = _font("DejaVuSansMono", size)
        pitch = (self._width - 10) / len(lines[0])
        step = (self._height - y - 2) / len(lines)
        for row, line in enumerate(lines):
            for column, character in enumerate(line):
                place = _px(5 + column * pitch), _px(y + 2 + row * step)
                self._draw.text(place, character, fill=_INK, font=font)

    def _said(self, value: str) -> str:
        return value.format_map(asdict(self._holder)).upper()


def _px(millimetres: float) -> int:
    return round(millimetres * SCALE)


@cache
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts that matplotlib carries, `size` in millimetres."""
    return ImageFont.truetype(MATPLOTLIB_DATA / "fonts" / "ttf" / f"{name}.ttf", _px(size))


def zone_lines(form: str, holder: Holder, optional: str = "") -> list[str]:
    """The lines of a zone of the format `form`: TD3 (a passport), TD2 (a large card) or TD1 (one of bank-card size)."""
    layout = next(layout for layout in LAYOUTS if layout.name == form)
    values = {
        "document_code": layout.begins[-1],  # I of A, C and I
        "issuing_state": holder.state,
        "names": f"{_folded(holder.surname)}<<{_folded(holder.given_names)}",
        "document_number": holder.number,
        "nationality": holder.state,
        "date_of_birth": holder.birth.strftime("%y%m%d"),
        "sex": holder.sex,
        "expiry_date": holder.expiry.strftime("%y%m%d"),
        "optional_data": optional,
    }
    zone = [FILLER] * layout.lines * layout.length
    for name, (start, stop) in layout.fields.items():
        zone[start:stop] = values[name][: stop - start].ljust(stop - start, FILLER)
    for name, place in layout.checks.items():
        zone[place] = check_digit("".join(zone[slice(*layout.fields[name])]))
    if layout.composite is not None:
        zone[layout.composite] = check_digit("".join("".join(zone[start:stop]) for start, stop in layout.covered))
    return ["".join(zone[start : start + layout.length]) for start in range(0, len(zone), layout.length)]


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.upper()).encode("ascii", "ignore").decode()
    return "".join(character if character in ALPHABET else FILLER for character in plain)
