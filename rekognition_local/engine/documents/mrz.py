"""The machine readable zone on a page: which kind of document it names, and how far its check digits prove that.

Formats and repairs are the Lambda package's; what a zone says matters less here than that there is one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from face_validation_function.documents import zones

_FIRST_LINE = re.compile(r"([PVIAC][A-Z0-9<])(?:[A-Z0]{3}|D<<)[A-Z0-9<]*<<")
# Some states begin a card's zone with another letter than A, C or I, but V is a visa's alone.
_OF_ANY_LETTER = frozenset({"TD1", "TD2", "TD3"})


@dataclass(frozen=True, slots=True)
class MachineReadableZone:
    """Its document code ("P", "ID", "V"...), whether more than its first line was read, and every check digit right."""

    code: str
    is_whole: bool = False
    is_valid: bool = False


def find(texts: Sequence[str]) -> MachineReadableZone | None:
    """The most credible zone among lines of recognised text, given from top to bottom; None without one."""
    lines = zones.zone_lines(texts)
    found = [
        zones.judged(layout, variant)
        for layout in zones.LAYOUTS
        for text in zones.zone_texts(layout, lines)
        if _may_begin(layout, text)
        # A number may mix both: it is tried as it was read, and with the letter O taken for a zero.
        for variant in (text, text[:5] + text[5:].replace("O", "0"))
    ]
    best = max(found, key=lambda zone: zone.right_digits, default=None)
    if best is not None and best.right_digits >= zones.MIN_RIGHT:
        return MachineReadableZone(best.text[:2].rstrip(zones.FILLER), is_whole=True, is_valid=best.is_valid)
    first = next(filter(None, map(_FIRST_LINE.match, lines)), None)
    return None if first is None else MachineReadableZone(first[1].rstrip(zones.FILLER))


def _may_begin(layout: zones.Layout, text: str) -> bool:
    return text.startswith(tuple(layout.begins)) or (layout.name in _OF_ANY_LETTER and not text.startswith("V"))
