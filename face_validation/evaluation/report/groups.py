"""Cases that have something in common, and how they were answered: by type, origin, document and size."""

import bisect
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from face_validation.evaluation.report.texts import asset
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.results import Result
from face_validation.evaluation.statistics.pairs import Answer, Confusion, Expected

Sizes = tuple[float, int] | None  # `Result.least_sizes`

MOST_NAMES = 30
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Group(Confusion):
    """Cases that have something in common, e.g. the origin (`dimension`) `lfw` (`name`), and how they were answered."""

    dimension: str
    name: str


def groups_of(results: Sequence[Result], answers: Sequence[Answer]) -> list[Group]:
    """Every dimension's groups, sorted by name; beyond `MOST_NAMES` in one dimension the smallest are `others`."""
    groups: list[Group] = []
    sizes = [result.least_sizes for result in results]
    for dimension, name_of in _DIMENSIONS.items():
        members: dict[str, list[tuple[Expected, Answer]]] = defaultdict(list)
        for result, size, answer in zip(results, sizes, answers, strict=True):
            if (name := name_of(result.case, size)) is not None:
                members[name].append((result.case.expected, answer))
        by_size = sorted(members, key=lambda name: (-len(members[name]), name))
        for name in by_size[MOST_NAMES:]:
            moved = members.pop(name)  # first: it may itself be called `others`
            members[OTHERS] += moved
        names = sorted(members, key=lambda name: (name == OTHERS, name))
        groups += [Group.of(members[name], dimension, name.partition("|")[2] or name) for name in names]
    return groups


def origin(note: str) -> str:
    """Where a case comes from, by the first words of its note: `lfw`, `web celebrity`, `composite`, `no face`...

    `origins.json` names those that cutting by rule (first punctuation, four words at most) would split.
    """
    folded = note.casefold()
    known = next((name for beginning, name in _known_origins().items() if folded.startswith(beginning)), None)
    words = re.split(r"[:,;()\d]", note, maxsplit=1)[0].split()
    return known or " ".join(words[: 4 if ":" in note else 2]) or "unnamed"


@cache
def _known_origins() -> dict[str, str]:
    return dict(json.loads(asset("origins.json")))


def document(case: Case) -> tuple[str, str] | None:
    """Template and level (scan, photo, gray) of a `composite <template> <level> ...` document, None of another case."""
    words = case.note.split()
    return (words[1], words[2]) if len(words) > 2 and words[0] == "composite" else None


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """The name of the half-open interval that holds `value`; what stands before the `|` only sorts it."""
    at = bisect.bisect_right(edges, value)
    if at == 0:
        return f"{at}|under {edges[0]:g} {unit}"
    if at == len(edges):
        return f"{at}|{edges[-1]:g} {unit} and more"
    return f"{at}|{edges[at - 1]:g} to {edges[at]:g} {unit}"


_DIMENSIONS: dict[str, Callable[[Case, Sizes], str | None]] = {
    "type": lambda case, _: case.type.value,
    "origin": lambda case, _: origin(case.note),
    "group": lambda case, _: case.group or None,
    "document level": lambda case, _: (known := document(case)) and known[1],
    "document template": lambda case, _: (known := document(case)) and known[0],
    "document and condition": lambda case, _: (known := document(case)) and ", ".join(known),
    "height of the smaller face": lambda _, sizes: sizes and _bin(sizes[0], (40, 60, 80, 120, 200), "px"),
    "size of the smaller image": lambda _, sizes: sizes and _bin(sizes[1] / 1e6, (0.05, 0.1, 0.5, 2), "megapixels"),
}
