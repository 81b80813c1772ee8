"""Cases that have something in common, and how they were answered: by type, origin, document and size."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from face_validation.evaluation.runs.origins import document_level, document_template, origin
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.statistics.confusion import Answer, ConfusionMatrix

Sizes = tuple[float, int] | None  # `Result.least_sizes`

MOST_NAMES = 30
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that have something in common, e.g. the origin (`dimension`) `lfw` (`name`), and how they were answered."""

    dimension: str
    name: str
    confusion: ConfusionMatrix


def groups_of(results: Sequence[Result], answers: Sequence[Answer]) -> list[Group]:
    """Every dimension's groups, sorted by name; beyond `MOST_NAMES` in one dimension the smallest are `others`."""
    groups = []
    sizes = [result.least_sizes for result in results]
    for dimension, name_of in _DIMENSIONS.items():
        members: dict[str, list[int]] = {}
        for index, result in enumerate(results):
            if (name := name_of(result, sizes[index])) is not None:
                members.setdefault(name, []).append(index)
        by_size = sorted(members, key=lambda name: (-len(members[name]), name))
        for name in by_size[MOST_NAMES:]:
            members.setdefault(OTHERS, []).extend(members.pop(name))
        for name in sorted(members, key=lambda name: (name == OTHERS, name)):
            counted = ConfusionMatrix.of(
                [results[index].case.expected for index in members[name]], [answers[index] for index in members[name]]
            )
            groups.append(Group(dimension, name.partition("|")[2] or name, counted))
    return groups


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """The name of the half-open interval that holds `value`; what stands before the `|` only sorts it."""
    at = bisect.bisect_right(edges, value)
    if at == 0:
        return f"{at}|under {edges[0]:g} {unit}"
    if at == len(edges):
        return f"{at}|{edges[-1]:g} {unit} and more"
    return f"{at}|{edges[at - 1]:g} to {edges[at]:g} {unit}"


def _smaller_face(_: Result, sizes: Sizes) -> str | None:
    return None if sizes is None else _bin(sizes[0], (40, 60, 80, 120, 200), "px")


def _smaller_image(_: Result, sizes: Sizes) -> str | None:
    return None if sizes is None else _bin(sizes[1] / 1e6, (0.05, 0.1, 0.5, 2), "megapixels")


def _document_and_condition(result: Result, _: Sizes) -> str | None:
    template, level = document_template(result.case), document_level(result.case)
    return None if template is None or level is None else f"{template}, {level}"


_DIMENSIONS: dict[str, Callable[[Result, Sizes], str | None]] = {
    "type": lambda result, _: result.case.type.value,
    "origin": lambda result, _: origin(result.case.note),
    "group": lambda result, _: result.case.group or None,
    "document level": lambda result, _: document_level(result.case),
    "document template": lambda result, _: document_template(result.case),
    "document and condition": _document_and_condition,
    "height of the smaller face": _smaller_face,
    "size of the smaller image": _smaller_image,
}
